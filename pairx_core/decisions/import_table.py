"""The table in a CSV file, however a spreadsheet program wrote it: its columns, its rows, and what was odd."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pairx_core.decisions.rows import COLUMNS, HEADER
from pairx_core.errors import DecisionLogError
from pairx_core.formulas import MARKER

_NEEDED = ("decision_id", "decided_at", "reviewer", "query_id", "candidate_id", "decision")
_LONGEST_EXCERPT = 40  # characters
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, .xls


class Notes:
    """Each thing worth telling, once."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        self.texts[text] = None


@dataclass(frozen=True)
class Table:
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


def table_in(content: bytes, name: str, notes: Notes) -> Table:
    """The table in a file that is called ``name`` in messages; what was odd is noted.

    Raises:
        DecisionLogError: it is no text, or no table with the columns of decisions.
    """
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
    return Table(
        columns=columns,
        width=len(header),
        rows=filled,
        separator=separator,
        is_of_store=content.startswith(HEADER),
        may_be_short=text[len(first_line) :].startswith("\r\n"),
    )


def cut(text: str) -> str:
    """As much of a cell as a message shows."""
    return text[:_LONGEST_EXCERPT]


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
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise DecisionLogError(
            f"{name} is not a decisions file: its first row lacks “{'”, “'.join(missing)}”. Choose a file "
            "that PAIR-X Review wrote, or give its columns their names back."
        )
    return {column: header.index(column) for column in known if column in header}


def _note_columns(header: list[str], columns: dict[str, int], notes: Notes) -> None:
    if list(columns.values()) != sorted(columns.values()):
        notes.add("columns stood in another order")
    unknown = [cell or "(without a name)" for cell in header if cell not in columns]
    if unknown:
        notes.add(f"unknown columns were passed over: {', '.join(map(cut, unknown))}")
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        notes.add(f"columns that are missing were taken as empty: {', '.join(missing)}")
