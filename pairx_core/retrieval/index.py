"""From a catalogue to the top-k candidates of a query."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Catalogue, Photo, Problem, open_photo, photo_digest
from pairx_core.errors import CatalogueError, PhotoError
from pairx_core.retrieval.embedding_cache import EmbeddingCache, FileDigest
from pairx_core.retrieval.similarity import KnownPairs, PairRules, gather_known_pairs

if TYPE_CHECKING:
    from pairx_core.models.embedding_model import EmbeddingModel

Progress = Callable[[int, int], None]  # called with (done, total)
_BATCH = 16


@dataclass(frozen=True, slots=True)
class CandidateFilters:
    """Which photos may be proposed for a query. What a photo does not say excludes nothing."""

    same_species: bool = True
    same_flank: bool = True
    known_identity_only: bool = False
    exclude_same_day_and_site: bool = True  # a burst's next frame is no evidence

    def let_pass(self, query: Photo, photo: Photo) -> bool:
        """Whether a photo may be proposed for a query."""
        return (
            (not self.known_identity_only or photo.is_known)
            and (not self.same_species or _agree(query.species, photo.species))
            and (not self.same_flank or _agree(query.flank, photo.flank))
            and not (
                self.exclude_same_day_and_site
                and _encounter(query) != ""
                and _encounter(query) == _encounter(photo)
            )
        )

    def in_words(self) -> str:
        """The filters in force, for the screen and the record."""
        parts = [
            (self.same_species, "same species"),
            (self.same_flank, "same flank"),
            (self.known_identity_only, "known individuals only"),
            (self.exclude_same_day_and_site, "not from the same day and site"),
        ]
        return ", ".join(words for chosen, words in parts if chosen) or "none"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A photo that the model ranks for a query."""

    photo: Photo
    similarity: (
        float  # cosine, -1 to 1: a ranking, not a verdict; another matcher's score where one was given
    )
    rank: int  # from 1
    score: str = ""  # another matcher's score as it wrote it; empty: the similarity is ours


