from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions.agreement import (
    Ratings,
    agreement_summary,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
    ratings,
)
from pairx_core.decisions.decision import ADJUDICATED


def table(codes) -> Ratings:
    codes = np.asarray(codes, np.int8)
    units = tuple((f"a{n:04}", f"b{n:04}") for n in range(len(codes)))
    verdicts = tuple(f"v{n}" for n in range(max(4, int(codes.max(initial=0)) + 1)))
    return Ratings(units, tuple(f"r{n}" for n in range(codes.shape[1])), codes, verdicts)


def from_confusion(matrix) -> Ratings:
    return table(
        [(a, b) for a, row in enumerate(matrix) for b, times in enumerate(row) for _ in range(times)]
    )


def from_counts(rows) -> Ratings:
    return table([[code for code, times in enumerate(row) for _ in range(times)] for row in rows])


# --- published worked examples ---------------------------------------------------------------------------------------


def test_cohen_1960():
    """Cohen (1960), table 1, as numbers of 200 cases in three categories: kappa = .492, which is 29/59."""
    matrix = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    assert cohen_kappa(from_confusion(matrix), "r0", "r1") == pytest.approx(0.492, abs=5e-4)
    assert cohen_kappa(from_confusion(matrix), "r0", "r1") == pytest.approx(29 / 59, abs=1e-12)


def test_cohen_of_a_two_by_two_table():
    """Two readers of fifty grant proposals, a textbook example: 35 in common, 25 by chance; kappa = 0.4."""
    assert cohen_kappa(from_confusion([[20, 5], [10, 15]]), "r0", "r1") == pytest.approx(0.4, abs=1e-12)


def test_fleiss_1971_with_fourteen_raters():
    """Ten subjects, five categories, fourteen raters: kappa = 0.209930704 (a textbook example of Fleiss (1971))."""
    rows = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    assert fleiss_kappa(from_counts(rows)) == pytest.approx(0.20993070442195522, abs=1e-9)


def test_krippendorff_2011_with_missing_data():
    """Krippendorff (2011), section C: four observers, twelve units, nominal values, missing data: alpha = .743421."""
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    codes = [[-1 if value is None else value - 1 for value in unit] for unit in zip(*observers, strict=True)]
    assert krippendorff_alpha(table(codes)) == pytest.approx(0.743421, abs=1e-6)


def test_krippendorff_2011_with_two_observers():
    """Krippendorff (2011), section B: two observers, twelve units, five nominal values, no missing data: .692."""
    meg, owen = "aabbdcccedda", "babbbccceddd"
    codes = [["abcde".index(one), "abcde".index(other)] for one, other in zip(meg, owen, strict=True)]
    assert krippendorff_alpha(table(codes)) == pytest.approx(0.692, abs=5e-4)
    assert krippendorff_alpha(table(codes)) == pytest.approx(float(_alpha_by_hand(codes)), abs=1e-12)


# --- a second route --------------------------------------------------------------------------------------------------


def _alpha_by_hand(units) -> Fraction | None:
    """One minus observed over expected disagreement, over all ordered pairs of values, in fractions."""
    pairable = [[value for value in unit if value >= 0] for unit in units]
    pairable = [unit for unit in pairable if len(unit) > 1]
    values = [value for unit in pairable for value in unit]
    if not values:
        return None
    observed = sum(
        Fraction(sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j), len(unit) - 1)
        for unit in pairable
    )
    expected = Fraction(
        sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j), len(values) - 1
    )
    return None if expected == 0 else 1 - observed / expected


def _cohen_by_hand(pairs) -> Fraction | None:
    both = [(a, b) for a, b in pairs if a >= 0 and b >= 0]
    if not both:
        return None
    first, second = Counter(a for a, _ in both), Counter(b for _, b in both)
    observed = Fraction(sum(a == b for a, b in both), len(both))
    expected = sum(Fraction(first[v] * second[v], len(both) ** 2) for v in first)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def _percent_by_hand(units) -> Fraction | None:
    shares = []
    for unit in units:
        said = [value for value in unit if value >= 0]
        two = [(a, b) for i, a in enumerate(said) for b in said[i + 1 :]]
        shares += [Fraction(sum(a == b for a, b in two), len(two))] if two else []
    return sum(shares) / len(shares) if shares else None


def _fleiss_by_hand(units) -> Fraction | None:
    said = [[value for value in unit if value >= 0] for unit in units]
    lengths = Counter(len(one) for one in said if len(one) > 1)
    if not lengths:
        return None
    number = max(lengths, key=lambda n: (lengths[n], n))
    used = [one for one in said if len(one) == number]
    observed = _percent_by_hand(used)
    shares = Counter(value for one in used for value in one)
    expected = sum(Fraction(times, number * len(used)) ** 2 for times in shares.values())
    return None if expected == 1 else (observed - expected) / (1 - expected)


