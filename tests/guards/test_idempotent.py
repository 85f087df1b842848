"""An effect happens once, whatever happens to its answer."""

import asyncio
import pickle

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards import (
    ArgError,
    CircuitOpenError,
    Deadline,
    Effect,
    IdempotentTools,
    MemoryEffects,
    OutcomeUnknown,
    RetryConfig,
    RetryExhausted,
    SessionScope,
    ToolRefused,
    ToolTimeout,
    Vet,
    with_retry,
)
from chaoskit_guards.effects import effect_key


class Bank:
    """Pays back what it is asked to, and then does what the script says: return or raise."""

    def __init__(self, *script, acts=True):
        self.script = list(script)
        self.acts = acts
        self.paid = []
        self.keys = []

    def __call__(self, order, amount, key=None):
        step = self.script.pop(0) if self.script else None
        if self.acts or not isinstance(step, Exception):
            self.paid.append((order, amount))
            self.keys.append(key)
        if isinstance(step, Exception):
            raise step
        return step or {"refund": len(self.paid)}


def tools(bank, **effect):
    """Guarded tools with one effect and one tool that reads."""
    vet = Vet()
    looked = []
    settings = {k: effect.pop(k) for k in list(effect) if k not in Effect.__slots__}

    @vet.guard()
    def refund(order: str, amount: float = 1.0, key: str = "") -> dict:
        return bank(order, amount, key)

    @vet.guard()
    def orders() -> list:
        looked.append(1)
        return looked

    return IdempotentTools(vet, {"refund": Effect(**effect)}, **settings)


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Dispatches in either form."""

    def go(guarded, arguments, **keywords):
        if request.param == "sync":
            return guarded.dispatch("refund", arguments, **keywords)
        return asyncio.run(guarded.adispatch("refund", arguments, **keywords))

    return go


def test_an_equal_call_gets_the_result_of_the_first(call):
    """However it spells its JSON."""
    bank = Bank()
    guarded = tools(bank)
    first = call(guarded, {"order": "A1", "amount": 5})
    again = call(guarded, '{"amount": 5.0, "order": "A1"}')
    assert (first, again, bank.paid) == ({"refund": 1}, {"refund": 1}, [("A1", 5.0)])


def test_another_call_is_another_effect(call):
    """Spelling counts, and so does what is left out only because it is the default."""
    bank = Bank()
    guarded = tools(bank)
    for order in ("A1", "a1", "A1 "):
        call(guarded, {"order": order})
    call(guarded, {"order": "A1", "amount": 1})
    assert [order for order, _ in bank.paid] == ["A1", "a1", "A1 "]


def test_tools_that_are_no_effects_pass_through():
    """Each time."""
    guarded = tools(Bank())
    assert guarded.dispatch("orders", {}) == [1]
    assert asyncio.run(guarded.adispatch("orders", {})) == [1, 1]


def test_a_lost_answer_is_not_repeated(call):
    """The model is told to look; and told again, without the effect, when it does not."""
    bank = Bank(TimeoutError())
    guarded = tools(bank)
    with pytest.raises(OutcomeUnknown) as caught:
        call(guarded, {"order": "A1"})
    assert str(caught.value) == (
        "The outcome of refund(order=…) is unknown. Look it up before you try again."
    )
    assert isinstance(caught.value.__cause__, TimeoutError)
    with pytest.raises(OutcomeUnknown, match="not repeated"):
        call(guarded, {"order": "A1"})
    assert bank.paid == [("A1", 1.0)]


@pytest.mark.parametrize(
    "error",
    [
        ToolTimeout("refund", 3.0, effect=True, running=False),
        ConnectionResetError(),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        RetryExhausted("gave up", attempts=3),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_have_been_sent_is_unknown(call, error):
    """Whatever library lost it."""
    bank = Bank(error)
    guarded = tools(bank)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            call(guarded, {"order": "A1"})
    assert len(bank.paid) == 1


def status(code):
    """The refusal of an HTTP server."""
    request = httpx.Request("POST", "http://bank")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(code))


def wrapped():
    """An SDK's error around a connection that was never made."""
    error = RuntimeError("could not connect")
    error.__cause__ = httpx.ConnectError("refused")
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        httpx.ConnectTimeout("slow"),
        wrapped(),
        status(422),
        status(429),
        CircuitOpenError("bank", 3.0),
        ToolRefused("the order is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_never_happened_is_repeated(call, error):
    """And its own error is raised."""
    bank = Bank(error, acts=False)
    guarded = tools(bank)
    with pytest.raises(type(error)):
        call(guarded, {"order": "A1"})
    assert call(guarded, {"order": "A1"}) == {"refund": 1}


def test_an_error_while_another_one_is_handled_is_judged_by_itself():
    """A connection that failed before says nothing about what was tried next."""

    def fallback(order, amount, key):
        try:
            raise httpx.ConnectError("refused")
        except httpx.ConnectError:
            paid.append(order)
            raise TimeoutError from None

    paid = []
    guarded = tools(fallback)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            guarded.dispatch("refund", {"order": "A1"})
    assert paid == ["A1"]


def test_wrong_arguments_leave_no_trace(call):
    """The corrected call runs."""
    bank = Bank()
    guarded = tools(bank)
    with pytest.raises(ArgError):
        call(guarded, {"order": 3})
    assert call(guarded, {"order": "3"}) == {"refund": 1}


def test_a_failure_of_the_tools_own_is_told_and_not_repeated(call):
    """It may have happened after the effect, as a wrong key in the answer does."""
    bank = Bank(KeyError("id"))
    guarded = tools(bank)
    with pytest.raises(KeyError):
        call(guarded, {"order": "A1"})
    with pytest.raises(OutcomeUnknown):
        call(guarded, {"order": "A1"})
    assert len(bank.paid) == 1


def test_the_tool_can_say_that_nothing_happened(call):
    """By an exception, or by a result that reports an error."""
    bank = Bank(LookupError("no such order"), {"error": "closed"}, {"error": "closed"})
    guarded = tools(bank, refused=lambda said: isinstance(said, LookupError | dict))
    with pytest.raises(LookupError):
        call(guarded, {"order": "A1"})
    assert call(guarded, {"order": "A1"}) == {"error": "closed"}
    assert call(guarded, {"order": "A1"}) == {"error": "closed"}
    assert call(guarded, {"order": "A1"}) == {"refund": 4}


def test_a_result_that_reports_an_error_is_given_once(call):
    """MCP reports lost connections so; the next equal call is not run."""
    bank = Bank({"is_error": True, "content": "timed out"})
    guarded = tools(bank)
    assert call(guarded, {"order": "A1"}) == {"is_error": True, "content": "timed out"}
    with pytest.raises(OutcomeUnknown):
        call(guarded, {"order": "A1"})
    assert len(bank.paid) == 1


@pytest.mark.parametrize("spelt", ["isError", "is_error"])
def test_an_error_result_of_mcp_is_looked_up(call, spelt):
    """It may be a timeout between the server and the bank."""
    bank = Bank({"content": [{"type": "text", "text": "gateway timeout"}], spelt: True})
    guarded = tools(bank, check=lambda **_: "found" if bank.paid else False)
    assert call(guarded, {"order": "A1"}) == "found"
    assert call(guarded, {"order": "A1"}) == "found"
    assert len(bank.paid) == 1


def test_a_check_finds_what_happened(call):
    """Its result takes the place of the lost answer, also for later calls."""
    bank = Bank(TimeoutError())
    asked = []

    def check(order, amount=None):
        asked.append((order, amount))
        return {"refund": "found"} if bank.paid else False

    guarded = tools(bank, check=check)
    assert call(guarded, {"order": "A1", "amount": 2}) == {"refund": "found"}
    assert call(guarded, {"order": "A1", "amount": 2}) == {"refund": "found"}
    assert (asked, bank.paid) == ([("A1", 2)], [("A1", 2.0)])


def test_a_check_allows_the_repetition(call):
    """It is asked again before, since the first no may have been too early."""
    answers = [False, False]
    bank = Bank(TimeoutError(), acts=False)
    guarded = tools(bank, check=lambda **_: answers.pop())
    with pytest.raises(OutcomeUnknown, match="not happened so far"):
        call(guarded, {"order": "A1"})
    assert call(guarded, {"order": "A1"}) == {"refund": 1}
    assert answers == []


def test_an_effect_that_comes_late_is_found(call):
    """No at first, then it is there: nothing is repeated."""
    bank = Bank(TimeoutError())
    answers = [{"refund": "late"}, False]
    guarded = tools(bank, check=lambda **_: answers.pop())
    with pytest.raises(OutcomeUnknown):
        call(guarded, {"order": "A1"})
    assert call(guarded, {"order": "A1"}) == {"refund": "late"}
    assert len(bank.paid) == 1


@pytest.mark.parametrize("broken", [lambda **_: None, lambda wrong: 1, lambda **_: 1 / 0])
def test_a_check_that_cannot_tell_allows_nothing(call, broken):
    """Nor does one that fails."""
    bank = Bank(TimeoutError())
    guarded = tools(bank, check=broken)
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            call(guarded, {"order": "A1"})
    assert len(bank.paid) == 1


def test_an_async_check_is_awaited():
    """In the async form."""

    async def check(order):
        return {"refund": order}

    guarded = tools(Bank(TimeoutError()), check=check)
    assert asyncio.run(guarded.adispatch("refund", {"order": "A1"})) == {"refund": "A1"}


def test_a_tool_that_takes_a_key_is_repeated_with_the_same_one(call):
    """It promises that two calls with one key are one effect."""
    bank = Bank(TimeoutError())
    guarded = tools(bank, key_parameter="key")
    with pytest.raises(OutcomeUnknown, match="try again with the same arguments"):
        call(guarded, {"order": "A1", "key": "made up by the model"})
    assert call(guarded, {"order": "A1"}) == {"refund": 2}
    assert len(set(bank.keys)) == 1
    assert len(bank.keys[0]) == 32
    call(guarded, {"order": "A2"})
    assert len(set(bank.keys)) == 2


@pytest.mark.parametrize("means", ["key", "check", "nothing"])
def test_a_retry_around_it_repeats_what_is_safe(means):
    """And nothing else."""
    bank = Bank(TimeoutError(), acts=means != "check")
    effect = {"key": {"key_parameter": "key"}, "check": {"check": lambda **_: False}}
    guarded = tools(bank, **effect.get(means, {}))
    retried = with_retry(RetryConfig(max_attempts=3), sleep=lambda _: None)(guarded.dispatch)
    if means == "nothing":
        with pytest.raises(OutcomeUnknown):
            retried("refund", {"order": "A1"})
        assert len(bank.paid) == 1
    else:
        assert retried("refund", {"order": "A1"})["refund"] == len(bank.paid)
        assert len(set(bank.keys)) == 1


def test_the_model_is_not_offered_the_key():
    """In no vendor's words."""
    guarded = tools(Bank(), key_parameter="key")
    for vendor in ("anthropic", "openai", "openai_responses"):
        schema = guarded.schemas(vendor)[0]
        body = schema.get("function", schema)
        parameters = body.get("input_schema") or body["parameters"]
        assert set(parameters["properties"]) == {"order", "amount"}
        assert parameters["required"] == ["order"]


def test_identity_names_what_makes_it_the_same_effect(call):
    """A reason is worded anew each time."""
    bank = Bank()
    guarded = tools(bank, identity=["order"])
    call(guarded, {"order": "A1", "amount": 1})
    call(guarded, {"order": "A1", "amount": 2})
    assert bank.paid == [("A1", 1.0)]


def test_ids_of_the_call_do_not_make_it_another_effect():
    """But times do, since they can be what is asked for."""
    effect = Effect()
    same = {
        effect_key("s", "send", {"to": "a", name: number}, effect)
        for name in ("request_id", "idempotencyKey", "trace-id")
        for number in (1, 2)
    }
    assert len(same) == 1
    later = {effect_key("s", "send", {"to": "a", "timestamp": n}, effect) for n in (1, 2)}
    assert len(later) == 2


def test_sessions_are_apart(call):
    """Two users may ask for the same."""
    bank = Bank()
    guarded = tools(bank)
    for session in ("alice", "bob", "alice"):
        with SessionScope(session):
            call(guarded, {"order": "A1"})
    assert len(bank.paid) == 2
    named = tools(bank, session=lambda: "carol")
    call(named, {"order": "A1"})
    assert len(bank.paid) == 3


def test_the_caller_may_know_the_key_better(call):
    """Then the arguments do not count."""
    bank = Bank()
    guarded = tools(bank)
    call(guarded, {"order": "A1"}, key="step 7")
    call(guarded, {"order": "A2"}, key="step 7")
    call(guarded, {"order": "A1"}, key="step 8")
    assert bank.paid == [("A1", 1.0), ("A1", 1.0)]


def test_the_id_of_a_call_tells_calls_apart(call):
    """Each id runs once, whichever came last; unknown outcomes hold for all of them."""
    bank = Bank(None, None, TimeoutError())
    guarded = tools(bank)
    for call_id in ("t1", "t2", "t1", "t2"):
        call(guarded, {"order": "A1"}, call_id=call_id)
    assert len(bank.paid) == 2
    for call_id in ("t3", "t4", "t3"):
        with pytest.raises(OutcomeUnknown):
            call(guarded, {"order": "A1"}, call_id=call_id)
    assert len(bank.paid) == 3
    assert call(guarded, {"order": "A1"}, call_id="t1") == {"refund": 1}


def test_a_person_settles_what_is_unknown(call):
    """Either way."""
    bank = Bank(TimeoutError(), TimeoutError())
    guarded = tools(bank)
    keys = {}
    for order in ("A1", "A2"):
        with pytest.raises(OutcomeUnknown) as caught:
            call(guarded, {"order": order})
        keys[order] = caught.value.key
    assert guarded.settle(keys["A1"], happened=True, result="paid by hand")
    assert guarded.settle(keys["A2"], happened=False)
    assert call(guarded, {"order": "A1"}) == "paid by hand"
    assert call(guarded, {"order": "A2"}) == {"refund": 3}


def test_a_result_is_forgotten_after_its_lifetime(call, clock):
    """And so is what is unknown."""
    bank = Bank(None, TimeoutError())
    guarded = tools(bank, lifetime=60, clock=clock)
    call(guarded, {"order": "A1"})
    with pytest.raises(OutcomeUnknown):
        call(guarded, {"order": "A2"})
    clock.advance(59)
    call(guarded, {"order": "A1"})
    assert len(bank.paid) == 2
    clock.advance(1)
    call(guarded, {"order": "A1"})
    call(guarded, {"order": "A2"})
    assert len(bank.paid) == 4


def test_nobody_changes_what_is_remembered(call):
    """Each caller gets a copy."""
    guarded = tools(Bank())
    call(guarded, {"order": "A1"})["refund"] = "changed"
    call(guarded, {"order": "A1"})["refund"] = "changed again"
    assert call(guarded, {"order": "A1"}) == {"refund": 1}


def test_an_interrupted_effect_is_unknown():
    """Ctrl-C goes through."""
    bank = Bank()

    def interrupted(*args):
        bank(*args)
        raise KeyboardInterrupt

    guarded = tools(interrupted)
    with pytest.raises(KeyboardInterrupt):
        guarded.dispatch("refund", {"order": "A1"})
    with pytest.raises(OutcomeUnknown):
        guarded.dispatch("refund", {"order": "A1"})
    assert len(bank.paid) == 1


def test_a_call_that_was_never_heard_of_again_is_unknown(clock):
    """When its lease has run out; until then an equal call waits."""
    store, bank = MemoryEffects(clock=clock), Bank()
    seen = []
    settings = {"store": store, "lease": 30, "sleep": clock.sleep, "listener": seen.append}
    guarded = tools(bank, **settings)
    key = effect_key("", "refund", {"order": "A1"}, Effect())
    assert store.begin(key, "somebody who is gone", lease=30).state == "begun"
    with pytest.raises(OutcomeUnknown):
        guarded.dispatch("refund", {"order": "A1"})
    assert sum(clock.sleeps) >= 30
    assert bank.paid == []


def test_a_name_that_is_no_tool_is_refused():
    """A misspelt effect would be repeated."""
    with pytest.raises(ValueError, match="did you mean 'refund'"):
        IdempotentTools(tools(Bank()), ["refnud"])
    with pytest.raises(TypeError):
        IdempotentTools(tools(Bank()), "refund")


def test_the_error_can_be_pickled_and_holds_no_argument():
    """Only their names."""
    guarded = tools(Bank(TimeoutError("s3cr3t")))
    with pytest.raises(OutcomeUnknown) as caught:
        guarded.dispatch("refund", {"order": "s3cr3t"})
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.key, again.tool) == (str(caught.value), caught.value.key, "refund")
    assert "s3cr3t" not in repr(again.__dict__) + str(again)


