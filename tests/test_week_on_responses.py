"""The seven days against naive agents on the Responses API: each breaks for the day's reason."""

import json
import logging
from functools import cache

import openai
import pytest

from chaoskit.agent import Agent
from chaoskit.catalogue import load_all, shipped
from chaoskit.check import Verdict
from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS, SPECS
from chaoskit.history import to_responses
from chaoskit.run import run

DAYS = {scenario.day: scenario for _, scenario in load_all(shipped()) if scenario.day}
BROKEN = {
    1: {"no_crash", "tool_errors_reported", "tool_body_not_run_on_bad_arguments"},
    2: {"no_crash", "every_user_answered"},
    3: {"no_crash", "every_user_answered"},
    4: {"gives_up_gracefully", "no_tool_loop"},
    5: {"no_secret_in_logs", "no_leak"},
    6: {"warmed_before_traffic"},
    7: {"no_crash", "fallback_used", "no_hammering"},
}
TOOLS = [
    {
        "type": "function",
        "name": spec["name"],
        "description": spec["description"],
        "parameters": spec["input_schema"],
        "strict": False,
    }
    for spec in SPECS
]
# By name: other tests have functions of the same name.
PLACES = {spec["name"]: f"chaoskit.demo.tools:{spec['name']}" for spec in SPECS}
ASK = {"model": "gpt-5.4", "tools": TOOLS, "instructions": SYSTEM_PROMPT}

log = logging.getLogger("test.naive_responses")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())

pytestmark = pytest.mark.slow


@cache
def client(kind):
    return kind()


def ran(response):
    """Run the tools as everyone does it first."""
    results = []
    for item in response.output:
        if item.type == "function_call":
            log.info("tool call %s %s", item.name, item.arguments)
            result = json.dumps(FUNCTIONS[item.name](**json.loads(item.arguments)))
            log.info("tool result %s", result)
            results.append(
                {"type": "function_call_output", "call_id": item.call_id, "output": result}
            )
    return results


def resending(prompt, *, history=()):
    """Sends the whole conversation each time."""
    items = [*to_responses(history), {"role": "user", "content": prompt}]
    while True:
        response = client(openai.OpenAI).responses.create(input=items, store=False, **ASK)
        results = ran(response)
        if not results:
            return response.output_text
        items += [*response.output, *results]


async def chaining(prompt, *, history=()):
    """Sends what is new, and the id of the response before."""
    new = [*to_responses(history), {"role": "user", "content": prompt}]
    previous = None
    while True:
        response = await client(openai.AsyncOpenAI).responses.create(
            input=new, previous_response_id=previous, **ASK
        )
        new, previous = ran(response), response.id
        if not new:
            return response.output_text


def streaming(prompt, *, history=()):
    """Reads the answer from the events."""
    items = [*to_responses(history), {"role": "user", "content": prompt}]
    while True:
        with client(openai.OpenAI).responses.stream(input=items, **ASK) as stream:
            response = stream.get_final_response()
        results = ran(response)
        if not results:
            return response.output_text
        items += [*response.output, *results]


# The SDK takes its time over long inputs: what one agent has shown need not be shown by each.
LIVED = [
    *((chaining, day) for day in range(1, 8)),
    *((resending, day) for day in (1, 3, 5)),
    *((streaming, day) for day in (1, 2, 5, 7)),
]


@pytest.mark.parametrize(("agent", "day"), LIVED)
def test_a_naive_agent_breaks_the_promises_of_the_day(agent, day):
    """A healthy world is passed, and the run breaks for the reason of that day."""
    outcome = run(DAYS[day], Agent.of(agent, tools=PLACES))
    broken = {it.name for it in outcome.promises if it.judgement.verdict is Verdict.FAIL}

    assert broken >= BROKEN[day]
