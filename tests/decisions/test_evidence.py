from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import TICKS, DecisionLog, Evidence, EvidenceLog, TickedMatch
from pairx_core.errors import DecisionLogError

ROOT = Path(__file__).resolve().parents[2]
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture
def decisions_path(tmp_path) -> Path:
    return tmp_path / "decisions" / "pairx_decisions.csv"


@pytest.fixture
def log(decisions_path) -> EvidenceLog:
    return EvidenceLog(decisions_path)


def match(rank: int = 1, **changes: object) -> TickedMatch:
    values = {
        "said": "convincing",
        "rank": rank,
        "query_cell": (3, 4),
        "candidate_cell": (5, 6),
        "query_xy": (30.5, 40.25),
        "candidate_xy": (50.125, 60.0),
        "relevance": 0.1 + 0.2,
        "distance": 1e-300,
    }
    return TickedMatch(**values | changes)


def evidence(decision_id: str = "d1", *ticked: TickedMatch, **changes: object) -> Evidence:
    values = {
        "decision_id": decision_id,
        "reviewer": "Ann",
        "query_id": "q1",
        "candidate_id": "c1",
        "model": "demo",
        "model_fingerprint": "f00d",
        "layer": "blocks.3",
        "ticked": ticked or (match(),),
        "recorded_at": datetime(2026, 3, 1, 9, 15, 2, 123_456, tzinfo=UTC),
    }
    return Evidence(**values | changes)


def lines_of(log: EvidenceLog) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.path.read_bytes().split(b"\n") if line]


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ("pairx_decisions.csv", "pairx_decisions.evidence.jsonl"),
        ("lake.2026.csv", "lake.2026.evidence.jsonl"),
        ("mine", "mine.evidence.jsonl"),
    ],
)
def test_the_file_lies_beside_the_decisions_file(tmp_path, decisions, expected):
    assert EvidenceLog(tmp_path / decisions).path == tmp_path / expected


def test_nothing_is_made_until_evidence_is_recorded(log):
    assert log.of("d1") is None
    assert log.all() == log.damaged == ()
    assert not log.path.parent.exists()
    log.record(evidence())
    assert log.path.exists()


def test_the_decisions_file_stays_as_it_is(decisions_path):
    decision = DecisionLog(decisions_path).record(
        reviewer="Ann", query_id="q1", candidate_id="c1", decision="accept"
    )
    before = decisions_path.read_bytes()
    EvidenceLog(decisions_path).record(evidence(decision.decision_id))
    assert decisions_path.read_bytes() == before


def test_evidence_is_one_line(log):
    log.record(evidence("d1", match(2, said="misleading", relevance=0.5, distance=0.25)))
    assert log.path.read_text(encoding="utf-8") == (
        '{"decision_id": "d1", "reviewer": "Ann", "query_id": "q1", "candidate_id": "c1", "model": "demo", '
        '"model_fingerprint": "f00d", "layer": "blocks.3", "ticked": [{"said": "misleading", "rank": 2, '
        '"query_cell": [3, 4], "candidate_cell": [5, 6], "query_xy": [30.5, 40.25], '
        '"candidate_xy": [50.125, 60.0], "relevance": 0.5, "distance": 0.25}], '
        '"recorded_at": "2026-03-01T09:15:02.123456Z"}\n'
    )


def test_evidence_is_found_by_its_decision(log, decisions_path):
    first = evidence("d1", match(1), match(7, said="misleading"))
    second = evidence("d2", candidate_id="c2")
    log.record(first)
    log.record(second)
    for reader in (log, EvidenceLog(decisions_path)):
        assert (reader.of("d1"), reader.of("d2"), reader.of("d3")) == (first, second, None)
        assert reader.all() == (first, second)
        assert reader.damaged == ()


@pytest.mark.parametrize(
    "text",
    [
        'a "quoted" part, \\ and more',
        "two\nlines\r\nand\rmore",
        "זברה مها الظبي",
        "🦓 é e\u0301 \u2028 \u202e",
    ],
    ids=["quotes", "line ends", "right to left", "emoji"],
)
def test_texts_are_kept_letter_by_letter(log, decisions_path, text):
    recorded = evidence(text, query_id=text, candidate_id=text, model=text, layer=text)
    log.record(recorded)
    log.record(evidence("after"))
    assert EvidenceLog(decisions_path).of(text) == recorded
    assert log.path.read_bytes().count(b"\n") == 2


