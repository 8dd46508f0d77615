"""Decisions out of any CSV file that holds them, also one that a spreadsheet program has saved.

Spreadsheet programs reorder columns, change separators, encodings and the way times and numbers look. What
they changed is put right where the file itself says how, and refused where it would have to be guessed: a
file is read whole or not at all.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pairx_core.decisions.checking import checked
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.exporting import TEXT_COLUMNS
from pairx_core.decisions.rows import COLUMNS, HEADER, parse_row
from pairx_core.errors import DecisionLogError
from pairx_core.formulas import MARKER, restore_cell

NEEDED = ("decision_id", "decided_at", "reviewer", "query_id", "candidate_id", "decision")

_IDS = ("decision_id", "supersedes", "query_id", "candidate_id", "query_identity", "candidate_identity")
_MOST_PROBLEMS = 10  # rows named in one message
_LONGEST_EXCERPT = 40  # characters
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, .xls
_TRUE = ("true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "prawda", "1")
_FALSE = ("false", "falsch", "faux", "falso", "onwaar", "falskt", "fałsz", "0")
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?E[+-]\d+", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_CLOCK = (
    r"(?:,?\s+|T)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,6}))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_CLOCK}", re.IGNORECASE
)
_YEAR_LAST = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<mark>[-/.])(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_CLOCK}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds."""

    decisions: tuple[Decision, ...]  # in the order of the file
    notes: tuple[str, ...]  # what was put right, passed over, or cannot be known


def read_decisions_file(path: str | Path, *, timezone: tzinfo | None = None) -> Imported:
    """Read a decisions file of any version, as the store or an export wrote it or a spreadsheet saved it.

    ``timezone`` is that of times which do not say theirs; a spreadsheet that shows times of ours in
    another way leaves them in UTC.

    Raises:
        DecisionLogError: something cannot be understood for certain. The message names up to ten rows (as a
            spreadsheet counts them), their columns and values, and what to do; nothing was read.
    """
    path = Path(path).expanduser().absolute()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DecisionLogError(
            f"{path} cannot be read ({error.strerror}). Choose a decisions file, or allow reading this one."
        ) from error
    return read_decisions_bytes(content, str(path), timezone=timezone)


def read_decisions_bytes(content: bytes, name: str, *, timezone: tzinfo | None = None) -> Imported:
    """The same for the content of a file that is called ``name`` in messages."""
    notes = _Notes()
    table = _table(content, name, notes)
    reading = _reading(table, timezone, notes)
    found = _Found(notes)
    problems = []
    for number, values in table.rows:
        try:
            found.add(number, _decision(_cells(values, table, reading, number), reading))
        except ValueError as reason:
            problems.append(f"row {number}: {reason}")
    _refuse(name, problems)
    return Imported(found.decisions, tuple(notes.texts))


def timezone_named(name: str) -> tzinfo:
    """The time zone with a name such as UTC or Africa/Nairobi.

    Raises:
        DecisionLogError: this computer knows none of that name.
    """
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DecisionLogError(
            f"“{name}” is no time zone that this computer knows. Use a name such as UTC or Africa/Nairobi."
        ) from error


class _Notes:
    """Each thing worth telling, once."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        self.texts[text] = None


@dataclass(frozen=True)
class _Table:
    """A file's cells, and how they were written."""

    columns: dict[str, int]  # known column → its place
    width: int  # cells in the header, empty ones at its end left out
    rows: list[tuple[int, list[str]]]  # number as a spreadsheet counts, cells as they stand; no empty rows
    separator: str
    is_of_store: bool  # as the store writes it, byte for byte in the header
    may_be_short: bool  # Excel leaves separators out where the last cells of several rows are empty

    def column(self, name: str) -> Iterator[tuple[int, str]]:
        """(row, cell without spaces around it) of a column, where it is not empty."""
        place = self.columns.get(name, self.width)
        for number, values in self.rows:
            if place < len(values) and values[place].strip():
                yield number, values[place].strip()


@dataclass(frozen=True)
class _Reading:
    """How cells have to be understood, as the whole file tells."""

    notes: _Notes
    timezone: tzinfo | None  # of times that do not say theirs
    is_day_first: bool | None  # in times like 3/1/2026; None where no row tells
    may_have_commas: bool  # in numbers, for their decimal point
    may_lack_points: bool  # in seconds; a spreadsheet may have taken them for thousands separators


