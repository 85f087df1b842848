"""The code that people copy for days 1, 2 and 7 runs as it is written."""

import sys
from types import SimpleNamespace

import pytest

import chaoskit_guards

DAY_1 = """
from chaoskit_guards import Vet, ArgSpec, ArgError

class SearchArgs(ArgSpec):
    query: str  # strict type enforcement

vet = Vet()

@vet.guard(schema=SearchArgs)
def search_logs(query: str) -> dict:
    return {"results": [f"logs matching '{query}'"]}

def dispatch(tool_input):
    # In your tool dispatcher
    try:
        result = search_logs(**tool_input)
    except ArgError as e:
        # Return a structured error the LLM can reason about
        return {
            "error": True,
            "message": f"Bad tool arguments: {e}",
            "hint": "query must be a string, not a list",
        }
    return result
"""

DAY_2 = """
from chaoskit_guards import RetryConfig, with_retry
from chaoskit_guards import BudgetWindow

# Per-minute token budget to stay under provider limits
window = BudgetWindow(tokens_per_minute=40_000, usd_per_minute=2.00)

retry_cfg = RetryConfig(
    max_attempts=4,
    base_delay=1.0,
    max_delay=30.0,
    jitter=True,
    retryable_status_codes={429, 500, 502, 503},
)

import anthropic
client = anthropic.Anthropic()

def call_llm(messages: list, max_tokens: int = 512) -> anthropic.types.Message:
    # Check budget before calling
    window.reserve(estimated_tokens=max_tokens + 200)

    @with_retry(retry_cfg)
    def _call():
        return client.messages.create(
            model="claude-sonnet-4-6",
            max_tokens=max_tokens,
            messages=messages,
        )

    response = _call()
    window.record(actual_tokens=response.usage.input_tokens + response.usage.output_tokens)
    return response
"""

DAY_7 = """
from chaoskit_guards import CircuitBreaker, CircuitOpenError
from chaoskit_guards import FallbackRouter, ProviderConfig

# Primary: Claude Sonnet. Fallback: OpenAI GPT.
router = FallbackRouter(
    providers=[
        ProviderConfig(name="anthropic", model="claude-sonnet-4-6", priority=1),
        ProviderConfig(name="openai", model="gpt-5.4", priority=2),
    ]
)

circuit = CircuitBreaker(
    failure_threshold=5,  # open after 5 consecutive failures
    recovery_timeout=60,  # try again after 60 seconds
)

def call_with_fallback(messages: list) -> str:
    try:
        with circuit:
            return router.call(
                messages=messages,
                max_tokens=512,
            )
    except CircuitOpenError:
        # Circuit is open, go straight to fallback
        return router.call(
            messages=messages,
            max_tokens=512,
            skip_providers=["anthropic"],
        )
"""

MESSAGES = [{"role": "user", "content": "hi"}]


class RateLimitError(Exception):
    """What the fake SDK raises; it carries what the real one carries."""

    status_code = 429

    def __init__(self, headers):
        super().__init__("rate limited")
        self.response = SimpleNamespace(status_code=429, headers=headers)


class FakeSDK:
    """Stands for both SDKs; fails as often as it is told."""

    def __init__(self, monkeypatch):
        self.calls = []
        self.failures = {"anthropic": [], "openai": []}
        kinds = {"anthropic": "Anthropic", "openai": "OpenAI"}
        for name, kind in kinds.items():
            module = SimpleNamespace(
                types=SimpleNamespace(Message=object),
                **{kind: lambda name=name, **settings: self.client(name)},
            )
            monkeypatch.setitem(sys.modules, name, module)

    def client(self, name):
        """A client of either SDK."""

        def create(**request):
            self.calls.append((name, request))
            if self.failures[name]:
                raise self.failures[name].pop(0)
            usage = SimpleNamespace(input_tokens=30, output_tokens=12)
            text = SimpleNamespace(type="text", text=f"from {name}")
            if name == "anthropic":
                return SimpleNamespace(content=[text], stop_reason="end_turn", usage=usage)
            message = SimpleNamespace(content=f"from {name}", tool_calls=None, refusal=None)
            choice = SimpleNamespace(message=message, finish_reason="stop")
            return SimpleNamespace(choices=[choice], usage=None)

        endpoint = SimpleNamespace(create=create)
        return SimpleNamespace(messages=endpoint, chat=SimpleNamespace(completions=endpoint))


@pytest.fixture
def sdk(monkeypatch):
    """Fake SDKs in place of the installed ones."""
    return FakeSDK(monkeypatch)


@pytest.fixture
def slept(monkeypatch, clock):
    """Replace time as a harness does, after the guards were imported."""
    monkeypatch.setattr("time.sleep", clock.sleep)
    monkeypatch.setattr("time.monotonic", clock)
    return clock.sleeps


def run(code):
    """Execute code as a module and return its names."""
    names = {"__name__": "playbook"}
    exec(compile(code, "playbook", "exec"), names)
    return SimpleNamespace(**names)


def test_day_1_turns_bad_arguments_into_a_message_for_the_model():
    """And never runs the tool on them."""
    day = run(DAY_1)
    assert day.dispatch({"query": "deploy"}) == {"results": ["logs matching 'deploy'"]}
    answer = day.dispatch({"query": ["deploy", "errors"]})
    assert answer["message"] == "Bad tool arguments: query: must be a string, not a list"


def test_day_2_waits_as_asked_and_settles_the_budget(sdk, slept):
    """Two refusals, one answer, and forty-two tokens in the window."""
    day = run(DAY_2)
    sdk.failures["anthropic"] = [RateLimitError({"retry-after": "7"}), RateLimitError({})]
    response = day.call_llm(MESSAGES)
    assert response.content[0].text == "from anthropic"
    assert len(sdk.calls) == 3
    assert 7 <= slept[0] <= 10.5
    assert slept[1] <= 2
    assert day.window.snapshot()["tokens"] == 42


def test_day_2_throttles_before_the_provider_does(sdk, slept):
    """A reservation beyond the window waits for the next one."""
    day = run(DAY_2)
    day.window.reserve(estimated_tokens=39_500)
    day.call_llm(MESSAGES)
    assert 60 <= sum(slept) <= 61.1


def test_day_7_answers_from_the_fallback_and_leaves_the_primary_alone(sdk, slept):
    """The breakers inside do what the one around cannot."""
    day = run(DAY_7)
    assert day.call_with_fallback(MESSAGES) == "from anthropic"
    sdk.failures["anthropic"] = [ConnectionError("down")] * 99
    sdk.calls.clear()
    for _ in range(30):
        assert day.call_with_fallback(MESSAGES) == "from openai"
    assert [name for name, _ in sdk.calls].count("anthropic") == 5
    assert day.circuit.state == "closed"


def test_day_7_primary_calls_resume_after_recovery(sdk, slept, clock):
    """One probe, then everything."""
    day = run(DAY_7)
    sdk.failures["anthropic"] = [ConnectionError("down")] * 5
    for _ in range(6):
        day.call_with_fallback(MESSAGES)
    clock.advance(60)
    assert day.call_with_fallback(MESSAGES) == "from anthropic"


def test_day_7_opens_the_circuit_when_both_are_down(sdk, slept):
    """And then goes straight to the fallback, which has its own breaker."""
    day = run(DAY_7)
    sdk.failures = {"anthropic": [ConnectionError()] * 99, "openai": [ConnectionError()] * 99}
    for _ in range(7):
        with pytest.raises(chaoskit_guards.AllProvidersFailed):
            day.call_with_fallback(MESSAGES)
    assert day.circuit.state == "open"
    assert len(sdk.calls) == 10
