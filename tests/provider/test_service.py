"""The service as the run uses it."""

from dataclasses import replace

import pytest

from chaoskit.exchange import Call, Message, Refusal, Reply, Text
from chaoskit.provider import Admission, ProviderSettings, Service
from chaoskit.provider.settings import Limits, PriceSettings, VendorSettings

LONG = "The quick brown fox jumps over the lazy dog. " * 150
CALL = Call(
    dialect="anthropic",
    provider="anthropic",
    model="claude-haiku-4-5",
    key="k1",
    messages=(Message(role="user", content=(Text("Why did the deploy fail?"),)),),
    max_tokens=100,
)
CHAT = replace(CALL, dialect="openai_chat", provider="openai", model="gpt-4o", max_tokens=None)
REPLY = Reply(content=(Text("The migration timed out."),), facts=("timed out",))


def exchange(service, call=CALL, *, at=0.0, reply=REPLY, caller="ann"):
    admission = service.admit(call, now=at, caller=caller)
    assert isinstance(admission, Admission)
    begins = at + admission.first_token
    return service.settle(admission, call, reply, now=at, begins=begins)


def test_exchange_has_usage_price_and_duration():
    """What the dialects and the journal need of it."""
    settled = exchange(Service())
    usage = settled.reply.usage
    assert (usage.input, usage.cache_read, usage.output) == (12, 0, 6)
    assert settled.cost_usd == pytest.approx((12 * 1 + 6 * 5) / 1e6)
    assert settled.priced
    assert settled.seconds == pytest.approx(0.8 + 6 / 80)
    assert settled.reply.facts == ("timed out",)
    assert REPLY.content == settled.reply.content


def test_count_is_what_usage_says():
    """`count_tokens`, limits, windows and usage agree."""
    service = Service()
    for call in (CALL, CHAT):
        assert service.count(call) == exchange(service, call).reply.usage.prompt
    assert service.count(replace(CALL, model="unknown")) == 0


def test_cacheable_is_what_the_model_would_keep():
    """Tools and system prompt, against the model's minimum."""
    service = Service()
    long = (Text(LONG),)
    assert not service.weighed(CALL).cacheable
    assert not service.weighed(replace(CALL, system=long)).cacheable  # Haiku 4.5 wants 4,096
    assert service.weighed(replace(CALL, model="claude-sonnet-4-6", system=long)).cacheable
    assert not service.weighed(replace(CHAT, model="gpt-4-turbo", system=long)).cacheable
    assert service.weighed(replace(CALL, model="unknown", system=long)) is None


def test_unknown_model_is_not_found():
    """A dialect would have said so already."""
    refusal = Service().admit(replace(CALL, model="unknown"), now=0.0, caller="ann")
    assert (refusal.kind, refusal.message) == ("not_found", "model: unknown")


def test_prompt_beyond_the_window_is_refused_with_its_numbers():
    """The same number as `count` gives."""
    service = Service(ProviderSettings(window=10))
    refusal = service.admit(CALL, now=0.0, caller="ann")
    assert isinstance(refusal, Refusal)
    assert refusal.kind == "context_overflow"
    assert (service.count(CALL), 10) == (refusal.details["tokens"], refusal.details["window"])
    assert refusal.message == ""


def test_prompt_of_exactly_the_window_is_let_through_and_has_no_answer():
    """Newer models stop where the window ends."""
    service = Service(ProviderSettings(window=12))
    settled = exchange(service)
    assert (settled.reply.content, settled.reply.stop) == ((), "window_exceeded")
    roomy = exchange(Service(ProviderSettings(window=14)))
    assert (roomy.reply.stop, roomy.reply.usage.output) == ("window_exceeded", 2)


def test_older_models_refuse_prompt_and_max_tokens_beyond_the_window():
    """In the vendor's words."""
    service = Service(ProviderSettings(window=100))
    old = service.admit(replace(CALL, model="claude-3-5-haiku-20241022"), now=0.0, caller="ann")
    assert old.message.startswith(
        "input length and `max_tokens` exceed context limit: 12 + 100 > 100"
    )
    chat = service.admit(replace(CHAT, max_tokens=95), now=0.0, caller="ann")
    assert "However, you requested 108 tokens (13 in the messages, 95 in" in chat.message


