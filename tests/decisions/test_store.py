from __future__ import annotations

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairx_core.decisions import Decision, DecisionLog, Evidence, TickedMatch, standing_decisions
from pairx_core.decisions.rows import HEADER, row_bytes
from pairx_core.decisions.settling import Standing
from pairx_core.decisions.store import DecisionStore, address_of_lines, open_decisions
from pairx_core.errors import DecisionLogError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AWKWARD = ['=HYPERLINK("http://x","y")', "two\nlines", "a\r\nb", "\r", '"', ",", "\ufeff", "\u2028", "𐐷", " "]


def decide(store: DecisionStore, candidate: str = "c1", decision: str = "accept", **more: object) -> Decision:
    return store.record(
        **{"reviewer": "Ann", "query_id": "q1", "candidate_id": candidate, "decision": decision} | more
    )


def in_threads(work: list) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_new_store_is_empty(store):
    assert store.decisions() == ()
    assert tuple(store.damaged) == ()


def test_what_is_recorded_is_returned_and_read_back(store, opened):
    recorded = decide(
        store,
        session="s1",
        tags=("scar", "left ear"),
        note='two\nlines, "quoted"\r',
        rank=2,
        similarity=0.87654321,
        overlay_shown=("lines", "heat_map"),
        blind=True,
        seconds=12.3456,
        decided_at=NOON + timedelta(microseconds=123_999),
    )
    assert (recorded.similarity, recorded.seconds) == (0.876543, 12.346)
    assert recorded.decided_at == NOON + timedelta(milliseconds=123)
    assert store.decisions() == opened().decisions() == (recorded,)


@pytest.mark.parametrize("note", AWKWARD)
def test_texts_are_kept_letter_by_letter(store, opened, note):
    decide(store, note=note, candidate=f"c{note}")
    (found,) = opened().decisions()
    assert (found.note, found.candidate_id) == (note, f"c{note}")


def test_characters_that_no_store_can_hold_do_no_harm(store, opened):
    assert decide(store, note="a\0b\ud800c").note == "ab\ufffdc"
    assert opened().decisions()[0].note == "ab\ufffdc"


def test_the_same_tuple_comes_while_nothing_is_new(store):
    decide(store)
    before = store.decisions()
    assert store.decisions() is before
    decide(store, "c2")
    assert store.decisions() is not before


def test_stores_of_several_programs_see_each_others_decisions(opened):
    one, two = opened(), opened()
    first = decide(one)
    second = decide(two, decision="reject")
    assert one.decisions() == two.decisions() == (first, second)
    assert second.supersedes == first.decision_id


def test_the_same_decision_id_is_recorded_once(opened):
    one, two = opened(), opened()
    first = decide(one, decision_id="x1")
    assert decide(one, decision_id="x1") == decide(two, decision_id="x1") == first
    assert one.decisions() == (first,)


def test_a_second_thought_under_a_recorded_id_is_a_row_of_its_own(store):
    first = decide(store, decision_id="x1")
    second = decide(store, decision="reject", decision_id="x1")
    assert second.decision_id != "x1"
    assert second.supersedes == first.decision_id
    assert store.decisions() == (first, second)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"candidate": "c2", "decision_id": "x1"}, "The decision was not saved. The decision_id x1 is in"),
        ({"reviewer": " "}, "The decision was not saved. There is no reviewer"),
        ({"decision": "undo"}, "Use Decision"),
        ({"note": "x" * 30_001}, "note has more than 30,000 characters"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(store, changes, words):
    first = decide(store, decision_id="x1")
    with pytest.raises(DecisionLogError) as caught:
        decide(store, **changes)
    assert words in str(caught.value)
    assert store.decisions() == (first,)


def test_an_undo_brings_the_decision_before_back(store):
    first, second = decide(store), decide(store, decision="reject")
    undo = store.undo(second, reviewer="Ann", note="wrong key")
    assert (undo.decision, undo.supersedes, undo.note) == ("undo", second.decision_id, "wrong key")
    assert store.undo(second, reviewer="Ann") == undo
    assert store.decisions() == (first, second, undo)
    assert decide(store, decision="unsure").supersedes == first.decision_id


def test_what_must_not_be_undone_is_refused(store):
    first = decide(store)
    decide(store, decision="reject")
    for decision, reviewer, words in (
        (first, "Ann", "A later decision replaced this one"),
        (first, "Bo", "Nothing was undone. Only Ann can take this decision back"),
        (replace(first, decision_id="elsewhere"), "Ann", "holds no such decision"),
    ):
        with pytest.raises(DecisionLogError, match=words):
            store.undo(decision, reviewer=reviewer)
    assert len(store.decisions()) == 2


def test_threads_share_a_store_and_programs_a_place(opened):
    stores = [opened(), opened()]

    def some(number: int) -> None:
        for step in range(5):
            decide(stores[number % 2], f"c{number}", reviewer=f"r{step % 2}")

    in_threads([lambda n=n: some(n) for n in range(4)])
    rows = stores[0].decisions()
    assert len(rows) == 20
    assert stores[1].decisions() == rows
    for number in range(4):
        for reviewer in ("r0", "r1"):
            own = [row for row in rows if (row.candidate_id, row.reviewer) == (f"c{number}", reviewer)]
            assert [row.supersedes for row in own] == ["", *(row.decision_id for row in own[:-1])]


STEP = st.tuples(
    st.sampled_from(["Ann", "Bo"]),
    st.sampled_from(["c1", "c2", "undo", "again"]),
    st.sampled_from(["accept", "reject"]),
    st.sampled_from(["", *AWKWARD]) | st.text(max_size=8),
)


def play(store: DecisionStore, steps: list) -> None:
    """The same calls lead to the same rows: all ids and times are given."""
    rows: list[Decision] = []
    for number, (reviewer, what, decision, note) in enumerate(steps):
        given_ones = {"decision_id": f"d{number}", "decided_at": NOON - timedelta(seconds=number)}
        if what == "undo" and rows:
            try:
                rows.append(store.undo(rows[number % len(rows)], reviewer=reviewer, note=note, **given_ones))
            except DecisionLogError:
                continue
        elif what == "again" and rows:
            last = next((row for row in rows[::-1] if row.decision != "undo"), rows[0])
            given_ones["decision_id"] = last.decision_id
            decide(
                store, last.candidate_id, last.decision, reviewer=last.reviewer, note=last.note, **given_ones
            )
        else:
            rows.append(decide(store, what, decision, reviewer=reviewer, note=note, **given_ones))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=10))
