"""The agent under test: whatever answers, built and called exactly as in production."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chaoskit.errors import AgentNotFound, UsageError

if TYPE_CHECKING:
    from chaoskit.outside import Outside

__all__ = ["DUMMY_KEY", "KEYS", "Agent", "dummy_keys", "import_named", "load_agent"]

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")
"""Where the SDKs look for their keys."""

DUMMY_KEY = "dummy-key-of-a-chaos-run"
_REMOVED = ("ANTHROPIC_AUTH_TOKEN",)
_KEYWORDS = ("user", "session", "history")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A callable `agent(prompt) -> str`, sync or async, and what belongs to it.

    Attributes:
        startup: called once before traffic and again at each deploy, where the agent has one.
        keywords: which of `user`, `session` and `history` its signature asks for.
        module: where its own tools are looked for.
        tools: dotted paths of its tools' functions, by tool name.
        make: makes the callable of one session, where the agent was given as a class or factory.
        outside: how it is asked, where it is another process: a command, or a service at a URL.
    """

    name: str
    answer: Callable[..., Any]
    is_async: bool
    keywords: tuple[str, ...] = ()
    startup: Callable[[], Any] | None = None
    module: ModuleType | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    make: Callable[[], Callable[..., Any]] | None = None
    outside: Outside | None = None

    def fresh(self) -> Agent:
        """Return the agent as it is before anybody has asked: with no session yet."""
        return self if self.make is None else replace(self, answer=_Sessions(self.make))

    @classmethod
    def of(
        cls,
        answer: Callable[..., Any],
        *,
        name: str = "",
        tools: Mapping[str, str] | None = None,
        home: ModuleType | None = None,
    ) -> Agent:
        """Return the agent that a callable is; `home` is the module by which it was named.

        A class, or a function without parameters, makes the callable of one session.

        Raises:
            AgentNotFound: it cannot be called with one prompt, nor does what it makes.
        """
        if not callable(answer):
            raise AgentNotFound(
                f"{name or f'a value of type {type(answer).__name__}'} is not callable; "
                "an agent is a function of a prompt"
            )
        name = name or f"{getattr(answer, '__module__', '?')}:{_title(answer)}"
        make = answer if inspect.isclass(answer) or not _parameters(answer) else None
        asked = answer if make is None else _made(make, name)
        parameters = _parameters(asked)
        module = sys.modules.get(getattr(answer, "__module__", ""))
        call = asked if inspect.isroutine(asked) else type(asked).__call__
        return cls(
            name=name,
            answer=answer if make is None else _Sessions(make),
            is_async=any(
                inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one)
                for one in (asked, call)
            ),
            keywords=tuple(word for word in _KEYWORDS if word in parameters or make is not None),
            startup=getattr(answer, "startup", None)
            or getattr(module, "startup", None)
            or getattr(home, "startup", None),
            module=module,
            tools=dict(tools or {}),
            make=make,
        )


class _Sessions:
    """Asks the agent that belongs to a session, and makes it when the session begins."""

    def __init__(self, make: Callable[[], Callable[..., Any]]) -> None:
        self._make = make
        self._made: dict[str, Callable[..., Any]] = {}

    def __call__(self, prompt: str, **keywords: Any) -> Any:
        session = str(keywords.get("session", ""))
        agent = self._made.get(session) or self._made.setdefault(session, self._make())
        takes = _parameters(agent)
        return agent(prompt, **{word: keywords[word] for word in keywords if word in takes})


def _made(make: Callable[[], Any], name: str) -> Callable[..., Any]:
    """Return what a factory makes, to see what it is like."""
    try:
        made = make()
    except Exception:  # noqa: BLE001 - whatever the agent's code raises is reported, not hidden
        raise AgentNotFound(f"{name} makes no agent:\n{_failure(name)}") from None
    if not callable(made):
        raise AgentNotFound(
            f"{name} makes a {type(made).__name__}, which is not callable; a class or a function "
            "without parameters makes an agent, which is a function of a prompt"
        )
    return made  # type: ignore[no-any-return]  # it is callable


