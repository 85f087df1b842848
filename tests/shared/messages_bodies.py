"""Bodies of requests to the Messages API, and the blocks in them."""

USER = {"role": "user", "content": "hi"}
TOOL = {"name": "search", "input_schema": {"type": "object", "properties": {}}}
EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def body(**changes):
    """Return a valid body with some fields replaced; Ellipsis removes one."""
    made = {"model": "claude-old", "max_tokens": 100, "messages": [USER]} | changes
    return {key: value for key, value in made.items() if value is not ...}


def use(identity="toolu_1", **more):
    return {"type": "tool_use", "id": identity, "name": "search", "input": {}} | more


def result(identity="toolu_1", **more):
    return {"type": "tool_result", "tool_use_id": identity, "content": "found"} | more


def text(words="words", **more):
    return {"type": "text", "text": words} | more


def said(*contents):
    """Return messages that begin with the user and alternate."""
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": given} for at, given in enumerate(contents)]
