"""A handful of models and short ways to put questions to a dialect."""

import json
import random
from typing import ClassVar

import pytest

from chaoskit.dialect import Envelope, LimitState, ModelFacts
from chaoskit.dialects import AnthropicDialect, OpenAIChatDialect, OpenAIResponsesDialect
from chaoskit.exchange import Call, HttpRequest
from chaoskit.provider.shelf import Shelf

OLD = frozenset(
    {"prefill", "sampling", "forced_tool_choice", "thinking_enabled", "thinking_disabled"}
)
NEW = frozenset({"forced_tool_choice", "thinking_adaptive", "thinking_disabled"})
BOUND = frozenset({"thinking_adaptive"})


def _claude(name, features, created, **more):
    return ModelFacts(
        name=name,
        provider="anthropic",
        window=200_000,
        max_output=64_000,
        features=features,
        created=created,
        **more,
    )


class FewModels:
    """Four models of each provider; `claude-old` is also known by the name of its family."""

    _ALL = (
        _claude("claude-old-20250929", OLD, 1_700_000_000, display_name="Claude Old"),
        _claude("claude-opus-new", NEW, 1_790_000_000),
        _claude("claude-fable-bound", BOUND, 1_780_000_000),
        ModelFacts(
            name="gpt-plain-2026-01-01",
            provider="openai",
            window=128_000,
            max_output=16_384,
            features=frozenset({"sampling", "structured_output"}),
        ),
        ModelFacts(
            name="gpt-thinker",
            provider="openai",
            window=400_000,
            max_output=128_000,
            features=frozenset({"reasoning"}),
            created=1_780_000_000,
        ),
        ModelFacts(
            name="text-embedding",
            provider="openai",
            window=8_192,
            max_output=0,
            features=frozenset({"embedding"}),
        ),
    )
    _FAMILIES: ClassVar = {"claude-old": "claude-old-20250929", "gpt-plain": "gpt-plain-2026-01-01"}

    def find(self, name, provider):
        name = self._FAMILIES.get(name, name)
        return next((m for m in self.all(provider) if m.name == name), None)

    def all(self, provider):
        return tuple(m for m in self._ALL if m.provider == provider)


@pytest.fixture
def models():
    return FewModels()


@pytest.fixture
def anthropic():
    return AnthropicDialect()


@pytest.fixture
def openai():
    return OpenAIChatDialect()


@pytest.fixture
def responses():
    return OpenAIResponsesDialect()


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def envelope():
    """Return an envelope with the same ids each time."""

    def make(**changes):
        limits = (
            LimitState(name="requests", limit=50, remaining=49, reset=1.2),
            LimitState(name="tokens", limit=40_000, remaining=39_400, reset=64.5),
        )
        given = {"ids": random.Random(7), "wall": 1_795_330_800.0, "limits": limits}
        return Envelope(**(given | changes))

    return make


@pytest.fixture
def ask_anthropic(anthropic, models):
    """Decode a body in the older version of the API; `newest=True` for the newest."""

    def ask(body, *, newest=False, path="/v1/messages", method="POST", **headers):
        version = "2026-10-21" if newest else "2023-06-01"
        given = {"anthropic-version": version, "x-api-key": "test"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest(
            method=method,
            host="localhost:80",
            path=path,
            headers={name: value for name, value in given.items() if value is not None},
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        )
        return anthropic.decode(request, models)

    return ask


@pytest.fixture
def ask_openai(openai, models):
    """Decode a body."""

    def ask(body, *, path="/v1/chat/completions", method="POST", **headers):
        given = {"authorization": "Bearer test"} | headers
        request = HttpRequest(
            method=method,
            host="api.openai.com",
            path=path,
            headers={name: value for name, value in given.items() if value is not None},
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        )
        return openai.decode(request, models)

    return ask


@pytest.fixture
def ask_responses(responses, models, shelf):
    """Decode a body, and complete it by what the shelf keeps."""

    def ask(body, *, path="/v1/responses", method="POST", query="", **headers):
        given = {"authorization": "Bearer test"} | headers
        request = HttpRequest(
            method=method,
            host="api.openai.com",
            path=path,
            query=query,
            headers={name: value for name, value in given.items() if value is not None},
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        )
        decoded = responses.decode(request, models)
        return responses.recall(decoded, shelf, 0.0) if isinstance(decoded, Call) else decoded

    return ask
