from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import COLUMNS, Decision, DecisionLog
from pairx_core.decisions.exporting import csv_bytes, export_csv
from pairx_core.decisions.importing import Imported, read_decisions_bytes, read_decisions_file, timezone_named
from pairx_core.errors import DecisionLogError

BERLIN = ZoneInfo("Europe/Berlin")


def decision(number: int = 1, **changes: object) -> Decision:
    values = {
        "decision_id": f"d{number}",
        "decided_at": datetime(2026, 3, 13, 9, 15, number, tzinfo=UTC),
        "reviewer": "Ann",
        "session": "s1",
        "query_id": "q1",
        "candidate_id": f"c{number}",
        "decision": "accept",
        "tags": ("scar", "left ear"),
        "note": 'two\nlines; "quoted", é',
        "rank": 2,
        "similarity": 0.876543,
        "overlay_shown": ("lines",),
        "blind": True,
        "seconds": 12.346,
        "app_version": "1.0",
    }
    return Decision(**values | changes)


DECISIONS = (
    decision(1),
    decision(2, note="=1+1", similarity=-0.5, rank=None, blind=False),
    decision(3, decision="undo", supersedes="d1", note="'=x", tags=(), seconds=None),
)


def table(decisions: tuple[Decision, ...] = DECISIONS, *, neutralise: bool = True) -> list[dict[str, str]]:
    content = csv_bytes(decisions, neutralise=neutralise).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline="")))


def written(
    rows: list[dict[str, str]],
    *,
    columns: list[str] | None = None,
    separator: str = ",",
    encoding: str = "utf-8",
    line_end: str = "\r\n",
) -> bytes:
    buffer = io.StringIO(newline="")
    names = columns or list(rows[0])
    quoting = csv.QUOTE_ALL if line_end == "\n" else csv.QUOTE_MINIMAL  # else a lone \r stays bare before \n
    writer = csv.DictWriter(
        buffer, names, delimiter=separator, lineterminator=line_end, extrasaction="ignore", quoting=quoting
    )
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode(encoding)


def read(content: bytes, **options: object) -> Imported:
    return read_decisions_bytes(content, "saved.csv", **options)


def changed(column: str, *values: str) -> list[dict[str, str]]:
    """The rows of as many decisions, with these cells in a column."""
    rows = table(tuple(decision(number) for number in range(1, len(values) + 1)))
    for row, value in zip(rows, values, strict=True):
        row[column] = value
    return rows


def refusal(content: bytes, **options: object) -> str:
    with pytest.raises(DecisionLogError) as caught:
        read(content, **options)
    assert "saved.csv" in str(caught.value)
    return str(caught.value)


def test_the_store_s_own_file_is_read_as_it_is(tmp_path):
    log = DecisionLog(tmp_path / "log.csv")
    for note in ("=1", "'=1", "'", "two\r\nlines", "\ufeff"):
        log.record(reviewer="Ann", query_id="007", candidate_id="12", decision="unsure", note=note)
    assert read_decisions_file(log.path) == Imported(log.decisions(), ())


def excel_german(rows: list[dict[str, str]]) -> bytes:
    """Another order, semicolons, local dates and numbers, WAHR and FALSCH, a byte order mark, CRLF."""
    for row in rows:
        time = datetime.fromisoformat(row["decided_at"])
        row["decided_at"] = f"{time:%d.%m.%Y %H:%M:%S}"
        row["blind"] = {"true": "WAHR", "false": "FALSCH"}[row["blind"]]
        for column in ("similarity", "seconds"):
            row[column] = row[column].replace(".", ",")
    return written(rows, columns=sorted(rows[0]), separator=";", encoding="utf-8-sig")


def excel_american(rows: list[dict[str, str]]) -> bytes:
    """Unicode text: UTF-16, tabs, month first, twelve hours, TRUE and FALSE, an empty end."""
    for row in rows:
        time = datetime.fromisoformat(row["decided_at"])
        row["decided_at"] = f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S %p}"
        row["blind"] = row["blind"].upper()
    content = written(rows, separator="\t", encoding="utf-8").decode()
    lines = content.replace("\tneutralised\r\n", "\tneutralised\t\t\r\n") + "\t" * 25 + "\r\n" * 3
    return lines.encode("utf-16")


