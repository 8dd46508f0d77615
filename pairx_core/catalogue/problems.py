"""Collecting what is wrong with a catalogue while it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, Protocol

from pairx_core.catalogue.catalogue import Problem

_MOST_NOTES_OF_A_KIND = 10


class Described(Protocol):
    """What a catalogue says about one photo."""

    @property
    def id(self) -> str:
        """Of the photo."""

    @property
    def written(self) -> str:
        """The path as the catalogue has it."""


class ProblemList:
    """The problems of one catalogue."""

    def __init__(self, source: str, unit: str = "row") -> None:
        """Take what to call the catalogue in messages, and what its photos are counted by."""
        self._source = source
        self.unit = unit
        self._found: list[Problem] = []

    def left_out(
        self,
        message: str,
        *,
        kind: str = "",
        row: int = 0,
        column: str = "",
        file: str = "",
        of: Described | None = None,
    ) -> None:
        """A photo is not used.

        Args:
            message: what is wrong and what to do.
            kind: a few words that like problems share.
            row: of the table.
            column: of the table.
            file: where the problem is, instead of a row.
            of: the photo, for the report.
        """
        self._add("left_out", message, kind or column or "file", row, column, file, of)

    def note(
        self,
        message: str,
        *,
        kind: str,
        row: int = 0,
        column: str = "",
        file: str = "",
        of: Described | None = None,
    ) -> None:
        """Something its owner should know; the arguments are those of :meth:`left_out`."""
        self._add("note", message, kind, row, column, file, of)

    def in_order(self) -> tuple[Problem, ...]:
        """All problems by row, those of the whole catalogue first."""
        return tuple(sorted(self._found, key=lambda problem: problem.row))

    def _add(
        self,
        severity: Literal["left_out", "note"],
        message: str,
        kind: str,
        row: int,
        column: str,
        file: str,
        of: Described | None,
    ) -> None:
        where = self._where(row, column, file)
        written, photo_id = (file, "") if of is None else (file or of.written, of.id)
        self._found.append(Problem(severity, where, message, kind, row, column, written, photo_id))

    def _where(self, row: int, column: str, file: str) -> str:
        return ", ".join(
            part for part in (self._source, file, f"{self.unit} {row}" if row else "", column) if part
        )


def folded(problems: Iterable[Problem]) -> list[Problem]:
    """Problems for the screen: every photo left out, and of many like notes the first, with how many more there are."""
    seen: Counter[str] = Counter()
    kept: list[Problem] = []
    sources: dict[str, str] = {}
    for problem in problems:
        is_note = problem.severity == "note" and bool(problem.kind)
        seen[problem.kind] += is_note
        if not is_note or seen[problem.kind] <= _MOST_NOTES_OF_A_KIND:
            kept.append(problem)
            sources.setdefault(problem.kind, problem.where.partition(",")[0])
    more = {kind: count - _MOST_NOTES_OF_A_KIND for kind, count in seen.items()}
    return kept + [
        Problem("note", sources[kind], f"{count:,} more have the same kind of note: {kind}.", kind)
        for kind, count in more.items()
        if count > 0
    ]