def test_characters_that_no_file_can_hold_do_no_harm(log):
    log.record(evidence(layer="a\0b\ud800c", reviewer="  Ann   Lee "))
    assert (log.of("d1").layer, log.of("d1").reviewer) == ("ab\ufffdc", "Ann Lee")


def test_numbers_from_an_explanation_are_taken_as_they_come(log, decisions_path):
    cells, points = np.array([[3, 4]]), np.array([[30.1, 40.2]], np.float32)
    log.record(
        evidence(
            "d1",
            match(
                np.int64(1),
                query_cell=tuple(cells[0]),
                query_xy=tuple(points[0]),
                relevance=np.float64(0.1),
                distance=np.float32(0.1),
            ),
        )
    )
    (ticked,) = EvidenceLog(decisions_path).of("d1").ticked
    assert (ticked.query_cell, ticked.query_xy) == ((3, 4), tuple(points[0].tolist()))
    assert (ticked.relevance, ticked.distance) == (0.1, float(np.float32(0.1)))


def test_times_are_kept_in_utc(log, decisions_path):
    there = datetime(2026, 3, 1, 11, 15, 2, 7, tzinfo=timezone(timedelta(hours=2)))
    log.record(evidence(recorded_at=there))
    found = EvidenceLog(decisions_path).of("d1").recorded_at
    assert (found, found.tzinfo) == (there, UTC)


TEXT = st.text(max_size=20).map(lambda text: text.replace("\0", ""))
NAME = TEXT.map(lambda text: " ".join(f"n{text}".split()))
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
CELL = st.tuples(st.integers(0, 99), st.integers(0, 99))
MATCH = st.builds(
    TickedMatch,
    said=st.sampled_from(TICKS),
    rank=st.integers(1, 1000),
    query_cell=CELL,
    candidate_cell=CELL,
    query_xy=st.tuples(FLOAT, FLOAT),
    candidate_xy=st.tuples(FLOAT, FLOAT),
    relevance=FLOAT,
    distance=FLOAT,
)
EVIDENCE = st.builds(
    Evidence,
    decision_id=st.sampled_from(["d1", "d2", "d3"]),
    reviewer=NAME,
    query_id=NAME,
    candidate_id=NAME,
    model=TEXT,
    model_fingerprint=TEXT,
    layer=TEXT,
    ticked=st.lists(MATCH, max_size=3, unique_by=lambda ticked: ticked.rank).map(tuple),
    recorded_at=st.datetimes(timezones=st.just(UTC)),
)


@settings(max_examples=60, deadline=None)
@given(recorded=st.lists(EVIDENCE, min_size=1, max_size=4))
def test_what_is_recorded_is_read_back(tmp_path_factory, recorded):
    decisions_path = tmp_path_factory.mktemp("log") / "log.csv"
    log = EvidenceLog(decisions_path)
    expected = {}
    for each in recorded:
        log.record(each)
        before = expected.get(each.decision_id)
        if before is None or replace(before, recorded_at=each.recorded_at) != each:
            expected[each.decision_id] = each
    for reader in (log, EvidenceLog(decisions_path)):
        assert reader.all() == tuple(expected.values())
        assert all(reader.of(decision_id) == found for decision_id, found in expected.items())
        assert reader.damaged == ()


def test_the_same_evidence_again_appends_nothing(log, decisions_path):
    log.record(evidence())
    before = log.path.read_bytes()
    later = evidence(recorded_at=datetime(2026, 3, 2, tzinfo=UTC))
    for again in (log, EvidenceLog(decisions_path)):
        again.record(evidence())
        again.record(later)
    assert log.path.read_bytes() == before
    assert log.of("d1") == evidence()


