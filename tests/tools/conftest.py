import sys
import types

import pytest

from chaoskit.fault import Run
from chaoskit.seed import derive
from chaoskit.tool import as_text
from chaoskit.tools.results import make as made


class Host:
    """A run reduced to what tools ask of it; `change` stands for the faults."""

    seed = 11

    def __init__(self):
        self.time = 0.0
        self.events = []
        self.change = lambda result: result
        self.run = Run()

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    async def pause(self, seconds):
        self.time += seconds

    def failed(self, error):
        return error

    def before(self, tool, request, *, admitted=False):
        self.events.append((tool.name, request.arguments))
        return self.run

    def carry_out(self, tool, request, run):
        return made(tool.result, derive(self.seed, "tool", tool.name, as_text(request.arguments)))

    def after(self, tool, request, result, *, run, seconds, raised):
        self.events.append((result, seconds, raised))
        return self.change(result)


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def make_module(monkeypatch, tmp_path):
    """Writes a module of an agent and imports it."""

    def make(name, source):
        path = tmp_path / f"{name.replace('.', '_')}.py"
        path.write_text(source)
        module = types.ModuleType(name)
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(source, str(path), "exec"), module.__dict__)
        return module

    return make
