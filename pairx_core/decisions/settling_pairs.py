"""One verdict for each pair, from what all reviewers said and what adjudicators settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pairx_core.decisions.decision import ADJUDICATED, Decision
from pairx_core.decisions.standing import undone_ids

Pair = tuple[str, str]  # sorted photo ids
PairVerdict = Literal["accept", "reject", "disputed", "unsure", "not_comparable"]


@dataclass(frozen=True, slots=True)
class SettledPair:
    """What the record says about two photos."""

    pair: Pair
    verdict: PairVerdict
    decisions: tuple[Decision, ...]  # what it rests on: one of each reviewer, or the adjudication alone

    @property
    def is_open(self) -> bool:
        """Whether it may still turn out either way."""
        return self.verdict in ("unsure", "disputed")


def unordered(first: str, second: str) -> Pair:
    """Two photo ids in their order: A against B is the same question as B against A."""
    return (first, second) if first <= second else (second, first)


def settle(decisions: Iterable[Decision]) -> dict[Pair, SettledPair]:
    """The verdict on each pair that was judged.

    What counts is each reviewer's last decision that is not undone; verdicts on bare photos wait for those that
    follow them. An adjudication counts alone, the last one where there are several. Acceptances and rejections of
    different reviewers make a pair disputed; beside either of them, "unsure" and "not comparable" do not count.

    Args:
        decisions: the record's, in its order.
    """
    rows = list(decisions)
    undone = undone_ids(rows)
    said: dict[Pair, dict[str, Decision]] = {}
    rulings: dict[Pair, Decision] = {}
    for row in rows:
        is_undone = row.decision == "undo" or (row.reviewer, row.decision_id) in undone
        if is_undone or row.blind or row.query_id == row.candidate_id:
            continue
        pair = unordered(*row.pair)
        if ADJUDICATED in row.tags:
            rulings[pair] = row
        said.setdefault(pair, {})[row.reviewer] = row
    return {pair: _settled(pair, tuple(by.values()), rulings.get(pair)) for pair, by in said.items()}


def _settled(pair: Pair, said: tuple[Decision, ...], ruling: Decision | None) -> SettledPair:
    rests_on = said if ruling is None else (ruling,)
    return SettledPair(pair, _verdict({row.decision for row in rests_on}), rests_on)


def _verdict(said: set[str]) -> PairVerdict:
    if {"accept", "reject"} <= said:
        return "disputed"
    order: tuple[PairVerdict, ...] = ("accept", "reject", "unsure", "not_comparable")
    return next(verdict for verdict in order if verdict in said)
