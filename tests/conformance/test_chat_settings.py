"""Less common fields of Chat Completions, through the SDK and a whole world behind it."""

import base64
import io
import wave

import openai
import pytest

from lived_clients import answered, leftovers, refusal

HELPFUL = 'use = "helpful"\n'
CALLS = """
use = "scripted"
turns = [{ call = [{ tool = "note", arguments = "any text" }, { tool = "look" }] }]
"""
SAYS = 'use = "scripted"\nturns = [{ text = "The deploy failed at noon because the disk was full." }]\n'
CITES = """
use = "scripted"
turns = [{ text = "It failed.", cites = { title = "Log", url = "https://example.com/log" } }]
"""
HI = [{"role": "user", "content": "Why did the deploy of the shop fail?"}]
LOOK = {
    "name": "look",
    "description": "Looks into the deploy.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
}
OTHER = LOOK | {"name": "deploy_log", "description": "Logs of the shop."}


def live(use, behaviour=HELPFUL):
    """What use of OpenAI's client returned, and the answers, under a behaviour of the model."""
    return answered(openai.OpenAI, use, "[behaviour]\n" + behaviour)


def chat(client, model="gpt-4.1", **more):
    made = client.chat.completions.create(**{"model": model, "messages": HI} | more)
    if more.get("stream"):
        made = list(made)
        assert not [found for chunk in made if (found := list(leftovers(chunk)))]
    else:
        assert not list(leftovers(made))
    return made


@pytest.mark.wire("openai_chat.choices.differ")
def test_choices_are_drawn_each_for_itself():
    """As far as the model has other words; the same request brings the same ones."""

    def texts(made):
        return [choice.message.content for choice in made.choices]

    def use(client):
        streamed = ["", "", ""]
        for chunk in chat(client, n=3, stream=True):
            for choice in chunk.choices:
                streamed[choice.index] += choice.delta.content or ""
        return texts(chat(client)), texts(chat(client, n=3)), streamed, texts(chat(client, n=2))

    (one, three, streamed, two), _ = live(use)
    assert three[:1] == one
    assert three[1] != three[0]
    assert streamed == three
    assert two == three[:2]


@pytest.mark.wire("openai_chat.functions")
@pytest.mark.parametrize("stream", [False, True])
def test_functions_by_their_old_name(stream):
    """One call at most, with neither id nor list; its result comes as a message of a function."""

    def use(client):
        given = {"functions": [LOOK]}
        if stream:
            chunks = chat(client, stream=True, **given)
            calls = [c.choices[0].delta.function_call for c in chunks]
            calls = [call for call in calls if call]
            told = {"name": calls[0].name, "arguments": "".join(c.arguments for c in calls)}
            ended = chunks[-1].choices[0].finish_reason
            assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)
        else:
            (choice,) = chat(client, **given).choices
            assert (choice.message.content, choice.message.tool_calls) == (None, None)
            told, ended = choice.message.function_call.model_dump(), choice.finish_reason
        history = [
            *HI,
            {"role": "assistant", "content": None, "function_call": told},
            {"role": "function", "name": told["name"], "content": "The disk of db-7 was full."},
        ]
        last = chat(client, messages=history, **given).choices[0]
        forced = chat(client, function_call={"name": "look"}, **given).choices[0]
        silent = chat(client, function_call="none", **given).choices[0]
        return told, ended, last, forced, silent

    (told, ended, last, forced, silent), _ = live(use)
    assert (told["name"], ended) == ("look", "function_call")
    assert "db-7" in last.message.content
    assert (forced.finish_reason, forced.message.function_call.name) == ("stop", "look")
    assert (silent.finish_reason, silent.message.function_call) == ("stop", None)


