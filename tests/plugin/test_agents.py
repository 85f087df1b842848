"""How a team names its agent."""

import os
import socket
import subprocess
import sys
import time

import pytest

from chaoskit.sessions import environment_of

CLASS = """
import anthropic


class Bot:
    def __init__(self):
        self.client = anthropic.Anthropic()
        self.history = []

    def __call__(self, prompt):
        self.history.append({"role": "user", "content": prompt})
        reply = self.client.messages.create(
            model="claude-sonnet-4-6", max_tokens=500, messages=self.history
        )
        self.history.append({"role": "assistant", "content": reply.content[0].text})
        yield from reply.content[0].text.split(" ")
"""


def test_agent_is_named_by_an_option(project):
    """Several give a test each, and each is called after its agent."""
    project.scenario()
    result = project.run("--chaos-agent=myagent:answer", "--chaos-agent=chaoskit.demo:naive", "-rA")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(
        ["PASSED night.chaos.toml::night[[]myagent:answer]", "PASSED *[[]chaoskit.demo:naive]"]
    )


def test_agent_is_named_by_the_project(project):
    """In pyproject.toml, once for pytest and the command line."""
    project.agent().scenario().run().assert_outcomes(passed=1)


def test_agent_is_named_by_the_ini_file(project):
    """For those who keep everything of pytest there."""
    project.scenario().file(
        "pytest.ini", "[pytest]\naddopts = -p no:asyncio\nchaos_agent = myagent:answer\n"
    )
    project.run().assert_outcomes(passed=1)


def test_agent_is_built_by_a_fixture(project):
    """It uses other fixtures, is built anew for each test, and cleans up."""
    project.scenario("a").scenario("b").file(
        "conftest.py",
        "import anthropic, pytest\n"
        "@pytest.fixture\n"
        "def client(monkeypatch):\n"
        "    with anthropic.Anthropic(api_key='k') as client:\n        yield client\n"
        "    print('closed', client.is_closed())\n"
        "@pytest.fixture\n"
        "def chaos_agent(client):\n"
        "    print('built')\n"
        "    def answer(prompt):\n"
        "        return client.messages.create(model='claude-sonnet-4-6', max_tokens=9,\n"
        "            messages=[{'role': 'user', 'content': prompt}]).content[0].text\n"
        "    yield answer\n"
        "    print('cleaned up')\n",
    )
    result = project.run("-s")
    result.assert_outcomes(passed=2)
    told = result.stdout.str()
    assert [told.count(word) for word in ("built", "cleaned up", "closed True")] == [2, 2, 2]


@pytest.mark.parametrize("mark", ["@pytest_asyncio.fixture", "@pytest.fixture"])
def test_agent_fixture_may_be_async(project, mark):
    """As far as a plugin for async tests runs it."""
    project.scenario().file(
        "pytest.ini",
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
    )
    project.file(
        "conftest.py",
        f"import pytest, pytest_asyncio\nfrom myagent import answer\n{mark}\n"
        "async def chaos_agent():\n    yield answer\n",
    )
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("plugin", ["asyncio", "anyio"])
def test_async_agent_fixture_serves_async_tests(project, plugin):
    """Although their loop runs already when they ask for the agent."""
    project.file("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n").file(
        "conftest.py",
        "import anthropic, pytest, pytest_asyncio\n"
        "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
        f"@{'pytest_asyncio' if plugin == 'asyncio' else 'pytest'}.fixture\n"
        f"async def chaos_agent({'' if plugin == 'asyncio' else 'anyio_backend'}):\n"
        "    async with anthropic.AsyncAnthropic() as client:\n"
        "        async def answer(prompt):\n"
        "            reply = await client.messages.create(model='claude-sonnet-4-6', max_tokens=9,\n"
        "                messages=[{'role': 'user', 'content': prompt}])\n"
        "            return reply.content[0].text\n"
        "        yield answer\n",
    )
    project.tests(
        "import pytest\n"
        f"@pytest.mark.{plugin}\nasync def test_async(chaos):\n    assert all(chaos.users(2))\n"
        f"@pytest.mark.{plugin}\n@pytest.mark.chaos(rate_limit={{'calls': 1}})\n"
        "async def test_marked(request):\n"
        "    assert request.getfixturevalue('chaos').ask('why?')\n"
        "def test_sync(chaos):\n    assert chaos.ask('why?')\n"
    )
    project.run().assert_outcomes(passed=3)