def test_the_last_evidence_of_a_decision_counts(log, decisions_path):
    first, taken_back = evidence("d1", match(1)), evidence("d1", ticked=())
    other = evidence("d2")
    for each in (first, other, taken_back):
        before = log.path.read_bytes() if log.path.exists() else b""
        log.record(each)
        assert log.path.read_bytes().startswith(before)
    assert len(lines_of(log)) == 3
    for reader in (log, EvidenceLog(decisions_path)):
        assert reader.of("d1") == taken_back
        assert reader.all() == (taken_back, other)
    log.record(first)
    assert EvidenceLog(decisions_path).of("d1") == log.of("d1") == first
    assert len(lines_of(log)) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decision_id": ""}, "decision_id is empty"),
        ({"reviewer": " \t"}, "reviewer is empty"),
        ({"layer": None}, "layer is not a text (None)"),
        ({"recorded_at": datetime(2026, 3, 1)}, "recorded_at has no time zone"),
        ({"ticked": (match(2), match(2, said="misleading"))}, "match 2 is ticked twice"),
        ({"ticked": (match(said="nice"),)}, "match 1 is ticked as “nice”, which is none of convincing, mis"),
        ({"ticked": (match(0),)}, "the rank of a ticked match is not a whole number from 1 (0)"),
        ({"ticked": (match(True),)}, "the rank of a ticked match is not a whole number from 1 (True)"),
        ({"ticked": (match(3, relevance=NAN),)}, "relevance of match 3 is not a finite number (nan)"),
        ({"ticked": (match(3, distance=-INFINITY),)}, "distance of match 3 is not a finite number (-inf)"),
        ({"ticked": (match(distance=10**400),)}, "distance of match 1 is not a finite number (1000"),
        ({"ticked": (match(query_xy=(1, NAN)),)}, "query_xy of match 1 is not a finite number (nan)"),
        ({"ticked": (match(candidate_xy=(1,)),)}, "candidate_xy of match 1 is not a pair of numbers"),
        ({"ticked": (match(query_cell=(1, -1)),)}, "query_cell of match 1 is not a whole number from 0 (-1)"),
        ({"ticked": (match(candidate_cell=(1, 0.5)),)}, "candidate_cell of match 1 is not a whole number"),
    ],
)
def test_evidence_that_makes_no_sense_is_refused(log, changes, words):
    with pytest.raises(DecisionLogError) as caught:
        log.record(evidence(**changes))
    message = str(caught.value)
    assert message.startswith("The ticked matches were not saved. ")
    assert words in message
    assert str(log.path) in message
    assert message.endswith("then decide again.")
    assert not log.path.exists()


def test_two_logs_see_what_each_other_appends(decisions_path):
    one, two = EvidenceLog(decisions_path), EvidenceLog(decisions_path)
    assert two.of("d1") is None
    one.record(evidence("d1"))
    assert two.of("d1") == evidence("d1")
    two.record(evidence("d2"))
    two.record(evidence("d1", match(9)))
    assert one.of("d2") == evidence("d2")
    assert one.of("d1") == evidence("d1", match(9))
    assert one.all() == two.all()


def test_only_what_was_appended_is_read(log, decisions_path, monkeypatch):
    for number in range(50):
        log.record(evidence(f"d{number}"))
    reader = EvidenceLog(decisions_path)
    assert len(reader.all()) == 50
    log.record(evidence("d50"))
    parsed = []
    real = json.loads
    monkeypatch.setattr(json, "loads", lambda text: (parsed.append(text), real(text))[1])
    assert all(reader.of(f"d{number}") for number in range(51))
    assert len(parsed) == 1


APPEND_MANY = """
import sys
from datetime import UTC, datetime
from pairx_core.decisions import Evidence, EvidenceLog, TickedMatch

log = EvidenceLog(sys.argv[1], lock_timeout=60)
ticked = tuple(TickedMatch("misleading", n, (1, 2), (3, 4), (1.5, 2.5), (3.5, 4.5), 0.5, 0.5) for n in range(1, 30))
for number in range(25):
    log.record(
        Evidence(
            f"{sys.argv[2]}-{number}", "Ann", "q", "c", "demo", "f", "layer", ticked, datetime.now(UTC)
        )
    )
    assert log.of(f"{sys.argv[2]}-{number}")
"""