def test_rate_limit_says_which_and_how_long():
    """And tells the journal whether the caller was early."""
    service = Service(ProviderSettings(limits=Limits(requests_per_minute=1)))
    exchange(service)
    refusal = service.admit(CALL, now=0.0, caller="bob")
    assert (refusal.kind, refusal.limit, refusal.retry_after) == ("rate_limited", "requests", 60)
    assert (refusal.details) == {
        "limit_value": 1,
        "used": 1,
        "requested": 1,
        "early": False,
        "waited": 0.0,
    }
    early = service.admit(CALL, now=9.0, caller="bob")
    assert (early.retry_after, early.details["early"], early.details["waited"]) == (51, True, 9.0)
    assert isinstance(service.admit(CALL, now=60.0, caller="bob"), Admission)


def test_without_a_caller_the_key_is_who_comes_back():
    """Everybody with the key is then one."""
    service = Service(ProviderSettings(limits=Limits(requests_per_minute=1)))
    exchange(service)
    assert service.admit(CALL, now=0.0).details["early"] is False
    assert service.admit(CALL, now=1.0).details["early"] is True


def test_classes_of_models_and_keys_have_limits_of_their_own():
    """A fallback to another model passes while the first one is limited."""
    service = Service(ProviderSettings(limits=Limits(requests_per_minute=1)))
    exchange(service)
    assert isinstance(service.admit(CALL, now=0.0, caller="bob"), Refusal)
    exchange(service, replace(CALL, model="claude-sonnet-4-6"))
    exchange(service, replace(CALL, key="k2"))
    exchange(service, CHAT)


def test_cache_reads_do_not_count_against_the_limit_of_anthropic():
    """They do at OpenAI."""
    settings = ProviderSettings(
        limits=Limits(input_tokens_per_minute=2_000),
        latency={"first_token": 0},
        cache_minimum=1_024,
    )
    service = Service(settings)
    cached = replace(CALL, system=(Text(LONG, "5m"),))
    for at in range(3):
        exchange(service, cached, at=float(at))
    chat = replace(CHAT, messages=(Message(role="user", content=(Text(LONG),)),))
    exchange(service, chat, at=0.0)
    assert service.admit(chat, now=1.0, caller="ann").limit == "tokens"


def test_max_tokens_counts_at_openai_only():
    """Anthropic charges what was really said, afterwards."""
    openai = Service(ProviderSettings(limits=Limits(tokens_per_minute=1_000)))
    assert openai.admit(replace(CHAT, max_tokens=1_001), now=0.0, caller="a").retry_after is None
    anthropic = Service(ProviderSettings(limits=Limits(output_tokens_per_minute=10)))
    long = Reply(content=(Text("word " * 30),))
    exchange(anthropic, replace(CALL, max_tokens=1_001), reply=long)
    refusal = anthropic.admit(CALL, now=0.0, caller="bob")
    assert refusal.limit == "output_tokens"
    assert refusal.retry_after > 60


def test_prompt_cache_shows_in_usage_and_in_the_bill():
    """Cold, warm, and cold again after a deploy."""
    service = Service()
    call = replace(CALL, model="claude-sonnet-4-6", system=(Text(LONG, "5m"),))
    cold, warm = (exchange(service, call, at=at) for at in (0.0, 10.0))
    assert cold.reply.usage.cache_write_5m == warm.reply.usage.cache_read > 1_024
    assert warm.cost_usd < cold.cost_usd / 5
    service.deploy()
    assert exchange(service, call, at=20.0).reply.usage.cache_read == 0


def test_request_whose_answer_never_came_leaves_nothing_in_the_cache():
    """A broken exchange is not settled."""
    service = Service()
    call = replace(CALL, model="claude-sonnet-4-6", system=(Text(LONG, "5m"),))
    service.admit(call, now=0.0, caller="ann")
    assert exchange(service, call, at=10.0).reply.usage.cache_read == 0


def test_cache_can_be_switched_off():
    """For all, or for one vendor."""
    service = Service(ProviderSettings(anthropic=VendorSettings(cache=False)))
    call = replace(CALL, model="claude-sonnet-4-6", system=(Text(LONG, "5m"),))
    for at in (0.0, 10.0):
        assert exchange(service, call, at=at).reply.usage.input > 1_024


