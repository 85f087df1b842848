"""The cache warmer and the prefix it shares with real requests."""

import asyncio
import math
import threading

import pytest

from chaoskit_guards.keepalive import (
    FIVE_MINUTES,
    ONE_HOUR,
    best_ttl,
    break_even_rate,
    hourly_cost,
)
from chaoskit_guards.prefix import CachePrefix, first_difference, prefix_bytes
from chaoskit_guards.warm import CacheWarmer

SYSTEM = "You are a careful assistant. " * 400


class Cache:
    """A provider's cache: marked prefixes are written once and read afterwards."""

    def __init__(self, minimum=1_024, *, forgets=False):
        self.minimum, self.forgets = minimum, forgets
        self.known, self.requests = set(), []
        self.messages = self

    def answer(self, request):
        self.requests.append(request)
        system = request.get("system")
        marked = isinstance(system, list) and "cache_control" in system[-1]
        size = len(str(system)) // 4
        key = (request["model"], str(system))
        usage = {"input_tokens": 10, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
        if not marked or size < self.minimum:
            usage["input_tokens"] += size
        elif key in self.known and not self.forgets:
            usage["cache_read_input_tokens"] = size
        else:
            self.known.add(key)
            usage["cache_creation_input_tokens"] = size
        return {"usage": usage}


class AsyncClient(Cache):
    async def create(self, **request):
        await asyncio.sleep(0)
        return self.answer(request)


class SyncClient(Cache):
    def create(self, **request):
        return self.answer(request)


async def no_wait(seconds):
    assert seconds == 2.0


def warmer(client, **settings):
    return CacheWarmer("claude-sonnet-4-6", client=client, sleep=no_wait, **settings)


def test_warming_writes_and_reads_back():
    """Two requests: one writes the entry, one proves it."""
    client = AsyncClient()
    result = asyncio.run(warmer(client).warm(SYSTEM, [{"role": "user", "content": "Ready."}]))
    assert (result.verdict, result.requests, result.ok) == ("warmed", 2, True)
    assert result.written == result.read > 2_000


def test_real_requests_read_what_was_warmed():
    """One helper gives both the same bytes."""
    client = AsyncClient()
    guard = warmer(client)
    asyncio.run(guard.warm(SYSTEM))
    request = guard.prefix(SYSTEM).request([{"role": "user", "content": "hi"}], max_tokens=512)
    assert client.requests[0]["system"] == request["system"] == guard.cached_system(SYSTEM)
    assert client.answer(request)["usage"]["cache_read_input_tokens"] > 0


def test_an_entry_that_is_there_is_not_written_again():
    """A second process finds it warm with one request."""
    client = AsyncClient()
    asyncio.run(warmer(client).warm(SYSTEM))
    result = asyncio.run(warmer(client).warm(SYSTEM))
    assert (result.verdict, result.requests, result.written) == ("already_warm", 1, 0)


@pytest.mark.parametrize(
    ("system", "forgets", "verdict"),
    [("short", False, "too_short"), (SYSTEM, True, "unverified")],
)
def test_a_cold_cache_is_said_to_be_cold(caplog, system, forgets, verdict):
    """Neither a short prompt nor a lost entry passes for warm."""
    result = asyncio.run(warmer(AsyncClient(forgets=forgets)).warm(system))
    assert (verdict, False) == (result.verdict, result.ok)
    assert verdict in caplog.text


def test_callers_at_once_share_one_warming():
    """Ten workers of one loop make two requests, not twenty."""
    client = AsyncClient()
    guard = warmer(client)

    async def all_at_once():
        return await asyncio.gather(*(guard.warm(SYSTEM) for _ in range(10)))

    verdicts = {result.verdict for result in asyncio.run(all_at_once())}
    assert ({"warmed"}, 2) == (verdicts, len(client.requests))


def test_threads_at_once_share_one_warming():
    """The same for threads."""
    client, results = SyncClient(), []
    began = threading.Barrier(4)
    guard = CacheWarmer("claude-sonnet-4-6", client=client, sleep=lambda _: None)

    def work():
        began.wait()
        results.append(guard.warm_sync(SYSTEM))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(client.requests) <= 5
    assert all(result.ok for result in results)


def test_a_synchronous_client_works_in_warm_too():
    """Whatever client there is."""
    assert asyncio.run(warmer(SyncClient()).warm(SYSTEM)).ok


def test_an_asynchronous_client_is_refused_in_warm_sync():
    """No coroutine is mistaken for an answer."""
    with pytest.raises(TypeError, match="synchronous client"):
        warmer(AsyncClient()).warm_sync(SYSTEM)


def test_the_entry_expires():
    """Its age counts from the start of the request that used it."""
    now = [0.0]
    guard = warmer(AsyncClient(), clock=lambda: now[0])
    prefix = guard.prefix(SYSTEM)
    assert guard.expires_in(prefix) == 0.0
    asyncio.run(guard.warm(SYSTEM))
    now[0] = 290.0
    assert guard.expires_in(prefix) == 10.0
    guard.touched(prefix)
    assert guard.expires_in(prefix) == 300.0
    now[0] = 1_000.0
    assert guard.expires_in(prefix) == 0.0


def test_no_fifth_mark_is_set():
    """The provider allows four; those of the caller stay."""
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    prefix = CachePrefix.build("claude-sonnet-4-6", [block] * 4 + [{"type": "text", "text": "y"}])
    assert sum("cache_control" in b for b in prefix.system) == 4
    with pytest.raises(ValueError, match="5 blocks"):
        CachePrefix.build("claude-sonnet-4-6", [block] * 5)


def test_tools_are_part_of_the_prefix():
    """They come first, and are marked themselves where there is no system prompt."""
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    prefix = CachePrefix.build("claude-sonnet-4-6", "", tools, "1h")
    mark = {"type": "ephemeral", "ttl": "1h"}
    assert mark == prefix.request([])["tools"][0]["cache_control"]
    assert "cache_control" not in tools[0]


def test_nothing_to_cache_is_an_error():
    """An empty prompt cannot be warmed."""
    with pytest.raises(ValueError, match="nothing to cache"):
        warmer(SyncClient()).prefix("")


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-haiku-4-5", 4_096),
        ("claude-opus-4-7", 2_048),
        ("claude-sonnet-4-6", 1_024),
        ("x", None),
    ],
)
def test_minimums_are_data(model, minimum):
    """Each model has its own; the unknown is unknown."""
    assert minimum == CachePrefix.build(model, "x").minimum


