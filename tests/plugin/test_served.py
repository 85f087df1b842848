"""The `chaos_server` fixture."""

import pytest

HEAD = """
import anthropic, os, pytest, subprocess, sys, time
def ask(server, **more):
    with anthropic.Anthropic(base_url=server.url, api_key="anything", **more) as client:
        reply = client.messages.create(model="claude-sonnet-4-6", max_tokens=50,
            messages=[{"role": "user", "content": "x"}])
        return reply.content[0].text
"""
HASTY = """
chaos_server.rate_limit(calls='1-2', retry_after=9)
for _ in range(2):
    with pytest.raises(anthropic.RateLimitError):
        ask(chaos_server, max_retries=0)
"""
BOUND = "promise('bounded_calls', max_calls=1, per='run')"


@pytest.fixture
def served(project):
    """Write and run one test that uses the fixture."""

    def run(body, *args, more=""):
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        project.tests(f"{HEAD}\n{more}\ndef test_it(chaos_server):\n{lines}\n")
        return project.run(*args)

    return run


def test_verbs_are_those_of_the_other_fixture(served):
    """Faults, answers, the journal and the sums."""
    body = """
chaos_server.fail(503, calls=1).reply("hello")
assert ask(chaos_server) == "hello"
assert [call.attempt for call in chaos_server.calls] == [1, 2]
assert chaos_server.cost_usd > 0 and len(chaos_server.journal) > 3
chaos_server.verify()
"""
    served(body).assert_outcomes(passed=1)


def test_other_processes_find_it_by_their_environment(served):
    """With keys that name the session, and a clock that is real."""
    body = """
code = ("import anthropic; print(anthropic.Anthropic().messages.create(max_tokens=9, "
    "model='claude-sonnet-4-6', messages=[{'role': 'user', 'content': 'x'}]).content[0].text)")
chaos_server.reply("from afar")
done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True,
    env={**os.environ, **chaos_server.environment()})
assert done.stdout == "from afar\\n"
assert abs(chaos_server.clock.wall() - time.time()) < 60
"""
    served(body).assert_outcomes(passed=1)


def test_each_test_has_a_session_of_one_server(project):
    """What goes wrong in one is unknown to the next; the marker is understood as well."""
    project.tests(
        HEAD + "ports = set()\n"
        "@pytest.mark.parametrize('name', ['a/b', 'a b', 'a-b', 'ü'])\n"
        "def test_clean(chaos_server, name):\n"
        "    ports.add(chaos_server.url.rpartition('/')[0])\n"
        "    ask(chaos_server)\n"
        "    assert len(chaos_server.calls) == 1 and len(ports) == 1\n"
        "@pytest.mark.chaos(fail={'status': 503, 'calls': 1}, reply='marked')\n"
        "def test_marked(chaos_server):\n"
        "    assert ask(chaos_server) == 'marked' and len(chaos_server.calls) == 2\n"
    )
    project.run().assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (HASTY, "*Retry-After*"),
        ("pass", "*no request reached a simulated provider; chaos_server.allow(silence=True)*"),
        ("chaos_server.hang(turn=9)\nask(chaos_server)", "*never struck: Hang*"),
        ("chaos_server.fail_tool('search')", "*no server reaches the tools of its clients*"),
        ("chaos_server.cut_streem()", "*no verb 'cut_streem'*did you mean 'cut_stream'?*"),
        (f"chaos_server.{BOUND}\nask(chaos_server)\nask(chaos_server)", "*bounded_calls*"),
    ],
)
def test_test_is_judged_when_it_ends(served, body, told):
    """As with `chaos`."""
    result = served(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([told])


def test_opting_out_is_the_same(served):
    """By the same words."""
    body = """
chaos_server.allow(silence=True, unstruck=True).hang()
"""
    served(body).assert_outcomes(passed=1)


def test_failure_tells_the_story_and_how_to_see_it_again(served):
    """Of what the clients asked."""
    result = served("chaos_server.fail(503, calls=1)\nassert ask(chaos_server) == 'y'")
    result.stdout.fnmatch_lines(
        [
            "*- chaos -*",
            "what happened to client:",
            "*fault: ServerError",
            "again: pytest *test_it*",
        ]
    )


def test_journal_is_kept(served, project):
    """In the folder that the option names."""
    served("ask(chaos_server)", "--chaos-journal=out").assert_outcomes(passed=1)
    (file,) = (project.pytester.path / "out").iterdir()
    assert '"event":"Requested"' in file.read_text(encoding="utf-8")


def test_both_fixtures_in_one_test_are_refused(project):
    """Time cannot be virtual and real at once."""
    project.agent().tests("def test_it(chaos, chaos_server):\n    pass\n")
    project.run().stdout.fnmatch_lines(["*a test has either `chaos`, *"])


def test_both_fixtures_get_along_in_one_session(project):
    """The server stays while other tests live in virtual time."""
    project.agent().tests(
        HEAD + "from myagent import answer\n"
        "@pytest.mark.parametrize('n', range(3))\n"
        "def test_real(chaos_server, n):\n"
        "    ask(chaos_server)\n"
        "    assert chaos_server.clock.now() < 600\n"
        "def test_virtual(chaos):\n"
        "    chaos.rate_limit(calls=1, retry_after='1h')\n"
        "    began = time.monotonic()\n"
        "    try:\n        answer('x')\n    except anthropic.RateLimitError:\n        pass\n"
        "    time.sleep(3600)\n"
        "    assert time.monotonic() - began >= 3600\n"
        "@pytest.mark.parametrize('n', range(3))\n"
        "def test_real_again(chaos_server, n):\n"
        "    ask(chaos_server)\n"
        "    assert chaos_server.clock.now() < 600\n"
    )
    project.run("-p", "no:randomly").assert_outcomes(passed=7)


def test_production_is_refused(served, monkeypatch):
    """A simulated provider does not start there."""
    monkeypatch.setenv("NODE_ENV", "production")
    served("pass").stdout.fnmatch_lines(["*NODE_ENV=production: a simulated provider does not*"])
