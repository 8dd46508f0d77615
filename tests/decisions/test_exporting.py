from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pairx_core.decisions import COLUMNS, Decision, DecisionLog, Evidence, EvidenceLog
from pairx_core.decisions.exporting import (
    TEXT_COLUMNS,
    csv_bytes,
    export_csv,
)
from pairx_core.decisions.importing import read_decisions_bytes, read_decisions_file
from pairx_core.errors import DecisionLogError
from pairx_core.formulas import MARKER, neutralise_cell, restore_cell

DANGEROUS = set("=+-@\t\r\n＝＋－＠")
PAYLOADS = [
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "+1",
    "-1",
    "\t=1",
    "\r=1",
    "  =1+1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b@x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    '=HYPERLINK("http://x","y")',
]
TRICKY_TEXT = st.text(st.sampled_from("'=+-@＝＠ \t\r\n\ufeff\u200b1a\"|,;é"), max_size=8) | st.text(
    max_size=8
)


def decision(number: int = 1, **changes: object) -> Decision:
    values = {
        "decision_id": f"{number:032x}",
        "decided_at": datetime(2026, 3, 1, 9, 15, number, 123_000, tzinfo=UTC),
        "reviewer": "Ann",
        "session": "",
        "query_id": "q1",
        "candidate_id": f"c{number}",
        "decision": "accept",
        "similarity": -0.12,
        "seconds": 12.346,
    }
    return Decision(**values | changes)


def ticks(decision_id: str) -> Evidence:
    return Evidence(
        decision_id, "Ann", "q1", "c1", "demo", "f00d", "blocks.3", (), datetime(2026, 3, 1, tzinfo=UTC)
    )


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def visible(text: str) -> str:
    return text.lstrip(" \u00a0\ufeff\u200b\u200c\u200d\u2060")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_begins_with_a_sign_that_a_spreadsheet_runs(payload):
    assert visible(payload)[0] in DANGEROUS
    (row,) = rows_of(csv_bytes([decision(note=payload, reviewer="Ann", session=payload, tags=(payload,))]))
    for column in ("note", "session", "tags"):
        assert row[column] == "'" + payload
        assert visible(row[column])[0] not in DANGEROUS


@settings(deadline=None)
@example("'=1")
@example("''=1")
@example("' =1")
@example(" '=1")
@example("'")
@given(TRICKY_TEXT)
def test_every_text_comes_back_from_neutralising(text):
    neutral = neutralise_cell(text)
    assert restore_cell(neutral) == text
    assert not neutral or visible(neutral)[:1] not in DANGEROUS
    assert neutral in (text, "'" + text)


@settings(deadline=None)
@given(one=TRICKY_TEXT, two=TRICKY_TEXT)
def test_different_texts_stay_different(one, two):
    assert (one == two) == (neutralise_cell(one) == neutralise_cell(two))


@pytest.mark.parametrize("text", ["", "two = two", "left-hand", "'", "'tis a scar", "a@b.org", "é"])
def test_a_harmless_text_is_left_alone(text):
    assert neutralise_cell(text) == restore_cell(text) == text


def test_numbers_times_and_verdicts_are_not_touched():
    (row,) = rows_of(csv_bytes([decision(rank=3, note="-1")]))
    (raw,) = rows_of(csv_bytes([decision(rank=3, note="-1")], neutralise=False))
    assert (row["similarity"], row["note"]) == ("-0.12", "'-1")
    for column in set(COLUMNS) - set(TEXT_COLUMNS):
        assert row[column] == raw[column]


def test_without_neutralising_it_is_the_store_s_own_file(tmp_path):
    log = DecisionLog(tmp_path / "store.csv")
    for number, note in enumerate(["=1", 'two\nlines "quoted"', "é,;"]):
        log.record(reviewer="Ann", query_id="q", candidate_id=f"c{number}", decision="reject", note=note)
    export_csv(log.decisions(), tmp_path / "out.csv", neutralise=False)
    assert (tmp_path / "out.csv").read_bytes() == log.path.read_bytes()
    assert DecisionLog(tmp_path / "out.csv").decisions() == log.decisions()


