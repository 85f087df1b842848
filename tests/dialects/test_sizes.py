"""How large a request may be: each vendor has a limit for each of its routes."""

import pytest

from chaoskit.dialects import DIALECTS
from chaoskit.exchange import HttpRequest, Refusal

MB = 1024 * 1024
FORM = 64 * 1024
KEY = {"authorization": "Bearer any", "content-type": "multipart/form-data; boundary=b"}
CLAUDE = KEY | {"anthropic-version": "2023-06-01"}
SIZES = [
    ("/v1/messages", CLAUDE, 32 * MB),
    ("/v1/messages/count_tokens", CLAUDE, 32 * MB),
    ("/v1/messages/batches", CLAUDE, 256 * MB),
    ("/v1/files", CLAUDE, 500 * MB),
    ("/v1/chat/completions", KEY, 100 * MB),
    ("/v1/responses", KEY, 100 * MB),
    ("/v1/embeddings", KEY, 100 * MB),
    ("/v1/batches", KEY, 100 * MB),
    ("/v1/uploads", KEY, 100 * MB),
    ("/v1/uploads/upload_1/parts", KEY, 64 * MB + FORM),
    ("/v1/files", KEY, 512 * MB + FORM),
]


class Sized(bytes):
    """Bytes that say how many they are; no test has to make them."""

    size = 0

    def __len__(self):
        return self.size


def read(models, path, headers, size):
    """The limit of a route, and what the dialect makes of a body of that size."""
    body = Sized(b"nothing")
    body.size = size
    request = HttpRequest(method="POST", host="proxy", path=path, headers=headers, body=body)
    dialect = next(one for one in DIALECTS if one.claims(request))
    return dialect.largest(request), dialect.decode(request, models)


@pytest.mark.wire(
    "anthropic.requests.each_route_has_its_size", "openai.requests.each_route_has_its_size"
)
@pytest.mark.parametrize(("path", "headers", "most"), SIZES)
def test_each_route_has_its_size(models, path, headers, most):
    """The last byte that is taken, and the first that is too much."""
    largest, fits = read(models, path, headers, most)
    assert largest == most
    assert not isinstance(fits, Refusal) or fits.kind != "too_large"
    _, refused = read(models, path, headers, most + 1)
    assert refused.kind == "too_large"
    told = f"Maximum content size limit ({most}) exceeded ({most + 1} bytes read)"
    assert refused.message == ("" if headers is CLAUDE else told)
