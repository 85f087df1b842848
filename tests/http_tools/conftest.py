"""A shop with an API, in front of clients of both libraries, in process and on a port."""

from contextlib import ExitStack, contextmanager

import httpx
import httpx2
import pytest

from chaoskit.chaos import Chaos
from chaoskit.scenario import load
from chaoskit.serving import serving

SHOP = """
title = "A shop with an API"

[workload]
prompt = "-"

[records.orders]
types = { id = "string", total = "number", status = "string" }
rows = [{ id = "A-1", total = 80.0, status = "paid" }, { id = "A-2", total = 5, status = "open" }]

[records.refunds]
key = "refund"

[[tools]]
name = "refund_order"
description = "Give the money back."
input = { order_id = "string", amount = "number", note = "string?" }
does = [
    { update = "orders", by = "order_id", set = { status = "refunded" } },
    { create = "refunds" },
]
http = "POST https://shop.internal/orders/{order_id}/refunds"
idempotent_by = "header:Idempotency-Key"

[[tools]]
name = "order"
input = { id = "string" }
output = { id = "string", total = "number", status = "string" }
does = { read = "orders" }
http = "GET https://shop.internal/orders/{id}"

[[tools]]
name = "find_orders"
input = { status = "string?", total = "number?" }
does = { search = "orders" }
http = "GET https://shop.internal/orders"

[[tools]]
name = "add_order"
input = { id = "string", total = "number", status = "string" }
does = { create = "orders" }
http = "PUT https://shop.internal/orders/{id}"

[[tools]]
name = "forget_order"
input = { id = "string" }
does = { delete = "orders" }
http = "DELETE https://shop.internal/orders/{id}"

[[tools]]
name = "quotas"
result = { left = 3 }
limit = { calls = 1, per = "60s" }

[[tools]]
name = "broken"
error = "the disk is full"

[[tools]]
name = "greet"
result = { text = "grüße" }

[[promises]]
check = "every_user_answered"
optional = true
"""


class Shop:
    """What a test does with it: the same words for every player and every library."""

    def __init__(self, world, library, api, tools):
        self.world, self.library, self.api, self.tools = world, library, api, tools
        self.client = library.Client(timeout=5)

    def ask(self, method, path, **how):
        base = self.tools if path.startswith(("/tools", "/openapi")) else self.api
        return self.client.request(method, base + path, **how)

    def records(self, name):
        return self.world.records(name)

    @property
    def journal(self):
        return self.world.journal


@pytest.fixture(params=["httpx", "httpx2"])
def library(request):
    return {"httpx": httpx, "httpx2": httpx2}[request.param]


@pytest.fixture
def scenario(tmp_path):
    """Write the shop's scenario, with more of it."""

    def write(more=""):
        path = tmp_path / "shop.chaos.toml"
        path.write_text(SHOP + more, encoding="utf-8")
        return path

    return write


@pytest.fixture
def living(scenario, library):
    """Open the shop in virtual time, for a `with`."""

    @contextmanager
    def opened(more=""):
        with Chaos(judged=False, silent=True, unstruck=True) as chaos:
            chaos.scenario(scenario(more))
            shop = Shop(chaos, library, "https://shop.internal", "http://any.internal")
            with shop.client:
                yield shop

    return opened


@pytest.fixture
def in_process(living):
    """Open the shop in virtual time, until the test ends."""
    with ExitStack() as stack:
        yield lambda more="": stack.enter_context(living(more))


@pytest.fixture
def on_a_port(scenario, library):
    """Open the shop behind a port, in a session of its own."""
    with ExitStack() as stack:

        def opened(more=""):
            server = stack.enter_context(serving(load(scenario(more))))
            session = server.session("shop")
            shop = Shop(session, library, session.url, session.url)
            stack.callback(shop.client.close)
            return shop

        yield opened


@pytest.fixture(params=["in_process", "on_a_port"])
def shop(request, library, scenario):
    """Open it either way."""
    del library, scenario  # of which it is to be parametrized
    return request.getfixturevalue(request.param)
