"""The real SDKs with a dialect behind their transport: one request in, one canned reply out."""

import random

import httpx2
import pytest

from chaoskit.dialect import Envelope, LimitState, ModelFacts, Sequenced, Stateful
from chaoskit.dialects import DIALECTS
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply, Text, Usage
from chaoskit.provider.shelf import Shelf

WALL = 1_795_330_800.0
FEATURES = frozenset({"structured_output", "prefill", "forced_tool_choice", "thinking_enabled"})


class AnyModel:
    """Knows every model whose name does not begin with `no`."""

    def find(self, name, provider):
        if name.startswith("no"):
            return None
        features = frozenset({"embedding"}) if "embedding" in name else FEATURES
        return ModelFacts(
            name=name, provider=provider, window=200_000, max_output=64_000, features=features
        )

    def all(self, provider):
        return tuple(
            ModelFacts(name=f"m{at}", provider=provider, window=1, max_output=1, created=-at)
            for at in range(5)
        )


class Service:
    """Answers requests through whichever dialect claims them.

    Attributes:
        outcomes: replies and refusals, one for each request that is valid; the last one repeats.
        calls: what was decoded.
    """

    def __init__(self):
        usage = Usage(input=12, cache_read=2048, cache_write_5m=100, output=7)
        self.outcomes = [Reply(content=(Text("Hello, wörld. 👋 How are you today?"),), usage=usage)]
        self.calls = []
        self.ids = random.Random(1)
        self.shelf = Shelf()
        self.break_after = None

    def __call__(self, request):
        wire = HttpRequest(
            method=request.method,
            host=request.url.host,
            path=request.url.path,
            query=request.url.query.decode(),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.content,
        )
        (dialect,) = [dialect for dialect in DIALECTS if dialect.claims(wire)]
        decoded = dialect.decode(wire, AnyModel())
        if isinstance(decoded, Call) and isinstance(dialect, Stateful):
            decoded = dialect.recall(decoded, self.shelf, WALL)
        return self._answer(dialect, decoded)

    def _answer(self, dialect, decoded):
        limits = (LimitState(name="requests", limit=50, remaining=49, reset=1.2),)
        envelope = Envelope(ids=self.ids, wall=WALL, limits=limits, latency=0.25, shelf=self.shelf)
        self.calls.append(decoded)
        if isinstance(decoded, Refusal):
            return self._whole(dialect.refuse(decoded, None, envelope))
        if decoded.operation == "count_tokens":
            return self._whole(dialect.count(14, decoded, envelope))
        if decoded.operation == "stored":
            return self._whole(dialect.stored(decoded, envelope))
        if decoded.operation not in ("generate", "embed"):
            return self._whole(dialect.models(decoded, AnyModel(), envelope))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Refusal):
            return self._whole(dialect.refuse(outcome, decoded, envelope))
        if not decoded.stream:
            return self._whole(dialect.plain(outcome, decoded, envelope))
        headers, frames = dialect.stream(outcome, decoded, envelope)
        if self.break_after is not None:
            error = dialect.error_frame(Refusal(kind="overloaded"), envelope)
            frames = (*frames[: self.break_after], error)
        if isinstance(dialect, Sequenced):
            frames = dialect.sequence(frames)
        content = b"".join(frame.encode() for frame in frames)
        return httpx2.Response(200, headers=dict(headers), content=content)

    def _whole(self, http: HttpReply):
        return httpx2.Response(http.status, headers=dict(http.headers), content=http.body)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def sync_http(service):
    with httpx2.Client(transport=httpx2.MockTransport(service)) as client:
        yield client


@pytest.fixture
def async_http(service):
    async def handle(request):
        await request.aread()
        return service(request)

    return httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
