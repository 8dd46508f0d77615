"""Lists of candidates, remembered, and looked for together: one pass over the index answers for many queries."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.fieldpack.reading import PackCandidates
from pairx_core.retrieval import Candidate, CandidateFilters, GivenCandidates

if TYPE_CHECKING:
    from pairx_core.retrieval import CandidateIndex

MOST_COMPARED = 20_000  # queries whose first candidates are looked at to filter by their similarity
_LISTS_KEPT = 4096
_CANDIDATES_KEPT = 256
_SIMILARITIES_KEPT = 4
_TOGETHER = 256  # queries of one pass, where all are gone through
_NEAREST = 6  # queries, of those that may be wanted next
_REST_SECONDS = 0.4  # after a page asked: its drawing comes before what may be wanted next

Key = tuple[str, CandidateFilters]


class CandidateLists:
    """The top candidates of queries. Safe to use from several threads; no list is looked for twice at a time."""

    def __init__(self, index: CandidateIndex | GivenCandidates | PackCandidates, k: int) -> None:
        """Take what proposes candidates, and how many of them make a list."""
        self._index = index
        self._k = k
        self._lists: OrderedDict[Key, tuple[Candidate, ...]] = OrderedDict()
        self._single: OrderedDict[tuple[str, Key], Candidate] = OrderedDict()
        self._similarities: OrderedDict[CandidateFilters, npt.NDArray[np.float32]] = OrderedDict()
        self._under_way: set[Key] = set()
        self._ahead: tuple[tuple[Photo, ...], CandidateFilters] | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def of(self, query: Photo, filters: CandidateFilters) -> tuple[Candidate, ...]:
        """The list of a query."""
        key = (query.id, filters)
        while (found := self._known(key)) is None:
            self._look_for([query], filters)
        return found

    def prepare(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        """Look for the lists of queries in one pass, as far as they are not known."""
        self._look_for(queries, filters)

    def prepare_from(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        """The same; nothing, where the first of them has its list."""
        if queries and self._known((queries[0].id, filters)) is None:
            self._look_for(queries, filters)

    def prepare_ahead(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        """Have the lists of queries looked for in the background, in the place of what was asked for before.

        A pass is worth its while once one of the nearest is missing, or many are.
        """
        with self._changed:
            is_missing = [(query.id, filters) not in self._lists for query in queries]
            if not any(is_missing[:_NEAREST]) and sum(is_missing) * 3 < len(is_missing):
                return
            self._ahead = tuple(queries), filters
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._go_ahead, name="candidates ahead")
                self._thread.start()

    def candidate(self, query: Photo, photo: Photo, filters: CandidateFilters) -> Candidate:
        """A photo as a candidate; remembered."""
        key = (photo.id, (query.id, filters))
        with self._changed:
            if key in self._single:
                self._single.move_to_end(key)
                return self._single[key]
        found = self._index.candidate(query, photo, filters)
        with self._changed:
            self._single[key] = found
            _shorten(self._single, _CANDIDATES_KEPT)
        return found

    def first_similarities(
        self, photos: Sequence[Photo], filters: CandidateFilters
    ) -> npt.NDArray[np.float32]:
        """The similarity (N,) of the first candidate of each of some photos, always the same; NaN: there is none."""
        with self._changed:
            known = self._similarities.get(filters)
        if known is not None:
            return known
        found = np.full(len(photos), np.nan, np.float32)
        for start in range(0, len(photos), _TOGETHER):
            block = photos[start : start + _TOGETHER]
            for at, one in enumerate(self._index.candidates_of(block, 1, filters), start):
                if one:
                    found[at] = one[0].similarity
        with self._changed:
            self._similarities[filters] = found
            _shorten(self._similarities, _SIMILARITIES_KEPT)
        return found

    def _known(self, key: Key) -> tuple[Candidate, ...] | None:
        """A list that is there, or is on its way."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._under_way)
            if key in self._lists:
                self._lists.move_to_end(key)
            return self._lists.get(key)

    def _look_for(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        with self._changed:
            by_key = {(query.id, filters): query for query in queries}
            wanted = {
                key: query
                for key, query in by_key.items()
                if key not in self._lists and key not in self._under_way
            }
            self._under_way |= wanted.keys()
        lists: Sequence[Sequence[Candidate]] = ()
        try:
            lists = self._index.candidates_of(list(wanted.values()), self._k, filters) if wanted else ()
        finally:
            with self._changed:
                self._under_way -= wanted.keys()
                self._lists.update(zip(wanted, map(tuple, lists), strict=False))
                _shorten(self._lists, _LISTS_KEPT)
                self._changed.notify_all()

    def _go_ahead(self) -> None:
        """Look for what is wanted, until that is nothing; what goes wrong is said where the list is asked for."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: False, timeout=_REST_SECONDS)
                if self._ahead is None:
                    self._thread = None
                    return
                (queries, filters), self._ahead = self._ahead, None
            try:
                self._look_for(queries, filters)
            except PairxError:
                continue


def _shorten(kept: OrderedDict, most: int) -> None:  # type: ignore[type-arg]
    while len(kept) > most:
        kept.popitem(last=False)