def test_a_neutralised_export_is_never_taken_for_the_store(tmp_path):
    export_csv([decision(note="=1")], tmp_path / "out.csv")
    with pytest.raises(DecisionLogError, match="byte order mark"):
        DecisionLog(tmp_path / "out.csv")
    without_mark = (tmp_path / "out.csv").read_bytes().removeprefix(b"\xef\xbb\xbf")
    (tmp_path / "out.csv").write_bytes(without_mark)
    with pytest.raises(DecisionLogError, match="“neutralised” too many"):
        DecisionLog(tmp_path / "out.csv")


def test_a_stream_gets_what_a_file_gets(tmp_path):
    decisions = [decision(1), decision(2, note="=1")]
    stream = io.BytesIO()
    export_csv(decisions, stream)
    export_csv(iter(decisions), str(tmp_path / "out.csv"))
    assert stream.getvalue() == (tmp_path / "out.csv").read_bytes() == csv_bytes(decisions)


TEXT = TRICKY_TEXT.map(lambda text: text.replace("\0", "").encode("utf-8", "replace").decode())


@settings(max_examples=60, deadline=None)
@given(
    notes=st.lists(TEXT, min_size=1, max_size=4), tag=TEXT.map(lambda text: text.replace("|", "")), more=TEXT
)
def test_every_export_is_read_back_exactly(notes, tag, more):
    decisions = tuple(
        decision(number, note=note, tags=(tag,) if tag else (), session=more, query_id=f"-{more}")
        for number, note in enumerate(notes)
    )
    for neutralise in (True, False):
        found = read_decisions_bytes(csv_bytes(decisions, neutralise=neutralise), "export.csv")
        assert found.decisions == decisions
        assert found.notes == ()


def test_pandas_reads_an_export(tmp_path):
    export_csv([decision(1, note="é"), decision(2, note="=1")], tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv", dtype={"decision_id": str})
    assert list(table.columns) == [*COLUMNS, MARKER]
    assert list(table["note"]) == ["é", "'=1"]
    assert list(table["similarity"]) == [-0.12, -0.12]


def test_an_export_replaces_an_earlier_one_but_never_the_record(tmp_path):
    export_csv([decision(1)], tmp_path / "out.csv")
    export_csv([decision(2)], tmp_path / "out.csv")
    assert read_decisions_file(tmp_path / "out.csv").decisions == (decision(2),)
    log = DecisionLog(tmp_path / "store.csv")
    before = log.path.read_bytes()
    with pytest.raises(DecisionLogError, match="store.csv is a record of decisions.*Choose another file"):
        export_csv([decision(1)], log.path)
    assert log.path.read_bytes() == before


def test_an_export_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    export_csv([decision(1)], tmp_path / "out.csv")
    before = (tmp_path / "out.csv").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DecisionLogError, match="out.csv cannot be written .No space left"):
        export_csv([decision(2)], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_the_ticked_matches_of_exported_decisions_come_along(tmp_path):
    source = EvidenceLog(tmp_path / "store.csv")
    for number in (1, 2):
        source.record(ticks(decision(number).decision_id))
    for _ in range(2):
        export_csv([decision(2)], tmp_path / "out.csv", evidence=source)
        assert EvidenceLog(tmp_path / "out.csv").all() == (ticks(decision(2).decision_id),)
    assert len(Path(tmp_path / "out.evidence.jsonl").read_bytes().splitlines()) == 1


def test_a_stream_takes_no_ticked_matches():
    stream = io.BytesIO()
    with pytest.raises(DecisionLogError, match="Export to a file by its path"):
        export_csv([decision(1)], stream, evidence=[])
    assert stream.getvalue() == b""