class CandidateIndex:
    """The embeddings of a catalogue's photos, asked for nearest neighbours exactly."""

    def __init__(
        self,
        photos: Sequence[Photo],
        embeddings: npt.NDArray[np.float32],
        digests: Sequence[str],
        model: EmbeddingModel,
        skipped: Sequence[Problem] = (),
    ) -> None:
        """Take embeddings (N, D) and content digests of N photos, and the problems of those left out."""
        self.photos = tuple(photos)
        self.skipped = tuple(skipped)
        self.model = model
        self._unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        self._row = {photo.id: row for row, photo in enumerate(self.photos)}
        self._digests = np.asarray(digests, dtype="U64")
        self._columns = {
            "species": np.asarray([photo.species or "" for photo in self.photos], dtype=np.str_),
            "flank": np.asarray([photo.flank or "" for photo in self.photos], dtype=np.str_),
            "encounter": np.asarray([_encounter(photo) for photo in self.photos], dtype=np.str_),
        }
        self._known = np.asarray([photo.is_known for photo in self.photos], dtype=bool)

    def __len__(self) -> int:
        return len(self.photos)

    def __contains__(self, photo: Photo) -> bool:
        return photo.id in self._row

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
        vector, digest = self._of(query)
        allowed = self._allowed(query, digest, filters)
        rows = np.flatnonzero(allowed)
        similarities = self._unit[rows] @ vector
        best = np.argsort(-similarities, kind="stable")[: max(k, 0)]
        return [
            Candidate(self.photos[rows[place]], float(similarities[place]), rank)
            for rank, place in enumerate(best, start=1)
        ]

    def similarities(self, query: Photo, photos: Sequence[Photo]) -> npt.NDArray[np.float32]:
        """The similarity of a query to photos of the index, (N,).

        Raises:
            CatalogueError: a photo is not in the index.
            PhotoError: a query from outside the index cannot be read.
        """
        vector, _ = self._of(query)
        missing = next((photo for photo in photos if photo.id not in self._row), None)
        if missing is not None:
            raise CatalogueError(f"The photo “{missing.id}” is not in the index. Index its catalogue again.")
        similarities: npt.NDArray[np.float32] = self._unit[[self._row[photo.id] for photo in photos]] @ vector
        return similarities

    def candidate(self, query: Photo, photo: Photo, filters: CandidateFilters | None = None) -> Candidate:
        """A photo as a candidate, with the rank that it has, or would have, among those that may be proposed.

        Raises:
            CatalogueError: the photo is not in the index.
            PhotoError: a query from outside the index cannot be read.
        """
        (similarity,) = self.similarities(query, [photo])
        vector, digest = self._of(query)
        rows = np.flatnonzero(self._allowed(query, digest, filters))
        row = self._row[photo.id]
        others = self._unit[rows] @ vector
        before = (others > similarity) | ((others == similarity) & (rows < row))
        return Candidate(photo, float(similarity), int(np.count_nonzero(before & (rows != row))) + 1)

    def known_pairs(self, filters: CandidateFilters | None = None, *, seed: int = 0) -> KnownPairs:
        """The similarities of pairs of known individuals, to read another similarity by.

        A pair counts once, and only where one of its photos could be proposed for the other; never two
        boxes or copies of the same picture.

        Args:
            filters: which photos may be proposed; None: all.
            seed: of the sample that is taken where there are very many pairs.
        """
        rows = np.flatnonzero(self._known)
        agree, differ = self._pair_columns(filters)
        individuals = np.asarray([self.photos[row].identity for row in rows], dtype=np.str_)
        rules = PairRules(
            individuals, tuple(texts[rows] for texts in agree), tuple(texts[rows] for texts in differ)
        )
        return gather_known_pairs(self._unit, rows, rules, seed=seed)

    def _pair_columns(
        self, filters: CandidateFilters | None
    ) -> tuple[list[npt.NDArray[np.str_]], list[npt.NDArray[np.str_]]]:
        """What the photos of a comparable pair must not say differently, and what they must not both say."""
        if filters is None:
            return [], [self._digests]
        agree = [(filters.same_species, "species"), (filters.same_flank, "flank")]
        differ = [self._columns["encounter"]] if filters.exclude_same_day_and_site else []
        return [self._columns[name] for chosen, name in agree if chosen], [self._digests, *differ]

    def _of(self, query: Photo) -> tuple[npt.NDArray[np.float32], str]:
        row = self._row.get(query.id)
        if row is not None and self.photos[row] == query:
            return self._unit[row], str(self._digests[row])
        vector = self.model.embed([query])[0]
        return vector / max(float(np.linalg.norm(vector)), 1e-12), photo_digest(query)

    def _allowed(self, query: Photo, digest: str, filters: CandidateFilters | None) -> npt.NDArray[np.bool_]:
        allowed: npt.NDArray[np.bool_] = self._digests != digest
        if filters is None:
            return allowed
        if filters.known_identity_only:
            allowed &= self._known
        if filters.same_species:
            allowed &= self._agrees("species", query.species or "")
        if filters.same_flank:
            allowed &= self._agrees("flank", query.flank or "")
        if filters.exclude_same_day_and_site and _encounter(query):
            allowed &= self._columns["encounter"] != _encounter(query)
        return allowed

    def _agrees(self, column: str, value: str) -> npt.NDArray[np.bool_]:
        values = self._columns[column]
        if not value:
            return np.ones(len(values), bool)
        agrees: npt.NDArray[np.bool_] = (values == value) | (values == "")
        return agrees


