"""Which queries there are, which of them are done, and where to go next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Worklist:
    """The queries of a session in their order, with one reviewer's standing decisions."""

    queries: Sequence[Photo]
    verdicts: Verdicts
    candidates_of: Callable[[Photo], Sequence[Candidate]]

    def status(self, query: Photo) -> QueryStatus:
        """What has been decided about a query."""
        decided = self._decided.get(query.id, {})
        if "accept" in decided.values():
            return QueryStatus.ACCEPTED
        candidates = self.candidates_of(query)
        if not candidates:
            return QueryStatus.EMPTY
        said = [decided.get(candidate.photo.id) for candidate in candidates]
        if None in said:
            return QueryStatus.OPEN
        return QueryStatus.ALL_REJECTED if set(said) == {"reject"} else QueryStatus.REVIEWED

    def verdict(self, query_id: str, candidate_id: str) -> str | None:
        """The standing decision on a pair; None while it is open."""
        return self.verdicts.get((query_id, candidate_id))

    def position(self, query_id: str | None) -> int | None:
        """Where a query is in the list, from 0; None where it is not."""
        return None if query_id is None else self._position.get(query_id)

    def next_open(self, after: str | None) -> Photo | None:
        """The next query that is open, going round; None when nothing is left to do."""
        start = self.position(after)
        first = 0 if start is None else start + 1
        order = [*self.queries[first:], *self.queries[:first]]
        return next((query for query in order if self.status(query) is QueryStatus.OPEN), None)

    def step(self, query_id: str, by: int, *, open_only: bool) -> Photo | None:
        """The next query (by=1) or the previous one (by=-1); None at the end of the list."""
        at = self.position(query_id)
        if at is None:
            return None
        order = self.queries[at + 1 :] if by > 0 else self.queries[:at][::-1]
        return next((q for q in order if not open_only or self.status(q) is QueryStatus.OPEN), None)

    def next_undecided(self, query: Photo, after: str | None = None) -> Candidate | None:
        """The next candidate of a query without a decision, going round."""
        candidates = list(self.candidates_of(query))
        at = next((i for i, one in enumerate(candidates) if one.photo.id == after), -1)
        order = candidates[at + 1 :] + candidates[: at + 1]
        return next((one for one in order if self.verdict(query.id, one.photo.id) is None), None)

    def done_count(self) -> int:
        """How many queries have nothing left to decide."""
        touched = [query for query in self.queries if query.id in self._decided]
        return sum(self.status(query) not in (QueryStatus.OPEN, QueryStatus.EMPTY) for query in touched)

    @cached_property
    def _decided(self) -> dict[str, dict[str, str]]:
        decided: dict[str, dict[str, str]] = defaultdict(dict)
        for (query_id, candidate_id), verdict in self.verdicts.items():
            decided[query_id][candidate_id] = verdict
        return dict(decided)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {query.id: at for at, query in enumerate(self.queries)}
