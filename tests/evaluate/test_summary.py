"""Figures and intervals of an evaluation's rows, by other routes and by hand."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from pairx_core.evaluate.statistics import bootstrap, matched_auroc
from pairx_core.evaluate.summary import SCORES, Summariser
from tests.evaluate.making import row


def evaluation(method="pairx", seed=0, count=160, *, gain=1.0, right=0.5, missing=0.0):
    """Rows of twenty individuals; same pairs score higher by the gain, and so many of their lines are right."""
    chance = np.random.default_rng(seed)
    people = np.random.default_rng(99).integers(0, 20, (count, 2))
    rows = []
    for number, (who, other) in enumerate(people):
        other = who if number % 2 else (other if other != who else (who + 1) % 20)
        number_of_bin = 30 + number // 2 % 4
        scores = {"agreement": chance.normal() + gain * (number % 2), "on_animal": chance.random()}
        if chance.random() < missing:
            del scores["agreement"]
        lines = "".join("1" if chance.random() < right else "0" for _ in range(10))
        more = {"bin": number_of_bin, "similarity": 0.02 * number_of_bin + 0.01}
        rows.append(row(number, f"i{who:02d}", f"i{other:02d}", method, measures=scores, lines=lines, **more))
    return rows


def summary(rows, method="pairx", **options):
    return Summariser(rows, rounds=200, **options).summary(method)


def same_interval(one, other):
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), nan_ok=True)
    assert one.n == other.n


@pytest.mark.parametrize("seed", range(4))
def test_auroc_is_the_matched_one_with_missing_scores_last(seed):
    rows = evaluation(seed=seed, gain=0.5, missing=0.2)
    scores = [one.measures.get("agreement", -math.inf) for one in rows]
    expected = matched_auroc(scores, [one.same for one in rows], [one.bin for one in rows])
    assert summary(rows).auroc["agreement"].value == pytest.approx(expected)
    assert set(summary(rows).auroc) == {"agreement"}


def test_intervals_are_those_of_the_bootstrap():
    rows = evaluation(missing=0.1)
    codes = [[int(name[1:]) for name in (one.query_identity, one.candidate_identity)] for one in rows]
    assert {code for two in codes for code in two} == set(range(20))
    scores = [one.measures.get("agreement", -math.inf) for one in rows]
    same, bins = [one.same for one in rows], [one.bin for one in rows]
    expected = bootstrap(
        lambda weights: matched_auroc(scores, same, bins, weights), *np.transpose(codes), rounds=200, seed=5
    )
    same_interval(summary(rows, seed=5).auroc["agreement"], expected)


def test_a_missing_score_is_lower_than_any():
    rows = evaluation(gain=0.0)
    for same, expected in ((True, 0.0), (False, 1.0)):
        found = [replace(one, measures={} if one.same == same else {"agreement": -1e9}) for one in rows]
        assert summary(found).auroc["agreement"].value == expected


def test_scores_of_no_pair_are_not_there():
    assert summary([replace(one, measures={}) for one in evaluation()]).auroc == {}


def test_similarity_alone_tells_little_within_its_bins():
    found = Summariser(evaluation(), rounds=50).similarity_auroc
    assert found.value == 0.5
    rows = [replace(one, similarity=one.similarity + 0.001 * one.same) for one in evaluation()]
    assert Summariser(rows, rounds=50).similarity_auroc.value == 1


def test_right_lines_by_hand():
    rows = [
        row(0, "a", "a", lines="1101"),
        row(1, "a", "a", lines="10"),
        row(2, "b", "b", lines=""),
        row(3, "a", "b", lines="0001"),
    ]
    found = summary(rows)
    assert found.right_pairs.value == pytest.approx(4 / 6) and found.right_pairs.n == 2
    assert found.wrong_pairs.value == 0.25 and found.wrong_pairs.n == 1
    assert found.by_rank == (1.0, 0.5, 0.0, 1.0)
    assert found.pairs == 4


def test_without_truth_there_are_no_right_lines():
    found = summary([replace(one, lines="") for one in evaluation()])
    assert found.right_pairs is found.wrong_pairs is None and found.by_rank == ()


def test_means_are_of_the_pairs_that_have_them():
    rows = [row(n, "a", "b", measures={"deletion": n / 10} if n < 3 else {}) for n in range(5)]
    found = summary(rows).means
    assert found["deletion"].value == pytest.approx(0.1) and found["deletion"].n == 3
    assert "insertion" not in found


def test_seconds_are_the_median():
    assert summary([row(n, "a", "b", seconds=s) for n, s in enumerate((1.0, 90.0, 2.0))]).seconds == 2


def test_intervals_hold_their_number():
    found = summary(evaluation())
    for one in (found.auroc["agreement"], found.right_pairs, found.wrong_pairs, found.means["on_animal"]):
        assert one.low < one.value < one.high and one.n > 0
    assert found.auroc["agreement"].high - found.auroc["agreement"].low < 0.5


def test_intervals_are_wider_where_a_few_individuals_have_all_pairs():
    many, few = (
        [
            row(n, f"i{n % people}", f"i{n % people}", lines="1" if n % people % 2 else "0", measures={})
            for n in range(60)
        ]
        for people in (60, 6)
    )
    width = [one.high - one.low for one in (summary(rows).right_pairs for rows in (many, few))]
    assert width[1] > 2 * width[0]


def test_a_method_is_no_better_than_itself():
    summariser = Summariser(evaluation(), rounds=100)
    for found in (
        summariser.difference_in_lines("pairx", "pairx"),
        summariser.difference_in_auroc("pairx", "agreement", "pairx", "agreement"),
    ):
        assert (found.interval.value, found.interval.low, found.interval.high) == (0, 0, 0)
        assert not found.is_beyond_interval


def test_a_method_that_is_better_by_construction_is_beyond_the_interval():
    rows = evaluation("good", 1, gain=3, right=0.8) + evaluation("bad", 2, gain=0, right=0.3)
    summariser = Summariser(rows, rounds=200)
    lines = summariser.difference_in_lines("good", "bad")
    auroc = summariser.difference_in_auroc("good", "agreement", "bad", "agreement")
    assert lines.is_beyond_interval and auroc.is_beyond_interval
    assert lines.interval.value == pytest.approx(0.5, abs=0.1)
    for found in (
        summariser.difference_in_lines("bad", "good"),
        summariser.difference_in_auroc("bad", "agreement", "good", "agreement"),
    ):
        assert not found.is_beyond_interval and found.interval.high < 0


def test_methods_of_one_kind_do_not_differ():
    rows = evaluation("one", 1, gain=1) + evaluation("other", 2, gain=1)
    found = Summariser(rows, rounds=200).difference_in_auroc("one", "agreement", "other", "agreement")
    assert found.interval.low < 0 < found.interval.high and not found.is_beyond_interval


def test_differences_are_on_the_same_resamples():
    """Two methods that go up and down together differ by less than either is sure of."""
    rows = evaluation("one", 1, gain=1)
    shifted = [
        replace(one, method="other", measures={"agreement": one.measures["agreement"] + 0.05 * one.same})
        for one in rows
    ]
    summariser = Summariser(rows + shifted, rounds=200)
    found = summariser.difference_in_auroc("other", "agreement", "one", "agreement").interval
    alone = summariser.summary("one").auroc["agreement"]
    assert found.high - found.low < 0.3 * (alone.high - alone.low)


def test_without_lines_there_is_no_difference_in_them():
    rows = evaluation() + [replace(one, method="maps", lines="") for one in evaluation()]
    assert Summariser(rows, rounds=10).difference_in_lines("maps", "pairx") is None


def test_the_order_of_the_rows_does_not_matter():
    rows = evaluation() + evaluation("other", 3)
    mixed = rows.copy()
    random.Random(0).shuffle(mixed)
    one, other = summary(rows), summary(mixed)
    same_interval(one.auroc["agreement"], other.auroc["agreement"])
    same_interval(one.right_pairs, other.right_pairs)
    same_interval(one.means["on_animal"], other.means["on_animal"])
    assert one.by_rank == other.by_rank


def test_one_kind_of_pairs_has_no_auroc():
    found = summary([one for one in evaluation() if one.same]).auroc["agreement"]
    assert math.isnan(found.value) and str(found) == "not measurable"


def test_no_rows_have_no_methods():
    summariser = Summariser([], rounds=5)
    assert summariser.methods == () and math.isnan(summariser.similarity_auroc.value)


def test_all_scores_have_words():
    assert all(SCORES.values()) and len(set(SCORES.values())) == len(SCORES)


def test_lines_that_were_not_drawn_count_as_wrong_of_k():
    few = [
        row(0, "a", "a", lines="11", measures={"matches": 2.0}),
        row(1, "b", "b", lines="", measures={"matches": 0.0}),
        row(2, "c", "c", lines="1100", measures={"matches": 4.0}),
        row(3, "c", "d", lines="1111", measures={"matches": 4.0}),
    ]
    found = summary(few)
    assert found.right_pairs.value == pytest.approx(4 / 6)
    assert found.right_of_k.value == pytest.approx(4 / 12)
    assert found.lines_a_pair == pytest.approx(2.0)
