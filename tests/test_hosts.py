import pytest

from chaoskit.errors import InternalError
from chaoskit.exchange import HttpRequest
from chaoskit.hosts import Hosts
from chaoskit.player import LARGEST, Exchange


class One:
    """A host of requests for one path."""

    def __init__(self, path):
        self.path, self.ended, self.refused = path, [], []

    def claims(self, request):
        return request.path == self.path

    def exchange(self, request):
        return Exchange(call=1, user="", turn=0, began=0.0, steps=(), note=self.path)

    def delivered(self, exchange, how, *, sent_content):
        self.ended.append((exchange.note, how, sent_content))

    def blocked(self, host, caller):
        self.refused.append((host, caller))


def request(path):
    return HttpRequest(method="GET", host="t", path=path)


def test_each_request_is_answered_by_whom_it_is_for_and_ends_there():
    """With the note that its host made, and no other."""
    one, two = One("/one"), One("/two")
    hosts = Hosts(one, two)
    made = hosts.exchange(request("/two"))
    hosts.delivered(made, "complete", sent_content=True)
    assert (one.ended, two.ended) == ([], [("/two", "complete", True)])
    assert hosts.claims(request("/one"))


def test_each_says_how_much_it_takes():
    """What says nothing takes what is usual."""

    class Roomy(One):
        def largest(self, request):
            return 7

    hosts = Hosts(Roomy("/one"), One("/two"))
    assert [hosts.largest(request(path)) for path in ("/one", "/two")] == [7, LARGEST]
    assert hosts.largest(request("/three")) == LARGEST


def test_nobodys_request_is_nobodys():
    """And the last of them, the world, hears of strangers."""
    one = One("/one")
    hosts = Hosts(One("/two"), one)
    assert not hosts.claims(request("/three"))
    with pytest.raises(InternalError, match="nobody claims"):
        hosts.exchange(request("/three"))
    with pytest.raises(InternalError, match="nobody's exchange"):
        hosts.delivered(one.exchange(request("/one")), "complete", sent_content=True)
    hosts.blocked("example.com", "agent.py:1")
    assert one.refused == [("example.com", "agent.py:1")]
