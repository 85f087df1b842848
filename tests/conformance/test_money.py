"""What the vendors say when there is no money left, through the SDKs."""

import anthropic
import openai
import pytest

from chaoskit.agent import Agent
from chaoskit.run import play
from chaoskit.scenario import parse

HI = [{"role": "user", "content": "Why did the deploy fail?"}]


@pytest.mark.wire("anthropic.money", "openai.money")
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("credit", "Your credit balance is too low to access the Anthropic API."),
        (
            "own_limit",
            "You have reached your specified API usage limits. You will regain access on 20",
        ),
    ],
)
def test_want_of_money_is_no_rate_limit(reason, words):
    """Claude's is a bad request, which no SDK repeats; OpenAI's is a 429 with a code."""
    told = []

    def agent(prompt):
        claude, gpt = anthropic.Anthropic(max_retries=2), openai.OpenAI(max_retries=0)
        with pytest.raises(anthropic.BadRequestError) as first:
            claude.messages.create(model="claude-opus-5", max_tokens=9, messages=HI)
        with pytest.raises(openai.RateLimitError) as second:
            gpt.chat.completions.create(model="gpt-4.1", messages=HI)
        told.extend([first.value, second.value])
        return "done"

    text = f"""
    title = "test"
    [workload]
    prompt = "go"
    [[faults]]
    fault = "out_of_credit"
    reason = "{reason}"
    [[promises]]
    check = "no_crash"
    """
    journal = play(parse(text, "t.chaos.toml"), Agent.of(agent)).journal
    claude, gpt = told
    assert claude.body["error"]["type"] == "invalid_request_error"
    assert claude.body["error"]["message"].startswith(words)
    assert (gpt.code, gpt.type) == ("insufficient_quota", "insufficient_quota")
    assert "retry-after" not in gpt.response.headers
    assert sum(type(event).__name__ == "Refused" for event in journal) == 2
