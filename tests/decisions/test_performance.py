from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairx_core.decisions import Decision
from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.decisions.performance import (
    accuracy,
    mcnemar_exact,
    reveal_changes,
    time_per_decision,
    wilson_interval,
)

TRUTH = {("a", "b"): True, ("c", "d"): False}


@pytest.fixture
def say():
    numbers = count()

    def make(reviewer, verdict, pair=("a", "b"), **values) -> Decision:
        time = datetime(2026, 3, 1, tzinfo=UTC)
        return Decision(f"d{next(numbers)}", time, reviewer, "s", *pair, verdict, **values)

    return make


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe_1998(successes, trials, low, high):
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3."""
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_the_share_and_mirrors(case):
    successes, trials = case
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_what_is_no_share_is_refused(successes, trials):
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(successes, trials)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_two_sided_binomial_tail(better, worse):
    total = better + worse
    half = Fraction(1, 2) ** total
    as_uneven = [k for k in range(total + 1) if abs(2 * k - total) >= abs(better - worse)]
    expected = sum(comb(total, k) for k in as_uneven) * half
    assert mcnemar_exact(better, worse) == pytest.approx(float(min(1, expected)))


def test_verdicts_are_held_against_the_truth_in_either_direction(say):
    rows = [
        say("Ben", "accept", ("b", "a")),
        say("Ben", "accept", ("c", "d")),
        say("Ben", "accept", ("x", "y")),
    ]
    rows += [
        say("Cleo", "reject"),
        say("Cleo", "unsure", ("c", "d")),
        say("Ada", "accept", tags=(ADJUDICATED,)),
    ]
    found = accuracy(rows, TRUTH)
    assert set(found) == {"Ben", "Cleo"}
    ben, cleo = found["Ben"], found["Cleo"]
    assert (ben.right, ben.false_accepts, ben.false_rejects, ben.undecided) == (1, 1, 0, 0)
    assert (cleo.right, cleo.false_accepts, cleo.false_rejects, cleo.undecided) == (0, 0, 1, 1)
    assert (ben.share, ben.interval) == (0.5, wilson_interval(1, 2))


def test_who_decided_nothing_has_no_share(say):
    (found,) = accuracy([say("Ben", "unsure")], TRUTH).values()
    assert (found.share, found.interval, found.undecided) == (None, None, 1)


def test_the_stages_are_told_apart(say):
    blind = say("Ben", "reject", blind=True)
    rows = [blind, say("Ben", "accept", supersedes=blind.decision_id)]
    assert accuracy(rows, TRUTH, stage="blind")["Ben"].right == 0
    assert accuracy(rows, TRUTH)["Ben"].right == 1


def test_times_are_medians_with_quartiles_by_stage(say):
    rows = [say("Ben", "accept", seconds=float(n), blind=n < 5) for n in range(1, 6)]
    rows += [say("Ben", "undo", seconds=99.0), say("Ben", "accept"), say("Cleo", "accept", seconds=7.0)]
    found = time_per_decision(rows)
    assert (found["Ben"].count, found["Ben"].median, found["Ben"].low, found["Ben"].high) == (5, 3, 2, 4)
    assert found["Cleo"].median == 7
    assert time_per_decision(rows, stage="final")["Ben"].median == 5


def test_changes_for_the_better_and_for_the_worse(say):
    def twice(reviewer, pair, before, after):
        blind = say(reviewer, before, pair, blind=True)
        return [blind, say(reviewer, after, pair, supersedes=blind.decision_id)]

    rows = [
        *twice("Ben", ("a", "b"), "reject", "accept"),  # better
        *twice("Ben", ("c", "d"), "reject", "accept"),  # worse
        *twice("Ben", ("e", "f"), "unsure", "accept"),  # truth not known
        *twice("Cleo", ("a", "b"), "unsure", "accept"),  # better
        *twice("Cleo", ("c", "d"), "reject", "reject"),  # kept
        say("Dan", "accept", blind=True),  # not revealed yet
    ]
    found = reveal_changes(rows, TRUTH)
    assert set(found) == {"", "Ben", "Cleo"}
    everyone = found[""]
    assert (everyone.better, everyone.worse, everyone.judged) == (2, 1, 4)
    assert (everyone.kept, everyone.changed) == (1, 4)
    assert everyone.moves["unsure", "accept"] == 2
    assert everyone.p_value == mcnemar_exact(2, 1)
    assert found["Ben"].better == found["Ben"].worse == 1


def test_an_undone_change_did_not_happen(say):
    blind = say("Ben", "reject", blind=True)
    final = say("Ben", "accept", supersedes=blind.decision_id)
    undo = replace(final, decision_id="u", decision="undo", supersedes=final.decision_id)
    assert reveal_changes([blind, final, undo], TRUTH)[""].moves == {}
    kept = say("Ben", "reject", supersedes=blind.decision_id)
    assert reveal_changes([blind, final, undo, kept], TRUTH)["Ben"].kept == 1


def test_without_truth_nothing_is_better_or_worse(say):
    blind = say("Ben", "reject", blind=True)
    found = reveal_changes([blind, say("Ben", "accept", supersedes=blind.decision_id)])[""]
    assert (found.changed, found.better, found.worse, found.p_value) == (1, 0, 0, None)
