"""What a study says, in plain sentences."""

from __future__ import annotations

import math

from pages.components.trust_figures import PLAUSIBILITY, SIMILARITY, Separation, higher_than
from pages.components.words import count, time_left
from pairx_core.evaluate.calibration_quality import CalibrationQuality
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.reranking import Reranking
from pairx_core.evaluate.statistics import Interval
from pairx_core.evaluate.trust import FEWEST_OF_A_KIND, FEWEST_PAIRS, TrustStudy

NOTHING = "Too few known pairs look like this one: nothing can be said."
_FEWEST_INDIVIDUALS = 10  # of a re-ranking that is said to help


def too_few(pairs: int, same: int) -> str:
    """Why nothing can be said of so few pairs."""
    return (
        f"Too few known pairs to say anything: {count(pairs, 'pair')}, {same:,} of the same animal and "
        f"{pairs - same:,} of different animals. At least {FEWEST_PAIRS} are needed, {FEWEST_OF_A_KIND} of each kind. "
        "Known animals with several photographs each make more."
    )


def separates(found: Separation, score: str) -> list[str]:
    """How well a score tells right from wrong pairs."""
    said = [f"A right pair has the higher value in {_of_100(found.overall)} with a wrong pair."]
    if score == SIMILARITY:
        return said
    if math.isnan(found.matched.value):
        return [
            *said,
            "No right pair is as similar as a wrong one, so that cannot be told beyond similarity.",
        ]
    said.append(f"Where both are about equally similar: in {_of_100(found.matched)}; {_adds(found.matched)}")
    return said


def _of_100(share: Interval) -> str:
    rounded = round(100 * share.value)
    if math.isnan(share.low):
        return f"**{rounded} of 100** comparisons (95 % interval not known)"
    return (
        f"**{rounded} of 100** comparisons (95 % interval {round(100 * share.low)}–{round(100 * share.high)})"
    )


def _adds(matched: Interval) -> str:
    if matched.low > 0.5:
        return "it tells more than similarity alone."
    if matched.high < 0.5:
        return "here it misleads."
    return "that may be chance: it is not shown to tell more than similarity alone."


def pair_in_words(study: TrustStudy, similarity: float, row: PairRow) -> list[str]:
    """Where a pair stands among the known ones."""
    plausibility = study.plausibility_of(row.measures)
    return [
        f"Similarity **{similarity:.2f}**: higher than {higher_than(study, SIMILARITY, similarity)} of 100 known pairs",
        f"Plausibility **{signed(plausibility)}**: higher than "
        f"{higher_than(study, PLAUSIBILITY, plausibility)} of 100 known pairs",
    ]


def looks_like(study: TrustStudy, similarity: float, row: PairRow) -> str:
    """How often known pairs that look like this one were the same animal."""
    found = study.looks_like(similarity, row.measures)
    return NOTHING if found is None else found.in_words()


def reranking(found: Reranking) -> str:
    """Whether plausibility would put candidates into a better order."""
    first = f"rank-1 {_percent(found.rank_1_before)} → {_percent(found.rank_1_after)}"
    by = f"({_points(found.rank_1_difference)}, cross-validated)"
    if found.individuals < _FEWEST_INDIVIDUALS:
        return (
            f"Whether re-ranking would help cannot be said of {count(found.individuals, 'animal')}; at least "
            f"{_FEWEST_INDIVIDUALS} are needed. So far: {first}."
        )
    if not found.helps:
        return f"Re-ranking would not help here: {first} {by}."
    return (
        f"Re-ranking would help here: ordered by similarity and plausibility together, {first} {by}; mean reciprocal "
        f"rank {found.reciprocal_before:.2f} → {found.reciprocal_after:.2f}. Measured on "
        f"{count(found.individuals, 'animal')} that the order was not learned from."
    )


def quality(found: CalibrationQuality) -> str:
    """How well the probabilities behind the words hold."""
    return (
        f"Estimates from similarity and plausibility together are on average {100 * found.calibration_error:.0f} "
        f"points off what proved true (similarity alone: {100 * found.calibration_error_without:.0f}). Brier score "
        f"{found.brier:.3f}, with similarity alone {found.brier_without:.3f}; lower is better."
    )


def until_measured(seconds: float | None) -> str:
    """How long measuring will take, roughly."""
    return "the time left is told after the first pairs" if seconds is None else time_left(seconds)


def signed(number: float) -> str:
    """Log odds on a screen: “+0.8”, “−1.2”."""
    return f"{round(number, 1) + 0.0:+.1f}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(difference: Interval) -> str:
    if math.isnan(difference.low):
        return "interval of the difference not known"
    low, high = (round(100 * end) for end in (difference.low, difference.high))
    return f"difference {_whole(low)} to {_whole(high)} points"


def _whole(number: int) -> str:
    return "0" if number == 0 else f"{number:+d}".replace("-", "−")
