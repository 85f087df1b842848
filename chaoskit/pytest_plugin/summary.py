"""The scorecard at the end of a session, from what the reports carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from chaoskit.evidence import lasting

__all__ = ["scorecard"]


def scorecard(terminal: pytest.TerminalReporter, reports: Iterable[Any]) -> None:
    """Print one line for each scenario, and what broke under it."""
    rows = {}
    for report in reports:
        found = dict(getattr(report, "user_properties", None) or ())
        if "chaos_verdict" in found:
            rows[report.nodeid] = found
    terminal.write_sep("=", "chaoskit")
    width = max(len(row["chaos_title"]) for row in rows.values())
    for name in sorted(rows, key=lambda name: (rows[name]["chaos_day"] or 99, name)):
        row = rows[name]
        verdict = row["chaos_verdict"]
        day = f"day {row['chaos_day']}" if row["chaos_day"] else ""
        style = {"PASS": {"green": True}, "FAIL": {"red": True}}.get(verdict, {"yellow": True})
        terminal.write(f"{day:>6}  {row['chaos_title']:<{width}}  ")
        terminal.write(f"{verdict:<14}", **style)
        seconds = row["chaos_virtual_seconds"]
        terminal.write_line(
            f"  {row['chaos_calls']:>6,} calls  {row['chaos_cost_usd']:>9.4f} USD  "
            f"{lasting(seconds) if seconds else '-':>7}  {row['chaos_agent']}"
        )
        if row["chaos_reason"]:
            terminal.write_line(f"        {' '.join(row['chaos_reason'].split())}"[:160])
