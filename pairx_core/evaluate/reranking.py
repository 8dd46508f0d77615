"""Would plausibility put candidates into a better order than similarity alone?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.calibration_quality import grouped_folds
from pairx_core.evaluate.logistic import Logistic, fit_logistic
from pairx_core.evaluate.statistics import Bools, Floats, Interval, Ints, bootstrap, weighted_mean

_KINDS: dict[str, type] = {"similarity": np.float64, "plausibility": np.float64, "same": bool}
_FEWEST_INDIVIDUALS = 10  # of fewer, resamples differ too little for an interval to be trusted


@dataclass(frozen=True, slots=True, eq=False)
class RankedQueries:
    """Known queries, each with its first k candidates in the model's order.

    A pair that cannot be explained needs a low plausibility: a candidate without one is none.

    Raises:
        ValueError: the arrays do not fit together, or a candidate has a plausibility but no similarity.
    """

    similarity: Floats  # (Q, k) cosine, descending in each row; NaN allowed where there is no candidate
    plausibility: Floats  # (Q, k) any unit, higher: more likely the same individual; NaN: no candidate
    same: Bools  # (Q, k) whether the candidate is the query's individual
    individual: Ints  # (Q,) code of the query's individual

    def __post_init__(self) -> None:
        shape = np.shape(self.similarity)
        for name, kind in _KINDS.items():
            values: npt.NDArray[Any] = np.array(getattr(self, name), dtype=kind)
            if values.ndim != 2 or values.shape != shape:
                raise ValueError(
                    f"{name}: expected queries × candidates, not an array of shape {values.shape}"
                )
            object.__setattr__(self, name, values)
        object.__setattr__(self, "individual", np.array(self.individual, dtype=np.int64))
        if self.individual.shape != shape[:1]:
            raise ValueError("individual: expected one a query")
        there = ~np.isnan(self.plausibility)
        if not np.isfinite(self.similarity[there]).all() or np.isinf(self.plausibility).any():
            raise ValueError("a candidate needs a finite similarity and plausibility")
        object.__setattr__(self, "same", self.same & there)

    def __len__(self) -> int:
        return len(self.individual)


@dataclass(frozen=True, slots=True)
class Reranking:
    """An order of candidates by similarity and plausibility, and whether it is a better one.

    All figures are of queries whose individual was not seen in the fit. A query without a right candidate
    among its first k is a failure in either order.
    """

    logistic: Logistic | None  # of the differences between two candidates; None: nothing to learn from
    queries: int
    individuals: int  # that the queries show
    with_right: int  # queries with a right candidate among their first k
    rank_1_before: float  # share of the queries whose first candidate is right, 0 to 1
    rank_1_after: float
    reciprocal_before: float  # mean of one over the rank of the first right candidate, 0 where there is none
    reciprocal_after: float
    rank_1_difference: Interval  # after minus before, 95 % over individuals
    reciprocal_difference: Interval

    @property
    def helps(self) -> bool:
        """Whether rank-1 or the mean reciprocal rank is surely better, and the other one surely not worse.

        Surely: the lower end of the 95 % interval is above 0, or not below 0, for 10 individuals or more.
        """
        low = self.rank_1_difference.low, self.reciprocal_difference.low
        return self.individuals >= _FEWEST_INDIVIDUALS and max(low) > 0 and all(one >= 0 for one in low)

    def order(self, similarity: npt.ArrayLike, plausibility: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """The candidates of a query, best first; by similarity alone unless the re-ranking helps.

        Args:
            similarity: cosine of each candidate, (k,); NaN goes last.
            plausibility: of each candidate, (k,); NaN goes last where the re-ranking helps.

        Returns:
            Places (k,) of the candidates; of equal ones, the earlier comes first.

        Raises:
            ValueError: lengths differ.
        """
        one, other = np.asarray(similarity, dtype=np.float64), np.asarray(plausibility, dtype=np.float64)
        if one.ndim != 1 or one.shape != other.shape:
            raise ValueError("each candidate needs one similarity and one plausibility")
        return _order(self.logistic if self.helps else None, one, other)


def fit_reranking(ranked: RankedQueries, *, folds: int = 5, seed: int = 0) -> Reranking:
    """Learn to order candidates by similarity and plausibility, and measure whether that helps.

    Only an order within a query matters, so only differences within a query are learned from: for each right and
    each wrong candidate of a query, a logistic regression on their differences in similarity and plausibility says
    which is the right one (Bradley & Terry 1952, Biometrika 39:324–345; pairs of ranked documents: Joachims 2002,
    KDD). What makes all candidates of a query similar or plausible, a sharp photo, cancels out, and so does the
    share of right candidates.

    It is measured out of fold: the queries of an individual are ordered by a fit to other individuals' queries.
    The difference to the order by similarity has a bootstrap interval over individuals, which does not
    include how the fit itself varies.

    Args:
        ranked: known queries with their first k candidates.
        folds: how many; fewer where there are fewer individuals.
        seed: of the folds and of the interval.

    Raises:
        ValueError: there are not two individuals, or not two folds.
    """
    fold = grouped_folds(ranked.individual, folds, seed)
    before = _right_ranks(ranked, [None] * len(ranked))
    fits = [_fit(ranked, fold != number) for number in range(int(fold.max()) + 1)]
    after = _right_ranks(ranked, [fits[number] for number in fold])
    rank_1 = [(ranks == 1).astype(np.float64) for ranks in (before, after)]
    reciprocal = [1 / ranks for ranks in (before, after)]
    return Reranking(
        logistic=_fit(ranked, np.ones(len(ranked), dtype=np.bool_)),
        queries=len(ranked),
        individuals=len(np.unique(ranked.individual)),
        with_right=int(np.count_nonzero(ranked.same.any(axis=1))),
        rank_1_before=float(rank_1[0].mean()),
        rank_1_after=float(rank_1[1].mean()),
        reciprocal_before=float(reciprocal[0].mean()),
        reciprocal_after=float(reciprocal[1].mean()),
        rank_1_difference=_over_individuals(rank_1[1] - rank_1[0], ranked.individual, seed),
        reciprocal_difference=_over_individuals(reciprocal[1] - reciprocal[0], ranked.individual, seed),
    )


def _fit(ranked: RankedQueries, some: Bools) -> Logistic | None:
    """A regression on right-minus-wrong differences of some queries (Q,); None where there are none.

    Each difference is also there the other way round, as a wrong minus a right one: the regression then has
    neither a mean nor an intercept, and depends on differences alone.
    """
    differences = [_differences(ranked, query) for query in np.flatnonzero(some)]
    right = np.concatenate([np.zeros((0, 2)), *differences])
    if not len(right):
        return None
    kinds = np.repeat([True, False], len(right))
    return fit_logistic(np.concatenate([right, -right]), kinds)


def _differences(ranked: RankedQueries, query: np.intp) -> Floats:
    """Similarity and plausibility of each right candidate minus those of each wrong one, (pairs, 2)."""
    features = np.stack([ranked.similarity[query], ranked.plausibility[query]], axis=1)
    same, there = ranked.same[query], ~np.isnan(ranked.plausibility[query])
    differences: Floats = features[same][:, None] - features[there & ~same][None]
    return differences.reshape(-1, 2)


def _right_ranks(ranked: RankedQueries, fits: list[Logistic | None]) -> Floats:
    """The rank (Q,) of each query's first right candidate in its fit's order; infinite where there is none."""
    ranks = np.full(len(ranked), math.inf)
    for query, logistic in enumerate(fits):
        order = _order(logistic, ranked.similarity[query], ranked.plausibility[query])
        places = np.flatnonzero(ranked.same[query][order])
        if len(places):
            ranks[query] = places[0] + 1
    return ranks


def _order(logistic: Logistic | None, similarity: Floats, plausibility: Floats) -> npt.NDArray[np.intp]:
    """Places (k,), best first; by similarity where there is no regression. NaN last, equal ones as they come."""
    if logistic is None:
        return np.argsort(-similarity, kind="stable")
    score = logistic.log_odds(np.stack([similarity, plausibility], axis=1))
    return np.argsort(-score, kind="stable")


def _over_individuals(values: Floats, individual: Ints, seed: int) -> Interval:
    """The mean of values (Q,) with its interval over individuals (Q,)."""
    return bootstrap(lambda weights: weighted_mean(values, weights), individual, individual, seed=seed)
