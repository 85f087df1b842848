"""The guards together, piece by piece."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards import (
    AgentLoop,
    AllProvidersFailed,
    Answer,
    Attempt,
    BudgetWindow,
    Completion,
    FitReport,
    RetryConfig,
    StreamTruncated,
    ToolEvent,
    Usage,
    Vet,
)

SECRET = "sk-ant-" + "api03-" + "Zq8" * 31
QUESTION = {"role": "user", "content": "why?"}
CALL = {"type": "tool_use", "id": "t0", "name": "search", "input": {"query": "a"}}
DOWN = AllProvidersFailed((Attempt(provider="a", model="m", outcome="overloaded"),))


class Stream:
    """Pieces, a failure perhaps, and the whole."""

    def __init__(self, *pieces, calls=()):
        self.pieces = pieces
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        content = [{"type": "text", "text": text}] if text else []
        self.completion = Completion(
            content=[*content, *calls],
            stop_reason="tool_use" if calls else "end_turn",
            usage=Usage(input_tokens=100, output_tokens=20),
            model="m",
        )
        self.closed = False

    def __iter__(self):
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed = True

    async def __aiter__(self):
        for piece in self:
            yield piece


class Streaming:
    """A model that streams one thing after the other."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []

    def stream(self, messages, max_tokens, **keywords):
        self.requests.append({"messages": list(messages), "max_tokens": max_tokens, **keywords})
        return self.script.pop(0)


@pytest.fixture(params=["sync", "async"])
def items(request):
    """All items of a stream in either form."""

    def go(loop):
        if request.param == "sync":
            return list(loop.stream([QUESTION]))

        async def collect():
            return [item async for item in loop.astream([QUESTION])]

        return asyncio.run(collect())

    return go


@pytest.fixture
def vet():
    """One tool that finds something, one that breaks."""
    vet = Vet()

    @vet.guard()
    def search(query: str) -> str:
        """Search."""
        return f"found {query}"

    return vet


def told(items):
    """The text, the kinds of the tool events, and the answer."""
    text = "".join(item for item in items if isinstance(item, str))
    return text, [item.kind for item in items if isinstance(item, ToolEvent)], items[-1]


def test_text_and_tools_come_as_they_happen_and_the_answer_at_the_end(items, vet):
    """The history is that of a run that is not streamed."""
    model = Streaming(Stream("let me ", "see. ", calls=[CALL]), Stream("be", "cause"))
    got = items(AgentLoop(model, vet))
    text, kinds, answer = told(got)

    assert text == "let me see. because"
    assert kinds == ["called", "returned"]
    assert (
        got.index(ToolEvent(kind="called", name="search", call_id="t0", value={"query": "a"})) > 0
    )
    assert isinstance(answer, Answer)
    assert (answer.text, answer.steps, answer.tokens) == ("because", 2, 240)
    assert [turn["role"] for turn in answer.messages] == ["user", "assistant", "user", "assistant"]
    assert model.requests[1]["messages"] == answer.messages[:-1]


def test_bad_arguments_are_told(items, vet):
    """As an event that failed, and to the model."""
    bad = {**CALL, "input": {"qeury": "a"}}
    _, kinds, answer = told(items(AgentLoop(Streaming(Stream(calls=[bad]), Stream("sorry")), vet)))

    assert kinds == ["called", "failed"]
    assert "query" in answer.messages[2]["content"][0]["content"]


def test_a_request_that_cannot_fit_is_refused_in_one_piece(items):
    """Nothing is asked, and the text is shown once."""
    model = Streaming(Stream("never"))
    loop = AgentLoop(model, fit=lambda **asked: FitReport(context_window=1, **asked))

    assert told(items(loop))[0] == loop.too_large
    assert model.requests == []


def test_before_the_first_piece_the_turn_is_asked_again(items):
    """Nothing has been shown yet."""
    model = Streaming(Stream(DOWN), Stream("because"))
    loop = AgentLoop(model, retry=RetryConfig(base_delay=0.0, max_delay=0.0))

    assert told(items(loop))[0] == "because"
    assert len(model.requests) == 2


def test_after_the_first_piece_it_is_not(items):
    """What has been shown cannot be taken back."""
    model = Streaming(Stream("be", StreamTruncated("it ended")), Stream("because"))

    with pytest.raises(StreamTruncated):
        items(AgentLoop(model, retry=RetryConfig(base_delay=0.0, max_delay=0.0)))
    assert len(model.requests) == 1


def test_the_budget_is_settled_or_given_back_and_keeps_what_has_begun(items, clock):
    """A stream that broke off was paid up to there, at an unknown price: its estimate stays."""
    budget = BudgetWindow(tokens_per_minute=100_000, clock=clock, sleep=clock.sleep)

    def booked(*pieces):
        before = budget.snapshot()["tokens"]
        with contextlib.suppress(AllProvidersFailed, StreamTruncated):
            items(AgentLoop(Streaming(Stream(*pieces)), budget=budget, retry=None))
        return budget.snapshot()["tokens"] - before

    assert booked("be", "cause") == 120
    assert booked(DOWN) == 0
    assert booked("be", StreamTruncated("it ended")) > 1024


@given(cut=st.integers(0, len(SECRET)))
def test_a_secret_is_not_shown_in_two_halves(cut):
    """Wherever the provider cuts it."""
    pieces = ("the key is ", SECRET[:cut], SECRET[cut:], " and nothing else")
    text, _, answer = told(list(AgentLoop(Streaming(Stream(*pieces))).stream([QUESTION])))

    assert SECRET[:20] not in text
    assert text == answer.text


def test_without_a_scrubber_every_piece_is_out_at_once():
    """There is nothing to wait for."""
    loop = AgentLoop(Streaming(Stream("be", "cause")), scrubber=None)

    assert [it for it in loop.stream([QUESTION]) if isinstance(it, str)] == ["be", "cause"]


def test_a_model_without_streams_answers_in_one_piece(items):
    """Any model of a loop will do."""

    class Whole:
        def complete(self, **_request):
            return Stream("because").completion

        async def acomplete(self, **_request):
            return Stream("because").completion

    assert told(items(AgentLoop(Whole())))[0] == "because"


def test_silence_is_answered(items):
    """What is shown is what the answer says."""
    text, _, answer = told(items(AgentLoop(Streaming(Stream()))))

    assert text == answer.text == AgentLoop(Streaming()).nothing


def test_a_stream_that_is_put_away_is_closed():
    """The connection below goes with it."""
    stream = Stream("be", "cause")
    run = AgentLoop(Streaming(stream), scrubber=None).stream([QUESTION])
    assert next(run) == "be"
    run.close()

    assert stream.closed


@pytest.mark.parametrize("result", [{(1, 2): "odd"}, "circular"])
def test_a_result_that_is_no_json_does_not_end_the_run(result):
    """The model gets it in another form."""
    vet = Vet()

    @vet.guard()
    def search(query: str) -> object:
        """Search."""
        if result != "circular":
            return result
        ring = []
        ring.append(ring)
        return ring

    model = Streaming(Stream(calls=[CALL]), Stream("done"))
    answer = told(list(AgentLoop(model, vet).stream([QUESTION])))[2]

    assert answer.text == "done"
