"""Traps that let a harness pass what it should fail, or fail what it should pass."""

import pytest

HEAD = """
import anthropic, pytest
from myagent import answer

client = anthropic.Anthropic(max_retries=0)
TOOL = {
    "name": "search_logs",
    "input_schema": {
        "type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"],
    },
}


def ask(messages, **more):
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return client.messages.create(
        model="claude-sonnet-4-6", max_tokens=99, messages=messages, **more
    )
"""


@pytest.fixture
def judge(project):
    """Run one test by hand; return its result."""

    def run(body):
        project.agent().tests(f"{HEAD}\n\ndef test_it(chaos):\n" + body.strip("\n"))
        return project.run()

    return run


def test_run_without_any_call_does_not_pass(judge):
    """Nothing was tested."""
    result = judge("    pass")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no request reached a simulated provider*opts out*"])
    judge("    chaos.allow(silence=True)").assert_outcomes(passed=1)


def test_fault_that_never_struck_does_not_pass(judge):
    """It says what was configured, what arrived, and how to opt out."""
    result = judge("    chaos.rate_limit(calls=3, model='gpt*')\n    answer('x')")
    result.assert_outcomes(failed=1)
    told = " ".join(result.stdout.str().split())
    assert "never struck: RateLimited(): call 3 of each user, to model gpt*." in told
    assert "What arrived: anthropic claude-sonnet-4-6, call 1." in told
    assert "chaos.allow(unstruck=True), opts out" in told
    optional = "    chaos.rate_limit(calls=3, optional=True)\n    answer('x')"
    judge(optional).assert_outcomes(passed=1)


def test_agent_that_crashes_on_a_400_fails(judge):
    """A conversation that no provider takes: a tool call without its result."""
    body = """
    call = {"type": "tool_use", "id": "toolu_1", "name": "search_logs", "input": {"query": "x"}}
    def agent(prompt):
        history = [{"role": "user", "content": prompt}, {"role": "assistant", "content": [call]}]
        return ask([*history, {"role": "user", "content": "go on"}], tools=[TOOL])
    chaos.users(1, agent)
"""
    result = judge(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(
        ["*FAIL no turn ends in an exception*", "*`tool_use` ids were found without*"]
    )


def test_agent_that_falls_back_correctly_passes(judge):
    """Another provider answers while the first is down."""
    body = """
    import openai
    chaos.outage(provider="anthropic")
    def agent(prompt):
        try:
            return ask(prompt).content[0].text
        except anthropic.APIError:
            return openai.OpenAI().chat.completions.create(
                model="gpt-5.4", messages=[{"role": "user", "content": prompt}]
            ).choices[0].message.content
    assert all(chaos.users(3, agent))
"""
    judge(body).assert_outcomes(passed=1)


def test_agent_that_raises_a_clear_error_about_a_cut_stream_is_not_blamed(judge):
    """Surfacing is correct; the piece of an answer was not passed off as a whole."""
    body = """
    class Cut(Exception): pass
    def agent(prompt):
        with client.messages.stream(model="claude-sonnet-4-6", max_tokens=99,
                messages=[{"role": "user", "content": prompt}]) as stream:
            text = "".join(stream.text_stream)
            if stream.get_final_message().stop_reason is None:
                raise Cut("the answer was cut")
        return text
    chaos.end_stream_early(after=1)
    with pytest.raises(Cut):
        agent("x")
"""
    judge(body).assert_outcomes(passed=1)


def test_agent_that_passes_on_a_piece_of_an_answer_fails(judge):
    """The SDK does not complain, so the agent must look."""
    body = """
    def agent(prompt):
        with client.messages.stream(model="claude-sonnet-4-6", max_tokens=99,
                messages=[{"role": "user", "content": prompt}]) as stream:
            return "".join(stream.text_stream)
    chaos.end_stream_early(after=1)
    chaos.users(1, agent)
"""
    result = judge(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*(no_partial_answer: 1 finding*"])


def test_storm_with_a_changing_nonce_is_one_storm(judge):
    """Thirty attempts at one step, each with another prompt."""
    body = """
    chaos.overload(calls="1-29")
    for attempt in range(30):
        try:
            ask(f"Why did the deploy fail? [request {attempt}]")
        except anthropic.APIError:
            chaos.clock.sleep(20)
"""
    result = judge(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*(bounded_amplification: 1 finding*"])


def test_identical_tool_calls_are_a_loop(judge):
    """Twenty-five times the same call, with the same result."""
    body = """
    history = [{"role": "user", "content": "Why?"}]
    for _ in range(25):
        chaos.call_tool("search_logs", query="deploy")
        reply = ask(history, tools=[TOOL])
        result = {"type": "tool_result", "tool_use_id": reply.content[0].id, "content": "[]"}
        history += [{"role": "assistant", "content": reply.content},
                    {"role": "user", "content": [result]}]
"""
    result = judge(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*(no_tool_loop: 2 findings*"])


def test_broken_tool_argument_arrives_broken(judge):
    """Through the SDK: neither it nor our encoder repairs it."""
    body = """
    chaos.malform_arguments("wrong_type", calls=1).malform_arguments("truncated", calls=2)
    chaos.call_tool("search_logs", query="deploy").call_tool("search_logs", query="deploy")
    assert not isinstance(ask("x", tools=[TOOL]).content[0].input["query"], str)
    assert ask("y", tools=[TOOL]).content[0].input != {"query": "deploy"}
"""
    judge(body).assert_outcomes(passed=1)


def test_early_retry_is_seen(judge):
    """Whoever does not wait as long as asked is found out."""
    body = """
    chaos.rate_limit(calls=1, retry_after=30)
    for _ in range(2):
        with pytest.raises(anthropic.RateLimitError):
            ask("x")
        chaos.clock.sleep(5)
"""
    result = judge(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*(retry_after_honoured: 1 finding*", "*What to do: *RetryConfig*"]
    )


def test_leak_is_seen(judge):
    """A secret of a tool's result in the log."""
    body = """
    import logging, sys
    def search_logs(query):
        return "nothing"
    sys.modules[__name__].search_logs = search_logs
    chaos.leak_secret("search_logs").call_tool("search_logs", query="x")
    ask("x", tools=[TOOL])
    logging.getLogger("agent").warning("found %s", sys.modules[__name__].search_logs("x"))
"""
    result = judge(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*(no_leak: 1 finding*"])


def test_opting_out_is_one_word(judge):
    """For a test that looks at something else."""
    body = """
    chaos.allow(unkept=True)
    for _ in range(30):
        chaos.overload(calls="1-29") if not chaos.calls else None
        try:
            ask("x")
        except anthropic.APIError:
            pass
"""
    judge(body).assert_outcomes(passed=1)