class _Found:
    """Decisions by decision_id, each once."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes
        self._rows: dict[str, tuple[int, Decision]] = {}

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(decision for _, decision in self._rows.values())

    def add(self, number: int, decision: Decision) -> None:
        """Take a row in.

        Raises:
            ValueError: an earlier row says something else under its decision_id.
        """
        earlier_number, earlier = self._rows.setdefault(decision.decision_id, (number, decision))
        if earlier != decision:
            differing = [name for name in COLUMNS if getattr(earlier, name) != getattr(decision, name)]
            raise ValueError(
                f"decision_id “{_cut(decision.decision_id)}” stands in row {earlier_number} already with "
                f"another {', '.join(differing)}; delete the wrong one of the two"
            )
        if earlier_number != number:
            self._notes.add("rows that stand in the file twice, with the same decision_id, were taken once")


def _refuse(name: str, problems: list[str]) -> None:
    if not problems:
        return
    more = len(problems) - _MOST_PROBLEMS
    ending = f"; and {more} more" if more > 0 else ""
    raise DecisionLogError(
        f"{name} cannot be read as decisions. {'; '.join(problems[:_MOST_PROBLEMS])}{ending}. Put these cells "
        "right, or export the decisions again, then read the file again; nothing was taken from it."
    )


def _table(content: bytes, name: str, notes: _Notes) -> _Table:
    text = _text(content, name)
    first_line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = max(",;\t", key=lambda mark: _known_columns(first_line.split(mark)))
    header, *rows = _records(text, separator, name)
    header = _without_empty_end([_column_name(cell) for cell in header])
    columns = _columns(header, name)
    _note_columns(header, columns, notes)
    if separator != ",":
        notes.add(f"columns were separated by {'tabs' if separator == chr(9) else separator}")
    filled = [(number, values) for number, values in enumerate(rows, 2) if any(map(str.strip, values))]
    if any(not any(map(str.strip, values)) for values in rows[: filled[-1][0] - 1 if filled else 0]):
        notes.add("empty rows were passed over")
    return _Table(
        columns=columns,
        width=len(header),
        rows=filled,
        separator=separator,
        is_of_store=content.startswith(HEADER),
        may_be_short=text[len(first_line) :].startswith("\r\n"),
    )


def _text(content: bytes, name: str) -> str:
    if content.startswith(_WORKBOOKS):
        raise DecisionLogError(
            f"{name} is a spreadsheet, not CSV. Save it as “CSV UTF-8”, then read that file."
        )
    encoding = next((code for mark, code in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DecisionLogError(
            f"{name} is not UTF-8 text (line {line}), so letters such as é may be lost. Save it again as "
            "“CSV UTF-8”, then read it again."
        ) from error
    if "\0" in text:
        raise DecisionLogError(f"{name} is not a text file. Save it as “CSV UTF-8”, then read it again.")
    return text


def _records(text: str, separator: str, name: str) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        records.extend(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise DecisionLogError(
            f"{name} cannot be read from row {len(records) + 1} on: its quotation marks or line ends are out "
            f"of place ({error}). Put that row right, then read the file again; nothing was taken from it."
        ) from error
    return records or [[]]


def _column_name(cell: str) -> str:
    return cell.strip('\ufeff \t\r"').casefold()


def _known_columns(cells: list[str]) -> int:
    return sum(_column_name(cell) in COLUMNS for cell in cells)


def _without_empty_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _columns(header: list[str], name: str) -> dict[str, int]:
    known = (*COLUMNS, MARKER)
    for column in known:
        if header.count(column) > 1:
            raise DecisionLogError(f"{name} has the column “{column}” twice. Delete one, then read it again.")
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise DecisionLogError(
            f"{name} is not a decisions file: its first row lacks “{'”, “'.join(missing)}”. Choose a file "
            "that PAIR-X Review wrote, or give its columns their names back."
        )
    return {column: header.index(column) for column in known if column in header}


def _note_columns(header: list[str], columns: dict[str, int], notes: _Notes) -> None:
    if list(columns.values()) != sorted(columns.values()):
        notes.add("columns stood in another order")
    unknown = [cell or "(without a name)" for cell in header if cell not in columns]
    if unknown:
        notes.add(f"unknown columns were passed over: {', '.join(map(_cut, unknown))}")
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        notes.add(f"columns that are missing were taken as empty: {', '.join(missing)}")


def _reading(table: _Table, timezone: tzinfo | None, notes: _Notes) -> _Reading:
    is_local = table.separator != ","
    has_points = {
        name: any("." in cell for _, cell in table.column(name)) for name in ("similarity", "seconds")
    }
    _note_lost_zeros(table, notes)
    return _Reading(
        notes=notes,
        timezone=timezone,
        is_day_first=_is_day_first(table, notes),
        may_have_commas=is_local and not any(has_points.values()),
        may_lack_points=is_local and has_points["similarity"] and not has_points["seconds"],
    )


def _is_day_first(table: _Table, notes: _Notes) -> bool | None:
    """Whether 3/1/2026 is in January, as rows like 13/1/2026 or 1/13/2026 tell."""
    days_at: dict[bool, int] = {}
    for number, cell in table.column("decided_at"):
        match = _YEAR_LAST.fullmatch(cell)
        if match and match["mark"] != ".":
            if int(match["one"]) > 12:
                days_at.setdefault(True, number)
            if int(match["two"]) > 12:
                days_at.setdefault(False, number)
    if len(days_at) != 1:
        return None
    ((is_day_first, number),) = days_at.items()
    order = "day/month/year" if is_day_first else "month/day/year"
    notes.add(f"decided_at was read as {order}, as row {number} shows")
    return is_day_first


def _note_lost_zeros(table: _Table, notes: _Notes) -> None:
    cells = [cell for name in _IDS for _, cell in table.column(name) if cell.isdecimal()]
    if cells and not table.is_of_store and not any(cell.startswith("0") for cell in cells):
        notes.add(
            f"ids such as {_cut(cells[0])} are numbers; had a spreadsheet program taken zeros from their start, "
            "it could not be seen here"
        )


def _cells(values: list[str], table: _Table, reading: _Reading, number: int) -> dict[str, str]:
    """The cells of a row by column, with apostrophes of an export taken away."""
    values = _fitted(values, table, reading)
    cells = {column: values[place] for column, place in table.columns.items()}
    marker = cells.pop(MARKER, "")
    is_neutralised = bool(marker.strip()) and _flag(marker, MARKER, reading)
    for column in TEXT_COLUMNS:
        restored = restore_cell(cells.get(column, ""))
        if is_neutralised and column in cells:
            cells[column] = restored
        elif restored != cells.get(column, "") and not table.is_of_store:
            reading.notes.add(
                f"row {number}: the apostrophe at the start of {column} was kept, as the row does not say "
                f"“true” in a column “{MARKER}”"
            )
    return cells


def _fitted(values: list[str], table: _Table, reading: _Reading) -> list[str]:
    missing = table.width - len(values)
    if any(cell.strip() for cell in values[table.width :]) or (missing > 0 and not table.may_be_short):
        raise ValueError(
            f"{len(values)} values instead of {table.width}; a separator is missing or too many, or the row is torn"
        )
    if missing > 0:
        reading.notes.add("rows that end early were filled up with empty cells, as Excel leaves those out")
    return values[: table.width] + [""] * missing


def _decision(cells: dict[str, str], reading: _Reading) -> Decision:
    for column in _IDS:
        if _SCIENTIFIC.fullmatch(cells.get(column, "").strip()):
            raise ValueError(
                f"{column} “{_cut(cells[column])}” was an id that a spreadsheet program turned into a number; "
                "copy it from the original file, into a column formatted as text"
            )
    written = dict.fromkeys(COLUMNS, "") | {"blind": "false"} | cells
    written["decision"] = written["decision"].strip()
    written["decided_at"] = _time(written["decided_at"].strip(), reading)
    for column in ("rank", "similarity", "seconds"):
        written[column] = _number(written[column].strip(), column, reading)
    if "blind" in cells:
        written["blind"] = "true" if _flag(cells["blind"], "blind", reading) else "false"
    decision = parse_row(_row_bytes(written))
    kept = checked(decision)
    if kept != decision:
        reading.notes.add("names, texts or numbers were tidied as the store keeps them")
    return kept


def _row_bytes(written: dict[str, str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow([written[column] for column in COLUMNS])
    return buffer.getvalue().encode()


def _number(text: str, column: str, reading: _Reading) -> str:
    if not text:
        return ""
    shown = f"{column} “{_cut(text)}”"
    if "," in text and not reading.may_have_commas:
        raise ValueError(f"{shown} has a comma where a decimal point should be; write it with a point")
    if column == "seconds" and reading.may_lack_points and re.fullmatch(r"\d{4,}", text):
        raise ValueError(
            f"{shown} may have lost its decimal point to a spreadsheet program; write {text}.0 if it is right"
        )
    if "," in text:
        reading.notes.add("decimal commas were read as decimal points")
    number = text.replace(",", ".").replace("−", "-")
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{shown} is not a number")
    if column == "similarity" and abs(float(number)) > 1.001:
        raise ValueError(
            f"{shown} lies outside −1 to 1, so its decimal point was lost; copy it from the original"
        )
    return re.sub(r"\.0*$", "", number) if column == "rank" else number


def _flag(text: str, column: str, reading: _Reading) -> bool:
    word = text.strip()
    if word.casefold() not in (*_TRUE, *_FALSE):
        raise ValueError(f"{column} “{_cut(word)}” is neither true nor false")
    if word not in {"true", "false"} and column != MARKER:
        reading.notes.add(f"words such as {word} were read as true or false")
    return word.casefold() in _TRUE


def _time(text: str, reading: _Reading) -> str:
    """The time in ISO 8601 with its zone."""
    try:
        time = datetime.fromisoformat(re.sub(r"\s*(?:UTC|GMT)$", "Z", text))
    except ValueError:
        time = None
    if time is not None and time.tzinfo is not None:
        return time.isoformat()
    return _in_zone(_local_time(text, reading), text, reading).isoformat()


def _local_time(text: str, reading: _Reading) -> datetime:
    match = _YEAR_FIRST.fullmatch(text) or _YEAR_LAST.fullmatch(text)
    if match is None:
        raise ValueError(
            f"decided_at “{_cut(text)}” is not a time that can be read; write it like 2026-03-01T09:15:02Z"
        )
    year, month, day = _date(match, text, reading)
    try:
        return datetime(year, month, day, _hour(match), *_rest_of_time(match, reading))
    except ValueError:
        raise ValueError(f"decided_at “{_cut(text)}” is not in the calendar or on the clock") from None


def _date(match: re.Match[str], text: str, reading: _Reading) -> tuple[int, int, int]:
    """Year, month, day."""
    if match.re is _YEAR_FIRST:
        return int(match["year"]), int(match["month"]), int(match["day"])
    if len(match["year"]) == 2:
        reading.notes.add("years of two digits were read as 20..")
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    one, two = int(match["one"]), int(match["two"])
    if match["mark"] == ".":
        reading.notes.add("decided_at was read as day.month.year")
        return year, two, one
    is_day_first = one > 12 or (two <= 12 and reading.is_day_first)
    if one != two and max(one, two) <= 12 and reading.is_day_first is None:
        raise ValueError(
            f"decided_at “{_cut(text)}” may be day or month first, and no other row settles it; write it like "
            "2026-03-01T09:15:02Z"
        )
    return (year, two, one) if is_day_first else (year, one, two)


def _hour(match: re.Match[str]) -> int:
    hour = int(match["hour"])
    if match["half"] is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("not on a clock of twelve hours")
    return hour % 12 + (12 if match["half"].casefold() == "p" else 0)


def _rest_of_time(match: re.Match[str], reading: _Reading) -> tuple[int, int, int]:
    """Minute, second, microsecond."""
    if match["second"] is None:
        reading.notes.add("times without seconds were taken at the full minute")
    return int(match["minute"]), int(match["second"] or 0), int((match["fraction"] or "0").ljust(6, "0"))


def _in_zone(time: datetime, text: str, reading: _Reading) -> datetime:
    zone = reading.timezone
    if zone is None:
        raise ValueError(
            f"decided_at “{_cut(text)}” does not say its time zone; give the zone (UTC where a spreadsheet "
            "program shows a time of ours in another way), or write it like 2026-03-01T09:15:02Z"
        )
    first, second = (time.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError(
            f"decided_at “{_cut(text)}” lies where clocks are changed in {zone}, so it is twice or not at all; "
            "write it in UTC like 2026-03-01T09:15:02Z"
        )
    reading.notes.add(f"times without a time zone were taken as {zone}")
    return first


def _cut(text: str) -> str:
    return text[:_LONGEST_EXCERPT]