def libreoffice(rows: list[dict[str, str]]) -> bytes:
    """Dates as 2026-03-13 09:15:01, an own column, empty rows."""
    for row in rows:
        row["decided_at"] = row["decided_at"][:19].replace("T", " ")
        row["blind"] = row["blind"].upper()
        row["seen by me"] = "yes"
    return written([rows[0], dict.fromkeys(rows[0], ""), *rows[1:]], line_end="\n")


@pytest.mark.parametrize("edit", [excel_german, excel_american, libreoffice])
def test_a_file_comes_back_from_a_spreadsheet_program_unchanged(tmp_path, edit):
    log = DecisionLog(tmp_path / "log.csv")
    for item in DECISIONS[:2]:
        log.record(**{name: getattr(item, name) for name in COLUMNS if name != "supersedes"})
    log.undo(log.decisions()[0], reviewer="Ann", decided_at=DECISIONS[2].decided_at, note="'=x")
    export_csv(log.decisions(), tmp_path / "export.csv")
    rows = list(csv.DictReader((tmp_path / "export.csv").open(encoding="utf-8-sig", newline="")))
    (tmp_path / "saved.csv").write_bytes(edit(rows))
    found = read_decisions_file(tmp_path / "saved.csv", timezone=UTC)
    assert found.decisions == log.decisions()
    assert "times without a time zone were taken as UTC" in found.notes


def test_notes_say_what_was_put_right():
    assert set(read(excel_german(table()), timezone=UTC).notes) == {
        "columns stood in another order",
        "columns were separated by ;",
        "decimal commas were read as decimal points",
        "decided_at was read as day.month.year",
        "times without a time zone were taken as UTC",
        "words such as WAHR were read as true or false",
        "words such as FALSCH were read as true or false",
    }
    assert set(read(libreoffice(table()), timezone=UTC).notes) == {
        "unknown columns were passed over: seen by me",
        "empty rows were passed over",
        "times without a time zone were taken as UTC",
        "words such as TRUE were read as true or false",
        "words such as FALSE were read as true or false",
    }


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations([*COLUMNS, "neutralised"]),
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    note=st.text(st.sampled_from("'=-,;\t\n\r\"a é"), max_size=8),
)
def test_neither_order_nor_separators_nor_encoding_matter(order, separator, encoding, line_end, note):
    decisions = (decision(1, note=note), *DECISIONS[1:])
    content = written(
        table(decisions), columns=order, separator=separator, encoding=encoding, line_end=line_end
    )
    assert read(content).decisions == decisions


def test_an_apostrophe_of_somebody_s_own_is_kept_in_a_file_that_is_no_export():
    item = decision(note="'=x")
    rows = table((item,), neutralise=False)
    assert read(csv_bytes([item], neutralise=False)) == Imported((item,), ())
    found = read(written(rows))
    assert found.decisions == (item,)
    assert "row 2: the apostrophe at the start of note was kept" in found.notes[0]


