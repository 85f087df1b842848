"""The environments of the frameworks, with the newest packages that fit each other."""

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

from children import child
from lived import EDITABLE

HERE = Path(__file__).resolve().parent
PYTHON = {
    "crewai": ["crewai[anthropic]", "anthropic", "openai"],
    "instructor": ["instructor[anthropic]", "anthropic", "openai"],
    "langgraph": ["langgraph", "langchain", "langchain-anthropic", "langchain-openai"],
    "litellm": ["litellm", "aiohttp"],
    # With anthropic 1.0 and later it does not get as far as a request.
    "llama_index": [
        *("llama-index-core", "llama-index-llms-anthropic", "llama-index-llms-openai"),
        *("anthropic<1", "openai"),
    ],
    "mcp_fastmcp": ["fastmcp", "mcp"],
    "mcp_langchain": ["langchain-mcp-adapters", "mcp"],
    "mcp_openai_agents": ["openai-agents", "mcp"],
    "mcp_pydantic_ai": ["pydantic-ai-slim[mcp]", "mcp"],
    "openai_agents": ["openai-agents", "openai", "websockets"],
    "pydantic_ai": ["pydantic-ai-slim[anthropic,openai]", "anthropic", "openai"],
}
# Without @latest npm takes what fits the Node that runs npm, not the one that is installed here.
NODE = {
    "openai_agents_js": ["node@22", "@openai/agents@latest", "openai@latest", "zod@latest"],
    "typescript": ["node@22", "@anthropic-ai/sdk@latest", "openai@latest", "zod@latest"],
    "vercel": [
        *("node@22", "ai@latest", "@ai-sdk/anthropic@latest", "@ai-sdk/openai@latest"),
        "zod@latest",
    ],
}
PIP = ["python3", "-m", "pip", "--python"]
NPM = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retry-maxtimeout=20000"]
PATIENCE = 1800  # seconds
UNREACHED = (r"Retry\(total=0.*(connection broken by .*)", r"(request to .* failed, reason: .*)")
WRONG = (r"^ *ERROR: (.*)", r"^npm error (.*)", r"(.*)\s*\Z")


class NotInstalledError(Exception):
    """Packages did not come; the first line of the text is the reason."""


def home_of(name, folder):
    """Return where an environment lies: under a name that nothing else has, for it is cleared."""
    return folder / f"{name}.environment"


def is_there(name, folder):
    """Return whether the environment of a framework was made: whole, and of the same packages."""
    mark = _mark(name, folder)
    return mark.exists() and mark.read_text("utf-8") == _packages(name)


def install(name, folder, log):
    """Make the environment of a framework.

    Raises:
        NotInstalledError: if that fails; all that pip or npm said stands in the log.
    """
    home = home_of(name, folder)
    if name in NODE:
        home.mkdir(parents=True, exist_ok=True)
        _run([*NPM, "--prefix", str(home), *NODE[name]], log)
    else:
        venv.create(home, clear=True)
        _run([*PIP, str(_python(home)), "install", "-q", *PYTHON[name], *EDITABLE], log)
    _mark(name, folder).write_text(_packages(name), "utf-8")


def program_of(name, folder):
    """Return the words that start the program of a framework in its environment."""
    home = home_of(name, folder)
    if name in NODE:
        for file in (HERE / "asking.mjs", HERE / "programs" / f"{name}.mjs"):
            shutil.copy(file, home)
        node = str(home / "node_modules" / ".bin" / "node")
        packages = [word.rpartition("@")[0] for word in NODE[name][1:]]
        return [node, str(home / "asking.mjs"), str(home / f"{name}.mjs"), *packages]
    file = str(HERE / "programs" / f"{name}.py")
    return [str(_python(home)), "-P", str(HERE / "asking.py"), file, *PYTHON[name]]


def _mark(name, folder):
    return home_of(name, folder) / "installed"


def _packages(name):
    return " ".join(NODE[name] if name in NODE else PYTHON[name] + EDITABLE)


def _python(home):
    return home / ("Scripts" if os.name == "nt" else "bin") / "python"


def _run(words, log):
    with log.open("w", encoding="utf-8") as file:
        try:
            with child(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file) as process:
                code = process.wait(PATIENCE)
        except FileNotFoundError:
            raise NotInstalledError(
                f"there is no {words[0]} on PATH, which has to get it"
            ) from None
        except subprocess.TimeoutExpired:
            raise NotInstalledError(f"{words[0]} took more than {PATIENCE} seconds") from None
    if code:
        raise _why(log.read_text("utf-8", "replace"))


def _why(said):
    for pattern in UNREACHED:
        if found := re.search(pattern, said):
            cause = re.sub(r"<[^>]*>: ", "", found[1])  # an object of pip
            return NotInstalledError(f"no registry, {cause}")
    found = next(filter(None, (re.search(pattern, said, re.MULTILINE) for pattern in WRONG)))
    return NotInstalledError(f"{found[1].strip()}\n{said[-1500:].rstrip()}")