def test_several_processes_append_whole_lines(decisions_path):
    workers = [
        subprocess.Popen([sys.executable, "-c", APPEND_MANY, str(decisions_path), f"p{n}"], cwd=ROOT)
        for n in range(3)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    log = EvidenceLog(decisions_path)
    assert log.damaged == ()
    for n in range(3):
        own = [each.decision_id for each in log.all() if each.decision_id.startswith(f"p{n}-")]
        assert own == [f"p{n}-{number}" for number in range(25)]
    assert {len(each.ticked) for each in log.all()} == {29}


def test_several_threads_share_one_log(log, decisions_path):
    other = EvidenceLog(decisions_path)

    def record_some(n: int) -> None:
        for number in range(10):
            (log if n % 2 else other).record(evidence(f"{n}-{number}"))
            assert log.of(f"{n}-{number}")

    threads = [threading.Thread(target=record_some, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines_of(log)) == len(log.all()) == len(other.all()) == 40
    assert log.damaged == other.damaged == ()


@pytest.mark.parametrize("is_open", [True, False], ids=["while the log is open", "before it is opened"])
@pytest.mark.parametrize("keep", [1, 100, 300])
def test_a_torn_last_line_is_reported_and_the_next_line_starts_afresh(log, decisions_path, keep, is_open):
    log.record(evidence("d1"))
    size = log.path.stat().st_size
    log.record(evidence("d2"))
    os.truncate(log.path, size + keep)
    torn = log.path.read_bytes()
    log = log if is_open else EvidenceLog(decisions_path)
    assert (log.of("d1"), log.of("d2")) == (evidence("d1"), None)
    assert [damaged.line for damaged in log.damaged] == [2]
    log.record(evidence("d3"))
    assert log.path.read_bytes().startswith(torn + b"\n")
    for reader in (log, EvidenceLog(decisions_path)):
        assert reader.all() == (evidence("d1"), evidence("d3"))
        (damaged,) = reader.damaged
        assert str(damaged).startswith("line 2: not one whole JSON object: “{")


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.001, 0.999), layer=st.text(st.sampled_from('a"\\\n{}[]é🦓'), max_size=30))
def test_wherever_a_line_is_torn_the_others_survive(tmp_path_factory, share, layer):
    decisions_path = tmp_path_factory.mktemp("log") / "log.csv"
    log = EvidenceLog(decisions_path)
    first, torn, third = (evidence(name, layer=layer) for name in ("d1", "d2", "d3"))
    log.record(first)
    size = log.path.stat().st_size
    log.record(torn)
    os.truncate(log.path, size + max(1, int((log.path.stat().st_size - size) * share)))
    is_whole = log.of("d2") is not None  # only the line end is missing
    log.record(third)
    for reader in (log, EvidenceLog(decisions_path)):
        assert reader.all() == ((first, torn, third) if is_whole else (first, third))
        assert len(reader.damaged) == (not is_whole)


def test_a_line_that_another_program_is_still_writing_is_taken_once_it_is_whole(log):
    log.record(evidence("d1"))
    log.record(evidence("d2"))
    content = log.path.read_bytes()
    log.path.write_bytes(content[:-60])
    assert log.of("d2") is None
    assert len(log.damaged) == 1
    log.path.write_bytes(content)
    assert log.of("d2") == evidence("d2")
    assert log.damaged == ()


def test_a_last_line_without_line_end_is_whole_all_the_same(log, decisions_path):
    log.record(evidence("d1"))
    log.path.write_bytes(log.path.read_bytes().rstrip(b"\n"))
    log = EvidenceLog(decisions_path)
    assert log.of("d1") == evidence("d1")
    log.record(evidence("d1"))
    log.record(evidence("d2"))
    assert log.all() == EvidenceLog(decisions_path).all() == (evidence("d1"), evidence("d2"))
    assert log.damaged == ()


