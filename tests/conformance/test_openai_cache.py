"""What a request may say of OpenAI's prompt cache, through the SDK and a whole world behind it."""

import time

import openai
import pytest

from lived_clients import lived

LONG = "A rule of this shop that everybody keeps. " * 400
MODEL = "gpt-5.6-luna"
TOOL = {"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}}
SHAPE = {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}}


def live(use):
    """What use of OpenAI's client inside a run returned."""
    return lived(openai.OpenAI, use)[0]


def respond(client, said="One?", **more):
    return client.responses.create(
        **{"model": MODEL, "instructions": LONG, "input": said, "tool_choice": "none"} | more
    )


def compared(made, **more):
    return {"prompt_cache_options": {"comparison_response_id": made.id} | more}


@pytest.mark.wire("openai_responses.cache.diagnostics")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"model": "gpt-5.6-terra"}, "model_changed"),
        ({"service_tier": "flex"}, "service_tier_changed"),
        ({"tools": [TOOL]}, "tools_changed"),
        ({"text": SHAPE}, "text_format_changed"),
        ({"reasoning": {"effort": "high"}}, "reasoning_effort_changed"),
        ({"text": {"verbosity": "low"}}, "verbosity_changed"),
        ({"prompt_cache_key": "other"}, "prompt_cache_key_changed"),
        ({"instructions": f"Now. {LONG}"}, "input_changed"),
        ({"said": "Two?"}, "input_changed"),
    ],
)
def test_diagnosis_names_what_changed(changes, reason, stream):
    """Since the response that the request names; at the end of a stream, not at its beginning."""

    def use(client):
        first = respond(client)
        assert first.prompt_cache_diagnostics is None
        asked = changes | compared(first)
        if not stream:
            return first, respond(client, **asked)
        events = list(respond(client, **asked, stream=True))
        assert events[0].response.prompt_cache_diagnostics is None
        return first, events[-1].response

    first, made = live(use)
    found = made.prompt_cache_diagnostics
    assert made.prompt_cache_options.comparison_response_id == first.id
    if reason is None:
        assert found.type == "cache_hit"
    else:
        assert (found.type, found.reason) == ("cache_miss", reason)
        usage = made.usage
        assert found.cache_missed_tokens == (
            usage.input_tokens - usage.input_tokens_details.cached_tokens
        )
        assert 1024 <= found.comparison_reusable_tokens <= first.usage.input_tokens


@pytest.mark.wire("openai_responses.cache.diagnostics.unavailable")
def test_diagnosis_is_not_always_to_be_had():
    """Of what was not kept, before GPT-5.6, and where there was nothing to miss."""

    def use(client):
        first = respond(client)
        second = respond(
            client, "Two?", previous_response_id=first.id, **compared(first, mode="explicit")
        )
        unkept = respond(client, **compared(respond(client, store=False)))
        older = respond(client, model="gpt-4.1", **compared(first))
        return second, unkept, older

    second, unkept, older = live(use)
    assert second.prompt_cache_diagnostics.type == "unavailable"
    assert (second.prompt_cache_options.mode, second.prompt_cache_options.ttl) == (
        "explicit",
        "30m",
    )
    assert unkept.prompt_cache_diagnostics.type == "comparison_response_not_found"
    assert older.prompt_cache_diagnostics.type == "unavailable"
    assert older.prompt_cache_options is None


@pytest.mark.wire("openai.cache.ttl")
@pytest.mark.parametrize("mode", ["implicit", "explicit"])
def test_breakpoints_inherit_the_lifetime_of_the_request(mode):
    """And the usage tells the two apart."""
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    said = [{"role": "user", "content": [{"type": "input_text", "text": LONG} | mark]}]

    def use(client):
        def ask():
            return client.responses.create(
                model=MODEL,
                input=said,
                prompt_cache_options={"mode": mode},
                extra_body={"prompt_cache_options": {"mode": mode, "ttl": "12h"}},
            ).usage.input_tokens_details

        first = ask()
        time.sleep(5 * 3600)
        return first, ask()

    first, second = live(use)
    split = first.cache_write_tokens_details
    assert (split.ttl_30m_tokens, split.ttl_12h_tokens) == (0, first.cache_write_tokens)
    assert second.cached_tokens == first.cache_write_tokens > 1024


@pytest.mark.wire("openai.cache.ttl")
@pytest.mark.parametrize("model", [MODEL, "gpt-4o-mini"])
def test_every_detail_of_the_input_is_a_number_where_nothing_lives_long(model):
    """The agents SDK for TypeScript takes no other, and refuses the end of a stream."""
    made = live(lambda client: client.responses.create(model=model, input=LONG).usage)
    details = made.input_tokens_details.model_dump(exclude_unset=True)
    assert all(type(value) is int for value in details.values()), details


@pytest.mark.wire("openai.cache.retention")
def test_retention_is_what_the_model_has():
    """In memory for minutes, or for a day; the newest models keep for a day only."""

    def chat(client, model, retention):
        made = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": f"{retention}: {LONG}"}],
            prompt_cache_retention=retention,
        )
        return made.usage.prompt_tokens_details.cached_tokens

    def use(client):
        found = {}
        for retention in ("in_memory", "24h"):
            chat(client, "gpt-4.1", retention)
            time.sleep(1000)
            found[retention] = chat(client, "gpt-4.1", retention)
        for model, retention in (("gpt-5.5", "in_memory"), ("gpt-4o", "24h")):
            with pytest.raises(openai.BadRequestError) as caught:
                chat(client, model, retention)
            found[model] = caught.value.body
        with pytest.raises(openai.BadRequestError):
            respond(client, prompt_cache_retention="in_memory")
        return found

    found = live(use)
    assert found["in_memory"] == 0 < found["24h"]
    for model in ("gpt-5.5", "gpt-4o"):
        assert found[model] == {
            "message": "prompt_cache_retention is not supported on this model",
            "type": "invalid_request_error",
            "param": "prompt_cache_retention",
            "code": "invalid_parameter",
        }


@pytest.mark.wire("openai.cache.overflow")
def test_crowd_with_one_beginning_overflows_to_other_machines():
    """The sixteenth request of a minute finds an empty cache; a key of its own divides the crowd."""

    def use(client):
        def cached(**more):
            made = client.responses.create(
                model="gpt-4.1", instructions=LONG, input="hi", store=False, **more
            )
            return bool(made.usage.input_tokens_details.cached_tokens)

        crowd = [cached() for _ in range(17)]
        time.sleep(120)
        divided = [cached(prompt_cache_key=f"k{at % 2}") for at in range(17)]
        return crowd, divided

    crowd, divided = live(use)
    assert [at for at, hit in enumerate(crowd) if not hit] == [0, 15]
    assert all(divided)
