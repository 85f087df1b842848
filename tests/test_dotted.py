import json

import pytest

from chaoskit.dotted import Place, locate
from chaoskit.errors import UsageError


def test_a_path_leads_through_attributes():
    """The owner is what stands before the last dot."""
    place = locate("json:JSONDecoder.decode")
    assert place == Place(owner=json.JSONDecoder, name="decode", value=json.JSONDecoder.decode)


@pytest.mark.parametrize(
    "path", ["json", "json:", ":loads", "json:a b", "json:absent", "no.such:x"]
)
def test_a_path_that_leads_nowhere_is_the_users_mistake(path):
    """The message shows it."""
    with pytest.raises(UsageError, match=f"^{path!r}"):
        locate(path)
