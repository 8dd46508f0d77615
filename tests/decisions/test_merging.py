from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import Decision, DecisionLog, Evidence, EvidenceLog, TickedMatch, standing_decisions
from pairx_core.decisions.exporting import csv_bytes, export_csv
from pairx_core.decisions.merging import MergeReport, in_order, merge, read_source
from pairx_core.errors import DecisionLogError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def decision(name: str, minute: int = 0, **changes: object) -> Decision:
    values = {
        "decision_id": name,
        "decided_at": NOON + timedelta(minutes=minute),
        "reviewer": "Ann",
        "session": "",
        "query_id": "q1",
        "candidate_id": f"c-{name}",
        "decision": "accept",
    }
    return Decision(**values | changes)


def ticks(decision_id: str, rank: int = 1, minute: int = 0) -> Evidence:
    match = TickedMatch("convincing", rank, (3, 4), (5, 6), (30.5, 40.25), (50.125, 60.0), 0.3, 0.1)
    time = NOON + timedelta(minutes=minute)
    return Evidence(decision_id, "Ann", "q1", "c1", "demo", "f00d", "blocks.3", (match,), time)


@pytest.fixture
def store(tmp_path):
    """Writes decisions to a file in the store's own form."""

    def write(name: str, *decisions: Decision, evidence: tuple[Evidence, ...] = ()) -> Path:
        path = tmp_path / name
        path.write_bytes(csv_bytes(decisions, neutralise=False))
        for item in evidence:
            EvidenceLog(path).record(item)
        return path

    return write


def read(path: Path) -> tuple[Decision, ...]:
    log = DecisionLog(path)
    assert log.damaged == ()
    return log.decisions()


def counts(report: MergeReport) -> tuple[int, int, int]:
    return report.added, report.already_there, len(report.conflicts)


def test_two_files_become_a_new_one_by_time(store, tmp_path):
    one = store("one.csv", decision("a", 0), decision("c", 2))
    two = store("two.csv", decision("b", 1), decision("d", 3))
    report = merge([one, two], tmp_path / "new" / "all.csv")
    assert [item.decision_id for item in read(tmp_path / "new" / "all.csv")] == ["a", "b", "c", "d"]
    assert counts(report) == (4, 0, 0)
    assert report.notes == ()
    assert report.target == tmp_path / "new" / "all.csv"


def test_merging_again_adds_nothing(store, tmp_path):
    sources = [store("one.csv", decision("a"), evidence=(ticks("a"),)), store("two.csv", decision("b"))]
    merge(sources, tmp_path / "all.csv")
    before = {path: path.read_bytes() for path in tmp_path.glob("all.*")}
    report = merge([*sources, tmp_path / "all.csv"], tmp_path / "all.csv")
    assert counts(report) == (0, 4, 0)
    assert report.evidence_added == 0
    assert {path: path.read_bytes() for path in tmp_path.glob("all.*")} == before


def test_rows_of_the_target_stay_byte_for_byte(store):
    target = store("target.csv", decision("b", 1), decision("a", 0, note="two\nlines"))
    before = target.read_bytes()
    merge([store("one.csv", decision("c", -5), decision("a", 0, note="two\nlines"))], DecisionLog(target))
    assert target.read_bytes() == before + csv_bytes([decision("c", -5)], neutralise=False).split(b"\n", 1)[1]


def test_an_open_log_sees_what_was_merged(store, tmp_path):
    log = DecisionLog(tmp_path / "log.csv")
    own = log.record(reviewer="Bo", query_id="q", candidate_id="c", decision="reject")
    merge([store("one.csv", decision("a"))], log)
    assert log.decisions() == (own, decision("a"))


NAMES = st.sampled_from("abcdefgh")
LOGS = st.lists(st.tuples(NAMES, st.integers(0, 5)), max_size=8, unique_by=lambda row: row[0])