def test_a_memory_that_is_full_forgets_what_has_happened_first(clock):
    """Unknown effects stay longer, and what is under way always."""
    store = MemoryEffects(2, clock=clock)
    for key in ("under way", "done", "unknown", "done too"):
        store.begin(key, "me", lease=60)
    store.end("done", "me", "done", 1, lifetime=60)
    store.end("unknown", "me", "unknown", None, lifetime=60)
    store.end("done too", "me", "done", 2, lifetime=60)
    assert len(store) == 3
    assert store.begin("under way", "other", lease=60).state == "running"
    assert store.begin("unknown", "other", lease=60).state == "unknown"
    assert store.begin("done", "other", lease=60).state == "begun"


def test_a_call_with_an_id_gets_what_a_call_without_one_did(call):
    """It was the same effect."""
    bank = Bank()
    guarded = tools(bank)
    call(guarded, {"order": "A1"})
    for _ in range(2):
        assert call(guarded, {"order": "A1"}, call_id="t1") == {"refund": 1}
    assert len(bank.paid) == 1


@pytest.mark.parametrize("call_id", [None, "t1"])
def test_who_waits_for_another_process_waits_no_longer_than_it_has_time(clock, call_id):
    """Then the outcome is unknown to it, and what it has noted itself is taken back."""
    store, bank = MemoryEffects(clock=clock), Bank()
    guarded = tools(bank, store=store, sleep=clock.sleep, async_sleep=clock.asleep)
    key = effect_key("", "refund", {"order": "A1"}, Effect())
    store.begin(key, "another process", lease=300)
    for run in (guarded.dispatch, lambda *a, **k: asyncio.run(guarded.adispatch(*a, **k))):
        with Deadline(2, clock=clock), pytest.raises(OutcomeUnknown, match="still at it"):
            run("refund", {"order": "A1"}, call_id=call_id)
    store.end(key, "another process", "failed", None, lifetime=60)
    assert guarded.dispatch("refund", {"order": "A1"}, call_id=call_id) == {"refund": 1}


