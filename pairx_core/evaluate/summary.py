"""What an evaluation's rows say of each method, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.statistics import Interval, pigeonhole_weights

Floats = npt.NDArray[np.float64]
ROUNDS = 1000  # resamples
_CHUNK = 1 << 22  # numbers at a time

SCORES = {  # measure -> in words; higher: more plausible
    "inverted_residual": "inverted residual of the most relevant matches",
    "relevance_coverage": "relevance coverage",
    "match_coverage": "match coverage",
    "agreement": "agreement of neighbouring matches",
    "aligned": "feature distance of the aligned animals",
    "nearness": "feature distance of the first lines",
}
MEANS = {  # measure -> in words
    "on_animal": "share of the importance on the animal",
    "deletion": "deletion (lower is better)",
    "deletion_gain": "deletion, gain over a random order",
    "insertion": "insertion",
    "steady_maps": "steadiness of the maps",
    "steady_lines": "steadiness of the lines",
    "dependence": "dependence on the other photo",
}


@dataclass(frozen=True, slots=True)
class MethodSummary:
    """One method's figures. What it cannot show is missing."""

    method: str
    pairs: int  # measured
    right_pairs: Interval | None  # share of right lines on same pairs; None: no truth or no lines
    wrong_pairs: Interval | None  # the same on different pairs
    right_of_k: (
        Interval | None
    )  # right lines on same pairs as a share of k, whether or not so many were drawn
    lines_a_pair: float  # drawn and scored on same pairs, mean; NaN: no truth
    by_rank: tuple[float, ...]  # share of right lines on same pairs, for each rank from 1
    auroc: dict[str, Interval]  # by score, at matched similarity
    means: dict[str, Interval]  # by measure
    seconds: float  # median, for one explanation; 0: not known


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one method is than another, on the same resamples."""

    method: str
    reference: str
    what: str
    interval: Interval

    @property
    def is_beyond_interval(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.interval.low > 0


class Summariser:
    """Draws resamples of the individuals once, so that all methods are judged on the same ones."""

    def __init__(self, rows: Sequence[PairRow], *, rounds: int = ROUNDS, seed: int = 0) -> None:
        """Take an evaluation's rows.

        Args:
            rows: of one sample of pairs.
            rounds: how many resamples for an interval.
            seed: of the resamples.
        """
        pairs = {(row.query_id, row.candidate_id): row for row in rows}
        self._place = {key: place for place, key in enumerate(pairs)}
        self._same = np.array([row.same for row in pairs.values()], bool)
        self._bins = np.array([row.bin for row in pairs.values()], np.int64)
        self._similarity = np.array([row.similarity for row in pairs.values()])
        names = sorted({name for row in rows for name in (row.query_identity, row.candidate_identity)})
        code = {name: number for number, name in enumerate(names)}
        first = np.array([code[row.query_identity] for row in pairs.values()], np.int64)
        second = np.array([code[row.candidate_identity] for row in pairs.values()], np.int64)
        random = np.random.default_rng(seed)
        drawn = [pigeonhole_weights(first, second, len(names), random) for _ in range(rounds)]
        self._weights = np.stack([np.ones(len(pairs)), *drawn]) if pairs else np.zeros((rounds + 1, 0))
        self._k_lines = max((len(row.lines) for row in rows), default=0)
        self._rows: dict[str, list[PairRow]] = {}
        for row in rows:
            self._rows.setdefault(row.method, []).append(row)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names, in the order of the rows."""
        return tuple(self._rows)

    @property
    def rounds(self) -> int:
        """How many resamples there are."""
        return len(self._weights) - 1

    @property
    def similarity_auroc(self) -> Interval:
        """What the similarity itself still tells within its bins: the floor for all scores."""
        return _interval(self._auroc(self._similarity, np.arange(len(self._same))), len(self._same))

    def summary(self, method: str) -> MethodSummary:
        """A method's figures."""
        rows = self._rows[method]
        scored = [name for name in SCORES if any(name in row.measures for row in rows)]
        means = {name: self._mean(method, name) for name in MEANS}
        return MethodSummary(
            method=method,
            pairs=len(rows),
            right_pairs=self._lines(method, same=True),
            wrong_pairs=self._lines(method, same=False),
            right_of_k=self._of_k(method),
            lines_a_pair=self._lines_a_pair(method),
            by_rank=_by_rank([row.lines for row in rows if row.same]),
            auroc={name: _interval(self._score_auroc(method, name), len(rows)) for name in scored},
            means={name: interval for name, interval in means.items() if interval is not None},
            seconds=_median([row.seconds for row in rows if row.seconds]),
        )

    def difference_in_lines(self, method: str, reference: str) -> Difference | None:
        """Share of right lines on same pairs, against another method's; None where one has none."""
        values = [self._line_shares(name, same=True) for name in (method, reference)]
        if values[0] is None or values[1] is None:
            return None
        interval = _interval(values[0] - values[1], len(self._rows[method]))
        return Difference(method, reference, "right lines on same pairs", interval)

    def difference_in_auroc(self, method: str, score: str, reference: str, its_score: str) -> Difference:
        """AUROC of a method's score, against another method's (or its own other) score."""
        values = self._score_auroc(method, score) - self._score_auroc(reference, its_score)
        return Difference(method, reference, "AUROC", _interval(values, len(self._rows[method])))

    def _places(self, rows: Sequence[PairRow]) -> npt.NDArray[np.int64]:
        return np.array([self._place[row.query_id, row.candidate_id] for row in rows], np.int64)

    def _lines(self, method: str, *, same: bool) -> Interval | None:
        values = self._line_shares(method, same=same)
        pairs = sum(bool(row.lines) and row.same == same for row in self._rows[method])
        return None if values is None else _interval(values, pairs)

    def _scored(self, method: str) -> list[PairRow]:
        """Same pairs whose lines were scored, those for which none was found among them."""
        rows = [row for row in self._rows[method] if row.same]
        if not any(row.lines for row in rows):
            return []
        return [row for row in rows if row.lines or row.measures.get("matches") == 0]

    def _of_k(self, method: str) -> Interval | None:
        rows = self._scored(method)
        if not rows:
            return None
        weights = self._weights[:, self._places(rows)]
        right = np.array([row.lines.count("1") for row in rows], np.float64)
        return _interval(_ratio(weights @ right, self._k_lines * weights.sum(axis=1)), len(rows))

    def _lines_a_pair(self, method: str) -> float:
        rows = self._scored(method)
        return float(np.mean([len(row.lines) for row in rows])) if rows else math.nan

    def _line_shares(self, method: str, *, same: bool) -> Floats | None:
        """Share of right lines, for each resample, (rounds + 1,); the first is of the sample itself."""
        rows = [row for row in self._rows[method] if row.lines and row.same == same]
        if not rows:
            return None
        weights = self._weights[:, self._places(rows)]
        right = np.array([row.lines.count("1") for row in rows], np.float64)
        return _ratio(weights @ right, weights @ np.array([len(row.lines) for row in rows], np.float64))

    def _mean(self, method: str, measure: str) -> Interval | None:
        rows = [row for row in self._rows[method] if measure in row.measures]
        if not rows:
            return None
        weights = self._weights[:, self._places(rows)]
        values = np.array([row.measures[measure] for row in rows])
        return _interval(_ratio(weights @ values, weights.sum(axis=1)), len(rows))

    def _score_auroc(self, method: str, score: str) -> Floats:
        """An explanation that has no such score, as with too few matches, stands below all others."""
        rows = self._rows[method]
        values = np.array([row.measures.get(score, -math.inf) for row in rows])
        return self._auroc(values, self._places(rows))

    def _auroc(self, values: Floats, places: npt.NDArray[np.int64]) -> Floats:
        """Matched AUROC (``statistics.matched_auroc``) for each resample, (rounds + 1,)."""
        same, bins = self._same[places], self._bins[places]
        right, wrong = np.nonzero((bins[:, None] == bins) & same[:, None] & ~same)
        if not len(right):
            return np.full(len(self._weights), math.nan)
        won = (values[right] > values[wrong]) + 0.5 * (values[right] == values[wrong])
        weights = self._weights[:, places]
        step = max(1, _CHUNK // len(right))
        parts = []
        for start in range(0, len(weights), step):
            some = weights[start : start + step]
            both = some[:, right] * some[:, wrong]
            parts.append(_ratio(both @ won, both.sum(axis=1)))
        return np.concatenate(parts)


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), math.nan), where=whole > 0)
    return ratio


def _interval(values: Floats, count: int, level: float = 0.95) -> Interval:
    """The first value, with the percentile interval of the others."""
    finite = values[1:][np.isfinite(values[1:])]
    if not math.isfinite(values[0]) or 2 * len(finite) < len(values):
        return Interval(float(values[0]), math.nan, math.nan, count)
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values[0]), float(low), float(high), count)


def _median(seconds: Sequence[float]) -> float:
    return float(np.median(seconds)) if seconds else 0.0


def _by_rank(lines: Sequence[str]) -> tuple[float, ...]:
    longest = max(map(len, lines), default=0)
    at_rank = [[line[rank] for line in lines if len(line) > rank] for rank in range(longest)]
    return tuple(found.count("1") / len(found) for found in at_rank)