def test_unknown_price_is_flagged():
    """A free call and an unknown price are two things."""
    nobody = replace(CALL, model="claude-never-heard-of")
    settled = exchange(Service(), nobody)
    assert (settled.cost_usd, settled.priced) == (0.0, False)
    free = Service(ProviderSettings(prices=PriceSettings(input=0, output=0)))
    assert (exchange(free, nobody).cost_usd, exchange(free, nobody).priced) == (0.0, True)


def test_limits_are_told_with_every_answer():
    """Admitted ones carry them, for the others there is `states`."""
    service = Service()
    assert service.states("k1", 0.0) == ()
    untouched = service.states("k1", 0.0, CALL)
    assert [state.remaining for state in untouched] == [1_000, 2_000_000, 400_000]
    admission = service.admit(CALL, now=0.0, caller="ann")
    assert [state.remaining for state in admission.limits] == [999, 1_999_988, 400_000]
    assert admission.limits == service.states("k1", 0.0)
    exchange(service, CHAT)
    assert [state.name for state in service.states("k1", 0.0)] == ["requests", "tokens"]
    assert admission.limits == service.states("k1", 0.0, CALL)
    assert service.states("k1", 0.0, replace(CALL, model="unknown")) == service.states("k1", 0.0)


def test_pace_follows_the_settings():
    """One vendor may be slower."""
    slow = {"latency": {"first_token": "3s", "tokens_per_second": 10}}
    service = Service(ProviderSettings(openai=slow))
    admission = service.admit(CHAT, now=0.0, caller="ann")
    assert (admission.first_token, admission.tokens_per_second) == (3.0, 10.0)
    assert exchange(service, CHAT).seconds == pytest.approx(3.6)
    assert service.admit(CALL, now=0.0, caller="ann").first_token == 0.8


def test_same_calls_give_the_same_results():
    """Nothing but calls and times matters."""
    calls = [replace(CALL, system=(Text(LONG, "5m"),)), CALL, CHAT] * 3
    runs = []
    for _ in range(2):
        service = Service(ProviderSettings(limits=Limits(requests_per_minute=5)))
        runs.append([service.admit(call, now=at / 2, caller="a") for at, call in enumerate(calls)])
    assert runs[0] == runs[1]


# Conversations that the service shortens.


def test_truncated_conversation_loses_its_oldest_messages():
    """As many as have to go, and only where the request says so."""
    service = Service()
    messages = tuple([Message(role="user", content=(Text(f"{at} {LONG}"),)) for at in range(200)])
    call = replace(CHAT, messages=messages)
    refused = service.admit(call, now=0, caller="ann")
    assert isinstance(refused, Refusal)
    assert refused.kind == "context_overflow"
    admission = service.admit(replace(call, options={"truncation": "auto"}), now=0, caller="ann")
    assert isinstance(admission, Admission)
    window = admission.model.facts.window
    one = service.count(replace(CHAT, messages=messages[-1:]))
    assert window - one < admission.prompt.total <= window


def test_newest_message_is_never_left_out():
    """One that is too large by itself is refused."""
    huge = Message(role="user", content=(Text(LONG * 200),))
    call = replace(CHAT, messages=(*CHAT.messages, huge), options={"truncation": "auto"})
    assert isinstance(Service().admit(call, now=0, caller="ann"), Refusal)


# Vectors.


def embedding(*texts):
    messages = tuple([Message(role="user", content=(Text(text),)) for text in texts])
    return replace(CHAT, operation="embed", model="text-embedding-3-small", messages=messages)


def test_texts_to_embed_cost_their_own_tokens():
    """Nothing is added to them, and nothing comes out."""
    service = Service()
    settled = exchange(service, embedding("hello", "hello"), reply=Reply(content=()))
    usage = settled.reply.usage
    assert (usage.prompt, usage.output) == (2 * service.counter.text("hello"), 0)
    assert (settled.priced, settled.cost_usd > 0) == (True, True)


def test_each_text_to_embed_has_the_window_for_itself():
    """Together they may be longer."""
    service = Service()
    long = "word " * 8000
    assert isinstance(service.admit(embedding(long, long), now=0, caller="ann"), Admission)
    refused = service.admit(embedding("hi", long + long), now=0, caller="ann")
    assert isinstance(refused, Refusal)
    assert refused.message.startswith(
        "This model's maximum context length is 8192 tokens, however you requested 16"
    )
