"""What MCP clients make of a tool server that is broken in one call, and of the next call."""

import json

from checks import Check

from chaoskit.journal import Struck

FOUND = "found it"
SCENARIO = f"""
title = "A provider, and tools"
[workload]
prompt = "-"
[provider]
latency = {{ first_token = "0s", tokens_per_second = 1_000_000 }}
[[tools]]
name = "search"
description = "Search."
input = {{ query = "string" }}
result = {{ text = "{FOUND}" }}
[[promises]]
check = "no_crash"
optional = true
"""
HARMLESS, NOTICED, BROKEN = "harmless", "noticed", "broken"
OF_SESSIONS = "of sessions"  # which clients of the newer protocol have not
TOOL = {"tool": "search", "calls": 1}
FAULTS = {
    "none": (HARMLESS, {}),
    "duplicated_event": (HARMLESS, {"when": TOOL}),
    "log_noise": (HARMLESS, {"when": TOOL}),
    "error_result": (NOTICED, {"when": TOOL, "error": "the index is being rebuilt"}),
    "json_rpc_error": (NOTICED, {"when": TOOL, "code": -32000, "message": "gone"}),
    "rate_limited": (NOTICED, {"when": TOOL, "retry_after": "1s"}),
    "server_error": (NOTICED, {"when": TOOL, "status": 502, "html": True}),
    "unauthorised": (NOTICED, {"when": TOOL}),
    "empty_content": (NOTICED, {"when": TOOL}),
    "unknown_content": (NOTICED, {"when": TOOL}),
    "wrong_id": (NOTICED, {"when": TOOL}),
    "broken_event": (NOTICED, {"when": TOOL}),
    "hang": (NOTICED, {"when": TOOL}),
    "session_expired": (OF_SESSIONS, {"when": {"calls": 1}}),
    "cut_stream": (BROKEN, {"when": TOOL, "after": 0, "within": True}),
    "connect_error": (BROKEN, {"when": TOOL}),
    "crash": (BROKEN, {"when": TOOL}),
}
BY_STATUS = ("rate_limited", "server_error", "unauthorised", "session_expired", "cut_stream")
"""What HTTP alone has a way to say."""


def patience_with(name):
    """Return how many seconds a call is waited for: few where no answer may ever come."""
    return 3 if name in ("wrong_id", "broken_event", "hang", "cut_stream", "crash") else 30


def scenario_with(name):
    """Return the text of the scenario file that `chaoskit mcp` is to serve."""
    given = FAULTS[name][1]
    if not given:
        return SCENARIO
    when = ", ".join(f"{key} = {json.dumps(value)}" for key, value in given["when"].items())
    rest = [f"{key} = {json.dumps(value)}" for key, value in given.items() if key != "when"]
    return "\n".join([SCENARIO, "[[faults]]", f'fault = "{name}"', f"when = {{ {when} }}", *rest])


def _prepared(name):
    given = dict(FAULTS[name][1])
    when = given.pop("when", {})

    def prepare(session):
        if when:
            session.fault(name, **when, **given)

    return prepare


def _seen(name):
    kind = FAULTS[name][0]

    def seen(told, session):
        assert "said" in told, f"raised {told.get('raised')}: {told.get('message')}"
        said = told["said"]
        told_twice = " | ".join(said)
        if session is not None and kind in (NOTICED, BROKEN):
            assert session.journal.of(Struck), f"it never struck: {told_twice}"
        if kind is HARMLESS:
            assert all(FOUND in one for one in said), told_twice
        if kind is NOTICED and (session is not None or name not in BY_STATUS):
            assert FOUND not in said[0], f"not noticed: {told_twice}"
        return told_twice

    return seen


MCP_CHECKS = {
    name: Check(
        about="see `chaoskit list faults`",
        does="connected",
        prepare=_prepared(name),
        seen=_seen(name),
        by_hand=True,
    )
    for name in FAULTS
}
