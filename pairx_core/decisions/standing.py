"""Which decisions stand, once later ones and undone ones are taken into account."""

from __future__ import annotations

from collections.abc import Iterable

from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.decision import ADJUDICATED, Decision


def standing_decisions(decisions: Iterable[Decision], reviewer: str) -> dict[tuple[str, str], Decision]:
    """A reviewer's decision that stands on each pair, by (query_id, candidate_id).

    The last one counts that the reviewer has not undone. ``decisions`` are in the order of the file.
    """
    return {decision.pair: decision for decision in _not_undone(decisions, reviewer)}


def standing_by_reviewer(decisions: Iterable[Decision]) -> dict[str, dict[tuple[str, str], Decision]]:
    """Each reviewer's decisions that stand, by (query_id, candidate_id); reviewers in the order of the file."""
    rows: dict[str, list[Decision]] = {}
    for decision in decisions:
        rows.setdefault(decision.reviewer, []).append(decision)
    return {reviewer: standing_decisions(own, reviewer) for reviewer, own in rows.items()}


def disagreements(decisions: Iterable[Decision]) -> frozenset[tuple[str, str]]:
    """The pairs (query_id, candidate_id) that one reviewer accepts and another one rejects."""
    said: dict[tuple[str, str], set[str]] = {}
    for standing in standing_by_reviewer(decisions).values():
        for pair, decision in standing.items():
            said.setdefault(pair, set()).add(decision.decision)
    return frozenset(pair for pair, verdicts in said.items() if {"accept", "reject"} <= verdicts)


def last_undoable(
    decisions: Iterable[Decision], reviewer: str, *, session: str | None = None
) -> Decision | None:
    """The reviewer's most recent decision that stands; undo after undo walks back through them.

    Args:
        decisions: in the order of the file.
        reviewer: whose.
        session: only decisions of this session, and no adjudication; empty: only those outside sessions; None: all.
    """
    remaining = _not_undone(decisions, reviewer)
    standing = {decision.pair: decision for decision in remaining}
    wanted = (
        decision
        for decision in reversed(remaining)
        if session is None or (decision.session == session and ADJUDICATED not in decision.tags)
    )
    return next((decision for decision in wanted if standing[decision.pair] is decision), None)


def undone_ids(decisions: Iterable[Decision]) -> frozenset[tuple[str, str]]:
    """(reviewer, decision_id) of what is undone: an undo counts only by who had decided."""
    return frozenset((row.reviewer, row.supersedes) for row in decisions if row.decision == "undo")


def _not_undone(decisions: Iterable[Decision], reviewer: str) -> list[Decision]:
    """The reviewer's decisions without the undone ones and the undo rows themselves."""
    name = tidy_name(reviewer)
    own = [decision for decision in decisions if decision.reviewer == name]
    undone = {decision.supersedes for decision in own if decision.decision == "undo"}
    return [
        decision for decision in own if decision.decision != "undo" and decision.decision_id not in undone
    ]
