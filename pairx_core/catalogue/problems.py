"""Collecting what is wrong with a catalogue while it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from pairx_core.catalogue.catalogue import Problem

_MOST_NOTES_OF_A_KIND = 10


class ProblemList:
    """The problems of one catalogue."""

    def __init__(self, source: str, unit: str = "row") -> None:
        """Take what to call the catalogue in messages, and what its photos are counted by."""
        self._source = source
        self.unit = unit
        self._found: list[Problem] = []

    def left_out(
        self, message: str, *, kind: str = "", row: int = 0, column: str = "", file: str = ""
    ) -> None:
        """A photo is not used."""
        self._add("left_out", message, kind or column or "file", row, column, file)

    def note(self, message: str, *, kind: str, row: int = 0, column: str = "", file: str = "") -> None:
        """Something its owner should know."""
        self._add("note", message, kind, row, column, file)

    def in_order(self) -> tuple[Problem, ...]:
        """All problems by row, those of the whole catalogue first."""
        return tuple(sorted(self._found, key=lambda problem: problem.row))

    def _add(
        self, severity: Literal["left_out", "note"], message: str, kind: str, row: int, column: str, file: str
    ) -> None:
        where = self._where(row, column, file)
        self._found.append(Problem(severity, where, message, kind, row, column, file))

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