def _parameters(answer: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(answer).parameters
    except (TypeError, ValueError):  # some builtins have no signature
        return inspect.signature(lambda prompt: prompt).parameters


def load_agent(
    spec: str,
    tools: Mapping[str, str] | None = None,
    *,
    scale: float | None = None,
    port: int | None = None,
) -> Agent:
    """Import the agent `module:callable` or `path/to/file.py:callable`, with dummy keys in place.

    `command: node agent.js` and `http://127.0.0.1:8000/answer` are agents as well, and nothing is
    imported for them.

    Args:
        tools: dotted paths of the agent's own tool functions, by tool name.
        scale: for other processes, how many seconds of the world pass in one of the machine.
        port: for a URL, where the service looks for the simulated provider.

    Raises:
        AgentNotFound: there is no such module or callable, or importing it failed; the text says
            which, and ends with the agent's own traceback.
    """
    target, _, attribute = spec.partition(":")
    if target == "command":
        return _command(spec, attribute.strip(), scale)
    if target in ("http", "https"):
        return _service(spec, scale, port)
    if not target or not attribute:
        raise AgentNotFound(
            f"{spec!r} names no agent; write module:callable, such as myapp.agent:answer"
        )
    with dummy_keys():
        module = import_named(target, spec)
        value: Any = module
        for part in attribute.split("."):
            try:
                value = getattr(value, part)
            except AttributeError:
                known = [
                    name
                    for name, item in vars(module).items()
                    if inspect.isfunction(item) and not name.startswith("_")
                ]
                hint = f"; it has {', '.join(sorted(known))}" if known else ""
                raise AgentNotFound(f"{target} has no {attribute!r}{hint}") from None
            except Exception:  # noqa: BLE001 - a lazy module imports when it is asked for a name
                raise AgentNotFound(_failure(target)) from None
    return Agent.of(value, name=spec, tools=tools, home=module)


def _command(spec: str, words: str, scale: float | None) -> Agent:
    from chaoskit.command import Command  # noqa: PLC0415 - few agents are commands

    command = Command.of(words, scale=1.0 if scale is None else scale)
    return _outside(spec, command, ("user", "session"))


def _service(spec: str, scale: float | None, port: int | None) -> Agent:
    from chaoskit.endpoint import PORT, Endpoint  # noqa: PLC0415 - few agents are URLs

    endpoint = Endpoint.of(spec, scale=1.0 if scale is None else scale, port=port or PORT)
    return _outside(spec, endpoint, _KEYWORDS)


def _outside(spec: str, outside: Outside, keywords: tuple[str, ...]) -> Agent:
    def answer(prompt: str, **more: str) -> str:
        raise UsageError(f"{spec} is asked {prompt!r} {more}; only a run can do that")

    return Agent(name=spec, answer=answer, is_async=False, keywords=keywords, outside=outside)


def import_named(target: str, spec: str) -> ModuleType:
    """Import a module or a file that the user names as, or as part of, `spec`.

    Raises:
        AgentNotFound: there is none, or importing it failed; the text ends with its traceback.
        UsageError: it asks chaoskit for something that cannot be done.
    """
    try:
        if target.endswith(".py") or os.sep in target:
            return _import_file(Path(target))
        return importlib.import_module(target)
    except UsageError:
        raise
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if target == missing or target.startswith(f"{missing}."):
            raise AgentNotFound(
                f"there is no module {missing!r} (looking for {spec}); "
                "run from the folder that holds it, or install it"
            ) from None
        raise AgentNotFound(_failure(target)) from None
    except Exception:  # noqa: BLE001 - whatever the agent's module raises is reported, not hidden
        raise AgentNotFound(_failure(target)) from None


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise AgentNotFound(f"there is no file {path}")
    name = path.stem
    loaded = importlib.util.spec_from_file_location(name, path)
    if loaded is None or loaded.loader is None:
        raise AgentNotFound(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(loaded)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        loaded.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def _failure(target: str) -> str:
    lines = traceback.format_exc(limit=-4).splitlines()
    return "\n".join([f"importing {target} failed:", *lines])


@contextlib.contextmanager
def dummy_keys() -> Iterator[None]:
    """Put dummy API keys into the environment, so that clients can be built without real ones."""
    saved = {name: os.environ.get(name) for name in (*KEYS, *_REMOVED)}
    os.environ.update(dict.fromkeys(KEYS, DUMMY_KEY))
    for name in _REMOVED:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _title(value: object) -> str:
    return getattr(value, "__qualname__", type(value).__qualname__)
