"""Calls that fail as those of an SDK do, and then answer."""

import anthropic
import httpx2

from chaoskit_guards.retry import RetryConfig, with_retry

EXACT = RetryConfig(jitter=False)
CLIENT = anthropic.Anthropic(api_key="k")


def refusal(status, **headers):
    """An exception of the installed SDK."""
    request = httpx2.Request("POST", "https://api.example.test/v1/messages")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=names, json={}, request=request)
    return CLIENT._make_status_error("no", body={}, response=response)


class Flaky:
    """Raises the given errors one after the other, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def run(config, flaky, clock, **kwargs):
    """Call `flaky` under a retry on the fake clock."""
    return with_retry(config, clock=clock, sleep=clock.sleep, **kwargs)(flaky)()
