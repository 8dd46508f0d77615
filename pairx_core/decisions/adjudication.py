"""Pairs on which reviewers differ, for an adjudicator to settle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pairx_core.decisions.decision import ADJUDICATED, Decision
from pairx_core.decisions.standing import standing_by_reviewer, undone_ids


@dataclass(frozen=True, slots=True)
class Dispute:
    """A pair about which reviewers said different things."""

    query_id: str
    candidate_id: str
    said: tuple[Decision, ...]  # one standing decision of each reviewer, in the order of the record
    settled: Decision | None  # the adjudication that stands; None: there is none yet

    @property
    def is_opposed(self) -> bool:
        """Whether one accepts and another one rejects; otherwise some were unsure, or could not compare."""
        return {"accept", "reject"} <= {decision.decision for decision in self.said}


def disputes(decisions: Iterable[Decision], *, session: str | None = None) -> tuple[Dispute, ...]:
    """The pairs with different standing decisions: those not settled first, then opposed ones first.

    A pair counts in both directions. What a reviewer said last on it counts; verdicts on bare photos whose
    explanation has not been judged yet are left out, because they are not the reviewer's last word.

    Args:
        decisions: the record's, in its order.
        session: only decisions of this session; None: of all.
    """
    rows = [row for row in decisions if session is None or row.session == session]
    order = {row.decision_id: place for place, row in enumerate(rows)}
    said: dict[tuple[str, ...], dict[str, Decision]] = {}
    settled: dict[tuple[str, ...], Decision] = {}
    for decision in sorted(_standing(rows), key=lambda row: order[row.decision_id]):
        pair = tuple(sorted(decision.pair))
        if ADJUDICATED in decision.tags:
            settled[pair] = decision
        elif not decision.blind:
            said.setdefault(pair, {})[decision.reviewer] = decision
    found = [
        Dispute(*next(iter(by.values())).pair, tuple(by.values()), settled.get(pair))
        for pair, by in said.items()
        if len({decision.decision for decision in by.values()}) > 1
    ]
    return tuple(sorted(found, key=lambda one: (one.settled is not None, not one.is_opposed)))


def _standing(rows: list[Decision]) -> Iterable[Decision]:
    """What stands of each reviewer, with what they said as reviewers and as adjudicators apart."""
    undone = undone_ids(rows)
    for are_adjudications in (False, True):
        kind = [
            row
            for row in rows
            if row.decision != "undo"
            and (row.reviewer, row.decision_id) not in undone
            and (ADJUDICATED in row.tags) is are_adjudications
        ]
        for standing in standing_by_reviewer(kind).values():
            yield from standing.values()
