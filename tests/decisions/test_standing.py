from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import Decision, DecisionLog, last_undoable, standing_decisions
from pairx_core.errors import DecisionLogError


@pytest.fixture
def log(tmp_path) -> DecisionLog:
    return DecisionLog(tmp_path / "log.csv")


def decide(log: DecisionLog, candidate: str, decision: str, reviewer: str = "Ann") -> Decision:
    return log.record(reviewer=reviewer, query_id="q", candidate_id=candidate, decision=decision, rank=1)


def verdicts(log: DecisionLog, reviewer: str = "Ann") -> dict[str, str]:
    standing = standing_decisions(log.decisions(), reviewer)
    return {candidate: decision.decision for (_, candidate), decision in standing.items()}


def test_the_later_decision_supersedes_the_earlier(log):
    first, second = decide(log, "c1", "accept"), decide(log, "c1", "reject")
    assert (first.supersedes, second.supersedes) == ("", first.decision_id)
    assert verdicts(log) == {"c1": "reject"}


def test_after_an_undo_the_earlier_decision_stands_again(log):
    first, second = decide(log, "c1", "accept"), decide(log, "c1", "reject")
    undo = log.undo(second, reviewer="Ann")
    assert (undo.decision, undo.supersedes, undo.pair, undo.rank) == (
        "undo",
        second.decision_id,
        second.pair,
        1,
    )
    assert verdicts(log) == {"c1": "accept"}
    assert decide(log, "c1", "unsure").supersedes == first.decision_id


def test_undo_walks_back_through_all_decisions(log):
    first, second, third = (
        decide(log, "c1", "accept"),
        decide(log, "c2", "reject"),
        decide(log, "c1", "unsure"),
    )
    walked = []
    while (decision := last_undoable(log.decisions(), "Ann")) is not None:
        log.undo(decision, reviewer="Ann")
        walked.append(decision)
    assert walked == [third, second, first]
    assert verdicts(log) == {}
    assert len(log.decisions()) == 6


def test_reviewers_do_not_touch_each_others_decisions(log):
    by_ann, by_bo = decide(log, "c1", "accept"), decide(log, "c1", "reject", "Bo")
    assert by_bo.supersedes == ""
    assert (verdicts(log), verdicts(log, "Bo")) == ({"c1": "accept"}, {"c1": "reject"})
    assert last_undoable(log.decisions(), " Ann ") == by_ann
    with pytest.raises(DecisionLogError, match="Nothing was undone. Only Bo can take this decision back"):
        log.undo(by_bo, reviewer="Ann")


def test_undoing_twice_appends_nothing(log):
    decision = decide(log, "c1", "accept")
    undo = log.undo(decision, reviewer="Ann")
    assert log.undo(decision, reviewer="Ann") == undo
    assert len(log.decisions()) == 2


def test_a_replaced_decision_cannot_be_undone_before_the_later_one(log):
    first = decide(log, "c1", "accept")
    decide(log, "c1", "reject")
    with pytest.raises(DecisionLogError, match="A later decision replaced this one"):
        log.undo(first, reviewer="Ann")


def test_an_undo_or_a_decision_from_elsewhere_cannot_be_undone(log, tmp_path):
    undo = log.undo(decide(log, "c1", "accept"), reviewer="Ann")
    elsewhere = decide(DecisionLog(tmp_path / "other.csv"), "c1", "accept")
    for decision in (undo, elsewhere):
        with pytest.raises(DecisionLogError, match="holds no such decision"):
            log.undo(decision, reviewer="Ann")


STEP = st.tuples(
    st.sampled_from(["Ann", "Bo"]),
    st.sampled_from(["c1", "c2", "undo"]),
    st.sampled_from(["accept", "reject"]),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_standing_decisions_are_those_of_a_stack_for_each_reviewer(tmp_path_factory, steps):
    log = DecisionLog(tmp_path_factory.mktemp("log") / "log.csv")
    history: dict[str, list[tuple[str, str]]] = {"Ann": [], "Bo": []}
    for reviewer, target, decision in steps:
        if target != "undo":
            decide(log, target, decision, reviewer)
            history[reviewer].append((target, decision))
        elif (last := last_undoable(log.decisions(), reviewer)) is not None:
            log.undo(last, reviewer=reviewer)
            history[reviewer].pop()
    for reviewer, decided in history.items():
        assert verdicts(log, reviewer) == dict(decided)


def test_undo_outside_sessions_leaves_what_was_said_in_one(log):
    own = decide(log, "c1", "accept")
    of_session = log.record(
        reviewer="Ann", query_id="q", candidate_id="c2", decision="accept", session="spring"
    )
    assert last_undoable(log.decisions(), "Ann") == of_session
    assert last_undoable(log.decisions(), "Ann", session="") == own
    assert last_undoable(log.decisions(), "Ann", session="spring") == of_session


def test_a_decision_that_a_session_replaced_is_not_offered_for_undo(log):
    earlier = decide(log, "c1", "accept")
    decide(log, "c2", "reject")
    log.record(reviewer="Ann", query_id="q", candidate_id="c2", decision="accept", session="spring")
    assert last_undoable(log.decisions(), "Ann", session="") == earlier


def test_an_adjudication_is_not_offered_for_undo_among_reviews(log):
    own = decide(log, "c1", "accept")
    log.record(reviewer="Ann", query_id="q", candidate_id="c2", decision="accept", tags=("adjudicated",))
    assert last_undoable(log.decisions(), "Ann", session="") == own
