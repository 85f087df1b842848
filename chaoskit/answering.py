"""The simulated model's prose, and how it picks tools: what several behaviours have in common."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from chaoskit.arguments import is_valid, valid_arguments
from chaoskit.conversation import Conversation, asks_to_stop, is_empty, is_error
from chaoskit.exchange import Call, Reply, Text, ToolCall, ToolSpec
from chaoskit.facts import fact_in
from chaoskit.schema.phrases import content_words

__all__ = ["allowed", "answer", "calling", "fitting", "search_like", "tool_call"]

_SEARCH = re.compile(r"search|find|look_?up|query|retriev|fetch|list|get", re.IGNORECASE)
_PART = re.compile(r"[A-Za-z][a-z]+|[A-Z]+|\d+")
_ENDINGS = ("ing", "ed", "es", "s")
_WORDS_PER_TOKEN = 0.75
_FACTS = 3  # quoted in one answer at most
_FINDINGS = ("I found this on {subject}: {facts}.", "{facts} - that is what I found on {subject}.")
_ANY_OBJECT: Mapping[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}
_REMARKS = ("You asked about {subject}.", "This is my answer on {subject}.")


def allowed(call: Call) -> Call:
    """Return the call with the tools only that its choice of tools allows."""
    names = call.tool_choice.allowed
    if not names:
        return call
    return replace(call, tools=tuple([tool for tool in call.tools if tool.name in names]))


def calling(calls: Sequence[ToolCall]) -> Reply:
    """Return a reply that asks for tools."""
    return Reply(content=tuple(calls), stop="tool_use")


def tool_call(tool: ToolSpec, rng: random.Random, hint: str) -> ToolCall:
    """Return a call of an offered tool with valid arguments; its id is left to the dialect."""
    return ToolCall(
        id="", name=tool.name, arguments=written(valid_arguments(tool.schema, rng, hint))
    )


def written(arguments: Mapping[str, object]) -> str:
    """Return arguments as a model writes them."""
    return json.dumps(arguments, ensure_ascii=False)


def fitting(tools: Sequence[ToolSpec], prompt: str) -> list[ToolSpec]:
    """Return the tools that share words with the prompt, the best first.

    A single tool always fits; where none shares a word, the first one that searches does.
    """
    if len(tools) <= 1:
        return list(tools)
    asked = _stems(prompt)
    scores = {tool.name: _score(tool, asked) for tool in tools}
    found = sorted((tool for tool in tools if scores[tool.name]), key=lambda t: -scores[t.name])
    return found or [tool for tool in tools if _SEARCH.search(tool.name)][:1]


def search_like(tools: Sequence[ToolSpec], prompt: str) -> ToolSpec:
    """Return the tool that looks things up, the one that fits the prompt best, or the first."""
    searching = [tool for tool in tools if _SEARCH.search(tool.name)]
    searching = searching or [tool for tool in tools if _SEARCH.search(tool.description)]
    return (fitting(searching, prompt) or searching or fitting(tools, prompt) or list(tools))[0]


def answer(call: Call, seen: Conversation, rng: random.Random, *, tokens: int = 0) -> Reply:
    """Return the final answer: it quotes facts of the results, or says what is missing.

    Where the request asks for structured output, the answer is JSON of that structure.

    Args:
        tokens: the answer is lengthened to about so many tokens.
    """
    found = (fact_in(result.text, known=seen.prompt) for result in seen.findings)
    facts = tuple(dict.fromkeys(fact for fact in found if fact))[:_FACTS]
    subject = " ".join(content_words(seen.prompt)[:6]) or "your message"
    if facts:
        text = rng.choice(_FINDINGS).format(subject=subject, facts="; ".join(facts))
    elif seen.rounds:
        text = _regret(seen, subject)
    else:
        text = rng.choice(_REMARKS).format(subject=subject)
    text = _lengthened(text, subject, tokens)
    schema = call.options.get("output_schema")
    if schema is None and call.options.get("json_object"):
        schema = _ANY_OBJECT
    if isinstance(schema, Mapping):
        text = _structured(schema, text, rng)
        facts = tuple(fact for fact in facts if fact in text)
    return Reply(content=(Text(text),), facts=facts)


def _regret(seen: Conversation, subject: str) -> str:
    """Return what is to be said when the tools brought nothing that can be quoted."""
    results = [result for results in seen.rounds for result in results]
    failed = [result for result in results if is_error(result) and not asks_to_stop(result.text)]
    if seen.findings:
        return f"The tools answered on {subject}, but there is nothing in it that I can quote."
    if any(is_empty(result) for result in results):
        return f"I searched, but nothing was found on {subject}."
    if failed:
        names = dict.fromkeys(made.name for result in failed if (made := seen.called(result)))
        return f"I could not complete this: {' and '.join(names) or 'the tool'} kept failing."
    return f"I was asked to stop before anything was found on {subject}."


def _structured(schema: Mapping[str, object], text: str, rng: random.Random) -> str:
    """Return JSON that satisfies the schema; its first free text is the answer, where it may be."""
    value = valid_arguments(schema, rng, text)
    for name, inner in value.items():
        if isinstance(inner, str):
            whole = written({**value, name: text})
            if is_valid(schema, whole):
                return whole
    return written(value)


def _lengthened(text: str, subject: str, tokens: int) -> str:
    missing = int(tokens * _WORDS_PER_TOKEN) - len(text.split())
    if missing <= 0:
        return text
    more = f"There is more to say on {subject}, in the same words as before.".split()
    words = (more * (missing // len(more) + 1))[:missing]
    return f"{text} {' '.join(words).rstrip('.,')}."


def _stems(text: str) -> frozenset[str]:
    parts = (part.casefold() for word in content_words(text) for part in _PART.findall(word))
    return frozenset(_stem(part) for part in parts if len(part) > 2)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=512)
def _tool_stems(name: str, description: str) -> tuple[frozenset[str], frozenset[str]]:
    return _stems(name), _stems(description)


def _score(tool: ToolSpec, asked: frozenset[str]) -> int:
    name, description = _tool_stems(tool.name, tool.description)
    return 2 * len(name & asked) + len(description & asked)
