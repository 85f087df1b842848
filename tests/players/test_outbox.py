"""What is held until the turn ends is written then: whole, in order, and to nobody who is gone."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.exchange import HttpReply
from chaoskit.players.connection import Connection
from chaoskit.players.heads import Heads
from chaoskit.players.outbox import Outbox

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Client:
    """A transport that keeps what is written to it, and in a list of all what came when."""

    def __init__(self, told):
        self.told = told
        self.written = b""
        self.gone = False

    def write(self, data):
        assert not self.gone
        self.written += data
        self.told.append("written")

    def is_closing(self):
        return self.gone

    def close(self):
        self.gone = True


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 2), st.binary(max_size=40)),
            st.tuples(st.just("write"), st.integers(0, 2), st.just(b"x" * 300_000)),
            st.tuples(st.sampled_from(["send", "drop", "go", "turn"]), st.integers(0, 2)),
        ),
        max_size=30,
    )
)
def test_each_gets_its_bytes_in_order(moves):
    """At the end of the turn or before; those of one that left or was dropped are lost."""

    async def main():
        outbox, clients = Outbox(), [Client([]) for _ in range(3)]
        sent, held = [b"", b"", b""], [b"", b"", b""]
        for move, who, *data in [*moves, ("turn", 0)]:
            if move == "write":
                held[who] += data[0]
                outbox.write(clients[who], data[0])
            elif move == "send":
                outbox.send(clients[who])
                assert clients[who].gone or clients[who].written == sent[who] + held[who]
            elif move == "drop":
                before = clients[who].written
                held[who] = b""
                outbox.drop(clients[who])
                assert clients[who].written == before
            elif move == "go":
                clients[who].close()
            else:
                await asyncio.sleep(0)
                for one, client in enumerate(clients):
                    assert client.gone or client.written == sent[one] + held[one]
            # What is held never grows beyond its bound, and nothing is written twice.
            for one, client in enumerate(clients):
                came = client.written[len(sent[one]) :]
                assert held[one].startswith(came)
                sent[one], held[one] = client.written, held[one][len(came) :]
            waiting = [held[one] for one, client in enumerate(clients) if not client.gone]
            assert sum(map(len, waiting)) <= 256 * 1024

    asyncio.run(main())


def test_answers_of_one_turn_are_written_together():
    """After the last of them is found, each in one write, and within the same turn."""

    async def main():
        told, outbox, heads = [], Outbox(), Heads()

        def answer(request):
            told.append("found")
            return HttpReply.whole(200, {}, b"ok")

        for _ in range(3):
            connection = Connection(
                answer=answer,
                largest=lambda _: 10**9,
                heads=heads,
                outbox=outbox,
                opened=bool,
                closed=bool,
            )
            connection.connection_made(Client(told))
            connection.data_received(ASK)
        assert told == ["found"] * 3
        await asyncio.sleep(0)
        assert told == ["found"] * 3 + ["written"] * 3

    asyncio.run(main())


def test_nobody_waits_for_many_others():
    """Each answer takes a while to find; sixteen are written without those that follow."""

    async def main():
        told, outbox = [], Outbox()
        for _ in range(20):
            outbox.write(Client(told), b"ok")
        at_once = len(told)
        await asyncio.sleep(0)
        return at_once, len(told)

    assert asyncio.run(main()) == (16, 20)


def test_what_was_written_goes_out_before_the_end():
    """A connection that is closed in the same turn was sent all of its answer."""

    async def main():
        connection = Connection(
            answer=lambda _: HttpReply.whole(200, {}, b"ok"),
            largest=lambda _: 10**9,
            heads=Heads(),
            outbox=Outbox(),
            opened=bool,
            closed=bool,
        )
        client = Client([])
        connection.connection_made(client)
        connection.data_received(ASK.replace(b"host: x", b"connection: close"))
        assert client.gone
        return client.written

    assert asyncio.run(main()).endswith(b"\r\n\r\nok")