def test_the_first_differing_byte_is_named():
    """With its part and what stood there."""
    before, after = (
        prefix_bytes("It is Monday.", [{"name": "a"}]),
        prefix_bytes("It is Friday.", [{"name": "a"}]),
    )
    diff = first_difference(before, after)
    assert ("system", before.index(b"Monday")) == (diff.part, diff.offset)
    assert "Monday" in diff.before
    assert "Friday" in diff.after
    assert first_difference(before, before) is None


def test_the_fingerprint_ignores_marks_and_knows_models():
    """The same prompt for another model is another entry."""
    one, two, other = (CachePrefix.build(m, "x") for m in ("claude-a", "claude-a", "claude-b"))
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_keeping_alive_pays_from_the_break_even_rate():
    """Below it letting go is cheaper, above it refreshing is."""
    rate = break_even_rate()
    assert pytest.approx(rate, abs=0.01) == 1.09
    for factor, keep in ((0.5, False), (2.0, True)):
        kept = hourly_cost(8_000, rate * factor, FIVE_MINUTES, keep=True)
        assert keep == (kept < hourly_cost(8_000, rate * factor, FIVE_MINUTES))
    assert math.isclose(hourly_cost(8_000, rate, keep=True), hourly_cost(8_000, rate), rel_tol=1e-9)
    assert break_even_rate(ONE_HOUR) < rate


def test_the_lifetime_follows_the_traffic():
    """A few requests an hour want the hour, many are served by five minutes."""
    assert [best_ttl(8_000, 4), best_ttl(8_000, 600)] == ["1h", "5m"]


