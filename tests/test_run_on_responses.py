"""Whole runs of agents on the Responses API: every fault works through it, none knows it."""

import json
from functools import cache

import openai
import pytest

from chaoskit.agent import Agent
from chaoskit.check import Verdict
from chaoskit.journal import Answered, Failed, Refused, Replied, Requested, Struck
from chaoskit.run import play, run
from chaoskit.scenario import parse

MODEL = "gpt-5.4"
SEARCH = {
    "type": "function",
    "name": "search_logs",
    "description": "Search the logs.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
    "strict": True,
}


@cache
def client():
    """One client for all runs: making one costs a tenth of a second."""
    return openai.OpenAI(max_retries=0, timeout=20)


def scenario(text="", *, users=1, promises=("no_crash",)):
    """A scenario from a few lines of TOML, after its head."""
    head = f'title = "test"\n[workload]\nusers = {users}\nprompt = "Why did the deploy fail?"\n'
    tail = "".join(f'[[promises]]\ncheck = "{name}"\n' for name in promises)
    return parse(head + text + tail, "test.chaos.toml")


def fault(name, **settings):
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return f'[[faults]]\nfault = "{name}"\n{lines}when = {{ calls = "1" }}\n'


def everywhere(name):
    """A fault on every operation, not only where the model is asked for words."""
    return f'[[faults]]\nfault = "{name}"\n'


def search_logs(query):
    """A tool of the agent under test."""
    return {"results": [{"id": "dep-4711", "line": f"deploy 4711 failed: {query.lower()}"}]}


def create(**body):
    return client().responses.create(model=MODEL, **body)


def asking(prompt):
    """One question."""
    return create(input=prompt).output_text


def streaming(prompt):
    """One question, answered piece by piece; errors are events like any other."""
    events = create(input=prompt, stream=True)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def helped(prompt):
    """One question through the SDK's helper for streams."""
    with client().responses.stream(model=MODEL, input=prompt) as stream:
        return stream.get_final_response().output_text


def with_tool(prompt):
    """A tool loop over the chain of responses."""
    response = create(input=prompt, tools=[SEARCH])
    while results := [
        {
            "type": "function_call_output",
            "call_id": item.call_id,
            "output": json.dumps(search_logs(**json.loads(item.arguments))),
        }
        for item in response.output
        if item.type == "function_call"
    ]:
        response = create(input=results, tools=[SEARCH], previous_response_id=response.id)
    return response.output_text


def played(agent, given):
    """The journal of one run."""
    return play(given, Agent.of(agent)).journal


def name_of(failed):
    return failed.error.rpartition(".")[2]


def only(journal, kind):
    return [event for event in journal if isinstance(event, kind)]


def test_the_model_calls_the_tool_and_answers_from_its_result():
    """Over `function_call_output` items, as over the messages of other dialects."""
    outcome = run(scenario(promises=("grounded", "valid_requests")), Agent.of(with_tool))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    journal = played(with_tool, scenario())
    first, second = only(journal, Replied)
    assert (first.tool_calls[0].tool, first.tool_calls[0].valid) == ("search_logs", True)
    assert "dep-4711" in second.text
    requests = only(journal, Requested)
    assert {request.dialect for request in requests} == {"openai_responses"}
    assert requests[1].results[0].tool == "search_logs"
    assert [request.messages for request in requests] == [1, 3]


def test_a_chain_is_counted_as_input_each_time():
    """Whoever sends only the news pays for all of it."""

    def resending(prompt):
        items = [{"role": "user", "content": prompt}]
        first = create(input=items, tools=[SEARCH])
        (call,) = first.output
        result = json.dumps(search_logs(**json.loads(call.arguments)))
        output = {"type": "function_call_output", "call_id": call.call_id, "output": result}
        return create(input=[*items, call, output], tools=[SEARCH]).output_text

    def tokens(agent):
        return [request.prompt_tokens for request in only(played(agent, scenario()), Requested)]

    chained = tokens(with_tool)
    assert chained == tokens(resending)
    assert chained[1] > chained[0]


@pytest.mark.parametrize(("model", "writes"), [("gpt-5.4", False), ("gpt-5.6", True)])
def test_prefix_is_cached_without_being_asked_for(model, writes):
    """In steps of 128 tokens, from 1,024 on; newer models report what they write, too."""

    def repeating(prompt):
        details = [
            client()
            .responses.create(model=model, instructions="word " * 2_000, input=f"{prompt} {n}")
            .usage.input_tokens_details
            for n in range(2)
        ]
        return " ".join(f"{one.cached_tokens} {one.cache_write_tokens}" for one in details)

    (answered,) = only(played(repeating, scenario()), Answered)
    cold, first, warm, _ = map(int, answered.answer.split())
    assert (cold, warm >= 1_024, warm % 128, first > 0) == (0, True, 0, writes)


def test_one_key_knows_nothing_of_another():
    """A response belongs to the account that made it."""

    def prying(prompt):
        made = create(input=prompt)
        other = client().with_options(api_key="another")
        return other.responses.create(
            model=MODEL, input="and?", previous_response_id=made.id
        ).output_text

    (refused,) = only(played(prying, scenario()), Refused)
    assert refused.message.startswith("Previous response with id 'resp_")


def test_input_tokens_are_those_of_the_answer():
    """Counted without being asked, and the same as are billed."""

    def counting(prompt):
        counted = client().responses.input_tokens.count(model=MODEL, input=prompt, tools=[SEARCH])
        made = create(input=prompt, tools=[SEARCH])
        return f"{counted.input_tokens} {made.usage.input_tokens}"

    (answered,) = only(played(counting, scenario()), Answered)
    counted, billed = answered.answer.split()
    assert counted == billed
    assert int(counted) > 10