def test_every_store_holds_the_same_bytes(postgres, tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("stores")
    log = DecisionLog(folder / "log.csv")
    play(log, steps)
    for place in (f"sqlite:///{folder}/log.db", postgres.new_database()):
        store = open_decisions(place)
        play(store, steps)
        again = open_decisions(place)
        for each in (store, again):
            assert HEADER + b"".join(map(row_bytes, each.decisions())) == log.path.read_bytes()
            each.close()


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["Ann", "Bo"]), st.sampled_from(["c1", "c2"]), st.integers(-1, 12)),
        max_size=14,
    )
)
def test_what_stands_is_what_all_rows_say(rows):
    """Kept up to date row by row, or worked out from all of them; foreign undo rows may come in any order."""
    decisions = [
        Decision(
            decision_id=f"d{number}",
            decided_at=NOON,
            reviewer=reviewer,
            session="",
            query_id="q",
            candidate_id=candidate,
            decision="accept" if undone < 0 else "undo",
            supersedes="" if undone < 0 else f"d{undone}",
        )
        for number, (reviewer, candidate, undone) in enumerate(rows)
    ]
    standing = Standing("log.csv")
    for number, decision in enumerate(decisions, 1):
        standing.add(decision)
        for reviewer in ("Ann", "Bo"):
            expected = standing_decisions(decisions[:number], reviewer)
            for candidate in ("c1", "c2"):
                assert standing.of(reviewer, ("q", candidate)) == expected.get(("q", candidate))
    for decision in decisions:
        if decision.decision != "undo" and undo_of(decisions, decision) is not None:
            draft = replace(decision, decision_id="new", decision="undo", supersedes=decision.decision_id)
            assert standing.settle(draft) == undo_of(decisions, decision)


def undo_of(decisions, decision):
    """The row by which a decision was undone by its reviewer; None where it was not."""
    return next(
        (
            row
            for row in decisions
            if row.decision == "undo"
            and row.supersedes == decision.decision_id
            and row.reviewer == decision.reviewer
        ),
        None,
    )


def test_saving_takes_the_same_steps_however_long_the_record_is(tmp_path, monkeypatch):
    """Neither the rows nor what stands is gone through again."""
    log = DecisionLog(tmp_path / "log.csv")
    for number in range(200):
        decide(log, f"c{number % 10}")
    added = []
    real = Standing.add
    monkeypatch.setattr(Standing, "add", lambda self, one: (added.append(one), real(self, one)))
    last = decide(log)
    decide(log, "c2")
    assert [one.decision_id for one in added[-1:]] == [last.decision_id]
    assert len(added) <= 2


def test_lists_beside_the_decisions_come_back_in_their_order(store, opened):
    names, sessions = store.lines("names"), store.lines("sessions")
    for number in range(3):
        names.append({"number": number, "text": 'Größe\n“x”\0"\ud800'})
    sessions.append({"a": 1})
    assert sessions.entries() == opened().lines("sessions").entries() == ({"a": 1},)
    found = opened().lines("names").entries()
    assert found == names.entries()
    assert [one["number"] for one in found] == [0, 1, 2]
    assert found[0]["text"] == 'Größe\n“x”\0"?'
    assert names.damaged == ()
    assert store.decisions() == ()


def test_the_same_list_is_the_same_tuple_while_nothing_is_new(store, opened):
    names = store.lines("names")
    assert names.entries() is names.entries()
    names.append({"a": 1})
    before = names.entries()
    assert names.entries() is before
    opened().lines("names").append({"a": 2})
    assert names.entries() == ({"a": 1}, {"a": 2})


