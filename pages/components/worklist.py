"""Which queries there are, which of them are done, and where to go next.

How a query stands depends on its candidates, and the index cannot be asked for those of a million queries. Where there
are more than :data:`ALL_LOOKED_AT`, the record alone says which are done (see :mod:`pages.components.by_record`), and a
query's candidates are looked at when it comes up.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice, zip_longest

import numpy as np
import numpy.typing as npt

from pages.components.by_record import ByRecord
from pages.components.query_status import DISAGREED, UNSURE, QueryStatus
from pages.components.roster import Places, Queries
from pairx_core.catalogue import Photo
from pairx_core.decisions.followed import ByQuery
from pairx_core.retrieval import Candidate

Verdicts = Mapping[str, Mapping[str, str]]  # query id → candidate id → the reviewer's standing decision
ALL_LOOKED_AT = 2_000  # queries; of more, not all candidates are looked at to tell how they stand
_LOOKS = 64  # queries whose candidates are looked at in turn; then the next one has to do
_TOGETHER = 8  # queries of which the candidates are asked for at once


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


class VerdictsOf(Mapping[str, Mapping[str, str]]):
    """What the decisions that stand say: nothing is copied."""

    def __init__(self, by_query: ByQuery) -> None:
        self._by_query = by_query

    def __getitem__(self, query_id: str) -> Mapping[str, str]:
        return {candidate: row.decision for candidate, row in self._by_query[query_id].items()}

    def __contains__(self, query_id: object) -> bool:
        return query_id in self._by_query

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_query)

    def __len__(self) -> int:
        return len(self._by_query)


def no_queries() -> Queries:
    """An empty list of queries."""
    return Queries.of(())


@dataclass(frozen=True)
class Worklist:
    """The queries of a session in their order, with one reviewer's standing decisions."""

    queries: Queries
    decided: Verdicts
    candidates_of: Callable[[Photo], Sequence[Candidate]]
    identity_of: Callable[[str], str | None] = lambda _: None  # the individual on the photo of an id
    filters: QueryFilters = field(default_factory=QueryFilters)
    disagreed: frozenset[str] = frozenset()  # ids of queries on which reviewers' decisions differ
    by_record: ByRecord | None = (
        None  # how queries stand by the record; None: their candidates say so, of all
    )
    first_similarities: Callable[[], npt.NDArray[np.float32]] | None = (
        None  # (photos of the roster,); NaN: none
    )
    prepare: Callable[[Sequence[Photo]], None] = lambda _: (
        None
    )  # told of queries whose candidates are needed next

    def status(self, query: Photo) -> QueryStatus:
        """What has been decided about a query."""
        decided = self.decided.get(query.id, {})
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
        decided = self.decided.get(query.id, {})
        if candidate.id in decided or candidate.identity is None or not decided:
            return decided.get(candidate.id)
        listed = {one.photo.id for one in self.candidates_of(query)}
        others = (one for one in decided if one not in listed and self.identity_of(one) == candidate.identity)
        return next((decided[one] for one in others), None)

    def position(self, query_id: str | None) -> int | None:
        """Where a query is in the list, from 0; None where it is not."""
        return self.queries.position(query_id)

    @cached_property
    def matching(self) -> Queries:
        """The queries that pass the filters; in a large list, as far as the record tells how they stand."""
        if not self.filters:
            return self.queries
        if self.by_record is None:
            passing = [place for place in self._said.places if self._passes(self._photo(place))]
            return self._said.at_places(np.asarray(passing, np.int32))
        return self._standing_so(self.filters.open_only, self.filters.standings)

    def find(self, text: str) -> Photo | None:
        """The query with a number (from 1), an id or a file name, or else the first whose file name holds the text."""
        if text.isdecimal() and 1 <= int(text) <= len(self.queries):
            return self.queries[int(text) - 1]
        return self.queries.find(text)

    def next_open(self, after: str | None) -> Photo | None:
        """The next query with something to do, going round; None when nothing is left.

        That is an open one, or whatever was asked for where a filter says how queries stand.
        """
        if self.filters.standings:
            return self._first(query for query in self._going_round(after) if query.id != after)
        return self._first(self._going_round(after), is_open=True)

    def step(self, query_id: str, by: int) -> Photo | None:
        """The next query (by=1) or the previous one (by=-1) that passes; None at the end of the list."""
        if self.position(query_id) is None:
            return None
        before, after = self._around(query_id, self._walked)
        return self._first(self._photos(after if by > 0 else before[::-1]))

    def upcoming(self, query_id: str, count: int) -> list[Photo]:
        """The queries that may come up after one, most likely first; their candidates are not looked at."""
        before, after = self._around(query_id, self._walked)
        to_do = list(islice(self._going_round(query_id), count))
        stepped = [*self._photos(after[: count // 4])], [*self._photos(before[: -count // 4 : -1])]
        in_turn = chain.from_iterable(zip_longest(to_do, *stepped))
        found = {query.id: query for query in in_turn if query is not None and query.id != query_id}
        return list(found.values())

    def next_undecided(self, query: Photo, after: str | None = None) -> Candidate | None:
        """The next candidate of a query without a decision, going round."""
        candidates = list(self.candidates_of(query))
        at = next((i for i, one in enumerate(candidates) if one.photo.id == after), -1)
        order = candidates[at + 1 :] + candidates[: at + 1]
        return next((one for one in order if self.verdict(query, one.photo) is None), None)

    @cached_property
    def done_count(self) -> int:
        """How many queries have nothing left to decide; in a large list, by the record alone."""
        if self.by_record is not None:
            return self.by_record.done(self.queries.places)
        touched = (query_id for query_id in self.decided if self.position(query_id) is not None)
        found = (self.status(self.queries[self.position(query_id) or 0]) for query_id in touched)
        return sum(status not in (QueryStatus.OPEN, QueryStatus.EMPTY) for status in found)

    def with_decisions(self, query_id: str, verdicts: Mapping[str, str]) -> Worklist:
        """The list as it will be with decisions on a query's candidates, by their ids."""
        said = {**self.decided.get(query_id, {}), **verdicts}
        return replace(self, decided=ChainMap({query_id: said}, self.decided))  # type: ignore[arg-type]

    @cached_property
    def _said(self) -> Queries:
        """The queries of which the catalogue says what the filters ask for."""
        wanted = self.filters
        if not (wanted.species or wanted.flanks or wanted.sites or wanted.name):
            return self.queries
        asked = replace(
            self.queries.wanted,
            species=wanted.species,
            flank=wanted.flanks,
            site=wanted.sites,
            name=wanted.name,
        )
        return self.queries.roster.queries(asked)

    @property
    def _walked(self) -> Queries:
        """What the arrows go through: where the candidates say how queries stand, each is asked when it comes up."""
        return self._said if self.by_record is None else self.matching

    @property
    def _to_do(self) -> Queries:
        """What may be open, or stands as asked for."""
        if self.by_record is None or self.filters.standings:
            return self._walked
        return self._standing_so(True, frozenset())

    def _standing_so(self, open_only: bool, standings: frozenset[str]) -> Queries:
        """Those that the catalogue's part of the filters lets pass, and that stand so by the record."""
        found = self._said
        if self.by_record is not None and (open_only or standings):
            disagreed = self.disagreed if DISAGREED in standings else frozenset()
            found = self.by_record.standing_so(found, open_only, standings, disagreed)
        if self.filters.similarity is None or self.first_similarities is None:
            return found
        least, most = self.filters.similarity
        first = self.first_similarities()[found.places]
        return found.at_places(found.places[(least <= first) & (first <= most)])

    def _going_round(self, query_id: str | None) -> Iterator[Photo]:
        """What there may be to do, from the query after one, going round; that one is the last."""
        among = self._to_do
        before, after = self._around(query_id, among)
        here = among.places[len(before) : len(among) - len(after)]
        return chain.from_iterable(map(self._photos, (after, before, here)))

    def _around(self, query_id: str | None, among: Queries) -> tuple[Places, Places]:
        """The places before a query and after it; all are after one that is not in the list."""
        place = None if self.position(query_id) is None else self.queries.roster.place(query_id or "")
        if place is None:
            return among.places[:0], among.places
        sides = (np.searchsorted(among.places, place, side=side) for side in ("left", "right"))
        at, behind = map(int, sides)
        return among.places[:at], among.places[behind:]

    def _first(self, queries: Iterator[Photo], *, is_open: bool = False) -> Photo | None:
        """The first of some queries that passes the filters, and is open.

        In a large list, of so many whose candidates had to be looked at in vain, the last one has to do.
        """
        ahead, looks = iter(queries), 0
        while together := list(islice(ahead, _TOGETHER)):
            for at, query in enumerate(together):
                if is_open or self.filters.open_only:
                    self.prepare(together[at:])
                if (not is_open or self.status(query) is QueryStatus.OPEN) and self._passes(query):
                    return query
                looks += 1
                if self.by_record is not None and looks >= _LOOKS:
                    return query
        return None

    def _photos(self, places: Places) -> Iterator[Photo]:
        return map(self._photo, places)

    def _photo(self, place: int) -> Photo:
        return self.queries.roster.photos[place]

    def _passes(self, query: Photo) -> bool:
        """Whether a query of which the catalogue says the right things passes the other filters."""
        if self.by_record is not None:  # it was chosen by the record, which may not know that it is done
            return not self.filters.open_only or self.status(query) is QueryStatus.OPEN
        return self._is_as_similar(query) and self._stands_so(query)

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
        if UNSURE in self.decided.get(query.id, {}).values():
            said.add(UNSURE)
        if query.id in self.disagreed:
            said.add(DISAGREED)
        return said