def test_an_async_check_of_a_sync_call_cannot_tell():
    """And is not left un-awaited."""

    async def check(order):
        return "found"

    guarded = tools(Bank(TimeoutError()), check=check)
    with pytest.raises(OutcomeUnknown):
        guarded.dispatch("refund", {"order": "A1"})


def test_wrong_settings_are_refused():
    """When they are written."""
    with pytest.raises(TypeError, match="identity"):
        Effect(identity="order")
    for wrong in ({"lifetime": 0}, {"lease": float("inf")}):
        with pytest.raises(ValueError, match="seconds"):
            tools(Bank(), **wrong)
    with pytest.raises(ValueError, match="most"):
        MemoryEffects(0)


def test_deep_arguments_and_lists_have_keys():
    """The order of a list counts, and nothing breaks."""
    deep = value = {}
    for _ in range(200):
        value["a"] = value = {}
    keys = {
        effect_key("s", "t", arguments, Effect())
        for arguments in (
            deep,
            {"ids": [1, 2]},
            {"ids": [2, 1]},
            {"ids": [1.0, 2]},
            "no JSON",
            None,
        )
    }
    assert len(keys) == 5


def test_a_late_call_changes_nothing(clock):
    """Who has lost its lease cannot end what another one has taken."""
    store = MemoryEffects(clock=clock)
    store.begin("k", "first", lease=10)
    clock.advance(10)
    assert store.begin("k", "second", lease=10).state == "unknown"
    store.end("k", "first", "failed", None, lifetime=60)
    assert store.begin("k", "third", lease=10).state == "running"


