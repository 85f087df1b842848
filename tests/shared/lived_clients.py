"""Clients of the SDKs in a run: what they got, what they were refused, and what nobody has a name for."""

import openai
import pydantic
import pytest

from chaoskit.agent import Agent
from chaoskit.journal import Failed, Replied
from chaoskit.run import play
from chaoskit.scenario import parse

SCENARIO = 'title = "test"\n[workload]\nprompt = "go"\n[[promises]]\ncheck = "no_crash"\n'
KNOWN = {"store", "obfuscation", "_request_id"}  # sent by the vendor, and no field of the SDK's


def lived(maker, use, text=""):
    """What use of a client inside a run returned, and the run's journal."""
    seen = []

    def agent(prompt):
        seen.append(use(maker(max_retries=0)))
        return "done"

    journal = play(parse(SCENARIO + text, "t.chaos.toml"), Agent.of(agent)).journal
    (failed, *_) = [*(event for event in journal if isinstance(event, Failed)), None]
    assert failed is None, failed
    return seen[0], journal


def answered(maker, use, text=""):
    """What use of a client inside a run returned, and the answers in the run's journal."""
    found, journal = lived(maker, use, text)
    return found, journal.of(Replied)


def refusal(use):
    """The message and the code of the refusal that a use of OpenAI's client brings."""

    def caught(client):
        with pytest.raises(openai.BadRequestError) as told:
            use(client)
        return told.value.body["message"], told.value.code

    return lived(openai.OpenAI, caught)[0]


def leftovers(value, path=""):
    """Fields of an answer that the SDK has no name for."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{path}.{name}" for name in (value.model_extra or {}) if name not in KNOWN)
        for name in type(value).model_fields:
            yield from leftovers(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leftovers(inner, f"{path}[{at}]")
