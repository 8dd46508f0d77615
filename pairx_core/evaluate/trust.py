"""How far the explanations of one catalogue under one model can be trusted, by pairs whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.calibration import Calibration, LooksLike, PairScores, calibrate
from pairx_core.evaluate.calibration_quality import CalibrationQuality, cross_validated, grouped_folds
from pairx_core.evaluate.job import EvaluationJob
from pairx_core.evaluate.logistic import Logistic, fit_logistic
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.pairs import PairSample, ranked_pairs
from pairx_core.evaluate.plan import Plan
from pairx_core.evaluate.reranking import RankedQueries, Reranking, fit_reranking
from pairx_core.evaluate.summary import SCORES
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.index import CandidateIndex

Floats = npt.NDArray[np.float64]
METHOD = "pairx"
K = 5  # candidates of each known query
MOST_QUERIES = 120
FEWEST_PAIRS = 60  # of fewer known pairs, nothing is said
FEWEST_OF_A_KIND = 10
_FOLDS = 5


def trust_job(
    index: CandidateIndex,
    model: EmbeddingModel,
    layer: str,
    filters: CandidateFilters | None = None,
    *,
    most: int = MOST_QUERIES,
    seed: int = 0,
) -> EvaluationJob:
    """The job that explains what a reviewer meets: known queries with their first five known candidates.

    Its rows go into ``TrustStudy.of``. They may be taken before it has ended: queries come in a random order.

    Args:
        index: the photos.
        model: the embedding model.
        layer: whose cells are matched.
        filters: which photos may be proposed.
        most: how many queries.
        seed: of their order.

    Raises:
        CatalogueError: no known photo has a known candidate.
    """
    ranked = ranked_pairs(index, filters, k=K, most=most, seed=seed)
    sample = PairSample(ranked.pairs, (), seed)
    return EvaluationJob(model, sample, Plan((METHOD,), layer, faithful_pairs=0, steady_pairs=0, seed=seed))


def trust_folder(cache: Path, job: EvaluationJob) -> Path:
    """Where a job's rows are kept in a cache folder, so that whoever measures the same goes on where it stopped."""
    return cache / "trust" / job.fingerprint


