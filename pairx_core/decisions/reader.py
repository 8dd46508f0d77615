"""Following a decisions file while several programs append to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pairx_core.decisions.decision import Decision
from pairx_core.decisions.recovery import DamagedRow, RawRow, parse_raw_row, split_rows
from pairx_core.decisions.rows import COLUMNS, split_cells
from pairx_core.errors import DecisionLogError

_ANCHOR_BYTES = 256
_BY_SPREADSHEET = "so a spreadsheet program has saved it and may have changed it"
_REMEDY = "Choose another file with PAIRX_DECISIONS, or move this one away; it was not changed."


@dataclass
class _Rows:
    """What has been read."""

    decisions: list[Decision] = field(default_factory=list)
    by_id: dict[str, Decision] = field(default_factory=dict)
    damaged: list[DamagedRow] = field(default_factory=list)

    def add(self, raw: RawRow, row: int) -> None:
        for parsed in parse_raw_row(raw, row):
            if isinstance(parsed, DamagedRow):
                self.damaged.append(parsed)
            elif parsed.decision_id in self.by_id:
                reason = "its decision_id stands in an earlier row already"
                self.damaged.append(DamagedRow(row, parsed.decision_id, reason))
            else:
                self.decisions.append(parsed)
                self.by_id[parsed.decision_id] = parsed


class DecisionReader:
    """Reads what was appended since it last looked; the whole file again when it was changed otherwise.

    Not thread-safe by itself: :class:`DecisionLog` guards it.
    """

    _snapshot: tuple[Decision, ...] | None  # made of _whole and _last when it is asked for

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions, in the order of the file."""
        if self._snapshot is None:
            self._snapshot = (*self._whole.decisions, *self._last.decisions)
        return self._snapshot

    @property
    def damaged(self) -> tuple[DamagedRow, ...]:
        """Rows that are no decisions."""
        return (*self._whole.damaged, *self._last.damaged)

    @property
    def missing_ending(self) -> bytes:
        """What has to be appended before a new row can follow."""
        return self._missing_ending

    def find(self, decision_id: str) -> Decision | None:
        """The decision with this id."""
        return self._whole.by_id.get(decision_id) or self._last.by_id.get(decision_id)

    def refresh(self) -> None:
        """Read what is new.

        Raises:
            DecisionLogError: the file is gone, cannot be read, or is not a decisions file.
        """
        try:
            added = self._added_bytes()
        except FileNotFoundError:
            raise DecisionLogError(
                f"The decisions file {self._path} is gone. Put it back, or open the catalogue again "
                "to start a new one."
            ) from None
        except OSError as error:
            raise DecisionLogError(
                f"The decisions file {self._path} cannot be read ({error.strerror}). {_REMEDY}"
            ) from error
        if added != self._tail or self._offset == 0:
            self._take(added)

    def _forget(self) -> None:
        self._whole = _Rows()  # rows that have their line end and will not change any more
        self._last = _Rows()  # the row after them, if there is one: torn, or being written at this moment
        self._tail = b""  # its bytes
        self._missing_ending = b""
        self._offset = 0  # where it starts in the file
        self._row = 1  # its number
        self._anchor = b""  # the bytes before it, to notice that the file was changed there
        self._file_id: tuple[int, int] | None = None
        self._snapshot = None

    def _added_bytes(self) -> bytes:
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            file_id = (status.st_dev, status.st_ino)
            file.seek(self._offset - len(self._anchor))
            if file_id != self._file_id or file.read(len(self._anchor)) != self._anchor:
                self._forget()
                self._file_id = file_id
                file.seek(0)
            return file.read()

    def _take(self, added: bytes) -> None:
        rows = list(split_rows(added))
        if self._row == 1:
            check_header(self._path, rows[0].content if rows else b"")
        self._tail = b"" if not rows or rows[-1].is_ended else rows.pop().content
        for raw in rows:
            if self._row > 1:
                self._whole.add(raw, self._row)
            self._row += 1
        consumed = added[: len(added) - len(self._tail)]
        self._offset += len(consumed)
        self._anchor = (self._anchor + consumed)[-_ANCHOR_BYTES:]
        self._take_tail()

    def _take_tail(self) -> None:
        self._snapshot = None
        self._last = _Rows()
        self._missing_ending = RawRow(self._tail, is_ended=not self._tail).ending
        if self._tail and self._row > 1:
            self._last.by_id.update(self._whole.by_id)
            self._last.add(RawRow(self._tail, is_ended=False), self._row)


def check_header(path: Path, first_row: bytes) -> None:
    """Make sure that a file is a decisions file of ours.

    Raises:
        DecisionLogError: it is not; the message says how it can be told.
    """
    difference = _difference(first_row)
    if difference:
        raise DecisionLogError(f"{path} is not a decisions file of PAIR-X Review: {difference}. {_REMEDY}")


def _difference(first_row: bytes) -> str:
    if first_row.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return f"it starts with a byte order mark, {_BY_SPREADSHEET}"
    try:
        columns = split_cells(first_row)
    except ValueError:
        return "its first row is not the header of a table"
    if len(columns) == 1 and columns[0].startswith((f"{COLUMNS[0]};", f"{COLUMNS[0]}\t")):
        return f"its columns are not separated by commas, {_BY_SPREADSHEET}"
    for number, (found, expected) in enumerate(zip(columns, COLUMNS, strict=False), 1):
        if found != expected:
            return f"its column {number} is “{found[:40]}” where “{expected}” should be"
    if len(columns) < len(COLUMNS):
        return f"the column “{COLUMNS[len(columns)]}” is missing"
    if len(columns) > len(COLUMNS):
        return f"there is a column “{columns[len(COLUMNS)][:40]}” too many"
    return ""