ENDINGS = st.sampled_from(["paid", "lost after", "lost before", "refused", "broken"])


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from("AB"), ENDINGS), max_size=30),
    st.sampled_from(["none", "check", "key"]),
    st.booleans(),
)
def test_no_interleaving_pays_twice(steps, means, is_async):
    """The law: whatever is lost, one order is paid at most once, and a told success is one."""
    paid, ending = {}, []

    def refund(order: str, key: str = "") -> str:
        how = ending[-1]
        if how == "refused":
            raise ToolRefused("closed")
        # A provider that takes keys knows what it has done.
        if how != "lost before" and not (means == "key" and key in paid.get(order, ())):
            paid.setdefault(order, []).append(key)
        if how.startswith("lost"):
            raise TimeoutError
        if how == "broken":
            raise KeyError("id")
        return f"{order} is paid"

    def check(order):
        return f"{order} is paid" if paid.get(order) else False

    vet = Vet()
    vet.guard()(refund)
    effect = {
        "none": Effect(),
        "check": Effect(check=check),
        "key": Effect(key_parameter="key"),
    }[means]
    guarded = IdempotentTools(vet, {"refund": effect})
    for order, how in steps:
        ending.append(how)
        try:
            if is_async:
                told = asyncio.run(guarded.adispatch("refund", {"order": order}))
            else:
                told = guarded.dispatch("refund", {"order": order})
        except (OutcomeUnknown, ToolRefused, KeyError):
            continue
        assert told == f"{order} is paid"
        assert len(paid[order]) == 1
    assert all(len(keys) == 1 for keys in paid.values())
