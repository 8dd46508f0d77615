"""What is on the review screen: the work, the query, its candidates and the chosen one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pages.components import state
from pages.components.worklist import Worklist
from pages.components.workspace import Record, Workspace
from pairx_core.catalogue import Photo
from pairx_core.decisions import Decision
from pairx_core.retrieval import Candidate, CandidateFilters

TO_IDENTIFY, ALL_PHOTOS = "To identify", "All photos"  # which photos are queries


@dataclass(frozen=True, eq=False)
class Work:
    """A workspace as one reviewer sees it: their name, filters, queries and decisions."""

    workspace: Workspace
    reviewer: str
    filters: CandidateFilters
    worklist: Worklist
    record: Record  # what it says about this catalogue's photos
    standing: Mapping[tuple[str, str], Decision]  # the reviewer's, by (query id, candidate id)
    others: Mapping[str, Mapping[tuple[str, str], Decision]]  # other reviewers', where they are shown
    last_undoable: Decision | None = None  # the reviewer's, outside sessions

    def others_said(self, query_id: str, candidate_id: str) -> list[Decision]:
        """What other reviewers decided on a pair, where that is shown."""
        pair = (query_id, candidate_id)
        return [standing[pair] for standing in self.others.values() if pair in standing]

    def candidates(self, query: Photo) -> Sequence[Candidate]:
        """The top candidates of a query under the filters."""
        return self.workspace.candidates(query, self.filters)


@dataclass(frozen=True, eq=False)
class Room:
    """One pair on the screen."""

    work: Work
    query: Photo
    candidates: Sequence[Candidate]
    chosen: Candidate | None  # None: there are no candidates
    name: str = ""  # of the pair; empty: one made of the photos' ids
    is_veiled: bool = False  # who and what the photos are stays on the server
    is_bare: bool = False  # so does the explanation
    upcoming: Sequence[tuple[Photo, Candidate]] | None = None  # what comes next; None: as the worklist has it
    arguments: Sequence[Decision] = ()  # others' decisions whose ticked matches are shown to begin with

    @property
    def card(self) -> Candidate | None:
        """The candidate that stands for the chosen photo: itself, or the first one of its individual."""
        if self.chosen is None or self.chosen in self.candidates:
            return self.chosen
        if self.chosen.photo.identity is None:
            return None
        identity = self.chosen.photo.identity
        return next((one for one in self.candidates if one.photo.identity == identity), None)

    @property
    def pair(self) -> str:
        """A short name of the pair, for keys of widgets; empty where there is none."""
        if self.name or self.chosen is None:
            return self.name
        return pair_name(self.work.workspace, self.query.id, self.chosen.photo.id)

    @property
    def is_on_screen(self) -> bool:
        """Whether the reviewer is still with the pair."""
        if self.name:
            return state.is_current(self.name)
        return state.place() == (self.query.id, None if self.chosen is None else self.chosen.photo.id)


def pair_name(workspace: Workspace, query_id: str, candidate_id: str) -> str:
    """A short name of a pair that no other pair has, in this or another catalogue, or explained otherwise."""
    explained_by = (
        workspace.model.fingerprint,
        workspace.layer,
    )  # matches are others then, and so are their ticks
    parts = "\n".join((str(workspace.catalogue.source), *explained_by, query_id, candidate_id))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def enter(work: Work) -> Room | None:
    """The pair to show: the one on the screen, or where the reviewer left off. None: there are no queries."""
    query_id, candidate_id = state.place()
    query = _query(work, query_id)
    if query is None:
        return None
    candidates = work.candidates(query)
    chosen = next((one for one in candidates if one.photo.id == candidate_id), None)
    chosen = (
        chosen
        or _picked(work, query, candidate_id)
        or work.worklist.next_undecided(query)
        or (candidates[0] if candidates else None)
    )
    state.go(query.id, chosen.photo.id if chosen else None)
    return Room(work, query, candidates, chosen)


def _picked(work: Work, query: Photo, photo_id: str | None) -> Candidate | None:
    """A photo that is not among the candidates: of the same individual as one of them, or from a link to the pair."""
    workspace, catalogue = work.workspace, work.workspace.catalogue
    if photo_id is None or photo_id == query.id or photo_id not in catalogue:
        return None
    photo = catalogue.photo(photo_id)
    return workspace.candidate(query, photo, work.filters) if photo in workspace.index else None


def _query(work: Work, query_id: str | None) -> Photo | None:
    queries = work.worklist.queries
    position = work.worklist.position(query_id)
    if position is not None:
        return queries[position]
    if query_id is not None and query_id not in work.workspace.catalogue:
        state.tell("toast", "The link leads to a photo that is not in this catalogue; here is what is next.")
    last = _last_decided(work)
    return work.worklist.next_open(last) or (queries[0] if len(queries) else None)


def _last_decided(work: Work) -> str | None:
    """The query of the reviewer's last decision, if it is one of these queries."""
    for row in reversed(work.record.rows):
        if row.reviewer == work.reviewer and work.worklist.position(row.query_id) is not None:
            return row.query_id
    return None
