import sys
import types

import pytest


class Host:
    """A run reduced to what tools ask of it; `change` stands for the faults."""

    seed = 11

    def __init__(self):
        self.time = 0.0
        self.events = []
        self.change = lambda result: result

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    async def pause(self, seconds):
        self.time += seconds

    def failed(self, error):
        return error

    def before(self, tool, request):
        self.events.append((tool.name, request.arguments))

    def after(self, tool, request, result, *, seconds, raised):
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
