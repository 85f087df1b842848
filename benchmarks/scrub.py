"""What scrubbing costs, as ratios to `copy.deepcopy` and to a tenth of the text.

python benchmarks/scrub.py [rounds]

Rows are timed in turns in processor time, so that the load of the machine falls on all of them; the
fastest round of each counts.
"""

import copy
import json
import random
import sys
import time

from chaoskit_guards import Scrubber

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
SENTENCE = (
    "the service answered with a timeout while we deployed the new release to staging "
    "and nobody noticed until the first users called and asked what had happened"
)
WORDS = [*SENTENCE.replace(",", "").split(" ")]
HEX = "0123456789abcdef"
ADVERSARIAL = {
    "prefix": "sk-",
    "jwt": "eyJ",
    "half jwt": "eyJ-",
    "assignment": "password=",
    "joins": "secret:=",
    "arrows": "secret->",
    "prose": "password ",
    "verbs": "password is ",
    "pairs": '"token",',
    "settings": "password: x1y2z3\n",
    "escapes": "password:\\",
    "names": "api_key_",
    "pem": "-----BEGIN RSA PRIVATE" + " KEY-----",
    "urls": "://a:",
    "bearer": "bearer ",
    "percent": "%41",
    "broken percent": "%%%2",
    "cookies": "cookie: a=",
    "quotes": 'password="',
    "backslashes": "\\",
    "base64": "QUFBQUFBQUFBQUFB ",
    "dots": ".",
    "flags": " -u a:",
    "one letter": "a",
    "brackets": "[",
}


def fastest(rows, number, rounds):
    """Time each row in turns; return the fastest of each in seconds."""
    times = dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, work in rows.items():
            began = time.process_time()
            for _ in range(number):
                work()
            times[name] = min(times[name], (time.process_time() - began) / number)
    return times


def arguments(rng):
    """Tool arguments of about 2 KB, in which one key tells of a secret."""
    filters = [
        {"field": f"f{n}", "op": "eq", "value": " ".join(rng.choices(WORDS, k=4))}
        for n in range(14)
    ]
    return {
        "query": "why did the deploy fail",
        "limit": 10,
        "filters": filters,
        "options": {"region": "eu-west-1", "api_key": "x" * 20, "accept": "application/json"},
        "text": " ".join(rng.choices(WORDS, k=150)),
    }


def conversation(rng):
    """A request to a model of about 2 KB, with identifiers, paths, numbers and a key."""
    said = [{"type": "text", "text": " ".join(rng.choices(WORDS, k=30))} for _ in range(5)]
    return {
        "trace_id": "".join(rng.choices(HEX, k=32)),
        "user": {"email": "bob@example.org", "roles": ["admin", "author"]},
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": [part]} for part in said],
        "tool": {
            "id": "toolu_01A" + "".join(rng.choices("abcDEF123", k=20)),
            "input": {"path": "/srv/app/logs/2026-11-27/app.log", "api_key": "k" * 30},
        },
        "usage": {"input_tokens": 120, "cache_read_input_tokens": 0},
        "items": [{"sku": f"A-{n}", "qty": n, "price": n * 1.5, "x": ["y"]} for n in range(12)],
    }


def main():
    rng = random.Random(1)
    scrubber = Scrubber()
    for make in (arguments, conversation):
        data = make(rng)
        rows = {
            "deepcopy": lambda d=data: copy.deepcopy(d),
            "scrub": lambda d=data: scrubber.scrub_dict(d),
        }
        times = fastest(rows, 100, ROUNDS)
        ratio = times["scrub"] / times["deepcopy"]
        size = len(json.dumps(data))
        spent = times["scrub"] * 1e6
        print(f"{size} bytes of {make.__name__}: {ratio:.2f} x deepcopy, {spent:.0f} µs")
    texts = {
        "prose": " ".join(rng.choices(WORDS, k=10_000)),
        "json": json.dumps(
            [{"id": n, "text": " ".join(rng.choices(WORDS, k=8))} for n in range(900)]
        ),
        "talk of keys": "use the token and the api key with the password rules; " * 1_000,
        "logs": "".join(
            f"2026-11-27T14:{n % 60:02} INFO [auth] user={n} token refreshed in {n % 9} ms\n"
            for n in range(1_000)
        ),
    }
    rows = {name: lambda t=text[:50_000]: scrubber.scrub_text(t) for name, text in texts.items()}
    for name, spent in fastest(rows, 1, ROUNDS).items():
        print(f"50 KB of {name}: {spent * 1e3:.1f} ms")
    for name, unit in ADVERSARIAL.items():
        small, large = ((unit * size)[:size] for size in (5_000, 50_000))
        rows = {
            "small": lambda t=small: scrubber.scrub_text(t),
            "large": lambda t=large: scrubber.scrub_text(t),
        }
        times = fastest(rows, 1, max(ROUNDS // 6, 1))
        print(
            f"50 KB of hostile {name}: {times['large'] * 1e3:.1f} ms, "
            f"{times['large'] / times['small']:.1f} x 5 KB"
        )


if __name__ == "__main__":
    main()
