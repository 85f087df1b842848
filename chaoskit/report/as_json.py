"""The report for machines: everything of the outcomes but their journals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from chaoskit.outcome import Judged, Outcome

__all__ = ["VERSION", "dumps"]

VERSION = 1
"""Raised when a reader of the former report would misread the new one."""

_JOURNALS = ("journal", "healthy_journal")


def dumps(outcomes: Sequence[Outcome], *, made_by: str) -> str:
    """Return the outcomes as JSON text; `made_by` is the version of chaoskit."""
    report = {
        "format": "chaoskit-report",
        "version": VERSION,
        "chaoskit": made_by,
        "outcomes": [_outcome(outcome) for outcome in outcomes],
    }
    return json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    plain = {
        field.name: _rounded(getattr(outcome, field.name))
        for field in fields(outcome)
        if field.name not in _JOURNALS
    }
    return plain | {
        "verdict": str(outcome.verdict),
        "promises": [_judged(item) for item in outcome.promises],
        "healthy": [_judged(item) for item in outcome.healthy],
    }


def _judged(item: Judged) -> dict[str, Any]:
    judgement = item.judgement
    return {
        "name": item.name,
        "sentence": item.sentence,
        "verdict": str(judgement.verdict),
        "judged": judgement.judged,
        "reason": judgement.reason,
        "findings": [
            {field.name: _rounded(getattr(finding, field.name)) for field in fields(finding)}
            for finding in judgement.findings
        ],
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
