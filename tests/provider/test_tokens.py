"""Counting tokens without a vocabulary."""

import base64
import json
import random
import re
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.provider import tokens
from chaoskit.provider.tokens import TokenCounter, counter_at_hand

PROSE = (
    "The deployment on Friday evening failed because the database migration took longer than the "
    "health check allowed, so the orchestrator restarted every new instance before it could serve "
    "traffic. We rolled back to the previous release within twelve minutes and nobody lost data, "
    "although two customers noticed slow responses. Next time the migration will run as a separate "
    "job, with its own timeout, before any instance is replaced. Please read the runbook and tell "
    "us what is missing from it; we'd like to rehearse the procedure on Tuesday."
)
CODE = '''
class SlidingWindow:
    """Keep the newest items of a stream."""

    def __init__(self, limit: int = 100, *, on_drop: Callable[[Item], None] | None = None) -> None:
        self._items: deque[Item] = deque()
        self.limit = limit
        self._on_drop = on_drop

    def append(self, item: Item) -> None:
        self._items.append(item)
        while len(self._items) > self.limit:
            dropped = self._items.popleft()
            if self._on_drop is not None:
                self._on_drop(dropped)

    def total(self) -> float:
        return sum(item.weight for item in self._items if item.weight >= 0.5)
'''
CHINESE = (
    "昨天晚上部署失败的原因是数据库迁移脚本超时,导致新版本的服务无法启动。我们已经回滚到上一个版本,"
    "并且正在修复这个问题。请检查日志中的错误信息,确认所有的节点都恢复正常。如果还有问题,请联系值班工程师。"
)
JAPANESE = (
    "昨夜のデプロイが失敗した原因は、データベースの移行スクリプトがタイムアウトしたことです。"
    "新しいバージョンのサービスが起動できなかったため、前のバージョンに戻しました。"
    "ログのエラーを確認し、すべてのノードが正常に戻ったことを確かめてください。"
)
KOREAN = (
    "어젯밤 배포가 실패한 원인은 데이터베이스 마이그레이션 스크립트가 시간 초과되었기 때문입니다. "
    "이전 버전으로 되돌렸으며 문제를 수정하고 있습니다. 로그의 오류를 확인해 주세요."
)
RUSSIAN = (
    "Вчерашнее развёртывание не удалось, потому что скрипт миграции базы данных превысил "
    "отведённое время. Мы вернулись к предыдущей версии и исправляем ошибку."
)
GERMAN = (
    "Die gestrige Bereitstellung schlug fehl, weil das Migrationsskript der Datenbank zu lange "
    "brauchte. Wir sind zur vorigen Version zurückgekehrt und beheben den Fehler."
)


def records() -> list[dict[str, object]]:
    rng = random.Random(7)
    return [
        {
            "id": str(uuid.UUID(int=rng.getrandbits(128))),
            "service": rng.choice(["checkout", "search", "billing-worker"]),
            "level": rng.choice(["INFO", "ERROR"]),
            "message": rng.choice(["connection refused", "upstream timed out", "retry scheduled"]),
            "latency_ms": rng.randrange(5000),
            "ok": rng.random() < 0.5,
        }
        for _ in range(30)
    ]


def logs() -> str:
    return "\n".join(
        f"2026-11-{day:02d}T07:{day:02d}:13Z {row['level']} [{row['service']}] request_id={row['id']} "
        f"took {row['latency_ms']}ms: {row['message']}"
        for day, row in enumerate(records(), 1)
    )


def hexadecimal() -> str:
    rng = random.Random(8)
    return "\n".join(f"{rng.getrandbits(160):040x}" for _ in range(40))


def ids() -> str:
    rng = random.Random(9)
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    return "\n".join("call_" + "".join(rng.choices(letters, k=24)) for _ in range(40))


# Each text, and what it is in tokens of o200k, recorded with the vocabulary itself.
TEXTS = {
    "prose": (lambda: PROSE, 100),
    "code": (lambda: CODE, 159),
    "json": (lambda: json.dumps(records()), 1847),
    "compact json": (lambda: json.dumps(records(), separators=(",", ":")), 1518),
    "indented json": (lambda: json.dumps(records(), indent=2), 2148),
    "logs": (logs, 1562),
    "hex": (hexadecimal, 944),
    "ids": (ids, 784),
    "base64": (lambda: base64.b64encode(random.Random(10).randbytes(3000)).decode(), 2731),
    "digits": (lambda: str(random.Random(11).getrandbits(2000)), 201),
    "chinese": (lambda: CHINESE, 65),
    "japanese": (lambda: JAPANESE, 85),
    "korean": (lambda: KOREAN, 55),
    "russian": (lambda: RUSSIAN, 44),
    "german": (lambda: GERMAN, 39),
}


class Words:
    """An encoding whose tokens are words, each with the blank before it."""

    name = "words"

    def encode_ordinary(self, text: str) -> list[int]:
        self.seen = text.replace(" ", "\0 ").split("\0")
        return list(range(len(self.seen))) if text else []

    def decode(self, tokens: list[int], errors: str = "replace") -> str:
        return "".join(self.seen[token] for token in tokens)


