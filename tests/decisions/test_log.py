from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import COLUMNS, Decision, DecisionLog
from pairx_core.errors import DecisionLogError

ROOT = Path(__file__).resolve().parents[2]
HEADER = (
    "decision_id,decided_at,reviewer,session,query_id,candidate_id,decision,confidence,tags,note,rank,similarity,"
    "query_path,candidate_path,query_identity,candidate_identity,model,layer,overlay_shown,blind,seconds,"
    "supersedes,app_version"
)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "decisions" / "pairx_decisions.csv"


@pytest.fixture
def log(path) -> DecisionLog:
    return DecisionLog(path)


def decide(log: DecisionLog, candidate: str = "c1", decision: str = "accept", **more: object) -> Decision:
    return log.record(
        **{"reviewer": "Ann", "query_id": "q1", "candidate_id": candidate, "decision": decision} | more
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_new_log_holds_the_header_only(log, path):
    assert path.read_text(encoding="utf-8") == HEADER + "\n"
    assert log.decisions() == ()
    assert log.damaged == ()


def test_the_columns_are_the_fields_of_a_decision():
    assert ",".join(COLUMNS) == HEADER


def test_a_decision_is_one_row(log, path):
    decided_at = datetime(2026, 3, 1, 11, 15, 2, 123_999, tzinfo=timezone(timedelta(hours=2)))
    decision = decide(
        log,
        session="s1",
        confidence="sure",
        tags=("scar", "left ear"),
        note="same notch",
        rank=2,
        similarity=0.87654321,
        query_path="a.jpg",
        candidate_path="b.jpg",
        query_identity="",
        candidate_identity="Bo",
        model="demo",
        layer="blocks.3",
        overlay_shown=("lines", "heat_map"),
        blind=True,
        seconds=12.3456,
        decision_id="1" * 32,
        decided_at=decided_at,
        app_version="9.9",
    )
    assert path.read_text(encoding="utf-8").splitlines()[1] == (
        "11111111111111111111111111111111,2026-03-01T09:15:02.123Z,Ann,s1,q1,c1,accept,sure,"
        "scar|left ear,same notch,2,0.876543,a.jpg,b.jpg,,Bo,demo,blocks.3,lines|heat_map,true,12.346,,9.9"
    )
    assert decision.decided_at == datetime(2026, 3, 1, 9, 15, 2, 123_000, tzinfo=UTC)
    assert DecisionLog(path).decisions() == log.decisions() == (decision,)


def test_ids_times_and_version_are_filled_in(log):
    before = datetime.now(UTC) - timedelta(seconds=1)
    first, second = decide(log, "c1"), decide(log, "c2")
    assert len(first.decision_id) == 32
    assert first.decision_id != second.decision_id
    assert before < first.decided_at < before + timedelta(minutes=1)
    assert first.app_version


TEXT = st.text(max_size=20) | st.sampled_from(
    ['=HYPERLINK("http://x","y")', "two\nlines", "a\r\nb", "\r", '"', '""', ",", "\ufeff", "\u2028", "𐐷", " "]
)


@settings(max_examples=60, deadline=None)
@given(
    notes=st.lists(TEXT, min_size=1, max_size=4),
    ids=st.tuples(TEXT, TEXT),
    tags=st.lists(TEXT.filter(lambda tag: "|" not in tag and tag.strip("\0")), max_size=3),
    similarity=st.none() | st.floats(-1, 1),
    rank=st.none() | st.integers(1, 99),
    seconds=st.none() | st.floats(0, 1e6),
    blind=st.booleans(),
)
def test_what_is_recorded_is_read_back(tmp_path_factory, notes, ids, tags, similarity, rank, seconds, blind):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    log = DecisionLog(path)
    recorded = [
        log.record(
            reviewer="Ann",
            query_id=f"q{ids[0]}",
            candidate_id=f"c{ids[1]}",
            decision="unsure",
            note=note,
            tags=tuple(tags),
            similarity=similarity,
            rank=rank,
            seconds=seconds,
            blind=blind,
        )
        for note in notes
    ]
    assert [decision.note for decision in recorded] == [note.replace("\0", "") for note in notes]
    assert recorded[0].tags == tuple(tag.replace("\0", "") for tag in tags)
    assert log.decisions() == DecisionLog(path).decisions() == tuple(recorded)
    assert log.damaged == ()
    assert [row["note"] for row in rows_of(path)] == [decision.note for decision in recorded]


def test_characters_that_no_file_can_hold_do_no_harm(log):
    assert decide(log, note="a\0b\ud800c").note == "ab\ufffdc"


def test_the_same_decision_id_is_recorded_once(log, path):
    first = decide(log, decision_id="x1")
    before = path.read_bytes()
    assert decide(log, decision_id="x1") == first
    assert (
        DecisionLog(path).record(
            reviewer="Ann", query_id="q1", candidate_id="c1", decision="accept", decision_id="x1"
        )
        == first
    )
    assert path.read_bytes() == before


def test_a_second_thought_under_a_recorded_id_is_a_row_of_its_own(log, path):
    first = decide(log, decision_id="x1")
    second = decide(log, decision="reject", decision_id="x1", note="another ear")
    assert (second.decision, second.note, second.supersedes) == ("reject", "another ear", first.decision_id)
    assert [row["decision"] for row in rows_of(path)] == ["accept", "reject"]


def test_the_same_decision_id_for_another_pair_is_refused(log):
    decide(log, decision_id="x1")
    with pytest.raises(DecisionLogError, match=r"was not saved.*x1"):
        decide(log, "c2", decision_id="x1")


def test_rows_are_appended_and_never_changed(log, path):
    before = path.read_bytes()
    for step in (
        lambda: decide(log),
        lambda: decide(log, decision="reject"),
        lambda: log.undo(log.decisions()[-1], reviewer="Ann"),
    ):
        step()
        after = path.read_bytes()
        assert after.startswith(before)
        assert len(after) > len(before)
        before = after


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reviewer": "  "}, "There is no reviewer. Enter your name"),
        ({"query_id": ""}, "query_id is empty"),
        ({"decision": "maybe"}, "“maybe” is no decision. Use one of accept, reject"),
        ({"decision": "undo"}, "Use DecisionLog.undo"),
        ({"tags": ("a|b",)}, "tags must not contain |"),
        ({"note": "x" * 30_001}, "note has more than 30,000 characters. Shorten it"),
        ({"similarity": float("nan")}, "similarity is not a number"),
        ({"decided_at": datetime(2026, 3, 1)}, "decided_at has no time zone"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(log, path, changes, words):
    before = path.read_bytes()
    with pytest.raises(DecisionLogError) as caught:
        decide(log, **changes)
    assert words in str(caught.value)
    assert path.read_bytes() == before


def test_a_reviewers_name_is_tidied(log):
    assert decide(log, reviewer="  Ann   Lee ").reviewer == "Ann Lee"


def test_two_logs_on_one_file_see_each_others_rows(path):
    one, two = DecisionLog(path), DecisionLog(path)
    first = decide(one)
    second = decide(two, decision="reject")
    assert one.decisions() == two.decisions() == (first, second)
    assert second.supersedes == first.decision_id


APPEND_MANY = """
import sys
from pairx_core.decisions import DecisionLog

log = DecisionLog(sys.argv[1], lock_timeout=60)
for number in range(25):
    log.record(
        reviewer=sys.argv[2], query_id="q", candidate_id=f"c{number}", decision="accept", note="a\\n" * 40
    )
"""


def test_several_processes_append_whole_rows(path):
    workers = [
        subprocess.Popen([sys.executable, "-c", APPEND_MANY, str(path), f"reviewer {n}"], cwd=ROOT)
        for n in range(4)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0, 0]
    log = DecisionLog(path)
    assert log.damaged == ()
    assert len(log.decisions()) == 100
    for n in range(4):
        own = [row.candidate_id for row in log.decisions() if row.reviewer == f"reviewer {n}"]
        assert own == [f"c{number}" for number in range(25)]


def test_several_threads_share_one_log(log):
    threads = [
        threading.Thread(target=lambda n=n: [decide(log, f"c{n}-{i}") for i in range(5)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.decisions()) == len({decision.candidate_id for decision in log.decisions()}) == 20


def tear(path: Path, keep: int) -> None:
    """Cut the file off after so many bytes of its last row."""
    content = path.read_bytes()
    start = content[:-1].rindex(b"\n") + 1
    path.write_bytes(content[: start + keep])


@pytest.mark.parametrize("is_open", [True, False], ids=["while the log is open", "before it is opened"])
@pytest.mark.parametrize("keep", [1, 40, 100])
def test_a_torn_last_row_is_reported_and_the_next_row_starts_afresh(path, keep, is_open):
    log = DecisionLog(path)
    first = decide(log)
    decide(log, "c2", note='with a "quoted" part, and more of it', session="s" * 30)
    tear(path, keep)
    torn = path.read_bytes()
    log = log if is_open else DecisionLog(path)
    assert log.decisions() == (first,)
    assert [row.row for row in log.damaged] == [3]
    third = decide(log, "c3")
    assert path.read_bytes().startswith(torn)
    for reader in (log, DecisionLog(path)):
        assert reader.decisions() == (first, third)
        assert [row.row for row in reader.damaged] == [3]
        assert reader.damaged[0].excerpt
    assert rows_of(path)[-1]["candidate_id"] == "c3"
    assert pd.read_csv(path)["candidate_id"].iloc[-1] == "c3"


def test_a_row_that_another_program_is_still_writing_is_taken_once_it_is_whole(log, path):
    first, second = decide(log, "c1"), decide(log, "c2", note="two\nlines")
    content = path.read_bytes()
    path.write_bytes(content[:-60])
    assert log.decisions() == (first,)
    assert len(log.damaged) == 1
    path.write_bytes(content)
    assert log.decisions() == (first, second)
    assert log.damaged == ()


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.01, 0.99), note=st.text(st.sampled_from('a",\n\r|é'), max_size=30))
def test_wherever_a_row_is_torn_the_others_survive(tmp_path_factory, share, note):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    log = DecisionLog(path)
    first = decide(log, note=note)
    size = path.stat().st_size
    second = decide(log, "c2", note=note)
    content = path.read_bytes()
    path.write_bytes(content[: size + max(1, int((len(content) - size) * share))])
    third, fourth = decide(log, "c3", note=note), decide(log, "c4", note=note)
    expected = (first, third, fourth)
    for reader in (log, DecisionLog(path)):
        found = reader.decisions()
        # torn inside its very last value, a row still says all that was decided
        whole = tuple(decision for decision in found if decision.decision_id != second.decision_id)
        assert whole == expected
        assert (len(found) == 4) != bool(reader.damaged)


def test_a_last_row_without_line_end_is_whole_all_the_same(path):
    log = DecisionLog(path)
    first = decide(log)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    log = DecisionLog(path)
    assert log.decisions() == (first,)
    second = decide(log, "c2")
    assert log.decisions() == DecisionLog(path).decisions() == (first, second)
    assert log.damaged == ()


def test_a_header_without_line_end_is_completed(path):
    path.parent.mkdir()
    path.write_text(HEADER)
    log = DecisionLog(path)
    assert log.decisions() == ()
    assert (decide(log),) == log.decisions() == DecisionLog(path).decisions()


def test_a_stray_quotation_mark_hides_no_later_row(log, path):
    first = decide(log)
    with path.open("ab") as file:
        file.write(b'written by hand "oops\n')
    second, third = decide(log, "c2", note="two\nlines"), decide(log, "c3")
    for reader in (log, DecisionLog(path)):
        assert reader.decisions() == (first, second, third)
        assert reader.damaged[0].row == 3
        assert "written by hand" in reader.damaged[0].excerpt
    assert rows_of(path)[-1]["candidate_id"] == "c3"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("decided_at", "yesterday", "decided_at “yesterday” is not a time"),
        ("decided_at", "2026-03-01T09:15:02", "does not say that it is UTC"),
        ("decision", "maybe", "decision “maybe” is not one of"),
        ("rank", "first", "rank “first” is not a whole number"),
        ("similarity", "high", "similarity “high” is not a number"),
        ("blind", "perhaps", "blind “perhaps” is neither true nor false"),
        ("reviewer", "", "reviewer is empty"),
        ("decision_id", "x1", "its decision_id stands in an earlier row already"),
    ],
)
def test_a_row_changed_by_hand_is_reported_with_the_reason(log, path, column, value, words):
    kept = decide(log, decision_id="x1")
    decide(log, "c2")
    rows = rows_of(path)
    rows[1][column] = value
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    assert log.decisions() == (kept,)
    (damaged,) = log.damaged
    assert str(damaged).startswith("row 3: ")
    assert words in damaged.reason