def without(name: str) -> bytes:
    with_all = {"decision_id": "x", "reviewer": "x", "query_id": "x", "candidate_id": "x", "model": ""}
    with_all |= {"model_fingerprint": "", "layer": "", "ticked": [], "recorded_at": "2026-03-01T09:15:02Z"}
    return json.dumps({key: value for key, value in with_all.items() if key != name}).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"written by hand", "not one whole JSON object"),
        (b"[1, 2]", "not one whole JSON object"),
        (b"[" * 100_000, "not one whole JSON object"),
        (b"\0" * 500, "not one whole JSON object"),
        (b'{"a": 1} {"b": 2}', "not one whole JSON object"),
        (b"\xff\xfe{}", "not UTF-8 text"),
        (without("layer"), "layer is missing"),
        (without("ticked"), "ticked is missing"),
        (without("").replace(b"[]", b'"none"'), "ticked is not a list of matches"),
        (without("").replace(b"[]", b'[{"said": "convincing"}]'), "rank is missing"),
        (without("").replace(b"[]", b"[7]"), "not one whole JSON object"),
        (without("").replace(b"2026-03-01T09:15:02Z", b"yesterday"), "recorded_at “yesterday” is not a time"),
        (without("").replace(b"02Z", b"02"), "recorded_at has no time zone"),
        (without("").replace(b"2026-03-01T09:15:02Z", b"0001-01-01T00:00:00+09:00"), "outside the calendar"),
        (without("").replace(b'"query_id": "x"', b'"query_id": ""'), "query_id is empty"),
    ],
)
def test_a_damaged_line_is_reported_and_the_lines_around_it_are_read(log, decisions_path, content, words):
    log.record(evidence("d1"))
    with log.path.open("ab") as file:
        file.write(content + b"\n\n")
    log.record(evidence("d2"))
    for reader in (log, EvidenceLog(decisions_path)):
        assert reader.all() == (evidence("d1"), evidence("d2"))
        (damaged,) = reader.damaged
        assert damaged.line == 2
        assert words in damaged.reason
        assert len(damaged.excerpt) <= 80


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", '"0.5"', "null", "true", "1" * 400])
def test_a_line_with_a_number_that_is_none_is_reported(log, number):
    log.record(evidence("d1", match(relevance=0.5)))
    log.path.write_text(log.path.read_text().replace('"relevance": 0.5', f'"relevance": {number}'))
    assert log.of("d1") is None
    assert log.damaged[0].reason.startswith("relevance of match 1 is not a finite number (")


def test_fields_of_a_later_version_do_no_harm(log):
    log.record(evidence())
    log.path.write_text(log.path.read_text().replace('{"', '{"mood": "good", "'))
    assert log.of("d1") == evidence()


def test_a_file_that_an_editor_gave_other_line_ends_is_read(log):
    log.record(evidence("d1"))
    log.record(evidence("d2"))
    log.path.write_bytes(log.path.read_bytes().replace(b"\n", b"\r\n"))
    assert log.all() == (evidence("d1"), evidence("d2"))
    assert log.damaged == ()


def test_a_file_changed_underneath_is_read_again(log):
    log.record(evidence("d1"))
    log.record(evidence("d2"))
    first, second = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(first)
    assert log.all() == (evidence("d1"),)
    log.path.write_bytes(second + first)
    assert log.all() == (evidence("d2"), evidence("d1"))
    log.path.write_bytes(b"")
    assert log.all() == ()


def test_a_file_that_is_gone_is_an_error_and_not_an_empty_record(log):
    log.record(evidence("d1"))
    log.path.unlink()
    for ask in (lambda: log.of("d1"), log.all, lambda: log.damaged, lambda: log.record(evidence("d2"))):
        with pytest.raises(DecisionLogError, match="is gone. Put it back"):
            ask()
    assert not log.path.exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    log = EvidenceLog(tmp_path / "file" / "log.csv")
    with pytest.raises(
        DecisionLogError, match="were not saved. The folder .* cannot be made .*PAIRX_DECISIONS"
    ):
        log.record(evidence())


def test_something_else_in_the_place_of_the_file_is_told(log):
    log.path.mkdir(parents=True)
    for ask in (log.all, lambda: log.record(evidence())):
        with pytest.raises(
            DecisionLogError, match=r"pairx_decisions\.evidence\.jsonl cannot be read .*move it"
        ):
            ask()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_written_to_is_told(log):
    log.path.parent.mkdir()
    log.path.parent.chmod(0o555)
    with pytest.raises(DecisionLogError, match="were not saved. .* cannot be (locked|written)"):
        log.record(evidence())


def test_a_full_disk_is_told_and_the_ticks_are_not_claimed_saved(log, monkeypatch):
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        DecisionLogError, match="not saved. .* cannot be written .No space left.*decide again"
    ):
        log.record(evidence())


def test_a_lock_held_by_another_program_is_told(decisions_path):
    log = EvidenceLog(decisions_path, lock_timeout=0.05)
    decisions_path.parent.mkdir()
    with FileLock(f"{log.path}.lock"), pytest.raises(DecisionLogError, match="not saved. .* keeps .* locked"):
        log.record(evidence())
    log.record(evidence())
    assert log.of("d1") == evidence()


def test_a_line_is_one_write_and_on_the_disk_before_record_returns(log, monkeypatch):
    log.record(evidence("d1"))
    size = log.path.stat().st_size
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (synced.append(log.path.stat().st_size), real(descriptor))
    )
    log.record(evidence("d2"))
    assert synced == [log.path.stat().st_size] == [2 * size]