@pytest.mark.wire("openai_chat.functions.refused")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"functions": []}, "Invalid 'functions': empty array."),
        ({"functions": [{}]}, "Missing required parameter: 'functions[0].name'."),
        ({"function_call": "auto"}, "'function_call' is only allowed when 'functions' are"),
        ({"functions": [LOOK], "function_call": "any"}, "Invalid value: 'any'."),
        ({"functions": [LOOK], "function_call": {"name": "x"}}, "Function 'x' not found in"),
    ],
)
def test_functions_of_the_wrong_form(given, message):
    """In the words that tools have."""
    assert message in refusal(lambda client: chat(client, **given))[0]


@pytest.mark.wire("openai_chat.custom_tools", "openai_responses.custom_tools")
def test_tools_that_take_any_text():
    """Their calls have an input in place of arguments, and results like all others."""
    custom = {"type": "custom", "custom": {"name": "note"}}
    tools = [custom, {"type": "function", "function": LOOK}]

    def use(client):
        (choice,) = chat(client, tools=tools).choices
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": "ok"}
            for call in choice.message.tool_calls
        ]
        chat(client, messages=[*HI, choice.message, *results], tools=tools)
        chunks = client.chat.completions.create(
            model="gpt-4.1", messages=HI, tools=tools, stream=True
        )
        deltas = [call for c in chunks for call in c.choices[0].delta.tool_calls or ()]
        respond = {
            "model": "gpt-4.1",
            "input": HI,
            "tools": [{"type": "custom", "name": "note"}, {"type": "function"} | LOOK],
        }
        events = list(client.responses.create(**respond, stream=True))
        made = events[-1].response
        outputs = [
            {"type": f"{item.type}_output", "call_id": item.call_id, "output": "ok"}
            for item in made.output
        ]
        client.responses.create(**respond | {"input": outputs}, previous_response_id=made.id)
        return choice.message.tool_calls, deltas, events

    (calls, deltas, events), _ = live(use, CALLS)
    assert [call.type for call in calls] == ["custom", "function"]
    assert (calls[0].custom.name, calls[0].custom.input) == ("note", "any text")
    assert deltas[0].type == "custom"
    assert "".join(d.custom["input"] for d in deltas if d.index == 0) == "any text"
    note, look = events[-1].response.output
    assert (note.type, note.input, look.type) == ("custom_tool_call", "any text", "function_call")
    assert note.id.startswith("ctc_")
    pieces = [e.delta for e in events if e.type == "response.custom_tool_call_input.delta"]
    assert len(pieces) > 1
    assert "".join(pieces) == "any text"
    named = "response.function_call_arguments.done"  # has a name, which the SDK does not know
    others = [event for event in events if event.type != named]
    assert not [found for event in others if (found := list(leftovers(event)))]


@pytest.mark.wire("openai.allowed_tools")
@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_only_allowed_tools_are_called(dialect, mode):
    """All stay in the prompt, so that its cache holds."""

    def use(client):
        if dialect == "chat":
            tools = [{"type": "function", "function": tool} for tool in (OTHER, LOOK)]
            allowed = [{"type": "function", "function": {"name": "look"}}]
            choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}
            free = chat(client, tools=tools)
            bound = chat(client, tools=tools, tool_choice=choice)
            return [
                (made.choices[0].message.tool_calls[0].function.name, made.usage.prompt_tokens)
                for made in (free, bound)
            ]
        tools = [{"type": "function"} | tool for tool in (OTHER, LOOK)]
        allowed = [{"type": "function", "name": "look"}]
        choice = {"type": "allowed_tools", "mode": mode, "tools": allowed}
        given = {"model": "gpt-4.1", "input": HI, "tools": tools}
        made = [
            client.responses.create(**given),
            client.responses.create(**given, tool_choice=choice),
        ]
        return [(one.output[0].name, one.usage.input_tokens) for one in made]

    ((free, all_tokens), (bound, tokens)), _ = live(use)
    assert (free, bound) == ("deploy_log", "look")
    assert tokens == all_tokens