@settings(max_examples=40, deadline=None)
@given(one=LOGS, two=LOGS, is_agreed=st.booleans())
def test_either_way_round_the_decisions_are_the_same(tmp_path_factory, one, two, is_agreed):
    if is_agreed:
        minutes = dict(one)
        two = [(name, minutes.get(name, minute)) for name, minute in two]
    folder = tmp_path_factory.mktemp("merge")
    for name, rows in (("one", one), ("two", two)):
        content = csv_bytes([decision(*row) for row in rows], neutralise=False)
        (folder / f"{name}.csv").write_bytes(content)
        (folder / f"into {name}.csv").write_bytes(content)
    forth = merge([folder / "one.csv"], folder / "into two.csv")
    back = merge([folder / "two.csv"], folder / "into one.csv")
    fresh = merge([folder / "one.csv", folder / "two.csv"], folder / "new.csv")
    a, b, c = (read(folder / name) for name in ("into one.csv", "into two.csv", "new.csv"))
    assert (
        {item.decision_id for item in a}
        == {item.decision_id for item in b}
        == set(dict(one)) | set(dict(two))
    )
    differing = sum(dict(one).get(name, minute) != minute for name, minute in two)
    assert len(forth.conflicts) == len(back.conflicts) == len(fresh.conflicts) == differing
    assert set(c) == set(a)
    if is_agreed:
        assert set(a) == set(b)
    times = [item.decided_at for item in c]
    assert times == sorted(times)


def test_equal_times_keep_the_order_of_their_file(store, tmp_path):
    path = store("one.csv", *(decision(name) for name in "zxyab"))
    merge([path], tmp_path / "all.csv")
    assert [item.decision_id for item in read(tmp_path / "all.csv")] == list("zxyab")


def test_a_decision_follows_the_one_it_supersedes_even_if_a_clock_was_wrong(store, tmp_path):
    first = decision("first", 10, candidate_id="c")
    second = decision("second", 5, candidate_id="c", decision="reject", supersedes="first")
    taken_back = decision("undo", 0, candidate_id="c", decision="undo", supersedes="second")
    merge([store("one.csv", first, second, taken_back, decision("other", 7))], tmp_path / "all.csv")
    found = read(tmp_path / "all.csv")
    assert [item.decision_id for item in found] == ["first", "second", "undo", "other"]
    assert standing_decisions(found, "Ann")["q1", "c"] == first


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 11)), max_size=12),
)
def test_in_order_loses_nothing_and_puts_causes_first(rows):
    decisions = [
        decision(str(name), minute, supersedes="" if before is None else str(before))
        for name, (minute, before) in enumerate(rows)
    ]
    ordered = in_order(decisions)
    assert sorted(ordered, key=repr) == sorted(decisions, key=repr)
    place = {item.decision_id: number for number, item in enumerate(ordered)}
    links = {item.decision_id: item.supersedes for item in decisions}
    for name, before in links.items():
        seen = {name}
        while (link := links.get(before)) and before not in seen:
            seen.add(before)
            before = link
        is_in_circle = before in seen
        if not is_in_circle and links[name] in place:
            assert place[links[name]] < place[name]


def test_a_long_chain_is_put_in_order():
    chain = [decision(str(n), -n, supersedes=str(n - 1)) for n in range(3000)]
    assert in_order(reversed(chain)) == tuple(chain)


def test_the_same_id_with_another_content_is_a_conflict_and_the_first_is_kept(store, tmp_path):
    one = store("one.csv", decision("a", note="mine", similarity=0.5))
    two = store("two.csv", decision("a", note="yours", similarity=0.25), decision("b"))
    before = one.read_bytes()
    report = merge([two], one)
    assert counts(report) == (1, 0, 1)
    assert one.read_bytes().startswith(before)
    assert read(one) == (decision("a", note="mine", similarity=0.5), decision("b"))
    (conflict,) = report.conflicts
    assert (conflict.decision_id, conflict.columns) == ("a", ("note", "similarity"))
    assert (conflict.kept, conflict.other) == (("mine", "0.5"), ("yours", "0.25"))
    assert (conflict.kept_from, conflict.other_from) == (str(one), str(two))
    fresh = merge([two, one], tmp_path / "all.csv")
    assert fresh.conflicts[0].kept == ("yours", "0.25")


