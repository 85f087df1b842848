"""What a request sets and its answer has to honour, through the SDK and a whole world behind it."""

import json
from functools import partial

import openai
import pytest

from lived_clients import answered, lived, refusal

HI = [{"role": "user", "content": "Why did the deploy fail? Answer in json."}]
PLAIN = "gpt-4.1"
THINKER = "gpt-5"
live = partial(answered, openai.OpenAI)


def chat(client, model=PLAIN, **more):
    return client.chat.completions.create(model=model, messages=HI, **more)


def respond(client, model=PLAIN, **more):
    return client.responses.create(model=model, input=HI, **more)


@pytest.mark.wire("openai_chat.logprobs")
def test_logprobs_tell_the_tokens_of_the_text():
    """Joined they are the text; the most likely alternative comes first; a stream tells the same."""

    def use(client):
        chunks = list(chat(client, logprobs=True, top_logprobs=3, stream=True))
        streamed = [
            token
            for chunk in chunks
            if chunk.choices[0].logprobs
            for token in chunk.choices[0].logprobs.content
        ]
        return chat(client, logprobs=True, top_logprobs=3), streamed

    (whole, streamed), _ = live(use)
    (choice,) = whole.choices
    tokens = choice.logprobs.content
    assert "".join(token.token for token in tokens) == choice.message.content
    assert bytes(b for token in tokens for b in token.bytes).decode() == choice.message.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in tokens)
    assert all(token.top_logprobs[0].token == token.token for token in tokens)
    likely = [[other.logprob for other in token.top_logprobs] for token in tokens]
    assert all(row == sorted(row, reverse=True) for row in likely)
    assert streamed == tokens


@pytest.mark.wire("openai_chat.logprobs.refused")
@pytest.mark.parametrize(
    ("model", "effort", "refused"),
    [
        ("gpt-5.6-luna", None, True),
        ("gpt-5.5", None, True),
        ("gpt-5.4", "low", True),
        ("gpt-5.6-luna", "none", False),
        ("gpt-5.4", None, False),
        (PLAIN, None, False),
    ],
)
def test_logprobs_have_their_rules(model, effort, refused):
    """Alternatives need probabilities, and a model tells none while it reasons."""
    more = {"reasoning_effort": effort} if effort else {}
    assert "only allowed when 'logprobs'" in refusal(lambda c: chat(c, model, top_logprobs=2))[0]
    if not refused:
        (whole, _) = live(lambda client: chat(client, model, logprobs=True, **more))
        assert whole.choices[0].logprobs.content
        return
    message, code = refusal(lambda c: chat(c, model, logprobs=True, **more))
    assert message == "Unsupported parameter: 'logprobs' is not supported with this model."
    assert code == "unsupported_parameter"


@pytest.mark.wire("openai_chat.logprobs.barred")
@pytest.mark.parametrize("model", [THINKER, "gpt-5-mini", "o4-mini"])
@pytest.mark.parametrize("effort", ["low", "none"])
def test_some_models_never_tell_logprobs(model, effort):
    """However little they think."""

    def caught(client):
        with pytest.raises(openai.PermissionDeniedError) as told:
            chat(client, model, logprobs=True, top_logprobs=2, reasoning_effort=effort)
        return told.value.body["message"]

    told, _ = lived(openai.OpenAI, caught)
    assert told == "You are not allowed to request logprobs from this model"


@pytest.mark.wire("openai_responses.logprobs")
def test_logprobs_of_responses():
    """In the item, and in each delta and at the end of a stream."""
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}

    def use(client):
        events = list(respond(client, stream=True, **asked))
        return respond(client, **asked), events

    (whole, events), _ = live(use)
    (part,) = whole.output[0].content
    assert "".join(token.token for token in part.logprobs) == part.text
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    assert [event.delta for event in deltas] == [token.token for token in part.logprobs]
    assert [event.logprobs[0].logprob for event in deltas] == [t.logprob for t in part.logprobs]


