"""What the record of decisions amounts to, worked out once for each state of the record and followed row by row."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import streamlit as st

from pages.components.workspace import Workspace
from pairx_core.decisions import DamagedRow, Decision
from pairx_core.decisions.followed import StandingRecord
from pairx_core.decisions.individuals import Individuals, count_individuals, individuals
from pairx_core.decisions.naming import GivenName
from pairx_core.decisions.settling_pairs import Pair, SettledPair
from pairx_core.errors import DecisionLogError
from pairx_core.exports import Resolution, resolve

SIMILARITY_BIN = 0.05
_SELECTIONS_KEPT = 8


@dataclass(frozen=True)
class Summary:
    """The record, as far as it is about the catalogue that is open. What a page does not show is not worked out."""

    workspace: Workspace
    rows: Sequence[Decision]  # all, in the order of the record
    standing_ids: frozenset[str]  # of what stands of each reviewer
    disputed: int  # pairs on which reviewers differ and nobody has settled
    settled: Mapping[Pair, SettledPair]
    _kept: OrderedDict[Hashable, list[Decision]] = field(default_factory=OrderedDict, repr=False)
    _resolved: dict[Hashable, Resolution] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def remembered(self, key: Hashable, make: Callable[[], list[Decision]]) -> list[Decision]:
        """Some of the rows by a key; the last ones that were made are kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _SELECTIONS_KEPT:
                self._kept.popitem(last=False)
        return made

    @cached_property
    def standing(self) -> Sequence[Decision]:
        """What stands of each reviewer, in the order of the record."""
        return tuple(row for row in self.rows if row.decision_id in self.standing_ids)

    @cached_property
    def individuals(self) -> Individuals:
        """Who is who by the record."""
        return individuals(self.workspace.named_photos, self.settled)

    @cached_property
    def counts(self) -> tuple[int, int]:
        """How many individuals there are by the record, and how many contradictions."""
        return count_individuals(self.workspace.named_photos, self.settled)

    @cached_property
    def unnamed(self) -> Sequence[tuple[str, ...]]:
        """The individuals without a name in the catalogue, those with several photos first."""
        names = self.workspace.named_photos.names
        new = [group for group in self.individuals.groups if not any(photo in names for photo in group)]
        return sorted(new, key=lambda group: -len(group))

    def resolution(self, given: Mapping[str, GivenName]) -> Resolution:
        """Who is on each photo by the record and by names that were given; the last one is kept."""
        names = tuple(sorted((photo, one.name, one.by) for photo, one in given.items()))
        with self._lock:
            if names in self._resolved:
                return self._resolved[names]
        found = resolve(self.workspace.catalogue, self.settled, given)
        with self._lock:
            self._resolved.clear()
            self._resolved[names] = found
        return found

    @cached_property
    def reviewers(self) -> Mapping[str, int]:
        """How many decisions of each reviewer stand, most first."""
        return dict(Counter(row.reviewer for row in self.standing).most_common())

    @cached_property
    def all_reviewers(self) -> frozenset[str]:
        """Who decided something, whether it stands or not."""
        return frozenset(row.reviewer for row in self.rows)

    @cached_property
    def sessions(self) -> Sequence[str]:
        """The sessions that rows belong to."""
        return sorted({row.session for row in self.rows if row.session})

    @cached_property
    def days(self) -> Mapping[tuple[date, str], int]:
        """How many decisions stand, by day and verdict."""
        return Counter((row.decided_at.date(), row.decision) for row in self.standing)

    @cached_property
    def similarities(self) -> Mapping[tuple[int, str], int]:
        """How many decisions stand, by the number of the similarity's bin and verdict."""
        known = (row for row in self.standing if row.similarity is not None)
        return Counter((round((row.similarity or 0.0) / SIMILARITY_BIN), row.decision) for row in known)

    @cached_property
    def searched(self) -> Sequence[str]:
        """What is looked through for a text, of each row, in small letters."""
        return [_searched(row) for row in self.rows]


@dataclass(frozen=True)
class RecordNow:
    """What the record amounts to, and what is wrong with it."""

    summary: Summary
    damaged: Sequence[DamagedRow]
    trouble: DecisionLogError | None  # why the record cannot be read now


def summarise(workspace: Workspace) -> RecordNow:
    """What the record amounts to now."""
    record = workspace.decisions()
    stands = workspace.stands(record)
    last = stands.rows[-1].decision_id if stands.rows else ""
    key = (str(workspace.catalogue.source), workspace.log.location, len(stands.rows), last)
    summary = _worked_out(key, stands, workspace)
    damaged = () if record.trouble is not None else workspace.log.damaged
    return RecordNow(summary, damaged, record.trouble)


def known_identities(workspace: Workspace) -> Mapping[str, str]:
    """Who is on each photo by the catalogue, where it says so."""
    return workspace.named_photos.names


@st.cache_resource(show_spinner=False, max_entries=4)
def _worked_out(key: tuple[str, str, int, str], _stands: StandingRecord, _workspace: Workspace) -> Summary:
    standing = (row.decision_id for of_one in _stands.by_reviewer.values() for row in of_one.values())
    pairs = _workspace.pairs(_stands)
    return Summary(_workspace, _stands.rows, frozenset(standing), pairs.disputed, pairs.settled)


def _searched(row: Decision) -> str:
    """The texts of a row, apart from each other."""
    texts = (row.query_path, row.candidate_path, row.note, row.query_identity, row.candidate_identity)
    return "\n".join((*texts, *row.tags)).casefold()
