"""What scrubbing costs, as ratios to `copy.deepcopy` and to a tenth of the text.

python benchmarks/scrub.py
"""

import copy
import json
import random
import timeit

from chaoskit_guards import Scrubber

SENTENCE = (
    "the service answered with a timeout while we deployed the new release to staging "
    "and nobody noticed until the first users called and asked what had happened"
)
WORDS = [*SENTENCE.replace(",", "").split(" ")]
ADVERSARIAL = {
    "prefix": "sk-",
    "jwt": "eyJ",
    "assignment": "password=",
    "prose": "password ",
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
    "dots": ".",
    "flags": " -u a:",
    "one letter": "a",
    "brackets": "[",
}


def best(work, number):
    return min(timeit.repeat(work, number=number, repeat=5)) / number


def arguments(rng):
    """Tool arguments of about 2 KB."""
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


def main():
    rng = random.Random(1)
    scrubber = Scrubber()
    data = arguments(rng)
    copied = best(lambda: copy.deepcopy(data), 200)
    scrubbed = best(lambda: scrubber.scrub_dict(data), 200)
    print(f"{len(json.dumps(data))} bytes of arguments: {scrubbed / copied:.1f} x deepcopy")
    range(900)
    texts = {
        "prose": " ".join(rng.choices(WORDS, k=10_000)),
        "json": json.dumps(
            [{"id": n, "text": " ".join(rng.choices(WORDS, k=8))} for n in range(900)]
        ),
        "talk of keys": "use the token and the api key with the password rules; " * 1_000,
    }
    for name, text in texts.items():
        spent = best(lambda t=text[:50_000]: scrubber.scrub_text(t), 3)
        print(f"50 KB of {name}: {spent * 1e3:.1f} ms")
    for name, unit in ADVERSARIAL.items():
        small, large = ((unit * size)[:size] for size in (5_000, 50_000))
        one = best(lambda t=small: scrubber.scrub_text(t), 2)
        ten = best(lambda t=large: scrubber.scrub_text(t), 1)
        print(f"50 KB of hostile {name}: {ten * 1e3:.1f} ms, {ten / one:.1f} x 5 KB")


if __name__ == "__main__":
    main()
