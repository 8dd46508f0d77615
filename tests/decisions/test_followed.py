"""Following a record row by row gives what going through all of it gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import Decision, disagreements, last_undoable, standing_by_reviewer
from pairx_core.decisions.adjudication import disputes
from pairx_core.decisions.decision import ADJUDICATED, VERDICTS
from pairx_core.decisions.followed import FollowedDecisions, FollowedPairs
from pairx_core.decisions.settling_pairs import settle

_DRAFTS = st.tuples(
    st.sampled_from(["Ann", "Bo", " Bo"]),  # the last one is written as nobody's name is kept
    st.sampled_from(["q1", "q2"]),
    st.sampled_from(["c1", "c2", "q1"]),
    st.sampled_from(VERDICTS),
    st.sampled_from(["", "spring"]),
    st.booleans(),  # an adjudication
    st.booleans(),  # on bare photos
    st.integers(0, 30),  # which row an undo is about
)
_RECORDS = st.lists(_DRAFTS, max_size=24)


def record_of(drafts: list[tuple]) -> list[Decision]:
    """Rows with ids by their number; an undo may be about any row, or one that comes later."""
    return [
        Decision(
            decision_id=f"d{number}",
            decided_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
            reviewer=reviewer,
            session=session,
            query_id=query,
            candidate_id=candidate,
            decision=verdict,
            tags=(ADJUDICATED,) if is_ruling and verdict != "undo" else (),
            blind=is_blind,
            supersedes=f"d{about}" if verdict == "undo" else "",
        )
        for number, (reviewer, query, candidate, verdict, session, is_ruling, is_blind, about) in enumerate(
            drafts
        )
    ]


def parts(rows: list[Decision], cuts: list[int]) -> list[tuple[Decision, ...]]:
    """The record as it is seen while it grows."""
    return [tuple(rows[:cut]) for cut in sorted({min(cut, len(rows)) for cut in cuts} | {len(rows)})]


@settings(deadline=None)
@given(_RECORDS, st.lists(st.integers(0, 24), max_size=4))
def test_what_stands_is_what_all_rows_say(drafts, cuts):
    rows, followed = record_of(drafts), FollowedDecisions()
    for seen in parts(rows, cuts):
        found = followed.look(seen)
        assert {name: dict(of_one) for name, of_one in found.by_reviewer.items()} == standing_by_reviewer(
            seen
        )
        assert all(len(of_one) == len(list(of_one)) for of_one in found.by_reviewer.values())
        assert found.disagreed == disagreements(seen)
        for name in ("Ann", "Bo"):
            assert found.of(name).last_undoable == last_undoable(seen, name, session="")


@settings(deadline=None)
@given(_RECORDS, st.lists(st.integers(0, 24), max_size=4))
def test_pairs_are_settled_as_by_all_rows(drafts, cuts):
    same_pair = {}  # an undo stands on the pair of what it takes back, as every store writes it
    rows = []
    for row in record_of(drafts):
        same_pair[row.decision_id] = row
        about = same_pair.get(row.supersedes)
        if row.decision != "undo" or (about is not None and about.reviewer == row.reviewer):
            rows.append(row)
    followed = FollowedPairs()
    for seen in parts(rows, cuts):
        found = followed.look(seen)
        assert dict(found.settled) == settle(seen)
        assert found.disputed == sum(one.settled is None for one in disputes(seen))


def test_what_was_seen_stays_as_it_was():
    rows, followed = record_of([("Ann", "q1", "c1", "accept", "", False, False, 0)] * 2), FollowedDecisions()
    before = followed.look(tuple(rows[:1]))
    followed.look(tuple(rows))
    assert before.of("Ann")["q1", "c1"].decision_id == "d0"
    assert followed.look(tuple(rows)).of("Ann")["q1", "c1"].decision_id == "d1"


def test_only_new_rows_are_gone_through():
    rows = record_of([("Ann", "q1", f"c{n}", "reject", "", False, False, 0) for n in range(50)])
    asked = []
    followed = FollowedDecisions(lambda row: not asked.append(row.decision_id))
    followed.look(tuple(rows[:49]))
    asked.clear()
    followed.look(tuple(rows))
    assert asked == ["d49"]


def test_a_look_that_was_overtaken_finds_what_is_known_and_costs_nothing():
    rows = record_of([("Ann", "q1", f"c{n}", "reject", "", False, False, 0) for n in range(50)])
    asked = []
    followed = FollowedDecisions(lambda row: not asked.append(row.decision_id))
    latest = followed.look(tuple(rows))
    asked.clear()
    assert followed.look(tuple(rows[:49])) is latest
    assert followed.look(tuple(rows)) is latest
    assert asked == []
    pairs = FollowedPairs()
    settled = pairs.look(tuple(rows))
    assert pairs.look(tuple(rows[:1])) is settled


def test_a_record_that_was_changed_is_gone_through_anew():
    rows = record_of([("Ann", "q1", "c1", "accept", "", False, False, 0)] * 3)
    followed = FollowedDecisions()
    followed.look(tuple(rows))
    changed = tuple(record_of([("Bo", "q1", "c1", "reject", "", False, False, 0)] * 4))
    assert set(followed.look(changed).by_reviewer) == {"Bo"}
    assert not followed.look(()).by_reviewer


def test_rows_about_something_else_do_not_count():
    drafts = [("Ann", query, "c1", "accept", "", False, False, 0) for query in ("q1", "q2", "q1")]
    rows = tuple(record_of(drafts))
    found = FollowedDecisions(lambda row: row.query_id == "q1").look(rows)
    assert found.rows == (rows[0], rows[2])
    assert list(found.of("Ann")) == [("q1", "c1")]
