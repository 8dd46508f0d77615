"""Collecting what is wrong with a catalogue while it is read."""

from __future__ import annotations

from collections import Counter

from pairx_core.catalogue.catalogue import Problem

_MOST_NOTES_OF_A_KIND = 10


class ProblemList:
    """The problems of one catalogue. Every photo left out is listed; many like notes are folded into one."""

    def __init__(self, source: str, unit: str = "row") -> None:
        """Take what to call the catalogue in messages, and what its photos are counted by."""
        self._source = source
        self.unit = unit
        self._found: list[tuple[int, str, Problem]] = []  # row (0: no row), kind, problem

    def left_out(self, message: str, *, row: int = 0, column: str = "", file: str = "") -> None:
        """A photo is not used."""
        self._found.append((row, "", Problem("left_out", self._where(row, column, file), message)))

    def note(self, message: str, *, kind: str, row: int = 0, column: str = "", file: str = "") -> None:
        """Something its owner should know; notes of one ``kind`` are folded when there are many."""
        self._found.append((row, kind, Problem("note", self._where(row, column, file), message)))

    def in_order(self) -> tuple[Problem, ...]:
        """All problems by row, those of the whole catalogue first."""
        found = sorted(self._found, key=lambda entry: entry[0])
        seen: Counter[str] = Counter()
        kept: list[Problem] = []
        for _, kind, problem in found:
            seen[kind] += problem.severity == "note"
            if problem.severity == "left_out" or seen[kind] <= _MOST_NOTES_OF_A_KIND:
                kept.append(problem)
        return (*kept, *self._folded(seen))

    def _folded(self, seen: Counter[str]) -> list[Problem]:
        more = {kind: count - _MOST_NOTES_OF_A_KIND for kind, count in seen.items()}
        return [
            Problem("note", self._source, f"{count:,} more photos have the same kind of note: {kind}.")
            for kind, count in more.items()
            if count > 0
        ]

    def _where(self, row: int, column: str, file: str) -> str:
        return ", ".join(
            part for part in (self._source, file, f"{self.unit} {row}" if row else "", column) if part
        )