def test_rows_of_an_export_and_of_the_store_in_one_table_are_told_apart():
    one, two = decision(1, note="'=x"), decision(2, note="'=x")
    rows = [*table((one,)), *table((two,), neutralise=False)]
    assert [row.get("note") for row in rows] == ["''=x", "'=x"]
    assert read(written(rows)).decisions == (one, two)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("2026-03-01T09:15:02.123Z", datetime(2026, 3, 1, 9, 15, 2, 123_000, tzinfo=UTC)),
        ("2026-03-01 09:15:02+02:00", datetime(2026, 3, 1, 7, 15, 2, tzinfo=UTC)),
        ("2026-03-01 09:15:02 UTC", datetime(2026, 3, 1, 9, 15, 2, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_zone_needs_no_other(shown, expected):
    for zone in (None, BERLIN):
        assert read(written(changed("decided_at", shown)), timezone=zone).decisions[0].decided_at == expected


@pytest.mark.parametrize(
    "shown",
    [
        "2026-03-01 09:15",
        "2026/3/1 9:15:00",
        "2026-03-01T09:15:00.000",
        "01.03.2026 09:15",
        "1.3.26 9:15",
        "01.03.2026, 09:15:00",
        "1/3/2026 9:15 AM",
        "1/3/2026 9:15\u202fam",
        "01-03-2026 09:15:00 a.m.",
    ],
)
def test_local_times_are_read_in_the_zone_that_is_given(shown):
    content = written(changed("decided_at", shown, "13/3/2026 12:30 PM"))
    found = read(content, timezone=BERLIN).decisions
    assert [item.decided_at for item in found] == [
        datetime(2026, 3, 1, 8, 15, tzinfo=UTC),
        datetime(2026, 3, 13, 11, 30, tzinfo=UTC),
    ]
    message = refusal(content)
    assert f"row 2: decided_at “{shown}” does not say its time zone" in message
    assert "UTC where a spreadsheet program" in message


@pytest.mark.parametrize(("shown", "microsecond"), [("02.5", 500_000), ("02,123", 123_000), ("02", 0)])
def test_parts_of_a_second_are_kept(shown, microsecond):
    found = read(written(changed("decided_at", f"01.03.2026 09:15:{shown}")), timezone=UTC).decisions
    assert found[0].decided_at == datetime(2026, 3, 1, 9, 15, 2, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    ("telling", "month", "day"),
    [("13/3/2026 9:15", 4, 3), ("3/13/2026 9:15", 3, 4), ("3-13-2026 9:15", 3, 4)],
)
def test_one_row_settles_the_order_of_day_and_month_for_all(telling, month, day):
    found = read(written(changed("decided_at", "3/4/2026 9:15", telling)), timezone=UTC)
    assert found.decisions[0].decided_at == datetime(2026, month, day, 9, 15, tzinfo=UTC)
    order = "day/month/year" if day == 3 else "month/day/year"
    assert f"decided_at was read as {order}, as row 3 shows" in found.notes


@pytest.mark.parametrize("others", [(), ("3/13/2026 9:15", "13/3/2026 9:15")])
def test_an_order_of_day_and_month_that_nothing_settles_is_refused(others):
    message = refusal(written(changed("decided_at", "3/4/2026 9:15", *others)), timezone=UTC)
    assert "row 2: decided_at “3/4/2026 9:15” may be day or month first" in message
    assert "row 3" not in message


def test_a_day_that_is_the_month_as_well_is_no_question():
    found = read(written(changed("decided_at", "3/3/2026 0:15")), timezone=UTC)
    assert found.decisions[0].decided_at == datetime(2026, 3, 3, 0, 15, tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(
    time=st.datetimes(datetime(2025, 1, 1), datetime(2039, 12, 31)).map(lambda t: t.replace(microsecond=0)),
    form=st.sampled_from(
        [
            "%Y-%m-%d %H:%M:%S",
            "%Y/%m/%d %I:%M:%S %p",
            "%d.%m.%Y %H:%M:%S",
            "%d.%m.%y %H:%M:%S",
            "%m/%d/%Y %I:%M:%S %p",
        ]
    ),
    hours=st.integers(-12, 12),
)
def test_a_local_time_is_never_read_as_another(time, form, hours):
    zone = timezone(timedelta(hours=hours))
    try:
        found = read(written(changed("decided_at", time.strftime(form))), timezone=zone).decisions
    except DecisionLogError as reason:
        assert "%m/%d" in form and time.day <= 12 and time.day != time.month, reason
    else:
        assert found[0].decided_at == time.replace(tzinfo=zone)


@pytest.mark.parametrize("shown", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_an_hour_that_is_there_twice_or_not_at_all_is_refused(shown):
    assert "lies where clocks are changed" in refusal(written(changed("decided_at", shown)), timezone=BERLIN)


@pytest.mark.parametrize(
    "shown", ["46082.385", "2026-03-01", "yesterday", "", "15:02.1", "31.02.2026 9:15", "1/13/26 13:15 PM"]
)
def test_what_is_no_time_is_refused(shown):
    assert f"row 2: decided_at “{shown}” is not" in refusal(
        written(changed("decided_at", shown)), timezone=UTC
    )


@pytest.mark.parametrize(
    ("word", "expected"), [("TRUE", True), ("Faux", False), ("VRAI", True), ("0", False)]
)
def test_true_and_false_are_read_in_the_spreadsheet_s_language(word, expected):
    assert read(written(changed("blind", word))).decisions[0].blind is expected


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_in_files_that_are_not_separated_by_commas(separator):
    rows = changed("similarity", "0,876543", "-0,5", "8,7E-05")
    for row, seconds in zip(rows, ("12,346", "1200", ""), strict=True):
        row["seconds"], row["rank"] = seconds, "2,0"
    found = read(written(rows, separator=separator)).decisions
    assert [item.similarity for item in found] == [0.876543, -0.5, 0.000087]
    assert [item.seconds for item in found] == [12.346, 1200, None]
    assert {item.rank for item in found} == {2}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (
            "query_id",
            "1.23E+11",
            "query_id “1.23E+11” was an id that a spreadsheet program turned into a number",
        ),
        ("decision_id", "4E+31", "copy it from the original file"),
        ("candidate_identity", "1,5E-07", "candidate_identity “1,5E-07” was an id"),
        ("similarity", "0,5", "similarity “0,5” has a comma where a decimal point should be"),
        ("similarity", "876543", "similarity “876543” lies outside −1 to 1"),
        ("similarity", "high", "similarity “high” is not a number"),
        ("similarity", "nan", "similarity “nan” is not a number"),
        ("seconds", "1_000", "seconds “1_000” is not a number"),
        ("seconds", "12. Mrz", "seconds “12. Mrz” is not a number"),
        ("rank", "2.5", "rank “2.5” is not a whole number"),
        ("blind", "perhaps", "blind “perhaps” is neither true nor false"),
        ("blind", "", "blind “” is neither true nor false"),
        ("neutralised", "maybe", "neutralised “maybe” is neither true nor false"),
        ("decision", "Maybe", "decision “Maybe” is not one of accept"),
        ("reviewer", "", "reviewer is empty"),
        ("reviewer", "  ", "There is no reviewer"),
        ("note", "x" * 30_001, "note has more than 30,000 characters"),
    ],
)
def test_a_cell_that_cannot_be_understood_is_refused_with_its_row(column, value, words):
    message = refusal(written([*table(DECISIONS[1:2]), *changed(column, value)]))
    assert "row 3: " in message and words in message
    assert "row 2" not in message
    assert "nothing was taken from it" in message


def test_decimal_commas_and_points_in_one_file_are_refused():
    rows = changed("similarity", "0.5", "0,5")
    assert "row 3: similarity “0,5” has a comma" in refusal(written(rows, separator=";"))


def test_seconds_that_lost_their_point_are_refused():
    rows = changed("seconds", "12346", "7250")
    message = refusal(written(rows, separator=";"))
    assert "row 2: seconds “12346” may have lost its decimal point" in message
    rows = changed("seconds", "12346", "7.25")
    assert read(written(rows, separator=";")).decisions[0].seconds == 12346


def test_all_bad_rows_are_named_up_to_ten():
    message = refusal(written(changed("rank", *["first"] * 13)))
    assert [f"row {number}:" in message for number in range(2, 15)] == [True] * 10 + [False] * 3
    assert "and 3 more" in message


def test_quoted_line_ends_do_not_shift_row_numbers():
    rows = changed("note", "a\nb\r\nc", "", "\n\n")
    rows[2]["rank"] = "first"
    assert "row 4: rank “first”" in refusal(written(rows))


def test_numeric_ids_may_have_lost_zeros_and_that_is_said():
    found = read(written(changed("query_id", "42", "7")))
    assert "ids such as 42 are numbers; had a spreadsheet program taken zeros" in found.notes[0]
    assert read(written(changed("query_id", "42", "007"))).notes == ()


@pytest.mark.parametrize(
    "missing", [("app_version",), ("supersedes", "app_version", "blind", "seconds", "note")]
)
def test_older_files_are_read_with_defaults(missing):
    columns = [column for column in COLUMNS if column not in missing]
    rows = table((decision(1, note="plain"),))
    defaults = {"app_version": "", "blind": False, "seconds": None, "note": ""}
    found = read(written(rows, columns=columns))
    kept = {name: value for name, value in defaults.items() if name in missing}
    assert found.decisions == (replace(decision(1, note="plain"), **kept),)
    assert found.notes == (
        f"columns that are missing were taken as empty: {', '.join(c for c in COLUMNS if c in missing)}",
    )


def test_the_six_columns_of_version_0_are_enough():
    content = (
        b"decision_id,decided_at,reviewer,query_id,candidate_id,decision\n"
        b"d1,2026-03-01T09:15:02Z,Ann,q1,c1,accept\n"
    )
    assert read(content).decisions == (
        Decision("d1", datetime(2026, 3, 1, 9, 15, 2, tzinfo=UTC), "Ann", "", "q1", "c1", "accept"),
    )


def test_rows_that_excel_cut_short_are_filled_up_and_torn_ones_are_not():
    columns = [column for column in COLUMNS if column != "note"] + ["note"]
    rows = table((decision(1, note="here"), decision(2, note="")), neutralise=False)
    content = written(rows, columns=columns)
    assert content.endswith(b",\r\n")
    short = content.removesuffix(b",\r\n") + b"\r\n"
    found = read(short)
    assert found.decisions == (decision(1, note="here"), decision(2, note=""))
    assert "rows that end early were filled up with empty cells, as Excel leaves those out" in found.notes
    assert "row 3: 22 values instead of 23" in refusal(short.replace(b"\r\n", b"\n"))


def test_a_row_with_too_many_values_is_refused():
    content = written(table()[:1])
    assert read(content.replace(b"true\r\n", b"true,,\r\n")).decisions == DECISIONS[:1]
    assert "row 2: 26 values instead of 24" in refusal(content.replace(b"true\r\n", b"true,,x\r\n"))


def test_a_row_that_is_there_twice_is_taken_once():
    rows = table()
    found = read(written([*rows, rows[0], rows[0]]))
    assert found.decisions == DECISIONS
    assert found.notes == ("rows that stand in the file twice, with the same decision_id, were taken once",)


def test_two_decisions_with_one_id_are_refused():
    rows = changed("decision_id", "d1", "d1")
    message = refusal(written(rows))
    assert "row 3: decision_id “d1” stands in row 2 already with another decided_at, candidate_id" in message


def test_names_are_tidied_as_the_store_does():
    found = read(written(changed("reviewer", " Ann   Lee ")))
    assert found.decisions[0].reviewer == "Ann Lee"
    assert found.notes == ("names, texts or numbers were tidied as the store keeps them",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "its first row lacks “decision_id”, “decided_at”"),
        (b"image_id,identity\n1,Ann\n", "its first row lacks “decision_id”"),
        (b"PK\x03\x04rest", "is a spreadsheet, not CSV. Save it as “CSV UTF-8”"),
        (written(changed("note", "é"), encoding="latin-1"), "is not UTF-8 text (line 2)"),
        (written(changed("note", "a"), encoding="utf-16-le"), "is not a text file"),
        (written(table(), columns=["rank", *COLUMNS]), "has the column “rank” twice"),
        (written(changed("note", "plain")).replace(b"plain", b'"open'), "cannot be read from row 2 on"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_with_what_to_do(content, words):
    message = refusal(content)
    assert words in message
    assert any(word in message for word in ("Choose", "Save", "Delete", "Put"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DecisionLogError, match=r"gone\.csv cannot be read .No such file"):
        read_decisions_file(tmp_path / "gone.csv")
    with pytest.raises(DecisionLogError, match="cannot be read"):
        read_decisions_file(tmp_path)


def test_reading_changes_nothing_on_the_disk(tmp_path):
    path = tmp_path / "saved.csv"
    path.write_bytes(excel_german(table()))
    before = path.read_bytes()
    read_decisions_file(str(path), timezone=UTC)
    assert path.read_bytes() == before
    assert list(Path(tmp_path).iterdir()) == [path]


def test_time_zones_have_names():
    assert timezone_named("utc") is UTC
    assert timezone_named("Europe/Berlin") == BERLIN
    for name in ("Atlantis", "../etc/passwd", ""):
        with pytest.raises(DecisionLogError, match="is no time zone"):
            timezone_named(name)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10_000), st.booleans())
def test_whatever_is_in_a_file_there_is_no_other_error(junk, place, is_whole):
    content = b"" if is_whole else csv_bytes(DECISIONS)
    place %= len(content) + 1
    try:
        found = read(content[:place] + junk + content[place:])
    except DecisionLogError:
        return
    assert all(isinstance(item, Decision) for item in found.decisions)