PARAMETERS = """
import pytest
from myagent import answer

@pytest.fixture(params=[answer, pytest.param("nowhere:answer", marks=pytest.mark.xfail)],
                ids=["plain", "gone"])
def chaos_agent(request):
    yield request.param
"""


def test_agent_fixture_with_parameters_gives_a_test_for_each(project):
    """Scenarios, days, and tests that take it; others are told to."""
    project.file("conftest.py", PARAMETERS).scenario()
    project.scenario("seeds", more="[pytest]\nmatrix = { seeds = [1, 2] }\n").tests(
        "def test_both(chaos, chaos_agent):\n    assert chaos.ask('x', chaos_agent)\n"
        "def test_none(chaos):\n    chaos.ask('x')\n"
    )
    project.run("--collect-only", ".", "chaos-week::day4").stdout.fnmatch_lines(
        [
            "night.chaos.toml::night[[]plain]",
            "night.chaos.toml::night[[]gone]",
            "seeds.chaos.toml::seeds[[]seed1-plain]",
            "seeds.chaos.toml::seeds[[]seed1-gone]",
            "seeds.chaos.toml::seeds[[]seed2-plain]",
            "seeds.chaos.toml::seeds[[]seed2-gone]",
            "test_mine.py::test_both[[]plain]",
            "test_mine.py::test_both[[]gone]",
            "test_mine.py::test_none",
            "chaos-week::day4[[]plain]",
            "chaos-week::day4[[]gone]",
        ]
    )
    result = project.run()
    result.assert_outcomes(passed=4, xfailed=4, failed=1)
    result.stdout.fnmatch_lines(["*UsageError: the chaos_agent fixture has parameters: let the*"])
    project.run("night.chaos.toml::night[plain]").assert_outcomes(passed=1)