def build_index(
    catalogue: Catalogue,
    model: EmbeddingModel,
    *,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> CandidateIndex:
    """Embed a catalogue's photos and index them.

    Args:
        catalogue: the photos.
        model: the embedding model.
        cache_dir: where embeddings are kept between runs; None: nowhere. What is there already is not
            computed again, so that an interrupted run goes on where it stopped.
        progress: called with (photos done, photos in all).

    Returns:
        The index of the photos that could be read; those that could not are its ``skipped``.

    Raises:
        CatalogueError: not a single photo could be read.
        ModelError: the model does not embed.
        SettingsError: the cache cannot be used.
    """
    cache = None if cache_dir is None else EmbeddingCache(Path(cache_dir))
    job = _EmbeddingJob(model, cache, len(catalogue.photos), progress)
    digests, unreadable = _digests(catalogue.photos, cache, progress)
    job.skipped.update(unreadable)
    job.run([photo for photo in catalogue.photos if photo.id not in unreadable], digests)
    indexed = [photo for photo in catalogue.photos if photo.id in job.vectors]
    skipped = [
        _skipped(photo, job.skipped[photo.id]) for photo in catalogue.photos if photo.id in job.skipped
    ]
    if not indexed:
        first = f" The first: {skipped[0].message}" if skipped else ""
        raise CatalogueError(f"{catalogue.source}: not one photo of this catalogue could be read.{first}")
    embeddings = np.stack([job.vectors[photo.id] for photo in indexed])
    return CandidateIndex(indexed, embeddings, [digests[photo.path] for photo in indexed], model, skipped)


class _EmbeddingJob:
    """One pass over the photos: from the cache what is there, the rest by the model, batch by batch."""

    def __init__(
        self, model: EmbeddingModel, cache: EmbeddingCache | None, total: int, progress: Progress | None
    ) -> None:
        self.model = model
        self.cache = cache
        self.total = total
        self.progress = progress
        self.vectors: dict[str, npt.NDArray[np.float32]] = {}  # by photo id
        self.skipped: dict[str, PhotoError] = {}  # by photo id

    def run(self, photos: Sequence[Photo], digests: dict[Path, str]) -> None:
        keys = {photo.id: _key(photo, digests[photo.path], self.model) for photo in photos}
        cached = {} if self.cache is None else self.cache.get(list(keys.values()))
        self.vectors.update(
            {photo.id: cached[keys[photo.id]] for photo in photos if keys[photo.id] in cached}
        )
        self._tell()
        todo = [photo for photo in photos if photo.id not in self.vectors]
        for start in range(0, len(todo), _BATCH):
            self._embed(todo[start : start + _BATCH], keys)
            self._tell()

    def _embed(self, batch: Sequence[Photo], keys: dict[str, str]) -> None:
        inputs = {}
        for photo in batch:
            try:
                inputs[photo.id] = self.model.preprocess(
                    [open_photo(photo)]
                )  # the large picture is let go here
            except PhotoError as error:
                self.skipped[photo.id] = error
        if not inputs:
            return
        vectors = dict(zip(inputs, self.model.embed_inputs(list(inputs.values())), strict=True))
        self.vectors.update(vectors)
        if self.cache is not None:
            self.cache.put({keys[photo_id]: vector for photo_id, vector in vectors.items()})

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(len(self.vectors) + len(self.skipped), self.total)


def _digests(
    photos: Sequence[Photo], cache: EmbeddingCache | None, progress: Progress | None
) -> tuple[dict[Path, str], dict[str, PhotoError]]:
    """Content digests by path, and the error of each photo (by id) whose file cannot be read.

    A file whose size and modification time have not changed is not read again.
    """
    known = {} if cache is None else cache.known_digests()
    fresh: dict[Path, FileDigest] = {}
    digests: dict[Path, str] = {}
    unreadable: dict[str, PhotoError] = {}
    for photo in photos:
        if progress is not None:
            progress(0, len(photos))  # a sign of life: large files on a slow disk take their time
        try:
            entry = known.get(photo.path)
            if entry is None or not _is_current(entry, photo):
                entry = fresh[photo.path] = _read_digest(photo)
            digests[photo.path] = entry.digest
        except PhotoError as error:
            unreadable[photo.id] = error
    if cache is not None:
        cache.remember_digests(fresh)
    return digests, unreadable


def _is_current(entry: FileDigest, photo: Photo) -> bool:
    try:
        status = photo.path.stat()
    except OSError:
        return False  # reading it says what is wrong
    return (entry.size, entry.mtime_ns) == (status.st_size, status.st_mtime_ns)


def _read_digest(photo: Photo) -> FileDigest:
    digest = photo_digest(photo)
    status = photo.path.stat()
    return FileDigest(status.st_size, status.st_mtime_ns, digest)


def _key(photo: Photo, digest: str, model: EmbeddingModel) -> str:
    """What an embedding depends on, as one string."""
    return hashlib.sha256(f"{digest} {photo.box} {model.fingerprint}".encode()).hexdigest()


def _agree(one: str | None, other: str | None) -> bool:
    return not one or not other or one == other


def _encounter(photo: Photo) -> str:
    """Day and site, where both are known."""
    if photo.date is None or not photo.site:
        return ""
    return f"{photo.date.date().isoformat()} {photo.site}"


def _skipped(photo: Photo, error: PhotoError) -> Problem:
    return Problem("left_out", photo.catalogue_path or photo.path.name, str(error))
