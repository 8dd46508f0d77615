"""Which queries there are, which of them are done, and where to go next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from pairx_core.catalogue import Photo
from pairx_core.retrieval import Candidate

Verdicts = Mapping[tuple[str, str], str]  # (query id, candidate id) → the reviewer's standing decision


class QueryStatus(Enum):
    """What the reviewer has said about a query; the value is how the screen says it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    ALL_REJECTED = "all candidates rejected"
    REVIEWED = "reviewed, no match"
    EMPTY = "no candidates"


UNSURE, DISAGREED = "unsure", "disagreed"  # what a query may be besides its status


@dataclass(frozen=True, slots=True)
class QueryFilters:
    """Which queries are gone through. What is empty or None excludes nothing."""

    open_only: bool = False
    standings: frozenset[str] = frozenset()  # values of QueryStatus, UNSURE, DISAGREED; any of them will do
    species: frozenset[str] = frozenset()
    flanks: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    similarity: tuple[float, float] | None = None  # least and most of the first candidate, both included
    name: str = ""  # a part of the file's name

    def __bool__(self) -> bool:
        return self != QueryFilters()


@dataclass(frozen=True)
class Worklist:
    """The queries of a session in their order, with one reviewer's standing decisions."""

    queries: Sequence[Photo]
    verdicts: Verdicts
    candidates_of: Callable[[Photo], Sequence[Candidate]]
    identity_of: Callable[[str], str | None] = lambda _: None  # the individual on the photo of an id
    filters: QueryFilters = field(default_factory=QueryFilters)
    disagreed: frozenset[str] = frozenset()  # ids of queries on which reviewers' decisions differ

    def status(self, query: Photo) -> QueryStatus:
        """What has been decided about a query."""
        decided = self._decided.get(query.id, {})
        if "accept" in decided.values():
            return QueryStatus.ACCEPTED
        candidates = self.candidates_of(query)
        if not candidates:
            return QueryStatus.EMPTY
        said = [self.verdict(query, candidate.photo) for candidate in candidates]
        if None in said:
            return QueryStatus.OPEN
        return QueryStatus.ALL_REJECTED if set(said) == {"reject"} else QueryStatus.REVIEWED

    def verdict(self, query: Photo, candidate: Photo) -> str | None:
        """The standing decision on a pair; None while it is open.

        A decision on another photo of the same individual counts as well, unless that photo is a candidate itself.
        """
        decided = self._decided.get(query.id, {})
        if candidate.id in decided or candidate.identity is None or not decided:
            return decided.get(candidate.id)
        listed = {one.photo.id for one in self.candidates_of(query)}
        others = (one for one in decided if one not in listed and self.identity_of(one) == candidate.identity)
        return next((decided[one] for one in others), None)

    def position(self, query_id: str | None) -> int | None:
        """Where a query is in the list, from 0; None where it is not."""
        return None if query_id is None else self._position.get(query_id)

    def passes(self, query: Photo) -> bool:
        """Whether a query is one of those to go through."""
        return self._is_named(query) and self._is_as_similar(query) and self._stands_so(query)

    @cached_property
    def matching(self) -> tuple[Photo, ...]:
        """The queries that pass the filters."""
        return tuple(self.queries) if not self.filters else tuple(q for q in self.queries if self.passes(q))

    def find(self, text: str) -> Photo | None:
        """The query with a number (from 1), an id or a file name, or else the first whose file name holds the text."""
        if text.isdecimal() and 1 <= int(text) <= len(self.queries):
            return self.queries[int(text) - 1]
        exactly = (query for query in self.queries if text in (query.id, query.path.name))
        partly = (query for query in self.queries if text.casefold() in query.path.name.casefold())
        return next(exactly, None) or next(partly, None)

    def next_open(self, after: str | None) -> Photo | None:
        """The next query with something to do, going round; None when nothing is left.

        That is an open one, or whatever was asked for where a filter says how queries stand.
        """
        start = self.position(after)
        first = 0 if start is None else start + 1
        order = [*self.queries[first:], *self.queries[:first]]
        if self.filters.standings:
            return next((query for query in order if query.id != after and self.passes(query)), None)
        return next((q for q in order if self.status(q) is QueryStatus.OPEN and self.passes(q)), None)

    def step(self, query_id: str, by: int) -> Photo | None:
        """The next query (by=1) or the previous one (by=-1) that passes; None at the end of the list."""
        at = self.position(query_id)
        if at is None:
            return None
        order = self.queries[at + 1 :] if by > 0 else self.queries[:at][::-1]
        return next((query for query in order if self.passes(query)), None)

    def next_undecided(self, query: Photo, after: str | None = None) -> Candidate | None:
        """The next candidate of a query without a decision, going round."""
        candidates = list(self.candidates_of(query))
        at = next((i for i, one in enumerate(candidates) if one.photo.id == after), -1)
        order = candidates[at + 1 :] + candidates[: at + 1]
        return next((one for one in order if self.verdict(query, one.photo) is None), None)

    def done_count(self) -> int:
        """How many queries have nothing left to decide."""
        touched = [query for query in self.queries if query.id in self._decided]
        return sum(self.status(query) not in (QueryStatus.OPEN, QueryStatus.EMPTY) for query in touched)

    def _is_named(self, query: Photo) -> bool:
        wanted = self.filters
        return (
            wanted.name.casefold() in query.path.name.casefold()
            and (not wanted.species or query.species in wanted.species)
            and (not wanted.flanks or query.flank in wanted.flanks)
            and (not wanted.sites or query.site in wanted.sites)
        )

    def _is_as_similar(self, query: Photo) -> bool:
        if self.filters.similarity is None:
            return True
        least, most = self.filters.similarity
        first = next(iter(self.candidates_of(query)), None)
        return first is not None and least <= first.similarity <= most

    def _stands_so(self, query: Photo) -> bool:
        wanted = self.filters
        if wanted.open_only and self.status(query) is not QueryStatus.OPEN:
            return False
        return not wanted.standings or not wanted.standings.isdisjoint(self._standings(query))

    def _standings(self, query: Photo) -> set[str]:
        """All that can be said about how a query stands."""
        said = {self.status(query).value}
        if UNSURE in self._decided.get(query.id, {}).values():
            said.add(UNSURE)
        if query.id in self.disagreed:
            said.add(DISAGREED)
        return said

    @cached_property
    def _decided(self) -> dict[str, dict[str, str]]:
        decided: dict[str, dict[str, str]] = defaultdict(dict)
        for (query_id, candidate_id), verdict in self.verdicts.items():
            decided[query_id][candidate_id] = verdict
        return dict(decided)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {query.id: at for at, query in enumerate(self.queries)}