def test_a_file_changed_underneath_is_read_again(log, path):
    first, second = decide(log, "c1"), decide(log, "c2")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    assert log.decisions() == (first,)
    path.write_bytes(b"".join([lines[0], lines[2], lines[1]]))
    assert log.decisions() == (second, first)


def test_a_file_that_is_gone_is_an_error_and_not_an_empty_record(log, path):
    decide(log)
    path.unlink()
    with pytest.raises(DecisionLogError, match="is gone. Put it back"):
        log.decisions()
    with pytest.raises(DecisionLogError, match="is gone. Put it back"):
        decide(log, "c2")
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"image_id,identity,path\n1,Ann,a.jpg\n",
            "its column 1 is “image_id” where “decision_id” should be",
        ),
        (HEADER.replace("reviewer,", "").encode(), "its column 3 is “session” where “reviewer” should be"),
        (HEADER.removesuffix(",app_version").encode(), "the column “app_version” is missing"),
        (f"{HEADER},mood\n".encode(), "there is a column “mood” too many"),
        (
            b"\xef\xbb\xbf" + HEADER.encode(),
            "starts with a byte order mark, so a spreadsheet program has saved it",
        ),
        (HEADER.encode("utf-16"), "starts with a byte order mark"),
        (HEADER.replace(",", ";").encode(), "not separated by commas, so a spreadsheet program has saved it"),
        (HEADER.replace(",", "\t").encode(), "not separated by commas"),
        (b"\x89PNG\r\n\x1a\n\0\0", "its first row is not the header of a table"),
        (b"\n", "the column “decision_id” is missing"),
    ],
)
def test_a_foreign_file_is_refused_and_left_alone(path, content, words):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DecisionLogError) as caught:
        DecisionLog(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "PAIRX_DECISIONS" in str(caught.value)
    assert path.read_bytes() == content


def test_a_file_that_becomes_foreign_takes_no_more_rows(log, path):
    path.write_text("something,else\n")
    with pytest.raises(DecisionLogError, match="is not a decisions file"):
        decide(log)
    assert path.read_text() == "something,else\n"


def test_a_log_that_cannot_be_written_says_so_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DecisionLogError, match="cannot be made .*PAIRX_DECISIONS"):
        DecisionLog(tmp_path / "file" / "log.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DecisionLogError, match=r"folder\.csv cannot be written .*PAIRX_DECISIONS"):
        DecisionLog(tmp_path / "folder.csv")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_read_only_file_is_refused(log, path):
    path.chmod(0o444)
    with pytest.raises(DecisionLogError, match="cannot be written"):
        DecisionLog(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_told_and_the_decision_is_not_claimed_saved(log, monkeypatch):
    monkeypatch.setattr(log, "path", Path("/dev/full"))
    with pytest.raises(DecisionLogError, match="cannot be written .No space left.*decide again"):
        log._write(b"row\n")


def test_a_lock_held_by_another_program_is_told(path):
    log = DecisionLog(path, lock_timeout=0.05)
    with FileLock(f"{path}.lock"), pytest.raises(DecisionLogError, match="was not saved. .* keeps .* locked"):
        decide(log)
    decide(log)


def test_a_row_is_on_the_disk_before_record_returns(log, path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (synced.append(path.stat().st_size), real(descriptor))
    )
    decide(log)
    assert synced == [path.stat().st_size]