@pytest.mark.slow
def test_the_default_client_is_the_installed_one(monkeypatch):
    """Made only when it is needed, and closed again."""
    anthropic = pytest.importorskip("anthropic")
    client, closed = AsyncClient(), []

    async def close():
        closed.append(True)

    client.close = close
    monkeypatch.setattr(anthropic, "AsyncAnthropic", lambda: client)
    guard = CacheWarmer(model="claude-sonnet-4-6", sleep=no_wait)
    assert asyncio.run(guard.warm(system=SYSTEM)).ok
    assert closed == [True]


@pytest.mark.parametrize(
    ("model", "instead"),
    [("gpt-5.4", "prompt_cache_key"), ("openai/gpt-4o", "by itself"), ("gemini-3-pro", "cached")],
)
def test_what_cannot_be_warmed_is_said(model, instead):
    """Other vendors know no marks; the error says what to do there."""
    with pytest.raises(ValueError, match=instead):
        CacheWarmer(model)


@pytest.mark.parametrize(
    "fields",
    [
        {"stream": True},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"tool_choice": {"type": "any"}},
    ],
)
def test_what_does_not_go_with_no_answer_at_all_is_said(fields):
    """`max_tokens=0` warms without an answer, and the vendor refuses the rest with it."""
    prefix = warmer(SyncClient()).prefix(SYSTEM)
    with pytest.raises(ValueError, match=next(iter(fields))):
        prefix.request([], max_tokens=0, **fields)
    assert prefix.request([], max_tokens=1, **fields)["max_tokens"] == 1


def test_an_hour_comes_before_five_minutes():
    """The vendor refuses the other order, so it is said where the prefix is made."""
    brief = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    long = {"type": "text", "text": "y", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    with pytest.raises(ValueError, match="1h"):
        CachePrefix.build("claude-sonnet-4-6", [brief, long])
    with pytest.raises(ValueError, match="1h"):
        CachePrefix.build("claude-sonnet-4-6", [brief, {"type": "text", "text": "y"}], ttl="1h")
    assert CachePrefix.build("claude-sonnet-4-6", [long, brief]).system == (long, brief)


def kept(rate, *, seconds, used=(), client=None):
    """Keep an entry warm for so many seconds of a clock that only sleeping moves."""
    now, client, told = [0.0], client or AsyncClient(), []

    class Enough(Exception):
        pass

    async def sleep(duration):
        until = now[0] + duration
        for at in sorted(it for it in used if now[0] < it <= until):
            now[0] = at
            keeper.touched(keeper.prefix(SYSTEM))
        now[0] = until
        if now[0] >= seconds:
            raise Enough

    keeper = CacheWarmer(
        "claude-sonnet-4-6",
        client=client,
        sleep=sleep,
        clock=lambda: now[0],
        verify=False,
        listener=told.append,
    )
    with pytest.raises(Enough):
        asyncio.run(keeper.keep_warm(rate, SYSTEM))
    return len(client.requests), [event.kind for event in told]


def test_an_entry_is_kept_warm_while_the_traffic_pays_for_it():
    """Once for each lifetime, less the margin, and not below the break-even rate."""
    enough = break_even_rate()
    requests, kinds = kept(lambda: enough, seconds=270 * 10)
    assert (requests, kinds[0]) == (10, "written")
    assert set(kinds[1:]) == {"already_warm"}
    assert kept(lambda: enough * 0.99, seconds=270 * 10) == (0, ["let_go"] * 10)


def test_real_requests_make_refreshing_unnecessary():
    """Each of them refreshes the entry for free."""
    requests, _ = kept(lambda: 100.0, seconds=2_000, used=range(100, 2_000, 100))
    assert requests == 1


def test_a_margin_longer_than_the_lifetime_is_refused():
    """It would refresh without end."""
    with pytest.raises(ValueError, match="margin"):
        asyncio.run(warmer(AsyncClient()).keep_warm(lambda: 9.0, SYSTEM, margin=300.0))


def test_a_refresh_that_fails_is_tried_again(caplog):
    """A task in the background must not end unseen."""

    class Down(AsyncClient):
        async def create(self, **request):
            if not self.requests:
                self.requests.append(request)
                raise ConnectionError("no route")
            return self.answer(request)

    requests, kinds = kept(lambda: 100.0, seconds=600, client=Down())
    assert (requests, kinds[0]) == (3, "written")
    assert "no route" in caplog.text