@settings(deadline=None, max_examples=200)
@given(st.integers(2, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(-1, 3)] * n), max_size=12)))
def test_every_statistic_agrees_with_counting_by_hand(units):
    ratings_ = table(units) if units else table(np.zeros((0, 2)))
    for value, by_hand in (
        (krippendorff_alpha(ratings_), _alpha_by_hand(units)),
        (percent_agreement(ratings_), _percent_by_hand(units)),
        (fleiss_kappa(ratings_), _fleiss_by_hand(units)),
        (cohen_kappa(ratings_, "r0", "r1"), _cohen_by_hand([unit[:2] for unit in units])),
    ):
        assert (value is None) == (by_hand is None)
        if value is not None:
            assert value == pytest.approx(float(by_hand), abs=1e-9)


# --- intervals -------------------------------------------------------------------------------------------------------


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    lots, hits = np.random.default_rng(1), 0
    for seed in range(60):
        first = lots.integers(0, 2, 120)
        second = np.where(lots.random(120) < 0.8, first, 1 - first)
        found = agreement_summary(table(np.column_stack([first, second])), seed=seed, resamples=300).percent
        hits += found.low <= 0.8 <= found.high
    assert 50 <= hits <= 60


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    codes = np.random.default_rng(0).integers(-1, 3, (50, 3))
    one, same, other = (agreement_summary(table(codes), seed=seed, resamples=200) for seed in (1, 1, 2))
    assert one == same
    assert one.krippendorff.value == other.krippendorff.value
    assert (one.krippendorff.low, one.krippendorff.high) != (other.krippendorff.low, other.krippendorff.high)


def test_an_interval_holds_its_value_and_narrows_with_more_pairs():
    codes = np.random.default_rng(0).integers(0, 2, (40, 3))
    codes[:, 1] = codes[:, 0]
    few = agreement_summary(table(codes)).krippendorff
    many = agreement_summary(table(np.tile(codes, (25, 1)))).krippendorff
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.3 * (few.high - few.low)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (np.zeros((0, 2)), "no pair was judged by two"),
        ([[0, -1], [-1, 1]], "no pair was judged by two"),
        ([[1, 1], [1, 1]], "all verdicts are the same"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_not_defined_says_why(codes, said):
    found = agreement_summary(table(codes), resamples=50)
    assert found.krippendorff.value is None
    assert said in found.krippendorff.why
    assert found.krippendorff.low is None


# --- which decisions count -------------------------------------------------------------------------------------------


def verdicts(table: Ratings) -> dict:
    return {
        unit: {who: table.verdicts[code] for who, code in zip(table.reviewers, row, strict=True) if code >= 0}
        for unit, row in zip(table.units, table.codes, strict=True)
    }


def test_the_last_verdict_counts_in_either_direction(say):
    rows = [say("Ben", "accept"), say("Ben", "reject", "c", "q"), say("Cleo", "unsure")]
    assert verdicts(ratings(rows)) == {("c", "q"): {"Ben": "reject", "Cleo": "unsure"}}


def test_undone_and_adjudicated_rows_do_not_count(say):
    first = say("Ben", "accept")
    undo = replace(first, decision_id="u", decision="undo", supersedes=first.decision_id)
    assert verdicts(ratings([first, undo, say("Ada", "accept", tags=(ADJUDICATED,))])) == {}


def test_blind_and_final_verdicts_are_told_apart(say):
    blind = say("Ben", "accept", blind=True)
    rows = [blind, say("Ben", "reject", supersedes=blind.decision_id), say("Cleo", "unsure", blind=True)]
    assert verdicts(ratings(rows, stage="blind")) == {("c", "q"): {"Ben": "accept", "Cleo": "unsure"}}
    assert verdicts(ratings(rows)) == {("c", "q"): {"Ben": "reject"}}


def test_only_one_sessions_decisions_count_when_asked_for(say):
    rows = [say("Ben", "accept"), replace(say("Cleo", "accept"), session="other")]
    assert ratings(rows, session="s").reviewers == ("Ben",)


def test_verdicts_that_were_not_asked_for_are_missing(say):
    rows = [say("Ben", "accept"), say("Cleo", "unsure")]
    assert verdicts(ratings(rows, verdicts=("accept", "reject"))) == {("c", "q"): {"Ben": "accept"}}
