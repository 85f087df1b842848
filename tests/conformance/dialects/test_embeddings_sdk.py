"""The `openai` package gets vectors, in whichever form it asks for them."""

import math

import openai
import pytest

from chaoskit.exchange import Refusal

SMALL = "text-embedding-3-small"
LARGE = "text-embedding-3-large"


@pytest.fixture
def client(sync_http):
    return openai.OpenAI(api_key="test", http_client=sync_http, max_retries=0)


def vectors(made):
    return [item.embedding for item in made.data]


def closeness(one, other):
    return sum(x * y for x, y in zip(one, other, strict=True))


@pytest.mark.wire("openai_embeddings.sdk.vectors_are_of_length_one_and_depend_on_the_text_alone")
def test_vectors_are_of_length_one_and_depend_on_the_text_alone(client):
    """The usage counts the prompt, and nothing else."""
    made = client.embeddings.create(model=SMALL, input=["hello world", "goodbye", "hello world"])
    first, second, third = vectors(made)
    assert (len(first), first == third, first == second) == (1536, True, False)
    assert all(math.isclose(closeness(v, v), 1, rel_tol=1e-5) for v in vectors(made))
    assert [item.index for item in made.data] == [0, 1, 2]
    assert (made.model, made.usage.prompt_tokens, made.usage.total_tokens) == (SMALL, 2160, 2160)


@pytest.mark.wire("openai_embeddings.sdk.floats_are_what_base64_holds")
def test_floats_are_what_base64_holds(client):
    """The SDK asks for base64 unless it is told otherwise; a raw request gets floats."""
    plain = client.embeddings.create(model=SMALL, input="hi", encoding_format="float")
    packed = client.embeddings.create(model=SMALL, input="hi")
    assert vectors(plain) == vectors(packed)
    raw = client.post("/embeddings", cast_to=dict, body={"model": SMALL, "input": "hi"})
    assert raw["data"][0]["embedding"] == vectors(plain)[0]
    given = {"model": SMALL, "input": "hi", "encoding_format": "base64"}
    assert isinstance(
        client.post("/embeddings", cast_to=dict, body=given)["data"][0]["embedding"], str
    )


@pytest.mark.wire("openai_embeddings.sdk.fewer_dimensions_are_the_beginning")
def test_fewer_dimensions_are_the_beginning(client):
    """Made longer again."""
    whole = vectors(client.embeddings.create(model=LARGE, input="hello world"))[0]
    short = vectors(client.embeddings.create(model=LARGE, input="hello world", dimensions=2048))[0]
    assert (len(whole), len(short)) == (3072, 2048)
    stretched = [value / math.hypot(*whole[:2048]) for value in whole[:2048]]
    assert short == pytest.approx(stretched, abs=1e-6)
    tiny = vectors(client.embeddings.create(model=LARGE, input="hello world", dimensions=1))[0]
    assert [abs(value) for value in tiny] == [1.0]


@pytest.mark.wire("openai_embeddings.sdk.texts_that_share_words_are_close")
def test_texts_that_share_words_are_close(client):
    """So that a search by vectors finds something."""
    made = client.embeddings.create(
        model=SMALL,
        input=["why did the deploy fail", "Did the deploy fail?", "recipe with lentils"],
    )
    asked, similar, other = vectors(made)
    assert closeness(asked, similar) > 0.7 > 0.2 > closeness(asked, other)


@pytest.mark.wire("openai_embeddings.sdk.tokens_instead_of_texts")
def test_tokens_instead_of_texts(client, service):
    """One list of them, or several."""
    one = client.embeddings.create(model=SMALL, input=[1, 2, 3])
    several = client.embeddings.create(model=SMALL, input=[[1, 2, 3], [4]])
    assert (len(one.data), len(several.data)) == (1, 2)
    assert vectors(one)[0] == vectors(several)[0]
    assert service.calls[0].operation == "embed"


REFUSED = [
    ({"model": None}, "you must provide a model parameter", None),
    ({"input": ""}, "'$.input' is invalid", None),
    ({"input": []}, "'$.input' is invalid", None),
    ({"input": ["a", ""]}, "'$.input' is invalid", None),
    ({"input": [[]]}, "'$.input' is invalid", None),
    ({"input": {"a": 1}}, "'$.input' is invalid", None),
    ({"input": ["a"] * 2049}, "Invalid 'input': array too long.", "array_above_max_length"),
    ({"encoding_format": "hex"}, "Invalid value: 'hex'.", "invalid_value"),
    ({"dimensions": 5000}, "Invalid 'dimensions': integer above", "integer_above_max_value"),
    ({"dimensions": 0}, "Invalid 'dimensions': integer below", "integer_below_min_value"),
    (
        {"model": "text-embedding-ada-002", "dimensions": 8},
        "This model does not support specifying dimensions.",
        None,
    ),
    ({"user": 5}, "Invalid type for 'user'", "invalid_type"),
    ({"stream": True}, "Unrecognized request argument supplied: stream", None),
]


@pytest.mark.wire("openai_embeddings.sdk.invalid_request_is_refused")
@pytest.mark.parametrize(("changes", "message", "code"), REFUSED, ids=str)
def test_invalid_request_is_refused(client, changes, message, code):
    """In the words of the vendor."""
    body = {"model": SMALL, "input": "hi"} | changes
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/embeddings", cast_to=dict, body=body)
    assert (caught.value.code, caught.value.body["message"][: len(message)]) == (code, message)


@pytest.mark.wire("openai_embeddings.sdk.model_must_embed")
def test_model_must_embed(client, service):
    """Of others there are none, or they are not allowed to."""
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="nope", input="hi")
    with pytest.raises(openai.PermissionDeniedError, match="not allowed to generate embeddings"):
        client.embeddings.create(model="gpt-4o", input="hi")
    assert all(isinstance(call, Refusal) for call in service.calls)


@pytest.mark.wire("openai_embeddings.sdk.method_must_fit")
def test_method_must_fit(client):
    """There is nothing to read."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.get("/embeddings", cast_to=dict)
    assert caught.value.status_code == 405
