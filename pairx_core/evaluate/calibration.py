"""How often known pairs that look like this one were the same animal.

A similarity and a plausibility are no probabilities. Pairs whose truth is known say what they are worth in a
catalogue: a logistic regression puts the two into one order, and the known pairs nearest in that order are
counted. What is shown is the count, not the regression's number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.logistic import Logistic, fit_logistic
from pairx_core.evaluate.statistics import Bools, Floats, Interval, Ints, wilson

FEWEST_PAIRS = 30  # of fewer known pairs, a share says nothing
_FEWEST_OF_A_KIND = 10
_MOST_PAIRS = 200  # more would only look less alike: of so many, a share is known to within 7 %
_BEYOND = 0.05  # of the range of the known probabilities: so far outside of it, nothing may be said
_SIMPLE_TWENTIETHS = (1, *range(2, 19, 2), 19)  # 1 in 20, 1 in 10, … 9 in 10, 19 in 20


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Known pairs, each with what the model and what the explanation says of it.

    What is learned from them holds for pairs like them: those a reviewer meets, the first candidates of known
    queries. Of pairs sampled otherwise, as many same as different ones, shares would come out wrong.

    Raises:
        ValueError: the arrays are not of one length, or a score is not finite.
    """

    similarity: Floats  # (N,) cosine, -1 to 1
    plausibility: Floats  # (N,) any unit, higher: more likely the same individual
    same: Bools  # (N,) whether both photos show the same individual
    query: Ints  # (N,) code of the query photo's individual

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            values: npt.NDArray[Any] = np.array(getattr(self, name), dtype=kind)
            if values.shape != (np.size(self.similarity),):
                raise ValueError(f"{name}: expected one value a pair, not an array of shape {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: every pair needs a finite number")
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.same)

    @property
    def features(self) -> Floats:
        """Similarity and plausibility, (N, 2)."""
        return np.stack([self.similarity, self.plausibility], axis=1)


_KINDS: dict[str, type] = {
    "similarity": np.float64,
    "plausibility": np.float64,
    "same": bool,
    "query": np.int64,
}


@dataclass(frozen=True, slots=True)
class LooksLike:
    """Known pairs that look like a pair, and how many of them show one animal."""

    n: int
    same: int
    share: Interval  # of the same ones, with the 95 % Wilson interval

    def in_words(self) -> str:
        """A sentence for the screen, such as “Of 120 known pairs that look like this, 108 were the same animal …”.

        “All” and “none” are said only where they hold of every pair; a rounded share is called “about”.
        """
        low = min(99, round(100 * self.share.low)) if self.share.low < 1 else 100
        high = max(1, round(100 * self.share.high)) if self.share.high > 0 else 0
        interval = f"95 % interval {low}–{high} %"
        share = share_in_words(self.same, self.n)
        if self.same in (0, self.n):
            return (
                f"Of {self.n:,} known pairs that look like this, {share} were the same animal ({interval})."
            )
        were = f"{self.same:,} {'was' if self.same == 1 else 'were'} the same animal"
        return f"Of {self.n:,} known pairs that look like this, {were} ({share}; {interval})."


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Known pairs in the order of how likely they look to be the same animal."""

    logistic: Logistic  # of similarity and plausibility
    probability: Floats  # (N,) ascending, of the known pairs by the regression
    same: Bools  # (N,) whether they are the same animal
    fewest: int  # known pairs that an answer needs

    @property
    def window(self) -> int:
        """How many known pairs an answer counts; more where several look equal."""
        return max(self.fewest, min(len(self.same) // 5, _MOST_PAIRS))

    def looks_like(self, similarity: float, plausibility: float) -> LooksLike | None:
        """The known pairs that look most like this one, half of them less likely and half of them more.

        At the ends of the order they are the first or the last ones, so that a share there is drawn a little
        towards the middle. Pairs that look equal to the outermost
        one count as well, so that their order does not matter. The interval takes the pairs for independent;
        where a few individuals have most of the pairs, it is too narrow. A query whose animal is not in
        the catalogue has no right candidate, which known queries always may have.

        Args:
            similarity: cosine, -1 to 1.
            plausibility: in the unit of the known pairs.

        Returns:
            None where nothing may be said: a number is not finite, there are too few known pairs, or all of
            them look clearly less likely, or clearly more likely, than this one.
        """
        if not (math.isfinite(similarity) and math.isfinite(plausibility)) or len(self.same) < self.fewest:
            return None
        likely = float(self.logistic.probability([[similarity, plausibility]])[0])
        lowest, highest = self.probability[[0, -1]]
        margin = _BEYOND * (highest - lowest)
        if not lowest - margin <= likely <= highest + margin:
            return None
        start, end = self._nearest(likely)
        n, same = end - start, int(np.count_nonzero(self.same[start:end]))
        return LooksLike(n, same, wilson(same, n))

    def _nearest(self, likely: float) -> tuple[int, int]:
        """Where the window of known pairs around a probability begins and ends, those equal to its ends included."""
        left, right = (int(np.searchsorted(self.probability, likely, side)) for side in ("left", "right"))
        start = min(max((left + right - self.window) // 2, 0), len(self.same) - self.window)
        first, last = self.probability[[start, start + self.window - 1]]
        return (
            int(np.searchsorted(self.probability, first, "left")),
            int(np.searchsorted(self.probability, last, "right")),
        )


def calibrate(scores: PairScores, *, fewest: int = FEWEST_PAIRS) -> Calibration | None:
    """Put known pairs in order; None where there are too few to say anything.

    Args:
        scores: known pairs, as a reviewer meets them.
        fewest: how many pairs an answer needs, 1 or more; twice as many are needed in all, and 10 of each kind.

    Raises:
        ValueError: ``fewest`` is below 1.
    """
    if fewest < 1:
        raise ValueError("an answer needs at least one known pair")
    same = int(np.count_nonzero(scores.same))
    if len(scores) < 2 * fewest or min(same, len(scores) - same) < _FEWEST_OF_A_KIND:
        return None
    logistic = fit_logistic(scores.features, scores.same)
    probability = logistic.probability(scores.features)
    order = np.argsort(probability, kind="stable")
    return Calibration(logistic, probability[order], scores.same[order], fewest)


def share_in_words(part: int, whole: int) -> str:
    """A share in words: “none”, “fewer than 1 in 20”, “1 in 10”, “about 9 in 10”, “more than 19 in 20”, “all 120”.

    None and all are said only where they are true; of two shares as near, the one nearer to a half is said.

    Raises:
        ValueError: the counts make no share.
    """
    if not 0 <= part <= whole or not whole:
        raise ValueError(f"{part} of {whole} is no share")
    if part in (0, whole):
        return f"all {whole:,}" if part else "none"
    if 20 * part < whole:
        return "fewer than 1 in 20"
    if 20 * part > 19 * whole:
        return "more than 19 in 20"
    twentieths = min(_SIMPLE_TWENTIETHS, key=lambda one: (abs(20 * part - one * whole), abs(one - 10)))
    simple = f"{twentieths} in 20" if twentieths % 2 else f"{twentieths // 2} in 10"
    return simple if 20 * part == twentieths * whole else f"about {simple}"
