"""Nothing of one user reaches another."""

from __future__ import annotations

import re
from typing import ClassVar

from chaoskit import advice
from chaoskit.canary import owner
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, turns
from chaoskit.journal import Journal, Leaked, Planted
from chaoskit.settings import settings

__all__ = ["SessionsIsolated"]

_WORD = re.compile(r"[\w-]+")


@settings
class SessionsIsolated:
    """No request and no answer contains something that belongs to another user.

    A user's own are: secrets planted for that user, facts that only that user's tools returned,
    and words with a digit that only that user's questions contain, such as an order number.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "sessions_isolated"
    """

    outcome: ClassVar[bool] = True

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "nothing of one user reaches another"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = turns(journal)
        users = list(dict.fromkeys(turn.user for turn in found))
        if len(users) < 2:
            return Judgement.of(0, [], nothing="isolation needs two users; there were fewer")
        owned = _owned(found)
        findings = [
            Finding(
                message=f"a secret of {owner(event.canary)} was in the {event.channel} "
                f"of {event.user} ({event.where})",
                at=event.at,
                user=event.user,
                turn=event.turn,
                advice=advice.FRESH_STATE,
            )
            for event in journal.of(Leaked)
            if event.channel in ("request", "answer") and _foreign(event, users)
        ]
        judged = 0
        for turn in found:
            words = set(_WORD.findall(turn.answered.answer)) if turn.answered else set()
            answer = turn.answered.answer if turn.answered else ""
            foreign = [
                (whose, thing)
                for thing, whose in owned.items()
                if whose != turn.user
                and (thing in words if _WORD.fullmatch(thing) else thing in answer)
            ]
            judged += turn.answered is not None
            findings.extend(
                Finding(
                    message=f"{turn.name}: the answer contains {thing!r}, which belongs to {whose}",
                    at=turn.ended,
                    user=turn.user,
                    turn=turn.turn,
                    advice=advice.FRESH_STATE,
                )
                for whose, thing in foreign
            )
        if not owned and not any(owner(event.canary) in users for event in journal.of(Planted)):
            judged = 0
        return Judgement.of(
            judged, findings, nothing="the users have nothing by which to tell them apart"
        )


def _foreign(event: Leaked, users: list[str]) -> bool:
    whose = owner(event.canary)
    return whose in users and whose != event.user


def _owned(found: tuple[Turn, ...]) -> dict[str, str]:
    """Return what belongs to exactly one user, with that user."""
    things = dict.fromkeys(
        thing for turn in found for thing in (*_facts(turn), *_markers(turn)) if len(thing) >= 4
    )
    holders: dict[str, dict[str, None]] = {}
    for turn in found:
        texts = [turn.started.prompt] if turn.started else []
        texts += [result.text for result in turn.results]
        texts += [ran.result for ran in turn.ran]
        for thing in things:
            if any(thing in text for text in texts):
                holders.setdefault(thing, {})[turn.user] = None
    return {thing: next(iter(users)) for thing, users in holders.items() if len(users) == 1}


def _facts(turn: Turn) -> list[str]:
    return [
        fact.strip()
        for exchange in turn.exchanges
        if exchange.reply
        for fact in exchange.reply.facts
    ]


def _markers(turn: Turn) -> list[str]:
    words = _WORD.findall(turn.started.prompt if turn.started else "")
    return [word for word in words if any(letter.isdigit() for letter in word)]
