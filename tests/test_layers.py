"""Who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HARNESS = ROOT / "chaoskit"
GUARDS = ROOT / "guards" / "chaoskit_guards"

CATALOGUES = (
    "faults",
    "behaviours",
    "dialects",
    "clocks",
    "players",
    "provider",
    "tools",
    "checks",
)
# From the top down: a module imports from its own row or from lower ones only.
ROWS = (
    ("cli", "pytest_plugin"),
    ("chaos", "serving"),
    ("control", "verbs"),
    ("freely",),
    ("report", "batch", "demo", "exits"),
    ("run",),
    ("proxies", "stage", "wire"),
    ("scene",),
    ("alone", "catalogue", "describe", "drive", "toolbox", "toolserver", "visit", "world"),
    ("register", "scenario"),
    CATALOGUES,
    # Contracts and everything that knows no member of a catalogue.
    (
        "agent", "answering", "arguments", "asking", "behaviour", "bounds", "canary", "check",
        "collected", "command", "cutting", "dialect", "dotted", "drawing", "effect", "endpoint", "extensions", "facts", "fakes", "fault",
        "gate",
        "history", "hosts", "injection", "jsonrpc", "malform", "mcp", "outcome", "outside", "plan", "player", "project", "promise", "reading",
        "records", "relaying", "route", "said", "schema", "searching", "sessions", "shapes", "story", "tee", "timed", "tool", "watch", "when", "workload",
    ),
    ("advice", "again", "alike", "clock", "conversation", "evidence", "failure", "fingerprint", "installed", "journal", "match", "registry", "saying", "who"),
    ("errors", "exchange", "quick", "seed", "settings", "sockets", "steps"),
)  # fmt: skip


def row_of(name):
    """The row of a module, by the first part of its name or by its prefix; None when unknown."""
    for number, row in enumerate(ROWS):
        if name in row or any(name.startswith(f"{member}_") for member in row):
            return number
    return None


def modules(root):
    """Every module of a package with its dotted path inside of it."""
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        yield file, parts[:-1] if parts[-1] == "__init__" else parts


def imported(file):
    """The absolute names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner(name, package):
    """The path inside of the package that an imported name leads to, or None."""
    parts = name.split(".")
    return tuple(parts[1:]) if parts[0] == package else None


@pytest.mark.parametrize("file", [file for file, _ in modules(HARNESS)], ids=str)
def test_lower_layers_do_not_import_upper_ones(file):
    """Every import of the harness leads to the same row or to a lower one."""
    parts = file.relative_to(HARNESS).with_suffix("").parts
    if parts == ("__init__",):
        return
    own = row_of(parts[0])
    assert own is not None, f"{parts[0]} stands in no row of tests/test_layers.py"
    for name in imported(file):
        path = inner(name, "chaoskit")
        if path and (HARNESS / f"{path[0]}.py").exists() | (HARNESS / path[0]).is_dir():
            assert row_of(path[0]) is not None, path
            assert row_of(path[0]) >= own, f"{file.name} imports {name}"


def test_members_of_a_catalogue_do_not_import_each_other():
    """A fault knows no other fault, a check no other check."""
    for catalogue in ("faults", "checks"):
        for file, parts in modules(HARNESS / catalogue):
            if not parts or parts[-1].startswith("_"):
                continue
            for name in imported(file):
                path = inner(name, "chaoskit")
                if path and path[0] == catalogue and len(path) > 1:
                    assert path[1].startswith("_"), f"{file.name} imports {name}"


def test_dialects_share_private_modules_only():
    """What two of them need has a name that begins with an underscore."""
    for file, parts in modules(HARNESS / "dialects"):
        if not parts:
            continue
        for name in imported(file):
            path = inner(name, "chaoskit")
            if path and path[0] == "dialects" and len(path) > 1:
                own = path[1] == parts[0] and not parts[0].startswith("_")
                assert own or path[1].startswith("_"), f"{'/'.join(parts)} imports {name}"


def test_guards_need_nothing_but_the_standard_library():
    """Whatever a guard imports at its top is in the standard library or in the package itself."""
    for file, _ in modules(GUARDS):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top == "chaoskit_guards" or top in sys.stdlib_module_names, (file.name, name)
        assert not any(inner(name, "chaoskit") is not None for name in imported(file)), file.name


def test_only_the_demo_imports_the_guards():
    """The harness itself does without the guards."""
    for file, parts in modules(HARNESS):
        if parts and parts[0] == "demo":
            continue
        assert not any(name.startswith("chaoskit_guards") for name in imported(file)), file.name


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("pytest", {"pytest_plugin"}),
        ("typer", {"cli", "cli_common", "cli_run", "cli_serving", "cli_writing"}),
        ("hypothesis", set()),
    ],
)
def test_heavy_libraries_have_one_importer(library, allowed):
    """pytest, hypothesis and the command line's library are each imported in one place."""
    for file, parts in modules(HARNESS):
        if any(name.partition(".")[0] == library for name in imported(file)):
            assert parts[:1] and parts[0] in allowed, file.name  # noqa: PT018 - one thing
