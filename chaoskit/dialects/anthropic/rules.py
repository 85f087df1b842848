"""What fields demand of each other and of the model."""

from __future__ import annotations

from fnmatch import fnmatchcase

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic.body import Body

__all__ = ["check"]

_DOCS = "Please consult our documentation at https://platform.claude.com/docs/en/build-with-claude"
_ADAPTIVE = (
    'is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" '
    "to control thinking behavior."
)
_MODES = frozenset({"adaptive", "disabled", "enabled"})
_MOST_BREAKPOINTS = 4


def check(body: Body, model: ModelFacts) -> None:
    """Refuse combinations that production refuses.

    Raises:
        RefusedError: with production's message for the first of them.
    """
    if body.max_tokens is not None and body.max_tokens > model.max_output:
        raise invalid(
            f"max_tokens: {body.max_tokens} > {model.max_output}, which is the maximum allowed "
            f"number of output tokens for {body.model}"
        )
    if body.sampling:
        _sampling(body, model)
    if body.thinking in _MODES:
        _thinking(body, model)
    if body.tools or body.builtin_tools:
        _tool_names(body)
    if body.builtin_tools and model.no_tools:
        _tool_types(body, model)
    if body.tool_choice.mode in {"any", "tool"}:
        _forced(body, model)
    if body.breakpoints:
        _breakpoints(body)


def _sampling(body: Body, model: ModelFacts) -> None:
    """Refuse values that are not the defaults, which models without sampling still take."""
    if "sampling" in model.features:
        if "sampling_by_one" in model.features and {"temperature", "top_p"} <= body.sampling.keys():
            raise invalid(
                "`temperature` and `top_p` cannot both be specified for this model. "
                "Please use only one."
            )
        return
    for name, value in body.sampling.items():
        if name == "top_k" or value != 1:
            raise invalid(f"`{name}` is deprecated for this model.")


def _thinking(body: Body, model: ModelFacts) -> None:
    """Check the mode of thinking against the features `thinking_<mode>` of the model."""
    mode = body.thinking
    if f"thinking_{mode}" not in model.features:
        if mode == "adaptive":
            raise invalid("adaptive thinking is not supported on this model")
        raise invalid(f'"thinking.type.{mode}" {_ADAPTIVE}')
    if mode != "enabled":
        return
    if body.max_tokens is not None and body.budget >= body.max_tokens:
        raise invalid(
            "`max_tokens` must be greater than `thinking.budget_tokens`. "
            f"{_DOCS}/extended-thinking#max-tokens-and-context-window-size"
        )
    if body.sampling.get("temperature", 1) != 1:
        raise invalid(
            "`temperature` may only be set to 1 when thinking is enabled. "
            f"{_DOCS}/extended-thinking#important-considerations-when-using-extended-thinking"
        )


def _tool_names(body: Body) -> None:
    names = [tool.name for tool in body.tools]
    names += [tool["name"] for tool in body.builtin_tools if isinstance(tool.get("name"), str)]
    if len(set(names)) != len(names):
        raise invalid("tools: Tool names must be unique.")
    choice = body.tool_choice
    if choice.mode == "tool" and choice.name not in names:
        raise invalid(f"Tool '{choice.name}' not found in provided tools")


def _tool_types(body: Body, model: ModelFacts) -> None:
    """Check that the model supports the vendor's tools, each in its version."""
    kinds = [str(tool.get("type")) for tool in body.builtin_tools]
    found = [kind for kind in kinds if any(fnmatchcase(kind, one) for one in model.no_tools)]
    if found:
        raise invalid(f"'{body.model}' does not support tool types: {', '.join(found)}.")


def _forced(body: Body, model: ModelFacts) -> None:
    if not body.tools and not body.builtin_tools:
        raise invalid("tool_choice may only be specified while providing tools.")
    if "forced_tool_choice" not in model.features:
        raise invalid('tool_choice: type "tool" and "any" are not supported for this model.')
    if body.thinking == "enabled":
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _breakpoints(body: Body) -> None:
    found = len(body.breakpoints) + (body.automatic is not None)
    if found > _MOST_BREAKPOINTS:
        raise invalid(
            f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {found}."
        )
    short = False
    last = () if body.automatic is None else (("cache_control.ttl", body.automatic),)
    for path, ttl in (*body.breakpoints, *last):
        if ttl == "1h" and short:
            raise invalid(
                f"{path}: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: "
                "`tools`, `system`, `messages`."
            )
        short = short or ttl == "5m"
