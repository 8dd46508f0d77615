"""The photos that can be queries, as columns: what filters look at, without going through a million photos."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo

Places = npt.NDArray[np.int32]
_SELECTIONS_KEPT = 16
_FIELDS = ("species", "flank", "site")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the catalogue must say of a photo. What is empty excludes nothing."""

    to_identify: bool = False  # photos of unknown individuals only
    species: frozenset[str] = frozenset()
    flank: frozenset[str] = frozenset()
    site: frozenset[str] = frozenset()
    name: str = ""  # a part of the file's name, whatever the case


@dataclass(frozen=True, eq=False)
class _Column:
    """What the photos say of one thing."""

    codes: npt.NDArray[np.int32]  # (N,) places in values
    values: list[str]  # in order of their first photo; "" where a photo does not say

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Column:
        """A column of these texts."""
        numbers: dict[str, int] = {}
        codes = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.int32)
        return cls(codes, list(numbers))

    def where(self, passes: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
        """Which photos (N,) have a value that passes."""
        chosen = np.fromiter(map(passes, self.values), bool, len(self.values))
        found: npt.NDArray[np.bool_] = chosen[self.codes]
        return found


class Roster:
    """The photos that can be queries. Made once for what is open, and safe to use from several threads."""

    def __init__(self, photos: Sequence[Photo]) -> None:
        self.photos = photos
        self._place = {photo.id: place for place, photo in enumerate(photos)}
        self._is_known = np.fromiter((photo.is_known for photo in photos), bool, len(photos))
        self._columns = {name: _Column.of(getattr(photo, name) or "" for photo in photos) for name in _FIELDS}
        self._names = _Column.of(_names(photos))
        self._kept: OrderedDict[Wanted, Queries] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.photos)

    @cached_property
    def known_count(self) -> int:
        """How many photos are of known individuals."""
        return int(np.count_nonzero(self._is_known))

    @property
    def has_unknown(self) -> bool:
        """Whether there is any photo of an unknown individual."""
        return self.known_count < len(self.photos)

    def place(self, photo_id: str) -> int | None:
        """Where a photo is, from 0; None where it is not."""
        return self._place.get(photo_id)

    def queries(self, wanted: Wanted | None = None) -> Queries:
        """The photos of which the catalogue says what is wanted, in its order; remembered. None: all."""
        wanted = wanted or Wanted()
        with self._lock:
            if wanted in self._kept:
                self._kept.move_to_end(wanted)
                return self._kept[wanted]
        found = Queries(self, self._chosen(wanted), wanted)
        with self._lock:
            self._kept[wanted] = found
            while len(self._kept) > _SELECTIONS_KEPT:
                self._kept.popitem(last=False)
        return found

    def values(self, field: str, places: Places) -> tuple[str, ...]:
        """What some photos say of a field, those with most photos first."""
        return tuple(value for value in self.counts(field, places) if value)

    def counts(self, field: str, places: Places) -> dict[str, int]:
        """How many of some photos say what of a field, most first; "" where they do not say."""
        column = self._columns[field]
        counts = np.bincount(column.codes[places], minlength=len(column.values))
        order = np.argsort(-counts, kind="stable")
        return {column.values[at]: int(counts[at]) for at in order if counts[at]}

    def named(self, places: Places, text: str, *, exactly: bool) -> int | None:
        """The first of some places whose file name is, or holds, a text; None: there is none."""
        folded = text.casefold()
        like = self._names.where(lambda name: name == folded if exactly else folded in name)
        found = places[like[places]]
        if exactly:
            found = np.asarray([at for at in found if self.photos[at].path.name == text], np.int32)
        return int(found[0]) if len(found) else None

    def _chosen(self, wanted: Wanted) -> Places:
        chosen = np.ones(len(self.photos), bool)
        if wanted.to_identify:
            chosen &= ~self._is_known
        for name in _FIELDS:
            values: frozenset[str] = getattr(wanted, name)
            if values:
                chosen &= self._columns[name].where(values.__contains__)
        if wanted.name:
            folded = wanted.name.casefold()
            chosen &= self._names.where(lambda name: folded in name)
        return np.flatnonzero(chosen).astype(np.int32)


class Queries(Sequence[Photo]):
    """Some photos of a roster, in its order. Nothing is copied: a photo is looked up when it is asked for."""

    def __init__(self, roster: Roster, places: Places, wanted: Wanted | None = None) -> None:
        """Take the places (N,) of the photos, ascending, and what was wanted of them, if that is all they are."""
        self.roster = roster
        self.places = places
        self.wanted = wanted or Wanted()

    @classmethod
    def of(cls, photos: Sequence[Photo]) -> Queries:
        """All of some photos, with a roster of their own."""
        return Roster(photos).queries()

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> Photo: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Photo, ...]: ...

    def __getitem__(self, at: int | slice) -> Photo | tuple[Photo, ...]:
        photos = self.roster.photos
        if isinstance(at, slice):
            return tuple(photos[place] for place in self.places[at])
        return photos[self.places[at]]

    def __iter__(self) -> Iterator[Photo]:
        return (self.roster.photos[place] for place in self.places)

    def position(self, query_id: str | None) -> int | None:
        """Where a query is, from 0; None where it is not."""
        place = None if query_id is None else self.roster.place(query_id)
        if place is None:
            return None
        at = int(np.searchsorted(self.places, place))
        return at if at < len(self.places) and self.places[at] == place else None

    def at_places(self, places: Places) -> Queries:
        """Those at some of these places."""
        return Queries(self.roster, places)

    def find(self, text: str) -> Photo | None:
        """The query with an id or a file name, or else the first whose file name holds the text."""
        at = self.position(text)
        named = self.roster.named(self.places, text, exactly=True)
        first = [
            place for place in (None if at is None else int(self.places[at]), named) if place is not None
        ]
        if first:
            return self.roster.photos[min(first)]
        partly = self.roster.named(self.places, text, exactly=False)
        return None if partly is None else self.roster.photos[partly]

    @cached_property
    def species(self) -> tuple[str, ...]:
        """The species of these photos, those with most photos first."""
        return self.roster.values("species", self.places)

    @cached_property
    def flanks(self) -> tuple[str, ...]:
        """The flanks, in the same way."""
        return self.roster.values("flank", self.places)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """The sites, in the same way."""
        return self.roster.values("site", self.places)


def _names(photos: Sequence[Photo]) -> Iterator[str]:
    """The files' names without their folders, in small letters; a file that many photos share is looked at once."""
    known: dict[Path, str] = {}
    for photo in photos:
        name = known.get(photo.path)
        if name is None:
            name = known[photo.path] = photo.path.name.casefold()
        yield name