@dataclass(frozen=True, eq=False)
class TrustStudy:
    """Known pairs with their measures, and what they teach about other pairs."""

    rows: tuple[PairRow, ...]  # of known queries with their candidates, query by query, most similar first
    plausibility: (
        Floats  # (N,) log odds by the explanation alone, each from a fit without its query's individual
    )
    judge: Logistic  # from measures to plausibility, fitted on all
    scores: tuple[str, ...]  # the measures that the judge takes, in its order
    fill: tuple[float, ...]  # what a measure that cannot be taken counts as: the worst known

    @classmethod
    def of(cls, rows: Sequence[PairRow]) -> TrustStudy | None:
        """A study of rows; None where there are too few pairs of a kind, or one individual's only."""
        same = np.array([row.same for row in rows], bool)
        individuals = {row.query_identity for row in rows}
        if (
            len(rows) < FEWEST_PAIRS
            or min(same.sum(), (~same).sum()) < FEWEST_OF_A_KIND
            or len(individuals) < 2
        ):
            return None
        if len({row.query_identity for row in rows}) < 2:  # nothing can be judged by other individuals
            return None
        scores = tuple(name for name in SCORES if any(name in row.measures for row in rows))
        fill = tuple(min(row.measures[name] for row in rows if name in row.measures) for name in scores)
        features = np.array([_features(row.measures, scores, fill) for row in rows])
        judge = fit_logistic(features, same)
        folds = grouped_folds(_codes([row.query_identity for row in rows]), _FOLDS, 0)
        plausibility = np.empty(len(rows))
        for fold in np.unique(folds):
            held, rest = folds == fold, folds != fold
            usable = 0 < same[rest].sum() < rest.sum()
            fitted = fit_logistic(features[rest], same[rest]) if usable else judge
            plausibility[held] = fitted.log_odds(features[held])
        return cls(tuple(rows), plausibility, judge, scores, fill)

    @property
    def same(self) -> npt.NDArray[np.bool_]:
        """Whether each pair shows the same individual, (N,)."""
        return np.array([row.same for row in self.rows], bool)

    @property
    def similarity(self) -> Floats:
        """Of each pair, (N,)."""
        return np.array([row.similarity for row in self.rows])

    def plausibility_of(self, measures: Mapping[str, float]) -> float:
        """The log odds of a pair by its explanation alone."""
        return float(self.judge.log_odds(np.array([_features(measures, self.scores, self.fill)]))[0])

    def looks_like(self, similarity: float, measures: Mapping[str, float]) -> LooksLike | None:
        """How often known pairs that look like this one were the same animal; None where nothing can be said."""
        if self.calibration is None:
            return None
        return self.calibration.looks_like(similarity, self.plausibility_of(measures))

    def values(self, score: str) -> Floats:
        """A measure of each pair, (N,); NaN where it cannot be taken."""
        return np.array([row.measures.get(score, math.nan) for row in self.rows])

    def references(
        self, similarity: float, count: int = 3, leave_out: frozenset[str] = frozenset()
    ) -> tuple[tuple[PairRow, ...], tuple[PairRow, ...]]:
        """Known same and known different pairs to look at beside one of a similarity: the nearest to it.

        Args:
            similarity: of the pair in question.
            count: of each kind, at most.
            leave_out: ids of photos that must not be among them.
        """
        near = sorted(self.rows, key=lambda row: abs(row.similarity - similarity))
        usable = [row for row in near if not {row.query_id, row.candidate_id} & leave_out]
        same = _once([row for row in usable if row.same])
        different = _once([row for row in usable if not row.same])
        return tuple(same[:count]), tuple(different[:count])

    @cached_property
    def calibration(self) -> Calibration | None:
        """Of similarity and plausibility together."""
        return calibrate(self._pair_scores)

    @cached_property
    def quality(self) -> CalibrationQuality:
        """How well the calibration does on individuals that it has not seen, with and without the explanation."""
        return cross_validated(self._pair_scores)

    @cached_property
    def reranking(self) -> Reranking:
        """Whether plausibility would put candidates into a better order."""
        queries: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            queries.setdefault(row.query_id, []).append(place)
        shape = len(queries), K
        similarity, plausibility = np.full(shape, math.nan), np.full(shape, math.nan)
        same = np.zeros(shape, bool)
        for number, places in enumerate(queries.values()):
            count = len(places[:K])
            similarity[number, :count] = self.similarity[places[:K]]
            plausibility[number, :count] = self.plausibility[places[:K]]
            same[number, :count] = self.same[places[:K]]
        individuals = _codes([self.rows[places[0]].query_identity for places in queries.values()])
        return fit_reranking(RankedQueries(similarity, plausibility, same, individuals))

    @property
    def _pair_scores(self) -> PairScores:
        """Each two photos once: looked at from the other side they are no further pair to count."""
        first: dict[frozenset[str], int] = {}
        for place, row in enumerate(self.rows):
            first.setdefault(frozenset((row.query_id, row.candidate_id)), place)
        once = list(first.values())
        queries = _codes([self.rows[place].query_identity for place in once])
        return PairScores(self.similarity[once], self.plausibility[once], self.same[once], queries)


def _features(measures: Mapping[str, float], scores: Sequence[str], fill: Sequence[float]) -> list[float]:
    return [measures.get(name, worst) for name, worst in zip(scores, fill, strict=True)]


def _codes(names: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def _once(rows: Sequence[PairRow]) -> list[PairRow]:
    """Without the same two photos the other way round."""
    seen: dict[frozenset[str], PairRow] = {}
    for row in rows:
        seen.setdefault(frozenset((row.query_id, row.candidate_id)), row)
    return list(seen.values())
