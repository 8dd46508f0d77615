"""What photos say, as numbers: a filter over a million of them is a few comparisons of arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo
from pairx_core.retrieval.filters import CandidateFilters, encounter

_NONE = np.empty(0, np.int64)


class Column:
    """A number for what each of N photos says of one thing; the same number for the same, 0 for nothing said."""

    def __init__(self, values: Iterable[Hashable | None]) -> None:
        """Take what the photos say; None, and an empty text, is nothing."""
        self._numbers: dict[Hashable, int] = {}
        numbers = self._numbers
        self.codes: npt.NDArray[np.int32] = np.fromiter(
            (numbers.setdefault(value, len(numbers) + 1) if value else 0 for value in values), np.int32
        )
        self._order: npt.NDArray[np.int64] | None = None

    def code(self, value: Hashable | None) -> int:
        """The number of what a photo says; -1: none of these photos says so."""
        return self._numbers.get(value, -1) if value else 0

    def places(self, code: int) -> npt.NDArray[np.int64]:
        """The photos (K,), ascending, that have a number other than 0."""
        if code <= 0:
            return _NONE
        if self._order is None:
            self._order = np.argsort(self.codes, kind="stable")
        start, end = np.searchsorted(self.codes, [code, code + 1], sorter=self._order)
        return self._order[start:end]


class PhotoColumns:
    """What decides which photos may be proposed for which query."""

    def __init__(self, photos: Sequence[Photo], digests: Iterable[str]) -> None:
        """Take N photos and the contents of their files."""
        self.species = Column(photo.species for photo in photos)
        self.flank = Column(photo.flank for photo in photos)
        self.encounter = Column(encounter(photo) for photo in photos)
        self.picture = Column(digests)
        self.known: npt.NDArray[np.bool_] = np.fromiter((photo.is_known for photo in photos), bool)

    def group(self, query: Photo, filters: CandidateFilters | None) -> tuple[int, int]:
        """Queries of one group may be proposed the same photos, but for :meth:`excluded`."""
        if filters is None:
            return 0, 0
        return (
            self.species.code(query.species) if filters.same_species else 0,
            self.flank.code(query.flank) if filters.same_flank else 0,
        )

    def allowed(
        self, group: tuple[int, int], filters: CandidateFilters | None
    ) -> npt.NDArray[np.bool_] | None:
        """Which photos (N,) may be proposed for the queries of a group; None: all."""
        masks = [self.known] if filters is not None and filters.known_identity_only else []
        for code, column in zip(group, (self.species, self.flank), strict=True):
            if code:
                masks.append((column.codes == code) | (column.codes == 0))
        return np.logical_and.reduce(masks) if masks else None

    def excluded(self, query: Photo, digest: str, filters: CandidateFilters | None) -> npt.NDArray[np.int64]:
        """The photos (K,), ascending, that may not be proposed for one query: of its picture, or its encounter."""
        same = self.picture.places(self.picture.code(digest))
        if filters is None or not filters.exclude_same_day_and_site:
            return same
        return np.union1d(same, self.encounter.places(self.encounter.code(encounter(query))))