def test_what_is_read_first_holds_until_it_is_appended(opened):
    """Each adds one to the largest number that it sees; nobody may come between."""

    def count(lines) -> None:
        for _ in range(8):
            with lines.exclusive():
                lines.append({"n": 1 + max((entry["n"] for entry in lines.entries()), default=0)})

    stores = [opened(), opened()]
    in_threads([lambda s=s: count(s.lines("names")) for s in [*stores, *stores]])
    assert [entry["n"] for entry in opened().lines("names").entries()] == list(range(1, 33))


def test_a_list_is_named_by_its_place(store, place):
    assert "names" in store.lines("names").name
    assert store.location in store.lines("names").name or place.endswith(".csv")


def test_ticked_matches_lie_beside_the_decisions(store, opened):
    match = TickedMatch("convincing", 1, (3, 4), (5, 6), (30.5, 40.25), (50.0, 60.0), 0.1 + 0.2, 1e-300)
    ticked = Evidence("d1", "Ann", "q1", "c1", "demo", "f00d", "blocks.3", (match,), NOON)
    other = opened()
    assert other.evidence.of("d1") is None
    store.evidence.record(ticked)
    store.evidence.record(replace(ticked, recorded_at=NOON + timedelta(hours=1)))
    taken_back = replace(ticked, ticked=())
    assert other.evidence.of("d1") == store.evidence.of("d1") == ticked
    assert len(store.lines("evidence").entries()) == 1
    other.evidence.record(taken_back)
    assert store.evidence.all() == opened().evidence.all() == (taken_back,)


def test_ticked_matches_that_make_no_sense_are_refused_with_their_place(store):
    with pytest.raises(DecisionLogError, match="The ticked matches were not saved. For .*evidence.*is empty"):
        store.evidence.record(Evidence("", "Ann", "q", "c", "m", "f", "l", (), NOON))
    assert store.lines("evidence").entries() == ()


def test_a_line_that_is_no_evidence_is_reported(store):
    store.lines("evidence").append({"decision_id": "d1"})
    (damaged,) = store.evidence.damaged
    assert (damaged.line, damaged.reason) == (1, "reviewer is missing")
    assert store.evidence.all() == ()


def test_the_clock_that_jumps_back_changes_neither_the_order_nor_what_stands(store, opened):
    later = decide(store, decided_at=NOON)
    earlier = decide(store, decision="reject", decided_at=NOON - timedelta(days=3))
    assert opened().decisions() == (later, earlier)
    assert earlier.decided_at == NOON - timedelta(days=3)
    assert earlier.supersedes == later.decision_id
    assert standing_decisions(store.decisions(), "Ann") == {("q1", "c1"): earlier}
    undo = store.undo(earlier, reviewer="Ann", decided_at=NOON - timedelta(days=9))
    assert store.decisions() == (later, earlier, undo)
    assert standing_decisions(store.decisions(), "Ann") == {("q1", "c1"): later}


def test_a_path_is_a_file_and_an_address_a_database(tmp_path):
    for where in (tmp_path / "a.csv", str(tmp_path / "b.csv")):
        store = open_decisions(where)
        assert isinstance(store, DecisionLog)
        assert store.location == str(where)
    store = open_decisions(f"sqlite:///{tmp_path}/new folder/c.db")
    assert store.location == f"sqlite:///{tmp_path}/new folder/c.db"
    assert (tmp_path / "new folder" / "c.db").exists()


def test_the_lists_of_a_file_lie_beside_it(tmp_path):
    store = open_decisions(tmp_path / "lake.csv")
    store.lines("sessions").append({})
    assert store.lines("sessions").name == str(tmp_path / "lake.sessions.jsonl")
    assert store.lines("sessions") is store.lines("sessions")
    assert store.evidence.path == tmp_path / "lake.evidence.jsonl"


@pytest.mark.parametrize("missing", ["sqlalchemy", "psycopg"])
def test_packages_that_are_not_installed_are_told(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "pairx_core.decisions.database", raising=False)
    with pytest.raises(DecisionLogError, match="pip install -r requirements-team.txt") as caught:
        open_decisions("postgresql://ann:secret@127.0.0.1/lake")
    assert missing in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_needs_none_of_those_packages(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert decide(open_decisions(tmp_path / "log.csv"))
    assert (Path(__file__).resolve().parents[2] / "requirements-team.txt").exists()


def test_the_name_of_lines_leads_back_to_their_database(tmp_path):
    place = f"sqlite:///{tmp_path / 'team.db'}"
    lines = open_decisions(place).lines("sessions")
    lines.append({"entry": "one"})
    found = address_of_lines(lines.name, ())
    assert open_decisions(found).lines("sessions").entries() == ({"entry": "one"},)
    assert address_of_lines(f"sqlite:///{tmp_path / 'gone.db'} (sessions)", ()) is None
    shown, known = "postgresql://ann:***@host/lake (sessions)", "postgresql://ann:secret@host/lake"
    assert address_of_lines(shown, ("postgresql://ann:secret@host/sea", known)) == known
    assert address_of_lines("postgresql://ann@host/lake (sessions)", ()) == "postgresql://ann@host/lake"
