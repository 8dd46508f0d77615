"""How reliable and how fast reviewers are, and what the explanation changed."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from pairx_core.decisions.agreement import Stage, ratings
from pairx_core.decisions.decision import ADJUDICATED, Decision

Truth = Mapping[tuple[str, str], bool]  # sorted photo ids → whether both are the same individual
_Z95 = 1.959963984540054  # of the normal distribution: 95 % lie within


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A reviewer on pairs whose truth is known."""

    right: int
    false_accepts: int  # accepted although two individuals
    false_rejects: int  # rejected although one individual
    undecided: int  # unsure, or not comparable

    @property
    def wrong(self) -> int:
        """Accepted or rejected against the truth."""
        return self.false_accepts + self.false_rejects

    @property
    def decided(self) -> int:
        """Accepted or rejected."""
        return self.right + self.wrong

    @property
    def share(self) -> float | None:
        """Right among those decided, 0 to 1; None where none was."""
        return self.right / self.decided if self.decided else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the share."""
        return wilson_interval(self.right, self.decided) if self.decided else None


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from a pair's appearance to the decision."""

    count: int
    median: float
    low: float  # lower quartile
    high: float  # upper quartile


@dataclass(frozen=True)
class RevealChanges:
    """What reviewers said about bare photos, and then with the explanation."""

    moves: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (before, after) → how often
    better: int = 0  # from wrong or undecided to right
    worse: int = 0  # from right to wrong or undecided
    judged: int = 0  # pairs of verdicts whose truth is known

    @property
    def kept(self) -> int:
        """The same verdict twice."""
        return sum(times for (before, after), times in self.moves.items() if before == after)

    @property
    def changed(self) -> int:
        """Another verdict afterwards."""
        return sum(self.moves.values()) - self.kept

    @property
    def p_value(self) -> float | None:
        """Of as uneven a split into better and worse by chance alone; None where the truth of none is known."""
        return mcnemar_exact(self.better, self.worse) if self.judged else None


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22(158).

    Raises:
        ValueError: there were no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or not trials:
        raise ValueError(f"{successes} of {trials} is no share")
    share, square = successes / trials, _Z95**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z95 / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return (middle - half if successes else 0.0), (middle + half if successes < trials else 1.0)


def mcnemar_exact(better: int, worse: int) -> float:
    """The two-sided exact probability of a split at least as uneven, were both equally likely; 1 where nothing changed.

    Source: McNemar (1947), Note on the sampling error of the difference between correlated proportions or
    percentages, Psychometrika 12(2); exact by the binomial distribution.
    """
    total = better + worse
    tail = sum(math.comb(total, one) for one in range(min(better, worse) + 1))
    return min(1.0, float(Fraction(2 * tail, 1 << total)))


def accuracy(
    decisions: Iterable[Decision], truth: Truth, *, session: str | None = None, stage: Stage = "final"
) -> dict[str, Accuracy]:
    """Each reviewer's verdicts against the truth, over the pairs whose truth is known; reviewers by name.

    Args:
        decisions: the record's, in its order.
        truth: of each pair, by its sorted photo ids.
        session: only decisions of this session; None: of all.
        stage: verdicts on bare photos, or those that stand in the end.
    """
    table = ratings(decisions, session=session, stage=stage)
    found: dict[str, Counter[str]] = {reviewer: Counter() for reviewer in table.reviewers}
    for unit, codes in zip(table.units, table.codes, strict=True):
        if unit in truth:
            for reviewer, code in zip(table.reviewers, codes, strict=True):
                if code >= 0:
                    found[reviewer][_kind(table.verdicts[code], truth[unit])] += 1
    return {
        reviewer: Accuracy(one["right"], one["false_accept"], one["false_reject"], one["undecided"])
        for reviewer, one in found.items()
        if one
    }


def time_per_decision(
    decisions: Iterable[Decision], *, session: str | None = None, stage: Stage | None = None
) -> dict[str, Timing]:
    """How long each reviewer took, undone decisions included, because they took time too; reviewers by name.

    Args:
        decisions: the record's.
        session: only decisions of this session; None: of all.
        stage: only verdicts on bare photos, or only the others; None: all.
    """
    seconds: dict[str, list[float]] = {}
    for row in decisions:
        is_of_session = session is None or row.session == session
        is_of_stage = stage is None or row.blind == (stage == "blind")
        is_rated = row.decision != "undo" and ADJUDICATED not in row.tags
        if is_of_session and is_of_stage and is_rated and row.seconds is not None:
            seconds.setdefault(row.reviewer, []).append(row.seconds)
    return {reviewer: _timing(values) for reviewer, values in sorted(seconds.items())}


def reveal_changes(
    decisions: Iterable[Decision], truth: Truth | None = None, *, session: str | None = None
) -> dict[str, RevealChanges]:
    """What each reviewer said before and after the explanation was shown; "" holds all of them together.

    Only pairs count that the reviewer judged at both stages.

    Args:
        decisions: the record's, in its order.
        truth: of the pairs where it is known, by sorted photo ids.
        session: only decisions of this session; None: of all.
    """
    rows = tuple(decisions)
    before, after = (_said(rows, session, stage) for stage in ("blind", "final"))
    moves: dict[str, list[tuple[tuple[str, str], str, str]]] = {}
    for (reviewer, unit), verdict in before.items():
        if (reviewer, unit) in after:
            moves.setdefault(reviewer, []).append((unit, verdict, after[reviewer, unit]))
    known = truth or {}
    found = {reviewer: _changes(of_one, known) for reviewer, of_one in sorted(moves.items())}
    return {"": _changes([one for of_one in moves.values() for one in of_one], known), **found}


def _said(
    rows: Iterable[Decision], session: str | None, stage: Literal["blind", "final"]
) -> dict[tuple[str, tuple[str, str]], str]:
    """(reviewer, sorted photo ids) → verdict."""
    table = ratings(rows, session=session, stage=stage)
    return {
        (reviewer, unit): table.verdicts[code]
        for unit, codes in zip(table.units, table.codes, strict=True)
        for reviewer, code in zip(table.reviewers, codes, strict=True)
        if code >= 0
    }


def _changes(moves: Iterable[tuple[tuple[str, str], str, str]], truth: Truth) -> RevealChanges:
    table: Counter[tuple[str, str]] = Counter()
    outcomes: Counter[tuple[bool, bool]] = Counter()  # right before, right after
    for unit, before, after in moves:
        table[before, after] += 1
        if unit in truth:
            outcomes[_is_right(before, truth[unit]), _is_right(after, truth[unit])] += 1
    return RevealChanges(dict(table), outcomes[False, True], outcomes[True, False], outcomes.total())


def _kind(verdict: str, is_same: bool) -> str:
    if verdict not in ("accept", "reject"):
        return "undecided"
    return "right" if _is_right(verdict, is_same) else f"false_{verdict}"


def _is_right(verdict: str, is_same: bool) -> bool:
    return verdict == ("accept" if is_same else "reject")


def _timing(seconds: list[float]) -> Timing:
    if len(seconds) == 1:
        return Timing(1, seconds[0], seconds[0], seconds[0])
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Timing(len(seconds), median, low, high)
