"""The guards of tools in simulated time, and in a loop whose model does what models do."""

import asyncio
import json
import time

import pytest

from chaoskit_guards import (
    AgentLoop,
    BoundedTools,
    Completion,
    Effect,
    IdempotentTools,
    LimitedTools,
    OutcomeUnknown,
    Parallel,
    RetryConfig,
    ToolRunner,
    ToolTimeout,
    Usage,
    Vet,
    count_tokens,
    with_retry,
)


@pytest.fixture
def vet():
    """Tools that take as long as they are told."""
    vet = Vet()

    @vet.guard()
    def work(seconds: int) -> int:
        time.sleep(seconds)
        return seconds

    @vet.guard()
    async def awork(seconds: int) -> int:
        await asyncio.sleep(seconds)
        return seconds

    return vet


def turn(name):
    """Three calls."""
    return [
        {"type": "tool_use", "id": f"t{n}", "name": name, "input": {"seconds": n}}
        for n in (40, 20, 70)
    ]


def told(results):
    """What the model reads of each."""
    return [result["content"].partition(" took")[0] for result in results]


def test_sync_tools_keep_their_time(lived, vet):
    """To the second, and side by side."""

    def agent():
        tools, began = BoundedTools(vet, timeout=10), time.monotonic()
        assert tools.dispatch("work", {"seconds": 3}) == 3
        with pytest.raises(ToolTimeout):
            tools.dispatch("work", {"seconds": 100})
        single = time.monotonic() - began
        results = ToolRunner(vet, deadline=50).run(turn("work"))
        return single, told(results), time.monotonic() - began

    single, results, both = lived(agent)
    assert (single, results, round(both, 1)) == (13.0, ["40", "20", "work"], 63.1)


@pytest.mark.parametrize("name", ["work", "awork"])
def test_async_tools_keep_their_time(lived, vet, name):
    """And so do sync ones in threads."""

    async def agent():
        tools, began = BoundedTools(vet, timeout=10), time.monotonic()
        assert await tools.adispatch(name, {"seconds": 3}) == 3
        with pytest.raises(ToolTimeout):
            await tools.adispatch(name, {"seconds": 100})
        single = time.monotonic() - began
        results = await ToolRunner(vet, deadline=50).arun(turn(name))
        return single, told(results), time.monotonic() - began

    single, results, both = lived(agent)
    assert (round(single, 1), results, round(both, 1)) == (13.0, ["40", "20", name], 63.1)


def test_a_retry_around_an_effect_does_not_repeat_it(lived, vet):
    """Neither a timeout of one, nor an unknown outcome."""

    def agent():
        bounded = BoundedTools(vet, timeout=10, effects=["work"])
        once = IdempotentTools(bounded, ["work"])
        began = time.monotonic()
        for tools, kind in ((bounded, ToolTimeout), (once, OutcomeUnknown)):
            with pytest.raises(kind):
                with_retry(RetryConfig(max_attempts=4))(tools.dispatch)("work", {"seconds": 99})
        return time.monotonic() - began

    assert lived(agent) == 20.0


class Impatient:
    """A model that asks for the same refund, under new ids, until it is told about it."""

    def __init__(self):
        self.read = []

    def complete(self, messages, max_tokens, **_):
        last = messages[-1]["content"]
        if not isinstance(last, str):
            self.read.append([result["content"] for result in last])
        if len(self.read) == 3:
            content = [{"type": "text", "text": "done"}]
            return Completion(content=content, stop_reason="end_turn", usage=Usage())
        twins = [
            {
                "type": "tool_use",
                "id": f"t{len(self.read)}{n}",
                "name": "refund",
                "input": {"order": "A1", "reason": f"attempt {len(self.read)}"},
            }
            for n in range(2)
        ]
        return Completion(content=twins, stop_reason="tool_use", usage=Usage())

    async def acomplete(self, messages, max_tokens, **keywords):
        return self.complete(messages, max_tokens, **keywords)


@pytest.mark.parametrize("form", ["run", "arun"])
@pytest.mark.parametrize("parallel", [None, Parallel(4, sequential=["refund"])])
@pytest.mark.parametrize("checked", [True, False])
def test_a_loop_pays_once_whatever_its_model_does(lived, form, parallel, checked):
    """The answer of the first refund gets lost; the model repeats it six times."""
    vet, paid = Vet(), []

    @vet.guard()
    def refund(order: str, reason: str) -> dict:
        paid.append(order)
        time.sleep(60)
        return {"paid": order}

    def look(order, **_):
        return {"paid": order, "found": "by looking", "log": "x y " * 500} if paid else False

    effect = Effect(check=look if checked else None, identity=["order"])
    bounded = BoundedTools(vet, timeout=10, effects=["refund"])
    tools = LimitedTools(IdempotentTools(bounded, {"refund": effect}), max_tokens=100)
    model = Impatient()

    def loop():
        return AgentLoop(model, tools, parallel=parallel, loop=None, conditions=[])

    def agent():
        return loop().run([{"role": "user", "content": "go"}]).text

    async def aagent():
        return (await loop().arun([{"role": "user", "content": "go"}])).text

    assert lived(agent if form == "run" else aagent) == "done"
    assert paid == ["A1"]
    texts = [text for turn in model.read for text in turn]
    assert len(texts) == 6
    if checked:
        assert {json.loads(text)["found"] for text in texts} == {"by looking"}
        assert max(map(count_tokens, texts)) <= 100
    else:
        assert all(text.startswith("The outcome of refund(order=…") for text in texts)
