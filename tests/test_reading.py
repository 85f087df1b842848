"""Reading a request once gives what reading it each time gives."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.again import ByIdentity
from chaoskit.dialects import DIALECTS
from chaoskit.exchange import HttpRequest
from chaoskit.provider.catalogue import Catalogue
from chaoskit.reading import Readings

MODELS = Catalogue()
PATHS = st.sampled_from(["/v1/messages", "/v1/chat/completions", "/v1/models", "/nothing"])
HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "anthropic-version", "x-stainless-retry-count"]),
    st.sampled_from(["Bearer a", "Bearer b", "2023-06-01", "1"]),
)
BODIES = st.sampled_from(["Why?", "How?", "", 3]).map(
    lambda said: json.dumps(
        {
            "model": "gpt-4o-mini",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": said}],
        }
    ).encode()
)
REQUESTS = st.builds(
    HttpRequest,
    method=st.sampled_from(["GET", "POST"]),
    host=st.just("x"),
    path=PATHS,
    headers=HEADERS,
    body=BODIES,
)


@given(st.lists(REQUESTS, max_size=12), st.integers(1, 200_000))
def test_what_is_remembered_is_what_would_be_read(requests, most):
    """Whatever came before, whatever of it was forgotten."""
    readings = Readings(DIALECTS, most)
    for request in requests:
        claimed = next((one for one in DIALECTS if one.claims(request)), None)
        assert readings.dialect(request) is claimed
        if claimed is not None:
            assert readings.read(request, claimed, MODELS) == claimed.decode(request, MODELS)
        assert readings._size <= max(most, 0)


def test_equal_requests_are_read_once_and_for_other_models_again():
    """A scenario may change which models there are."""
    readings = Readings(DIALECTS)
    request, again = (
        HttpRequest(
            method="POST",
            host="x",
            path="/v1/chat/completions",
            headers={"authorization": "Bearer a"},
            body=b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"?"}]}',
        )
        for _ in range(2)
    )
    dialect = readings.dialect(request)
    first = readings.read(request, dialect, MODELS)
    assert readings.read(again, dialect, MODELS) is first
    assert readings.read(again, dialect, Catalogue()) is not first
    assert len(readings) == 1


def test_results_belong_to_the_object_and_the_oldest_are_forgotten():
    """Equal is not enough: who computes by identity never compares."""
    asked = []

    def compute(value):
        asked.append(value)
        return len(asked)

    known = ByIdentity(compute, most=2)
    one, two, three = [1], [1], [3]
    assert [known(one), known(two), known(one), known(three), known(one)] == [1, 2, 1, 3, 4]