@pytest.mark.parametrize("kind", TEXTS)
def test_estimate_is_within_a_fifth_of_o200k(kind):
    """What agents send is mostly JSON, ids and code; there the estimate has to hold as well."""
    make, exact = TEXTS[kind]
    assert exact == pytest.approx(TokenCounter().text(make()), rel=0.2)


@pytest.mark.parametrize("kind", ["code", "json", "compact json", "logs", "hex", "ids", "base64"])
def test_estimate_of_machine_text_is_close(kind):
    """Code, JSON and identifiers are within 6%."""
    make, exact = TEXTS[kind]
    assert exact == pytest.approx(TokenCounter().text(make()), rel=0.06)


def test_empty_text_has_no_tokens():
    """Nothing counts nothing."""
    assert TokenCounter().text("") == 0


PLAIN = re.compile(
    tokens._PIECE.pattern.replace("[A-Z](?<=[A-Za-z0-9].)", "(?<=[A-Za-z0-9])[A-Z]")
    .replace("[a-z](?<=[A-Z0-9].)", "(?<=[A-Z0-9])[a-z]")
    .replace("?+", "?")
    .replace("}+", "}"),
    re.DOTALL,
)
"""The same pieces, written as one would say them."""


@given(st.text(st.sampled_from("aAbBzZ019éÉßø _-+/.\n\r\t昨ひ어α🎉"), max_size=60))
def test_shortcuts_find_the_same_pieces(text):
    """What is written for speed divides a text as the plain form does."""
    assert tokens._PIECE.pattern != PLAIN.pattern
    assert tokens._PIECE.findall(text) == PLAIN.findall(text)


def test_every_character_is_counted():
    """Controls, surrogates and emoji are not overlooked."""
    assert TokenCounter().text("\x00\x01") == 2
    assert TokenCounter().text("\ud800") == 1
    assert TokenCounter().text("🎉🎉") == 2


@pytest.mark.parametrize(
    "counter", [TokenCounter(), TokenCounter(Words())], ids=["estimate", "exact"]
)
@pytest.mark.parametrize("limit", [0, 1, 7, 50, 10_000])
def test_cut_text_is_a_beginning_within_the_limit(counter, limit):
    """What is cut counts at most the limit, and nothing is cut without need."""
    cut = counter.cut(PROSE, limit)
    assert PROSE.startswith(cut)
    assert counter.text(cut) <= limit
    assert counter.text(cut) >= min(limit, counter.text(PROSE)) - 1


class Moody(Words):
    """An encoding that counts an unfinished sentence one higher."""

    def encode_ordinary(self, text: str) -> list[int]:
        tokens = super().encode_ordinary(text)
        return tokens if not text or text.endswith(".") else [*tokens, len(tokens)]

    def decode(self, tokens: list[int], errors: str = "replace") -> str:
        return "".join(self.seen[token] for token in tokens if token < len(self.seen))


def test_cut_holds_the_limit_when_the_beginning_counts_differently():
    """Tokenizers see the end of a text in another light."""
    counter = TokenCounter(Moody())
    cut = counter.cut("One two three four five.", 3)
    assert (cut, counter.text(cut)) == ("One two", 3)


def test_counter_says_how_it_counts():
    """Reports name the method, since the numbers depend on it."""
    assert TokenCounter().name == "estimate"
    assert TokenCounter(Words()).name == "words"
    assert repr(TokenCounter(Words())) == "TokenCounter(words)"


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_without_the_vocabulary_nothing_is_downloaded(variable, tmp_path, monkeypatch):
    """An empty cache directory of tiktoken means the estimate."""
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert counter_at_hand().name == "estimate"


def test_damaged_vocabulary_is_not_used(tmp_path, monkeypatch):
    """Given such a file, tiktoken would delete it and download another one."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    kept = tmp_path / tokens._O200K_FILE
    kept.write_bytes(b"damaged")
    assert counter_at_hand().name == "estimate"
    assert kept.read_bytes() == b"damaged"


def test_without_a_cache_directory_tiktoken_would_download(monkeypatch):
    """An empty setting turns tiktoken's cache off."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert counter_at_hand().name == "estimate"


def test_vocabulary_at_hand_is_used(tmp_path, monkeypatch):
    """With the right file in tiktoken's default directory its encoding counts."""
    tiktoken = pytest.importorskip("tiktoken")
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setattr(tokens.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / "data-gym-cache"
    folder.mkdir()
    (folder / tokens._O200K_FILE).write_bytes(b"vocabulary")
    monkeypatch.setattr(tokens, "_O200K_SHA256", tokens.sha256(b"vocabulary").hexdigest())
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: Words())
    assert counter_at_hand().name == "words"


def test_vocabulary_without_tiktoken_is_not_used(tmp_path, monkeypatch):
    """tiktoken is an optional dependency."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    (tmp_path / tokens._O200K_FILE).write_bytes(b"vocabulary")
    monkeypatch.setattr(tokens, "_O200K_SHA256", tokens.sha256(b"vocabulary").hexdigest())
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert counter_at_hand().name == "estimate"