def test_the_report_is_for_people(store):
    one, two = store("one.csv", decision("a", note="mine")), store("two.csv", decision("a", note="yours"))
    lines = str(merge([two], one)).splitlines()
    assert lines == [
        f"{one}: 0 decisions added, 0 already there, 1 conflict, ticked matches of 0 added",
        f"conflict  decision a: kept from {one}, left out from {two}: note is “mine”, not “yours”",
    ]


def test_given_decisions_are_merged_like_files(tmp_path):
    target = tmp_path / "all.csv"
    report = merge([[decision("a"), decision("a")], (decision("b", reviewer=" Ann  Lee "),)], target)
    assert counts(report) == (2, 1, 0)
    assert [item.reviewer for item in read(target)] == ["Ann", "Ann Lee"]
    with pytest.raises(DecisionLogError, match="Nothing was merged. Decision c: There is no reviewer"):
        merge([[decision("c", reviewer="")]], target)


def test_files_of_a_spreadsheet_and_exports_are_merged_too(store, tmp_path):
    decisions = decision("a", 1, note="=1"), decision("b", 2, note="'=1")
    export_csv(decisions, tmp_path / "export.csv", evidence=[ticks("a")])
    local = (
        (tmp_path / "export.csv")
        .read_text("utf-8-sig")
        .replace(",", ";")
        .replace("T12:02:00.000Z", " 12:02:00")
    )
    (tmp_path / "saved.csv").write_text(local, encoding="utf-8-sig")
    report = merge([tmp_path / "export.csv", tmp_path / "saved.csv"], tmp_path / "all.csv", timezone=UTC)
    assert read(tmp_path / "all.csv") == decisions
    assert counts(report) == (2, 2, 0)
    assert EvidenceLog(tmp_path / "all.csv").of("a") == ticks("a")
    assert f"{tmp_path / 'saved.csv'}: columns were separated by ;" in report.notes


def test_a_source_that_cannot_be_read_stops_the_merge_before_it_begins(store, tmp_path):
    bad = store("bad.csv", decision("b"))
    bad.write_bytes(bad.read_bytes().replace(b"accept", b"maybe"))
    with pytest.raises(DecisionLogError, match=r"bad\.csv .*row 2: decision “maybe”"):
        merge([store("one.csv", decision("a")), bad], tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


@pytest.mark.parametrize("keep", [5, 40])
def test_a_row_torn_by_a_crash_is_left_out_and_told(store, tmp_path, keep):
    path = store("one.csv", decision("a"), decision("b"), decision("c"))
    *rows, last, end = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*rows, last[:keep]]))
    assert end == b""
    report = merge([path], tmp_path / "all.csv")
    assert read(tmp_path / "all.csv") == (decision("a"), decision("b"))
    assert report.notes[0].startswith(f"{path}: row 4: ") and report.notes[0].endswith("was left out")
    torn_in_between = b"\n".join([*rows[:2], last[:keep], *rows[2:], b""])
    path.write_bytes(torn_in_between)
    assert read_source(path).decisions == (decision("a"), decision("b"))


@pytest.mark.parametrize(
    ("old", "new"), [(b"accept", b"maybe"), (b"c-b", b"1.23E+11"), (b"12:00:00.000Z", b"12:00")]
)
def test_a_whole_row_that_was_changed_is_never_left_out(store, tmp_path, old, new):
    path = store("one.csv", decision("a"), decision("b"), decision("c"))
    changed = path.read_bytes().replace(old, new)[:-20]
    path.write_bytes(changed)
    with pytest.raises(DecisionLogError, match="cannot be read as decisions. row"):
        merge([path], tmp_path / "all.csv")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_merge_that_a_crash_cut_off_is_completed_by_merging_again(store, tmp_path, share):
    sources = [store("one.csv", *(decision(str(n), n, note="two\nlines") for n in range(5)))]
    target = store("target.csv", decision("own"))
    before = target.read_bytes()
    merge(sources, target)
    after = target.read_bytes()
    target.write_bytes(after[: len(before) + int((len(after) - len(before)) * share)])
    merge(sources, target)
    assert {item.decision_id for item in DecisionLog(target).decisions()} == {"own", *"01234"}
    assert counts(merge(sources, target)) == (0, 5, 0)