def test_window_is_refused_in_the_words_of_responses():
    """The code is that which agents look for."""

    def overlong(prompt):
        return client().responses.create(model="gpt-3.5-turbo", input="word " * 20_000).output_text

    (refused,) = only(played(overlong, scenario()), Refused)
    assert (refused.kind, refused.message[:46]) == (
        "context_overflow",
        "Your input exceeds the context window of this ",
    )


def test_window_lets_a_conversation_pass_that_may_be_truncated():
    """Its beginning is left out of the bill as well."""

    def overlong(prompt):
        items = [{"role": "user", "content": "word " * 8_000} for _ in range(20)]
        made = client().responses.create(model="gpt-4o", input=items, truncation="auto")
        return str(made.usage.input_tokens)

    (answered,) = only(played(overlong, scenario()), Answered)
    assert 110_000 < int(answered.answer) <= 128_000


def test_vectors_are_billed_and_journalled():
    """With an operation of their own."""

    def embedding(prompt):
        made = client().embeddings.create(model="text-embedding-3-small", input=prompt)
        return str(made.usage.prompt_tokens)

    outcome = run(scenario(promises=("no_crash", "every_user_answered")), Agent.of(embedding))
    assert (outcome.verdict, outcome.cost_usd > 0) == (Verdict.PASS, True)
    journal = played(embedding, scenario())
    (requested,), (answered,) = only(journal, Requested), only(journal, Answered)
    assert (requested.operation, requested.dialect) == ("embed", "openai_embeddings")
    assert int(answered.answer) == requested.prompt_tokens > 0
    (failed,) = only(played(embedding, scenario(everywhere("rate_limited"))), Failed)
    assert name_of(failed) == "RateLimitError"


@pytest.mark.parametrize(
    ("name", "settings", "error"),
    [
        ("rate_limited", {}, "RateLimitError"),
        ("rate_limited", {"limit": "spend"}, "RateLimitError"),
        ("overloaded", {}, "InternalServerError"),
        ("server_error", {}, "InternalServerError"),
        ("server_error", {"status": 502, "html": True}, "InternalServerError"),
        ("unauthorised", {}, "AuthenticationError"),
        ("connect_error", {}, "APIConnectionError"),
        ("hang", {}, "APITimeoutError"),
        ("cut_stream", {}, "APIConnectionError"),
        ("stall", {}, "APITimeoutError"),
        ("outage", {"kinds": ["overloaded"]}, "InternalServerError"),
    ],
)
def test_unstreamed_fault_is_the_exception_of_production(name, settings, error):
    """The same as on other routes."""
    journal = played(asking, scenario(fault(name, **settings)))
    (failed,) = only(journal, Failed)
    assert (name_of(failed), len(only(journal, Struck))) == (error, 1)


@pytest.mark.parametrize(
    ("name", "settings", "of_helper", "of_events"),
    [
        ("cut_stream", {}, "APIConnectionError", "APIConnectionError"),
        ("stall", {}, "APITimeoutError", "APITimeoutError"),
        ("broken_event", {}, "JSONDecodeError", "JSONDecodeError"),
        # Whoever reads the events alone gets half an answer, and no error.
        ("error_mid_stream", {}, "RuntimeError", ""),
        ("error_mid_stream", {"kind": "server_error"}, "RuntimeError", ""),
        ("unfinished_stream", {}, "RuntimeError", ""),
        ("truncated_at_max_tokens", {}, "RuntimeError", ""),
    ],
)
def test_fault_in_a_stream(name, settings, of_helper, of_events):
    """The helper misses its `response.completed`."""
    given = scenario(fault(name, **settings))
    (failed,) = only(played(helped, given), Failed)
    assert name_of(failed) == of_helper
    journal = played(streaming, given)
    assert [name_of(event) for event in only(journal, Failed)] == ([of_events] if of_events else [])
    if not of_events:
        whole = only(played(streaming, scenario()), Answered)[0].answer
        half = only(journal, Answered)[0].answer
        assert 0 < len(half) < len(whole)
        assert whole.startswith(half)


def test_duplicated_event_is_not_seen_by_the_helper():
    """Its text is that of the last event."""
    given = scenario(fault("duplicated_event"))
    whole = only(played(helped, scenario()), Answered)[0].answer
    assert only(played(helped, given), Answered)[0].answer == whole
    assert len(only(played(streaming, given), Answered)[0].answer) > len(whole)


@pytest.mark.parametrize("kind", ["wrong_type", "stringified", "truncated", "null"])
def test_malformed_arguments_reach_the_agent(kind):
    """The loop without care fails on them."""
    journal = played(with_tool, scenario(fault("malformed_arguments", kind=kind)))
    assert only(journal, Struck)
    assert only(journal, Failed)
    assert not only(journal, Replied)[0].tool_calls[0].valid


def test_unknown_tool_and_empty_answer():
    """The name is not offered; the answer has no item."""
    (called, *_) = only(played(with_tool, scenario(fault("unknown_tool"))), Replied)
    assert called.tool_calls[0].tool != "search_logs"
    assert only(played(asking, scenario(fault("empty_completion"))), Answered)[0].answer == ""


def test_secret_in_arguments_is_planted():
    """And kept out of the journal."""
    journal = played(with_tool, scenario(fault("secret_in_arguments")))
    assert only(journal, Struck)
    assert only(journal, Replied)[0].tool_calls[0].valid


def test_a_run_repeats_byte_for_byte():
    """Ids included: they come from the seed."""
    assert list(played(with_tool, scenario(users=3))) == list(played(with_tool, scenario(users=3)))
