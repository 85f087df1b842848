"""What clients let the service keep takes the room of its bytes, whatever it is."""

import json

import httpx2
import pytest

from chaoskit.provider.shelf import Room
from chaoskit.scenario import parse
from chaoskit.serving import serving

BIG = 100_000  # bytes of each thing
ROOM = BIG * 9 // 2
TEXT = "x" * BIG
OPENAI = {"authorization": "Bearer k"}
CLAUDE = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
THREADED = CLAUDE | {"anthropic-beta": "message-threads-2026-08-12"}
ASK = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": TEXT}],
}
BATCH = {"requests": [{"custom_id": "a", "params": ASK}]}
GENEROUS = parse(
    'title = "-"\nworkload.prompt = "-"\npromises = [{ check = "no_crash" }]\n[provider]\n'
    "latency = { first_token = 0, tokens_per_second = 1_000_000_000 }\n"
    "limits = { tokens_per_minute = 1_000_000_000, input_tokens_per_minute = 1_000_000_000 }\n",
    "generous.chaos.toml",
)


def response(http):
    """A response with a long input."""
    made = http.post("responses", json={"model": "gpt-4.1", "input": TEXT}, headers=OPENAI)
    return f"responses/{made.json()['id']}", OPENAI


def conversation(http):
    """A conversation that grew."""
    made = http.post("conversations", json={}, headers=OPENAI).json()["id"]
    item = {"type": "message", "role": "user", "content": TEXT}
    http.post(f"conversations/{made}/items", json={"items": [item]}, headers=OPENAI)
    return f"conversations/{made}", OPENAI


def file(http):
    """A file at OpenAI."""
    sent = {"files": {"file": ("a", TEXT.encode())}, "data": {"purpose": "evals"}}
    return f"files/{http.post('files', **sent, headers=OPENAI).json()['id']}", OPENAI


def claude_file(http):
    """A file at Anthropic."""
    beta = CLAUDE | {"anthropic-beta": "files-api-2025-04-14"}
    made = http.post("files", files={"file": ("a", TEXT.encode())}, headers=beta)
    return f"files/{made.json()['id']}", beta


def batch(http):
    """A batch of messages."""
    made = http.post("messages/batches", content=json.dumps(BATCH), headers=CLAUDE)
    return f"messages/batches/{made.json()['id']}", CLAUDE


def upload(http):
    """A part of an upload; nothing reads it, so a part more is what shows that it is there."""
    told = {"bytes": BIG * 2, "filename": "a", "purpose": "evals", "mime_type": "text/plain"}
    made = http.post("uploads", json=told, headers=OPENAI).json()["id"]
    http.post(f"uploads/{made}/parts", files={"data": ("a", TEXT.encode())}, headers=OPENAI)
    return f"uploads/{made}/cancel", OPENAI


def thread(http):
    """A thread of messages."""
    made = http.post("messages", json=ASK | {"thread": {"type": "create"}}, headers=THREADED)
    return made.json()["id"], THREADED


@pytest.fixture(scope="module")
def server():
    """A server for all tests of the module."""
    with serving(GENEROUS) as running:
        yield running


@pytest.fixture
def http(server, request):
    """A client of a session with little room."""
    session = server.begin(request.node.name)
    session.world.service._room = Room(ROOM)
    with httpx2.Client(trust_env=False, timeout=30, base_url=f"{session.url}/v1/") as client:
        yield client


def there(http, name, headers):
    """Whether something is still kept."""
    if headers is THREADED:
        more = {
            "messages": [{"role": "user", "content": "more"}],
            "thread": {"type": "continue", "previous_message_id": name},
        }
        return http.post("messages", json=ASK | more, headers=headers).status_code == 200
    method = "POST" if name.endswith("/cancel") else "GET"
    return http.request(method, name, headers=headers).status_code == 200


@pytest.mark.parametrize("make", [response, conversation, file, claude_file, batch, upload, thread])
def test_the_oldest_goes_where_bytes_are_too_many(http, make):
    """Four have room, and that is all; each is found until then."""
    made = [make(http) for _ in range(7)]
    assert [there(http, *one) for one in made] == [False] * 3 + [True] * 4