@pytest.mark.wire("openai_responses.logprobs.refused")
@pytest.mark.parametrize("model", [THINKER, "o4-mini", "gpt-5.5", "gpt-5.6-luna"])
def test_logprobs_of_responses_have_their_rules(model):
    """Both ways to ask for them are refused while a model reasons; `include` is named first."""
    included = {"include": ["message.output_text.logprobs"]}
    for asked, param in (
        (included, "include"),
        ({"top_logprobs": 2}, "top_logprobs"),
        (included | {"top_logprobs": 2}, "include"),
    ):

        def caught(client, asked=asked):
            with pytest.raises(openai.BadRequestError) as told:
                respond(client, model, **asked)
            return told.value.body

        told, _ = lived(openai.OpenAI, caught)
        assert told["message"] == "logprobs are not supported with reasoning models."
        assert (told["param"], told["code"]) == (param, "unsupported_parameter")


@pytest.mark.wire("openai_chat.choices")
def test_every_choice_is_billed():
    """The output is that of all of them, and each has its index."""

    def use(client):
        return chat(client), chat(client, n=3)

    (one, three), told = live(use)
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert three.usage.completion_tokens > 2 * one.usage.completion_tokens
    assert three.usage.completion_tokens == told[1].output_tokens


@pytest.mark.wire("openai.reasoning.tokens")
@pytest.mark.parametrize("ask", [chat, respond])
def test_reasoning_is_part_of_the_output(ask):
    """More of it with more effort, none without; it is billed like any other token."""

    def use(client):
        found = []
        for effort in ("none", "low", "high"):
            more = (
                {"reasoning_effort": effort} if ask is chat else {"reasoning": {"effort": effort}}
            )
            usage = ask(client, THINKER, **more).usage
            details = getattr(usage, "completion_tokens_details", None)
            if details is None:
                details = usage.output_tokens_details
            output = getattr(usage, "completion_tokens", None) or usage.output_tokens
            found.append((details.reasoning_tokens, output))
        return found

    (none, low, high), told = live(use)
    assert none[0] == 0
    assert 0 < low[0] < high[0]
    assert {reasoning % 64 for reasoning, _ in (low, high)} == {0}
    assert none[1] == low[1] - low[0] == high[1] - high[0]
    assert [event.output_tokens for event in told] == [none[1], low[1], high[1]]


@pytest.mark.wire("openai.reasoning.eats_the_limit")
def test_reasoning_may_leave_nothing_of_the_limit():
    """The answer is empty and its length is the reason: the trap of small limits."""
    found, _ = live(lambda client: chat(client, THINKER, max_completion_tokens=40))
    (choice,) = found.choices
    assert (choice.finish_reason, choice.message.content) == ("length", "")
    assert found.usage.completion_tokens == 40
    assert found.usage.completion_tokens_details.reasoning_tokens == 40


@pytest.mark.wire("openai_responses.reasoning.item")
def test_reasoning_is_an_item_with_a_summary_where_asked():
    """Without being asked it tells nothing."""

    def use(client):
        silent = respond(client, THINKER)
        told = respond(client, THINKER, reasoning={"effort": "low", "summary": "auto"})
        off = respond(client, THINKER, reasoning={"effort": "none"})
        return silent, told, off

    (silent, told, off), _ = live(use)
    assert [item.type for item in silent.output] == ["reasoning", "message"]
    assert silent.output[0].summary == []
    assert told.output[0].summary[0].text
    assert [item.type for item in off.output] == ["message"]


@pytest.mark.wire("openai.service_tier")
@pytest.mark.parametrize("ask", [chat, respond])
def test_service_tier_decides_the_price(ask):
    """Flex is half of the usual price; what is not asked for is the default."""

    def use(client):
        return [ask(client, service_tier=tier).service_tier for tier in ("auto", "flex")]

    tiers, (usual, flex) = live(use)
    assert tiers == ["default", "flex"]
    assert flex.cost_usd == pytest.approx(usual.cost_usd / 2)


