"""How far the token estimate is from a real vocabulary, by kind of text.

TIKTOKEN_CACHE_DIR=… python benchmarks/tokens.py

Needs tiktoken and the file of its o200k_base vocabulary; nothing is downloaded.
"""

import base64
import hashlib
import json
import random
import sysconfig
import time
import uuid
from pathlib import Path

from chaoskit_guards import TokenCounter, count_tokens, exact_counter

PROSE = (
    "The deploy failed because the database migration took longer than the timeout that the "
    "pipeline allows. Nobody noticed until users called. We rolled back, raised the limit and "
    "ran it again at night; it finished after forty minutes without any further trouble. "
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def texts(rng):
    """Yield kinds of text and pieces of that kind."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    for file in rng.sample(files, 60):
        text = file.read_text(encoding="utf-8", errors="replace")
        at = rng.randrange(max(1, len(text) - 2_000))
        yield "code", text[at : at + 2_000]
    for _ in range(60):
        words = PROSE.split()
        at = rng.randrange(len(words) - 10)
        yield "prose", " ".join(words[at:]) + " " + PROSE
        rows = [
            {"id": str(uuid.UUID(int=rng.getrandbits(128))), "ms": rng.randrange(2_000)}
            for _ in range(rng.randrange(3, 30))
        ]
        yield "json", json.dumps(rows)
        yield "base64", base64.b64encode(rng.randbytes(rng.randrange(100, 2_000))).decode()
        yield "hex", hashlib.sha256(rng.randbytes(8)).hexdigest() * 3
        yield (
            "log",
            "\n".join(
                f"2026-06-11 10:{rng.randrange(10, 60)}:00 ERROR [w{rng.randrange(9)}] timeout "
                f"after {rng.randrange(5_000)} ms"
                for _ in range(30)
            ),
        )
        yield "han", "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(200))
        yield "capitals", " ".join("".join(rng.choices(LETTERS, k=7)) for _ in range(60))
        yield "symbols", "".join(rng.choices("!@#$%^&*()_+-=[]{}|;:,.<>?/~` ", k=400))


def main():
    exact = exact_counter()
    if exact is None:
        print("the o200k_base vocabulary is not at hand")
        return
    cautious, found = count_tokens.cautious(), {}
    for kind, text in texts(random.Random(1)):
        true = exact(text)
        found.setdefault(kind, []).append((count_tokens(text) / true, cautious(text) / true))
    print("share of the true count     estimate            cautious")
    for kind, pairs in found.items():
        estimates, bounds = zip(*pairs, strict=True)
        print(
            f"  {kind:12}{min(estimates):14.2f} to {max(estimates):.2f}"
            f"{min(bounds):14.2f} to {max(bounds):.2f}"
        )
    text = PROSE * 2_000
    for name, counter in (("estimate", TokenCounter()), ("cautious", cautious), ("exact", exact)):
        began = time.perf_counter()
        counter(text)
        print(f"  {name:12}{len(text) / (time.perf_counter() - began) / 1e6:8.1f} MB/s")


if __name__ == "__main__":
    main()