@pytest.mark.wire("openai_chat.citations")
def test_answer_cites_pages():
    """In the annotations of the message; in a stream in a delta of their own after the text."""

    def use(client):
        given = {"web_search_options": {}}
        chunks = client.chat.completions.create(model="gpt-4.1", messages=HI, stream=True, **given)
        deltas = [chunk.choices[0].delta for chunk in chunks]
        cited = [delta.annotations for delta in deltas if getattr(delta, "annotations", None)]
        return chat(client, **given), cited

    (made, streamed), _ = live(use, CITES)
    (told,) = made.choices[0].message.annotations
    cited = told.url_citation
    text = made.choices[0].message.content
    assert (told.type, cited.url, cited.title) == (
        "url_citation",
        "https://example.com/log",
        "Log",
    )
    assert text[cited.start_index : cited.end_index] == text
    assert streamed == [[told.model_dump()]]


@pytest.mark.wire("openai_chat.prediction")
def test_prediction_is_counted_by_what_came_true():
    """What was predicted in vain is billed with the output, streamed or not."""

    def use(client):
        text = chat(client).choices[0].message.content
        guesses = [text, text.replace("noon", "five"), "Something else entirely"]
        options = {"include_usage": True}
        found = []
        for guess in guesses:
            prediction = {"type": "content", "content": guess}
            plain = chat(client, prediction=prediction).usage
            chunks = chat(client, prediction=prediction, stream=True, stream_options=options)
            assert plain == chunks[-1].usage
            details = plain.completion_tokens_details
            found.append(
                (
                    details.accepted_prediction_tokens,
                    details.rejected_prediction_tokens,
                    plain.completion_tokens,
                )
            )
        return chat(client).usage.completion_tokens, found

    (usual, (right, near, wrong)), told = live(use, SAYS)
    assert right == (usual, 0, usual)
    assert 0 < near[0] < usual
    assert near[1] > 0
    assert wrong[0] == 0
    assert [output - rejected for _, rejected, output in (near, wrong)] == [usual, usual]
    assert [event.output_tokens for event in told][1:3] == [right[2], right[2]]
    message, code = refusal(
        lambda client: chat(client, "gpt-5", prediction={"type": "content", "content": "x"})
    )
    assert message == "Unsupported parameter: 'prediction' is not supported with this model."
    assert code == "unsupported_parameter"


@pytest.mark.wire("openai_chat.audio")
def test_spoken_answer():
    """Sound and transcript in place of the content; in a stream in pieces."""
    asked = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}

    def use(client):
        plain = chat(client, "gpt-audio", **asked)
        form = asked | {"audio": {"voice": "alloy", "format": "pcm16"}}
        chunks = chat(client, "gpt-audio", stream=True, **form)
        sent = [{"role": "assistant", "audio": {"id": plain.choices[0].message.audio.id}}]
        chat(client, "gpt-audio", messages=[*HI, *sent, *HI], **asked)
        return plain, [chunk.choices[0].delta.audio for chunk in chunks]

    (plain, pieces), _ = live(use, SAYS)
    message = plain.choices[0].message
    assert message.content is None
    assert message.audio.id.startswith("audio_")
    with wave.open(io.BytesIO(base64.b64decode(message.audio.data))) as sound:
        assert (sound.getframerate(), sound.getsampwidth()) == (24_000, 2)
        frames = sound.getnframes()
    details = plain.usage.completion_tokens_details
    assert details.audio_tokens == plain.usage.completion_tokens
    pieces = [piece for piece in pieces if piece]
    assert pieces[0].id.startswith("audio_")
    assert "".join(piece.transcript or "" for piece in pieces) == message.audio.transcript
    data = b"".join(base64.b64decode(piece.data) for piece in pieces if piece.data)
    assert len(data) == 2 * frames
    assert pieces[-1].expires_at > plain.created
    message, _ = refusal(lambda client: chat(client, **asked))
    assert message == "Unsupported value: 'modalities' does not support 'audio' with this model."