def test_agent_is_looked_for_in_the_current_folder(project, monkeypatch):
    """Which need not be the root of the tests, when the ini file lies elsewhere."""
    project.file("etc/own.ini", "[pytest]\nchaos_agent = elsewhere:Bot\n").scenario()
    project.file("elsewhere.py", CLASS)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(project.pytester.path)])
    project.run("-c", "etc/own.ini", "-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("", "*no agent is named. Say which it is by --chaos-agent=module:callable*"),
        ("myagent", "*'myagent' names no agent; write module:callable*"),
        ("nowhere:answer", "*there is no module 'nowhere'*"),
        ("myagent:answr", "*myagent has no 'answr'; it has answer*"),
        ("myagent:client", "*myagent:client is not callable*"),
    ],
)
def test_agent_that_is_none_is_told(project, place, told):
    """In one message, without a traceback."""
    project.scenario()
    result = project.run(*([f"--chaos-agent={place}"] if place else []))
    assert result.ret == 1
    result.stdout.fnmatch_lines([told])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*chaoskit/*.py*")
    result.stdout.no_fnmatch_line("*another exception*")


def test_fixture_that_returns_no_agent_is_told(project):
    """What it returned cannot be asked anything."""
    project.scenario().file(
        "conftest.py", "import pytest\n@pytest.fixture\ndef chaos_agent():\n    return 7\n"
    )
    result = project.run()
    result.stdout.fnmatch_lines(
        [
            "chaoskit: the chaos_agent fixture returned no agent: a value of type int is not callable*"
        ]
    )
    result.stdout.no_fnmatch_line("*another exception*")


def test_agent_with_state_is_made_for_each_session(project):
    """A class, whose instances keep a history and stream their answers."""
    project.file("bots.py", CLASS).scenario(more="")
    project.file(
        "talk.chaos.toml",
        'title = "Talk"\n[workload]\nusers = 3\nturns = 2\nprompt = "What is new, {user}?"\n'
        '[[faults]]\nfault = "server_error"\nwhen = { calls = 1 }\n'
        '[[promises]]\ncheck = "every_user_answered"\n[[promises]]\ncheck = "sessions_isolated"\n'
        '[[promises]]\ncheck = "no_crash"\n',
    )
    project.run("--chaos-agent=bots:Bot", "talk.chaos.toml").assert_outcomes(passed=1)


def test_clients_may_be_built_while_modules_are_imported(project, monkeypatch):
    """In the agent's module, in a test module and in conftest.py, without any key around."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.agent().file("conftest.py", "import openai\nclient = openai.OpenAI()\n")
    project.tests(
        "import openai, os\nfrom myagent import answer\nclient = openai.OpenAI()\n"
        "def test_it(chaos):\n    assert answer('x')\n"
    )
    project.run().assert_outcomes(passed=1)


def test_clients_may_be_built_by_fixtures_before_the_world(project, monkeypatch):
    """Of any scope, and by those that build the agent in a folder of its own."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    client = "import openai, os, pytest\n@pytest.fixture(scope='module')\ndef client():\n    return openai.OpenAI()\n"
    asks = "client.chat.completions.create(model='gpt-5.4-mini', messages=[{'role': 'user', 'content': 'x'}])"
    project.tests(
        f"{client}def test_first(client, chaos):\n    assert {asks}.choices\n"
        "def test_none():\n    assert 'OPENAI_API_KEY' not in os.environ\n"
    )
    project.file(
        "deep/er/conftest.py",
        f"{client}@pytest.fixture\ndef chaos_agent(client):\n"
        f"    return lambda prompt: {asks}.choices[0].message.content\n",
    ).scenario("deep/er/night")
    project.run().assert_outcomes(passed=3)


def test_keys_that_fixtures_set_stay(project, monkeypatch):
    """For as long as they say, whatever stood in their place."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.tests(
        "import os, pytest\nfrom myagent import answer\n"
        "@pytest.fixture(scope='session')\n"
        "def key():\n    os.environ['OPENAI_API_KEY'] = 'own'\n    yield\n"
        "    del os.environ['OPENAI_API_KEY']\n"
        "def test_late(monkeypatch, chaos):\n"
        "    monkeypatch.setenv('OPENAI_API_KEY', 'late')\n    answer('x')\n"
        "def test_gone():\n    assert 'OPENAI_API_KEY' not in os.environ\n"
        "def test_own(key, chaos):\n    answer('x')\n"
        "def test_still():\n    assert os.environ['OPENAI_API_KEY'] == 'own'\n"
    )
    project.run().assert_outcomes(passed=4)
    assert "OPENAI_API_KEY" not in os.environ


def test_real_keys_are_left_alone(project, monkeypatch):
    """Only what is missing is put in its place, and it is gone afterwards."""
    monkeypatch.setenv("OPENAI_API_KEY", "kept")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    project.agent().tests(
        "import os\nKEYS = os.environ['OPENAI_API_KEY'], os.environ['ANTHROPIC_API_KEY']\n"
        "def test_it():\n    assert KEYS[0] == 'kept' and KEYS[1]\n"
    )
    project.run().assert_outcomes(passed=1)
    import os

    assert "ANTHROPIC_API_KEY" not in os.environ


COMMAND = """
import json, os, sys, urllib.request
body = {"model": "claude-sonnet-4-6", "max_tokens": 99,
    "messages": [{"role": "user", "content": sys.stdin.read()}]}
request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
    json.dumps(body).encode(), {"x-api-key": os.environ["ANTHROPIC_API_KEY"],
    "content-type": "application/json", "anthropic-version": "2023-06-01"})
for _ in range(2):
    try:
        print(json.load(urllib.request.urlopen(request))["content"][0]["text"])
        break
    except urllib.error.HTTPError as error:
        error.close()
        import time
        time.sleep(float(error.headers["retry-after-ms"]) / 1000)
"""


def test_agent_may_be_a_command(project):
    """Named by the option or by the project, which says how fast time passes."""
    spec = f"command: {sys.executable} asking.py"
    project.file("asking.py", COMMAND).scenario(more="[provider]\nlatency = { first_token = 0 }\n")
    project.agent(spec, time_scale=120).run().assert_outcomes(passed=1)
    project.agent("myagent:answer", time_scale=120).run(f"--chaos-agent={spec}").assert_outcomes(
        passed=1
    )


SERVICE = """
import http.server, json, os, pathlib, urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        posted = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = {"model": "claude-sonnet-4-6", "max_tokens": 99,
            "messages": [{"role": "user", "content": posted["prompt"]}]}
        request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
            json.dumps(body).encode(), {"x-api-key": os.environ["ANTHROPIC_API_KEY"],
            "content-type": "application/json", "anthropic-version": "2023-06-01"})
        try:
            text = json.load(urllib.request.urlopen(request))["content"][0]["text"]
        except urllib.error.HTTPError as error:
            error.close()
            self.send_error(502)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"data: {text}\\n\\n".encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
pathlib.Path("port").write_text(str(server.server_address[1]))
server.serve_forever()
"""


@pytest.fixture
def service(project):
    """A service in a process of its own; its URL, and the port on which it looks for models."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    project.file("serving.py", SERVICE)
    with subprocess.Popen(
        [sys.executable, "serving.py"],
        cwd=project.pytester.path,
        env={**os.environ, **environment_of(f"http://127.0.0.1:{port}", "")},
        stderr=subprocess.DEVNULL,
    ) as process:
        told = project.pytester.path / "port"
        while not (told.exists() and told.read_text()):
            assert process.poll() is None
            time.sleep(0.01)
        yield f"http://127.0.0.1:{told.read_text()}/answer", port
        process.terminate()


def test_agent_may_be_a_service(project, service):
    """Named by an option, by the project, or by the fixture; scenarios wait for its port."""
    url, port = service
    quick = "[provider]\nlatency = { first_token = 0 }\n"
    project.scenario("calm", calls="9", more='[pytest]\nxfail = "never strikes"\n' + quick)
    project.scenario("night", calls="1", more=quick)
    both = (f"--chaos-agent={url}", f"--chaos-port={port}")
    result = project.run(*both)
    result.assert_outcomes(failed=1, xfailed=1)
    result.stdout.fnmatch_lines([f"*again: pytest * --chaos-port={port} *", "*HTTP 502*"])
    project.agent(url, time_scale=120, port=port).run().assert_outcomes(failed=1, xfailed=1)
    project.pytester.runpytest_subprocess("-q", "-n", "2").assert_outcomes(failed=1, xfailed=1)
    project.agent("myagent:answer", port=port).file(
        "conftest.py", f"import pytest\n@pytest.fixture\ndef chaos_agent():\n    return {url!r}\n"
    )
    project.run().assert_outcomes(failed=1, xfailed=1)


def test_service_that_is_not_there_is_told(project):
    """With what it needs when it is started."""
    told = (
        project.scenario().run("--chaos-agent=http://127.0.0.1:9/", "--chaos-port=7").stdout.str()
    )
    assert "chaoskit: nobody answers at http://127.0.0.1:9/ (" in told
    assert "): start the service first, with these variables in its environment: ANTHROPIC_" in told
    assert " ANTHROPIC_BASE_URL=http://127.0.0.1:7 " in told


@pytest.mark.parametrize("port", ["0", '"x"', "true", "65536"])
def test_port_that_is_none_is_told(project, port):
    """With the file in which it stands."""
    result = project.agent(port=port).scenario().run()
    told = result.stdout.str() + result.stderr.str()
    assert "pyproject.toml: tool.chaoskit.port is a number from 1 to 65535, not" in told


@pytest.mark.parametrize("scale", ["0", '"fast"', "-1", "inf"])
def test_time_scale_that_is_none_is_told(project, scale):
    """With the file in which it stands."""
    project.agent(time_scale=scale).scenario()
    result = project.run()
    told = result.stdout.str() + result.stderr.str()
    assert "pyproject.toml: tool.chaoskit.time_scale is a positive number, not" in told