def test_new_rows_go_to_the_disk_in_one_append(store, monkeypatch):
    target = store("target.csv", decision("own"))
    target.write_bytes(target.read_bytes().removesuffix(b"\n"))
    sizes = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (sizes.append(target.stat().st_size), real(file)))
    merge([store("one.csv", *(decision(str(n)) for n in range(50)))], target)
    assert sizes == [target.stat().st_size]
    assert len(read(target)) == 51


def test_a_locked_target_is_told(store):
    target = store("target.csv", decision("own"))
    source = store("one.csv", decision("a"))
    with FileLock(f"{target}.lock"), pytest.raises(DecisionLogError, match="merge did not finish. .* locked"):
        merge([source], target, lock_timeout=0.05)
    assert read(target) == (decision("own"),)


def test_a_target_that_is_no_decisions_file_of_ours_is_left_alone(store, tmp_path):
    export_csv([decision("a")], tmp_path / "export.csv")
    before = (tmp_path / "export.csv").read_bytes()
    with pytest.raises(DecisionLogError, match="is not a decisions file"):
        merge([store("one.csv", decision("b"))], tmp_path / "export.csv")
    assert (tmp_path / "export.csv").read_bytes() == before


def test_an_earlier_decision_that_comes_to_stand_is_told(store, tmp_path):
    later = store("later.csv", decision("b", 9, candidate_id="c", decision="reject"))
    earlier = store("earlier.csv", decision("a", 1, candidate_id="c"))
    fresh = merge([later, earlier], tmp_path / "all.csv")
    assert fresh.notes == ()
    assert standing_decisions(read(tmp_path / "all.csv"), "Ann")["q1", "c"].decision_id == "b"
    appended = merge([earlier], later)
    assert standing_decisions(read(later), "Ann")["q1", "c"].decision_id == "a"
    assert "an earlier decision now stands instead of a later one" in appended.notes[0]
    assert "Ann on q1 and c" in appended.notes[0]
    assert merge([earlier], later).notes == ()


def test_ticked_matches_travel_along(store, tmp_path):
    one = store("one.csv", decision("a"), evidence=(ticks("a"),))
    two = store("two.csv", decision("b"), decision("c"), evidence=(ticks("b"), ticks("nobody's")))
    report = merge([one, two], tmp_path / "all.csv")
    assert EvidenceLog(tmp_path / "all.csv").all() == (ticks("a"), ticks("b"))
    assert report.evidence_added == 2
    assert len(report.notes) == 1 and "ticked matches of nobody's" in report.notes[0]


def test_the_later_ticks_count_either_way_round(store, tmp_path):
    old = store("old.csv", decision("a"), evidence=(ticks("a", 1, minute=1),))
    new = store("new.csv", decision("a"), evidence=(ticks("a", 2, minute=2),))
    for name, sources in (("x.csv", [old, new]), ("y.csv", [new, old])):
        merge(sources, tmp_path / name)
        assert EvidenceLog(tmp_path / name).of("a") == ticks("a", 2, minute=2)
    assert "older" in merge([old], new).notes[0]
    assert merge([new], old).evidence_added == 1
    assert merge([new], old).evidence_added == 0


def test_ticked_matches_of_a_row_in_conflict_stay_where_they_are(store):
    one = store("one.csv", decision("a", note="mine"))
    two = store("two.csv", decision("a", note="yours"), evidence=(ticks("a"),))
    report = merge([two], one)
    assert EvidenceLog(one).all() == ()
    assert report.evidence_added == 0 and len(report.notes) == 1


def test_a_damaged_line_of_ticked_matches_is_told(store, tmp_path):
    one = store("one.csv", decision("a"), evidence=(ticks("a"),))
    with EvidenceLog(one).path.open("ab") as file:
        file.write(b'{"decision_id": "b\n')
    report = merge([one], tmp_path / "all.csv")
    assert "one.evidence.jsonl: line 2: not one whole JSON object" in report.notes[0]


def test_times_that_only_differ_below_a_millisecond_are_the_same_row(store):
    target = store("target.csv", decision("a"))
    target.write_bytes(target.read_bytes().replace(b"00.000Z", b"00.000007Z"))
    assert counts(merge([[decision("a")]], target)) == (0, 1, 0)
