"""Tables that people saved as text: any usual encoding and separator, columns in any order and case."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pairx_core.errors import CatalogueError

_SEPARATORS = (",", ";", "\t")
_MOST_SHARED = 65_536  # texts of a column that are kept to be shared
_LONGEST_CELL = 131_072  # characters
_SAVE_AS_CSV = "Save the table as “CSV UTF-8” and open that file."


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table."""

    number: int  # as a spreadsheet counts: the header is row 1 unless empty rows come before it
    cells: Mapping[str, str]  # by column as :func:`column_key` writes it; trimmed; empty in short rows
    excess: int  # how many values the row has beyond the header's columns


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text."""

    columns: tuple[str, ...]  # as written
    rows: TableRows  # without the empty ones
    notes: tuple[str, ...]  # what had to be assumed to read it


class TableRows:
    """The rows of a table, made each time that they are gone through: of a large table they are not kept.

    A text that stands in many rows of a column is one object.
    """

    def __init__(self, path: Path, text: str, separator: str, keys: list[str]) -> None:
        """Take the table's text, which is looked through for what is wrong with it.

        Raises:
            CatalogueError: broken quotation marks, or a value that is too long.
        """
        self._path, self._text, self._separator, self._keys = path, text, separator, keys
        self._count = sum(1 for _ in self._records())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[TableRow]:
        shared = [_Shared() for _ in self._keys]
        for number, record in self._records():
            yield _row(number, record, self._keys, shared)

    def column(self, key: str) -> Iterator[str]:
        """The texts of one column, without anything being made of the others."""
        at = self._keys.index(key)
        return (record[at].strip() if at < len(record) else "" for _, record in self._records())

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        records = _records(self._path, self._text, self._separator)
        next(records, None)  # the header
        return records


class _Shared(dict[str, str]):
    """The texts of a column, each once, as long as there are not very many."""

    def one(self, text: str) -> str:
        """The object for a text."""
        if len(self) >= _MOST_SHARED:
            return self.get(text, text)
        return self.setdefault(text, text)


def read_table(path: Path, known: Sequence[str], required: Sequence[str]) -> Table:
    """Read a table; its separator is the one that shows most of the ``known`` columns.

    Raises:
        CatalogueError: unreadable, empty, not text, broken quotation marks, without any of the
            ``required`` columns, or with a known column twice.
    """
    text, notes = _table_text(path)
    separator = _separator(text, known)
    _, columns = next(_records(path, text, separator), (1, []))
    _check_columns(path, columns, known, required)
    rows = TableRows(path, text, separator, [column_key(column) for column in columns])
    return Table(tuple(column.strip() for column in columns), rows, notes)


def read_records(path: Path, known: Sequence[str]) -> list[tuple[int, list[str]]]:
    """A table's records as they are written, each with its number, the header first.

    Raises:
        CatalogueError: unreadable, empty, not text, or broken quotation marks.
    """
    text, _ = _table_text(path)
    return list(_records(path, text, _separator(text, known)))


def read_columns(path: Path, known: Sequence[str]) -> frozenset[str]:
    """A table's columns as :func:`column_key` writes them, to find out what kind of table it is.

    Raises:
        CatalogueError: unreadable, empty, not text, or broken quotation marks in the header.
    """
    text, _ = _table_text(path)
    _, columns = next(_records(path, text, _separator(text, known)), (1, []))
    return frozenset(column_key(column) for column in columns)


def read_text(path: Path, advice: str) -> tuple[str, tuple[str, ...]]:
    """The file's text with one kind of line end, and what had to be assumed to read it.

    Args:
        path: of a file in any usual encoding.
        advice: what to do with one that is not; it ends the messages.

    Raises:
        CatalogueError: unreadable, or not text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CatalogueError(
            f"{path} cannot be read ({error.strerror}). Check the file's permissions."
        ) from error
    text, notes = _decoded(path, content, advice)
    if "\0" in text:
        raise CatalogueError(f"{path} is not a text table. {advice}")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def column_key(column: str) -> str:
    """A column's name without regard to case, spaces and hyphens: " Image ID" is image_id."""
    return re.sub(r"[\s\-]+", "_", column.strip().casefold())


def _table_text(path: Path) -> tuple[str, tuple[str, ...]]:
    text, notes = read_text(path, _SAVE_AS_CSV)
    if not text.strip():
        raise CatalogueError(
            f"{path} is empty. Choose a CSV file with a column “path” and one row for each photo."
        )
    return text, notes


def _decoded(path: Path, content: bytes, advice: str) -> tuple[str, tuple[str, ...]]:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise CatalogueError(f"{path} is a spreadsheet workbook. {advice}")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if encoding != "utf-16" and b"\0" in content:
        raise CatalogueError(f"{path} is not a text table. {advice}")
    try:
        return content.decode(encoding), ()
    except UnicodeDecodeError:
        return _decoded_as_windows_text(path, content, advice)


def _decoded_as_windows_text(path: Path, content: bytes, advice: str) -> tuple[str, tuple[str, ...]]:
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise CatalogueError(
            f"{path} is not text that can be read (UTF-8, UTF-16, Windows-1252). {advice}"
        ) from None
    return text, (f"The file is not UTF-8 and was read as Windows-1252. If names look wrong: {advice}",)


def _separator(text: str, known: Sequence[str]) -> str:
    def columns_found(separator: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            header = next((record for record in reader if any(record)), [])
        except csv.Error:  # reported with its row when the table is read
            return 0, 0
        return len({column_key(column) for column in header} & set(known)), len(header)

    return max(_SEPARATORS, key=columns_found)


def _records(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of each row that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, record in enumerate(reader, 1):
            if (
                max(map(len, record), default=0) > _LONGEST_CELL
            ):  # csv's own limit is one for the whole process
                raise _unreadable(path, number, f"over {_LONGEST_CELL:,} characters")
            if any(cell.strip() for cell in record):
                yield number, record
    except csv.Error as error:
        raise _unreadable(path, number + 1, str(error)) from error


def _unreadable(path: Path, row: int, why: str) -> CatalogueError:
    return CatalogueError(
        f'{path}, row {row}: a quotation mark (") is not closed or a value is too long ({why}). '
        f"Correct this row. {_SAVE_AS_CSV}"
    )


def _check_columns(path: Path, columns: Sequence[str], known: Sequence[str], required: Sequence[str]) -> None:
    counts = Counter(column_key(column) for column in columns)
    if not counts.keys() & set(required):
        found = ", ".join(f"“{_short(column)}”" for column in columns[:20])
        raise CatalogueError(
            f"{path} has no column “{required[0]}”. Columns found: {found}. "
            f"Name the column with the photos' file paths “{required[0]}”."
        )
    for column in known:
        if counts[column] > 1:
            raise CatalogueError(
                f"{path} has the column “{column}” {counts[column]} times. Keep one, rename the rest."
            )


def _row(number: int, record: list[str], keys: list[str], shared: list[_Shared]) -> TableRow:
    cells = {key: one.one(cell.strip()) for key, cell, one in zip(keys, record, shared, strict=False)}
    if len(record) < len(keys):
        cells |= dict.fromkeys(keys[len(record) :], "")
    excess = len(record) - len(keys) if any(cell.strip() for cell in record[len(keys) :]) else 0
    return TableRow(number, cells, excess)


def _short(text: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in text.strip())
    return text if len(text) <= 40 else text[:39] + "…"
