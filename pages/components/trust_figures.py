"""How well a score tells right from wrong pairs, as counts that can be said in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.statistics import Interval, bootstrap
from pairx_core.evaluate.summary import SCORES
from pairx_core.evaluate.trust import TrustStudy

Floats = npt.NDArray[np.float64]
PLAUSIBILITY, SIMILARITY = "plausibility", "similarity"


@dataclass(frozen=True, slots=True)
class Separation:
    """The share of comparisons, of a right with a wrong pair, in which the right one has the higher value."""

    overall: Interval
    matched: Interval  # of comparisons between pairs of about the same similarity


def score_names(study: TrustStudy) -> dict[str, str]:
    """What can be shown of a study's pairs, in words: the plausibility first, its parts last."""
    parts = {name: SCORES[name] for name in study.scores}
    return {PLAUSIBILITY: "plausibility of the explanation", SIMILARITY: "similarity", **parts}


def values_of(study: TrustStudy, score: str) -> Floats:
    """A score of each pair, (N,); NaN where it cannot be taken."""
    if score == PLAUSIBILITY:
        return study.plausibility
    return study.similarity if score == SIMILARITY else study.values(score)


def separation(study: TrustStudy, score: str) -> Separation:
    """Compare each right pair with each wrong one; a score that cannot be taken counts as the lowest."""
    values = values_of(study, score)
    values = np.where(np.isnan(values), -math.inf, values)
    bins = np.array([row.bin for row in study.rows])
    return Separation(_compared(study, values, np.zeros_like(bins)), _compared(study, values, bins))


def _compared(study: TrustStudy, values: Floats, bins: npt.NDArray[np.int64]) -> Interval:
    """The share of comparisons within bins that the right pair wins, with its interval over the individuals."""
    right, wrong = np.nonzero((bins[:, None] == bins) & study.same[:, None] & ~study.same)
    won = (values[right] > values[wrong]) + 0.5 * (values[right] == values[wrong])

    def share(weights: Floats) -> float:
        both = weights[right] * weights[wrong]
        whole = float(both.sum())
        return float(both @ won) / whole if whole > 0 else math.nan

    names = [[row.query_identity, row.candidate_identity] for row in study.rows]
    codes = np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].reshape(-1, 2)
    return bootstrap(share, codes[:, 0], codes[:, 1], rounds=400)


def higher_than(study: TrustStudy, score: str, value: float) -> int:
    """Of 100 known pairs, how many have a lower value; equal ones count half."""
    values = values_of(study, score)
    values = np.where(np.isnan(values), -math.inf, values)
    return round(100 * float(np.mean((values < value) + 0.5 * (values == value))))
