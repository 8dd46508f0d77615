from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.errors import SessionError
from pairx_core.sessions import SessionPair, plan_session


def pairs(number: int) -> list[SessionPair]:
    return [SessionPair(f"q{n // 3}", f"c{n}", n % 3 + 1, 0.5) for n in range(number)]


def known(number: int) -> list[SessionPair]:
    return [SessionPair(f"k{n}", f"l{n}", 1, 0.9, truth=n % 2 == 0) for n in range(number)]


def plan(**changes):
    given = {
        "name": "spring",
        "coordinator": "Ada",
        "reviewers": ("Ben", "Cleo", "Dan"),
        "pairs": pairs(12),
        "overlap": 2,
    }
    return plan_session(**given | changes)


@settings(deadline=None, max_examples=60)
@given(
    number=st.integers(1, 40),
    people=st.integers(1, 6),
    overlap=st.integers(1, 6),
    answers=st.integers(0, 5),
    order=st.sampled_from(("by_query", "shuffled")),
    seed=st.integers(0, 5),
)
def test_each_pair_is_seen_by_as_many_as_wanted_and_shares_are_equal(
    number, people, overlap, answers, order, seed
):
    overlap = min(overlap, people)
    session = plan(
        pairs=pairs(number),
        known_answers=known(answers),
        reviewers=[f"r{n}" for n in range(people)],
        overlap=overlap,
        order=order,
        seed=seed,
    )
    seen = Counter(number for queue in session.queues.values() for number in queue)
    for at, pair in enumerate(session.pairs):
        assert seen[at] == (overlap if pair.truth is None else people)
    lengths = [len(queue) for queue in session.queues.values()]
    assert max(lengths) - min(lengths) <= 1
    assert all(len(set(queue)) == len(queue) for queue in session.queues.values())


def test_reviewers_meet_each_other_equally_often():
    session = plan(pairs=pairs(60), reviewers=[f"r{n}" for n in range(4)])
    met = Counter()
    for number in range(60):
        met[tuple(name for name, queue in session.queues.items() if number in queue)] += 1
    assert set(met) == set(combinations(session.reviewers, 2))
    assert max(met.values()) - min(met.values()) <= 2


def test_the_same_seed_gives_the_same_queues_and_another_one_others():
    assert plan(seed=3).queues == plan(seed=3).queues
    assert plan(seed=3).queues != plan(seed=4).queues


def test_keys_and_ids_are_never_the_same():
    one, other = plan(), plan()
    assert one.session_id != other.session_id
    keys = {*one.keys.values(), *other.keys.values(), one.coordinator_key, other.coordinator_key}
    assert len(keys) == 8
    assert not any(key in repr(one) for key in keys)


def test_a_querys_candidates_stay_together_and_in_order_when_asked_for():
    session = plan(order="by_query", overlap=3, known_answers=known(4))
    for queue in session.queues.values():
        unknown = [number for number in queue if session.pairs[number].truth is None]
        assert unknown == sorted(unknown)
        assert len(queue) == 16


def test_known_answers_do_not_lie_at_the_end():
    queue = plan(order="by_query", overlap=3, known_answers=known(4), seed=1).queues["Ben"]
    assert sorted(queue) == list(range(16))
    assert set(queue[-4:]) != {12, 13, 14, 15}


def test_a_pair_in_both_directions_is_judged_once_and_a_known_answer_comes_first():
    session = plan(
        pairs=[SessionPair("a", "b"), SessionPair("b", "a"), SessionPair("a", "a"), SessionPair("c", "d")],
        known_answers=[SessionPair("d", "c", truth=True)],
    )
    assert [pair.ids for pair in session.pairs] == [("a", "b"), ("d", "c")]
    assert session.truth == {("c", "d"): True}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "  "}, "no name"),
        ({"name": "x" * 81}, "more than 80"),
        ({"reviewers": ("", " ")}, "Nobody reviews"),
        ({"reviewers": ("Ben", "ben")}, "“ben” is named twice"),
        ({"reviewers": [f"r{n}" for n in range(51)]}, "more than 50"),
        ({"pairs": []}, "no pairs"),
        ({"overlap": 4}, "Choose 1 to 3"),
        ({"overlap": 0}, "Choose 1 to 3"),
        ({"known_answers": [SessionPair("a", "b")]}, "needs its truth"),
        ({"pairs": known(1)}, "no other pair may have one"),
        ({"shows_others": True}, "blind session cannot show"),
    ],
)
def test_a_plan_that_cannot_be_made_says_what_to_change(changes, said):
    with pytest.raises(SessionError, match=said):
        plan(**changes)