@pytest.mark.wire("openai.json")
@pytest.mark.parametrize("ask", ["chat", "responses"])
def test_answer_is_json_where_json_is_asked_for(ask):
    """Any object, or one of the schema; streamed or not."""
    schema = {
        "type": "object",
        "properties": {"cause": {"type": "string"}, "sure": {"type": "boolean"}},
        "required": ["cause", "sure"],
        "additionalProperties": False,
    }

    def use(client):
        if ask == "chat":
            inner = {"name": "cause", "schema": schema, "strict": True}
            forms = ({"type": "json_object"}, {"type": "json_schema", "json_schema": inner})
            return [chat(client, response_format=f).choices[0].message.content for f in forms]
        inner = {"type": "json_schema", "name": "cause", "schema": schema, "strict": True}
        forms = ({"type": "json_object"}, inner)
        return [respond(client, text={"format": form}).output_text for form in forms]

    (anything, shaped), _ = live(use)
    assert isinstance(json.loads(anything), dict)
    found = json.loads(shaped)
    assert (isinstance(found["cause"], str), isinstance(found["sure"], bool)) == (True, True)


@pytest.mark.wire("openai_responses.templates")
def test_prompt_of_the_vendor_stands_for_model_and_input():
    """Its variables are what the model sees of it; the answer repeats the reference."""
    prompt = {"id": "pmpt_1", "version": "2", "variables": {"city": "Bern"}}

    def use(client):
        return client.responses.create(prompt=prompt), respond(client, prompt=prompt)

    (alone, beside), _ = live(use)
    assert alone.prompt.model_dump() == prompt
    assert alone.model
    assert beside.usage.input_tokens > alone.usage.input_tokens


@pytest.mark.wire("openai.cache.explicit")
@pytest.mark.parametrize("ask", ["chat", "responses"])
def test_explicit_breakpoints_alone_are_written(ask):
    """Where the request says so, and to the token; without a breakpoint nothing is cached."""
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    text = "A rule of this shop that everybody keeps. " * 400

    def once(client, marked):
        if ask == "chat":
            part = {"type": "text", "text": text} | (mark if marked else {})
            made = client.chat.completions.create(
                model="gpt-5.6-luna",
                messages=[{"role": "system", "content": [part]}, *HI],
                prompt_cache_options={"mode": "explicit"},
            )
            details = made.usage.prompt_tokens_details
        else:
            part = {"type": "input_text", "text": text} | (mark if marked else {})
            made = client.responses.create(
                model="gpt-5.6-luna",
                input=[{"role": "system", "content": [part]}, *HI],
                prompt_cache_options={"mode": "explicit"},
            )
            details = made.usage.input_tokens_details
        return details.cached_tokens, details.cache_write_tokens

    found, _ = live(lambda client: [once(client, marked) for marked in (False, True, True)])
    unmarked, cold, warm = found
    assert unmarked == (0, 0)
    assert cold[0] == 0
    assert cold[1] > 1024
    assert warm == (cold[1], 0)


@pytest.mark.wire("openai.obfuscation")
@pytest.mark.parametrize("ask", [chat, respond])
def test_pieces_of_a_stream_are_padded_unless_told_otherwise(ask):
    """So that the length of a piece is not that of its packet; whole items are not padded."""

    def use(client):
        usual = list(ask(client, stream=True))
        plain = list(ask(client, stream=True, stream_options={"include_obfuscation": False}))
        return [[event.model_dump() for event in events] for events in (usual, plain)]

    (usual, plain), _ = live(use)
    pieces = [e for e in usual if ask is chat or e["type"].endswith(".delta")]
    assert pieces
    assert all(event["obfuscation"] for event in pieces)
    assert ask is chat or len(pieces) < len(usual)
    assert not any(event.get("obfuscation") for event in plain)
