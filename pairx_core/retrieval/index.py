"""From a query to its top-k candidates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo, Problem, photo_digest
from pairx_core.errors import CatalogueError
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.retrieval.approximate import ApproximateSearch
from pairx_core.retrieval.candidate import Candidate
from pairx_core.retrieval.columns import Column, PhotoColumns
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.search import Found, Wanted, better_than, cosines, nearest
from pairx_core.retrieval.similarity import KnownPairs, PairRules, gather_known_pairs
from pairx_core.retrieval.store import as_unit
from pairx_core.retrieval.vectors import PhotoVectors

_IN_ONE_PASS = (
    64  # queries of different groups: to read the vectors once is then worth more than to multiply fewer
)


class CandidateIndex:
    """The embeddings of a catalogue's photos, asked for nearest neighbours exactly.

    What is asked for is read from the disk block by block; memory grows by some tens of bytes a photo. Safe to use from
    several threads.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        embeddings: npt.NDArray[np.floating] | PhotoVectors,
        digests: Sequence[str],
        model: EmbeddingModel,
        skipped: Sequence[Problem] = (),
        approximate: ApproximateSearch | None = None,
        note: str = "",
    ) -> None:
        """Take what is known of N photos.

        Args:
            photos: in the catalogue's order.
            embeddings: (N, D) of any length.
            digests: of the photos' files.
            model: whose embeddings they are.
            skipped: the problems of the photos left out.
            approximate: what finds candidates; None: all photos are looked at.
            note: what is to be known of the candidates or the embeddings; empty: nothing.
        """
        self.photos = tuple(photos)
        self.skipped = tuple(skipped)
        self.model = model
        self.vectors = (
            embeddings if isinstance(embeddings, PhotoVectors) else PhotoVectors(as_unit(embeddings))
        )
        self._place = {photo.id: place for place, photo in enumerate(self.photos)}
        self._columns = PhotoColumns(self.photos, digests)
        self._digests = digests
        self._approximate = approximate
        self.note = note

    def __len__(self) -> int:
        return len(self.photos)

    def __contains__(self, photo: Photo) -> bool:
        return photo.id in self._place

    def candidates(
        self, query: Photo, k: int = 5, filters: CandidateFilters | None = None
    ) -> list[Candidate]:
        """The k most similar photos, most similar first; ties keep the catalogue's order.

        The query's own picture is never proposed: not the photo, not a byte-identical copy, not another
        animal's box in the same picture.

        Args:
            query: a photo of the catalogue, or any other.
            k: how many; fewer come where fewer are left.
            filters: which photos may be proposed; None: all.

        Raises:
            PhotoError: a query from outside the index cannot be read.
        """
        return self.candidates_of([query], k, filters)[0]

    def candidates_of(
        self, queries: Sequence[Photo], k: int = 5, filters: CandidateFilters | None = None
    ) -> list[list[Candidate]]:
        """The candidates of several queries, as :meth:`candidates` has them for each.

        All embeddings are read once for up to 64 queries: some dozens take little longer than one.

        Raises:
            PhotoError: a query from outside the index cannot be read.
        """
        asked = [_Asked(query, *self._of(query)) for query in queries]
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, one in enumerate(asked):
            groups[self._columns.group(one.query, filters)].append(number)
        shares = [dict(groups)] if len(asked) <= _IN_ONE_PASS else [{key: of} for key, of in groups.items()]
        found: dict[int, Found] = {}
        for share in shares:
            numbers = [number for of_group in share.values() for number in of_group]
            results = self._nearest([asked[number] for number in numbers], share, k, filters)
            found |= dict(zip(numbers, results, strict=True))
        return [self._as_candidates(found[number]) for number in range(len(asked))]

    def similarities(self, query: Photo, photos: Sequence[Photo]) -> npt.NDArray[np.float32]:
        """The similarity of a query to photos of the index, (N,).

        Raises:
            CatalogueError: a photo is not in the index.
            PhotoError: a query from outside the index cannot be read.
        """
        vector, _ = self._of(query)
        missing = next((photo for photo in photos if photo.id not in self._place), None)
        if missing is not None:
            raise CatalogueError(f"The photo “{missing.id}” is not in the index. Index its catalogue again.")
        places = np.asarray([self._place[photo.id] for photo in photos], np.int64)
        return cosines(self.vectors, vector, places)

    def candidate(self, query: Photo, photo: Photo, filters: CandidateFilters | None = None) -> Candidate:
        """A photo as a candidate, with the rank that it has, or would have, among those that may be proposed.

        Raises:
            CatalogueError: the photo is not in the index.
            PhotoError: a query from outside the index cannot be read.
        """
        (similarity,) = self.similarities(query, [photo])
        vector, digest = self._of(query)
        allowed = self._columns.allowed(self._columns.group(query, filters), filters)
        excluded = self._columns.excluded(query, digest, filters)
        before = better_than(
            self.vectors, vector, (float(similarity), self._place[photo.id]), allowed, excluded
        )
        return Candidate(photo, float(similarity), before + 1)

    def known_pairs(self, filters: CandidateFilters | None = None, *, seed: int = 0) -> KnownPairs:
        """The similarities of pairs of known individuals, to read another similarity by.

        A pair counts once, and only where one of its photos could be proposed for the other; never two
        boxes or copies of the same picture.

        Args:
            filters: which photos may be proposed; None: all.
            seed: of the sample that is taken where there are very many pairs.
        """
        rows = np.flatnonzero(self._columns.known)
        agree, differ = self._pair_columns(filters)
        individuals = Column(self.photos[row].identity for row in rows).codes
        rules = PairRules(
            individuals, tuple(codes[rows] for codes in agree), tuple(codes[rows] for codes in differ)
        )
        return gather_known_pairs(self.vectors, rows, rules, seed=seed)

    def _pair_columns(
        self, filters: CandidateFilters | None
    ) -> tuple[list[npt.NDArray[np.int32]], list[npt.NDArray[np.int32]]]:
        """What the photos of a comparable pair must not say differently, and what they must not both say."""
        columns = self._columns
        if filters is None:
            return [], [columns.picture.codes]
        agree = [(filters.same_species, columns.species), (filters.same_flank, columns.flank)]
        differ = [columns.encounter.codes] if filters.exclude_same_day_and_site else []
        return [column.codes for chosen, column in agree if chosen], [columns.picture.codes, *differ]

    def _of(self, query: Photo) -> tuple[npt.NDArray[np.float32], str]:
        """A query's unit vector (D,), and its file's content."""
        place = self._place.get(query.id)
        if place is not None and self.photos[place] == query:
            return self.vectors.at(np.asarray([place]))[0], self._digests[place]
        return as_unit(self.model.embed([query]))[0], photo_digest(query)

    def _nearest(
        self,
        asked: Sequence[_Asked],
        groups: dict[tuple[int, int], list[int]],
        k: int,
        filters: CandidateFilters | None,
    ) -> list[Found]:
        """The nearest photos of queries, which are in the order of their groups."""
        excluded = [self._columns.excluded(one.query, one.digest, filters) for one in asked]
        allowed = [self._columns.allowed(group, filters) for group in groups]
        of_query = np.repeat(np.arange(len(groups)), [len(numbers) for numbers in groups.values()])
        vectors = np.asarray([one.vector for one in asked]).reshape(len(asked), self.vectors.dimensions)
        wanted = Wanted(allowed, of_query, excluded)
        if self._approximate is not None:
            return self._approximate.nearest(vectors, max(k, 0), wanted)
        return nearest(self.vectors, vectors, max(k, 0), wanted)

    def _as_candidates(self, found: Found) -> list[Candidate]:
        ranked = zip(found.places.tolist(), found.similarities.tolist(), strict=True)
        return [
            Candidate(self.photos[place], similarity, rank)
            for rank, (place, similarity) in enumerate(ranked, start=1)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A query on its way."""

    query: Photo
    vector: npt.NDArray[np.float32]  # (D,) of length 1
    digest: str
