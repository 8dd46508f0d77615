"""Decisions out of any CSV file that holds them, also one that a spreadsheet program has saved.

Spreadsheet programs reorder columns, change separators, encodings and the way times and numbers look. What
they changed is put right where the file itself says how, and refused where it would have to be guessed: a
file is read whole or not at all.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pairx_core.decisions.checking import checked
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.exporting import TEXT_COLUMNS
from pairx_core.decisions.import_cells import IDS, Reading, flag_in, number_in, reading_of, time_in
from pairx_core.decisions.import_table import Notes, Table, cut, table_in
from pairx_core.decisions.rows import COLUMNS, parse_row
from pairx_core.errors import DecisionLogError
from pairx_core.formulas import MARKER, restore_cell

_MOST_PROBLEMS = 10  # rows named in one message
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?E[+-]\d+", re.ASCII | re.IGNORECASE)


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
    notes = Notes()
    table = table_in(content, name, notes)
    reading = reading_of(table, timezone, notes)
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


class _Found:
    """Decisions by decision_id, each once."""

    def __init__(self, notes: Notes) -> None:
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
                f"decision_id “{cut(decision.decision_id)}” stands in row {earlier_number} already with "
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


def _cells(values: list[str], table: Table, reading: Reading, number: int) -> dict[str, str]:
    """The cells of a row by column, with apostrophes of an export taken away."""
    values = _fitted(values, table, reading)
    cells = {column: values[place] for column, place in table.columns.items()}
    marker = cells.pop(MARKER, "")
    is_neutralised = bool(marker.strip()) and flag_in(marker, MARKER, reading)
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


def _fitted(values: list[str], table: Table, reading: Reading) -> list[str]:
    missing = table.width - len(values)
    if any(cell.strip() for cell in values[table.width :]) or (missing > 0 and not table.may_be_short):
        raise ValueError(
            f"{len(values)} values instead of {table.width}; a separator is missing or too many, or the row is torn"
        )
    if missing > 0:
        reading.notes.add("rows that end early were filled up with empty cells, as Excel leaves those out")
    return values[: table.width] + [""] * missing


def _decision(cells: dict[str, str], reading: Reading) -> Decision:
    for column in IDS:
        if _SCIENTIFIC.fullmatch(cells.get(column, "").strip()):
            raise ValueError(
                f"{column} “{cut(cells[column])}” was an id that a spreadsheet program turned into a number; "
                "copy it from the original file, into a column formatted as text"
            )
    written = dict.fromkeys(COLUMNS, "") | {"blind": "false"} | cells
    written["decision"] = written["decision"].strip()
    written["decided_at"] = time_in(written["decided_at"].strip(), reading)
    for column in ("rank", "similarity", "seconds"):
        written[column] = number_in(written[column].strip(), column, reading)
    if "blind" in cells:
        written["blind"] = "true" if flag_in(cells["blind"], "blind", reading) else "false"
    decision = parse_row(_row_bytes(written))
    kept = checked(decision)
    if kept != decision:
        reading.notes.add("names, texts or numbers were tidied as the store keeps them")
    return kept


def _row_bytes(written: dict[str, str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow([written[column] for column in COLUMNS])
    return buffer.getvalue().encode()
