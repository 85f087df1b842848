"""Bodies of requests to the Responses API, and the items in them."""

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "name": "search", "parameters": {"type": "object", "properties": {}}}
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = LOOSE | {"additionalProperties": False}


def body(*items, **changes):
    """Return a valid body with some fields replaced; Ellipsis removes one."""
    made = {"model": "gpt-plain", "input": list(items) or "hi"} | changes
    return {key: value for key, value in made.items() if value is not ...}


def asks(identity, **more):
    return {
        "type": "function_call",
        "call_id": identity,
        "name": "search",
        "arguments": "{}",
    } | more


def answers(identity, **more):
    return {"type": "function_call_output", "call_id": identity, "output": "found"} | more


def thinks(identity, **more):
    return {"type": "reasoning", "id": identity, "summary": []} | more


def says(text="ok", **more):
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "content": content} | more


def form(schema, strict=True):
    wanted = {"type": "json_schema", "name": "out", "strict": strict, "schema": schema}
    return {"format": wanted}
