"""Rows out of bytes, when some may be torn by a crash or changed by hand.

A row ends at a line end outside quotation marks. Where a torn row or a stray mark leaves them open, the
rows that follow would seem to lie inside a note. So a stretch of several lines that makes no sense as one
row gives up its first line only, and is read again from the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pairx_core.decisions.decision import Decision
from pairx_core.decisions.rows import parse_row

_LONGEST_EXCERPT = 80  # characters


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row of the decisions file that cannot be read as a decision; it stays in the file."""

    row: int  # as a spreadsheet counts: the header is row 1
    excerpt: str  # how it begins
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}: “{self.excerpt}”"


@dataclass(frozen=True, slots=True)
class RawRow:
    """The bytes of one row, which may span several lines."""

    content: bytes
    is_ended: bool  # by a line end; only the last row of a file may be without

    @property
    def ending(self) -> bytes:
        """What has to be appended before another row can follow."""
        if self.is_ended:
            return b""
        return b'"\n' if _has_open_quote(self.content) else b"\n"


def split_rows(content: bytes) -> Iterator[RawRow]:
    """Cut at the line ends outside quotation marks."""
    start = 0
    while start < len(content):
        end, is_ended = _end_of_row(content, start)
        yield RawRow(content[start:end], is_ended)
        start = end


def parse_raw_row(raw: RawRow, row: int) -> Iterator[Decision | DamagedRow]:
    """What a row holds: nothing (an empty line), one decision, or, if damaged, whatever can be saved."""
    start = 0
    while start < len(raw.content):
        end, _ = _end_of_row(raw.content, start)
        parsed = _parse(raw.content[start:end], row)
        line_end = raw.content.find(b"\n", start, end - 1) + 1
        if isinstance(parsed, DamagedRow) and line_end:
            end = line_end
            parsed = _parse(raw.content[start:end], row)
        if parsed is not None:
            yield parsed
        start = end


def _end_of_row(content: bytes, start: int) -> tuple[int, bool]:
    """Where the row that starts at ``start`` ends, and whether a line end ends it."""
    line = start
    quotes = 0
    while (line_end := content.find(b"\n", line)) >= 0:
        quotes += content.count(b'"', line, line_end)
        line = line_end + 1
        if quotes % 2 == 0:
            return line, True
    return len(content), False


def _has_open_quote(content: bytes) -> bool:
    """Whether a row stops inside quotation marks; doubled ones, which stand for one, make no difference."""
    return content.count(b'"') % 2 == 1


def _parse(content: bytes, row: int) -> Decision | DamagedRow | None:
    if not content.strip():
        return None
    try:
        return parse_row(content)
    except ValueError as reason:
        text = content.decode("utf-8", "replace").strip()
        return DamagedRow(row, text[:_LONGEST_EXCERPT], str(reason))
