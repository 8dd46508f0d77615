"""From a catalogue to its index: a job that can be stopped at any point, and computes nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Catalogue, Photo, Problem
from pairx_core.errors import CatalogueError, RetrievalError
from pairx_core.jobs import LocalRunner, Runner
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.named import NamedModel
from pairx_core.retrieval.approximate import WORTHWHILE, ApproximateIndex, ApproximateSearch, recall_in_words
from pairx_core.retrieval.digests import DigestCache, FileDigest, digests_of
from pairx_core.retrieval.embedding import EmbeddedBatch, EmbeddingTask, PhotoEmbedder, embed_batch
from pairx_core.retrieval.index import CandidateIndex
from pairx_core.retrieval.kept import made_otherwise, more_precise, open_store, take_over
from pairx_core.retrieval.keys import Keys, as_keys
from pairx_core.retrieval.store import EmbeddingStore, Precision, as_unit
from pairx_core.retrieval.vectors import PhotoVectors

Progress = Callable[[int, int], None]  # called with (done, total)


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How embeddings are made and kept. All that is made so is the same."""

    precision: Precision | None = None  # on the disk; None: as it is there already, or else float32
    runner: Runner | None = None  # where photos are embedded; None: here, on all processors
    named: NamedModel | None = None  # the model for a runner's other computers
    looking: Progress | None = None  # called with (files read, files in all) before embedding; it may raise
    # called while another program embeds into the same folder; it may raise. None: that is an error
    waiting: Callable[[], None] | None = None


def build_index(
    catalogue: Catalogue,
    model: EmbeddingModel,
    *,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    options: IndexOptions | None = None,
) -> CandidateIndex:
    """Embed a catalogue's photos and index them.

    Args:
        catalogue: the photos.
        model: the embedding model.
        cache_dir: where embeddings are kept between runs; None: nowhere. What is there already is not
            computed again, so that an interrupted run goes on where it stopped.
        progress: called with (photos done, photos in all); it may raise to stop.
        options: how; None: as usual.

    Returns:
        The index of the photos that could be read; those that could not are its ``skipped``.

    Raises:
        CatalogueError: not a single photo could be read.
        ModelError: the model does not embed.
        RetrievalError: the cache cannot be used, or another program writes to it.
    """
    job = _IndexJob(catalogue, model, options or IndexOptions(), progress or (lambda done, total: None))
    if cache_dir is None:
        job.look(None)
        place: _InMemory | _OnDisk = _InMemory()
    else:
        folder = Path(cache_dir)
        cache = DigestCache(folder)
        job.look(cache)
        place = _OnDisk(folder, open_store(folder, model, job.options.precision), cache)
    with closing(place.batches(job)) as batches:
        for _ in batches:
            pass
    return place.index(job)


def keys_of(catalogue: Catalogue, model: EmbeddingModel, cache_dir: Path) -> Keys:
    """The keys (N,) of the embeddings of a catalogue's readable photos."""
    job = _IndexJob(catalogue, model, IndexOptions(), lambda done, total: None)
    job.look(DigestCache(cache_dir))
    return job.keys


def embedding_key(digest: str, photo: Photo, fingerprint: str) -> bytes:
    """What an embedding depends on: the file's content, the box, and the model with its preprocessing; 32 bytes."""
    box = photo.box
    where = "" if box is None else f"{box.x!r} {box.y!r} {box.width!r} {box.height!r} {box.theta!r}"
    return hashlib.sha256(f"{digest} {where} {fingerprint}".encode()).digest()


class _IndexJob:
    """One pass over a catalogue."""

    def __init__(
        self, catalogue: Catalogue, model: EmbeddingModel, options: IndexOptions, progress: Progress
    ) -> None:
        self.catalogue = catalogue
        self.model = model
        self.options = options
        self.progress = progress
        self.photos: list[Photo] = []  # those whose files can be read
        self.digests: list[FileDigest] = []  # of each
        self.keys: Keys = as_keys([])  # of each
        self.errors: dict[str, str] = {}  # by photo id

    def look(self, cache: DigestCache | None) -> None:
        """Find out what the files hold."""
        total = len(self.catalogue.photos)
        tell = self.options.looking or (
            lambda done, files: self.progress(0, total)
        )  # a sign of life at least
        digests, unreadable = digests_of(self.catalogue.photos, cache, tell)
        self.errors = {
            photo.id: str(unreadable[photo.path])
            for photo in self.catalogue.photos
            if photo.path in unreadable
        }
        self.photos = [photo for photo in self.catalogue.photos if photo.path not in unreadable]
        self.digests = [digests[photo.path] for photo in self.photos]
        each = zip(self.photos, self.digests, strict=True)
        self.keys = as_keys(
            [embedding_key(entry.digest, photo, self.model.fingerprint) for photo, entry in each]
        )

    def embedded(
        self, missing: npt.NDArray[np.int64]
    ) -> Generator[tuple[npt.NDArray[np.int64], EmbeddedBatch]]:
        """Embed the photos at these places, in order: for each batch, places of the photos, and what came of them."""
        first_of = np.unique(self.keys[missing], return_index=True)[1]  # the same to the model: once
        todo = missing[np.sort(first_of)]
        self.progress(done := len(self.photos) - len(todo), len(self.photos))
        if not len(todo):
            return
        embedder = PhotoEmbedder(self.model)
        own = None if self.options.runner else LocalRunner(embedder.workers(LocalRunner().workers))
        runner = self.options.runner or own or LocalRunner()
        source = embedder if self.options.named is None else self.options.named
        size = embedder.photos_a_task
        parts = [todo[start : start + size] for start in range(0, len(todo), size)]
        try:
            with closing(runner.results(partial(embed_batch, source), map(self._task, parts))) as results:
                for places, batch in zip(parts, results, strict=True):
                    self._note(places, batch)
                    yield places[list(batch.places)], batch
                    self.progress(done := done + len(places), len(self.photos))
        finally:
            if own is not None:
                own.close()

    def note(self, key: bytes, message: str) -> None:
        """Why photos cannot be used: all those that would have had the same embedding."""
        same = np.flatnonzero(self.keys == as_keys([key]))
        self.errors |= {self.photos[place].id: message for place in same}

    def index(
        self,
        vectors: PhotoVectors,
        there: npt.NDArray[np.int64],
        approximate: ApproximateSearch | None = None,
        note: str = "",
    ) -> CandidateIndex:
        """The index over the photos at some places, whose vectors are there."""
        left_out = [photo for photo in self.catalogue.photos if photo.id in self.errors]
        skipped = [
            Problem(
                "left_out", photo.catalogue_path or photo.path.name, _of_file(photo, self.errors[photo.id])
            )
            for photo in left_out
        ]
        if not len(there):
            first = f" The first: {self.errors[left_out[0].id]}" if left_out else ""
            raise CatalogueError(
                f"{self.catalogue.source}: not one photo of this catalogue could be read.{first}"
            )
        photos = [self.photos[place] for place in there]
        digests = [self.digests[place].digest for place in there]
        return CandidateIndex(photos, vectors, digests, self.model, skipped, approximate, note)

    def _task(self, places: npt.NDArray[np.int64]) -> EmbeddingTask:
        return EmbeddingTask(
            tuple(self.photos[place] for place in places), tuple(self.digests[place] for place in places)
        )

    def _note(self, places: npt.NDArray[np.int64], batch: EmbeddedBatch) -> None:
        for number, message in batch.errors:
            self.note(self.keys[places[number]].tobytes(), message)


@dataclass
class _InMemory:
    """Embeddings that are kept nowhere."""

    _keys: list[Keys] = field(default_factory=list)
    _vectors: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def batches(self, job: _IndexJob) -> Generator[None]:
        for places, batch in job.embedded(np.arange(len(job.photos))):
            self._keys.append(job.keys[places])
            self._vectors.append(batch.vectors)
            yield

    def index(self, job: _IndexJob) -> CandidateIndex:
        whole = [one for one in self._vectors if len(one)]
        vectors = as_unit(np.concatenate(whole)) if whole else np.zeros((0, 1), np.float32)
        rows = {key.tobytes(): row for row, key in enumerate(key for some in self._keys for key in some)}
        of_photos = np.asarray([rows.get(key.tobytes(), -1) for key in job.keys], np.int64)
        there = np.flatnonzero(of_photos >= 0)
        return job.index(PhotoVectors(vectors, of_photos[there]), there)


@dataclass
class _OnDisk:
    """Embeddings that are kept."""

    _folder: Path
    _store: EmbeddingStore
    _cache: DigestCache

    def batches(self, job: _IndexJob) -> Generator[None]:
        missing = self._missing(job)
        if not len(missing):
            job.progress(len(job.photos), len(job.photos))
            return
        unreadable = self._cache.unreadable([key.tobytes() for key in np.unique(job.keys[missing])])
        if len(unreadable) == len(np.unique(job.keys[missing])):
            try:
                yield from self._embedded(job, None)  # perhaps they can be read now
            except RetrievalError:  # another program writes, or nobody may: all that can be had is there
                for key, message in unreadable.items():
                    job.note(key, message)
            return
        yield from self._embedded(job, job.options.waiting)

    def index(self, job: _IndexJob) -> CandidateIndex:
        rows = self._store.rows_of(job.keys)
        there = np.flatnonzero(rows >= 0)
        vectors = PhotoVectors(self._store.vectors, rows[there])
        approximate, note = _approximate(self._store, vectors)
        notes = " ".join(text for text in (note, made_otherwise(self._store)) if text)
        return job.index(vectors, there, approximate, notes)

    def _embedded(self, job: _IndexJob, waiting: Callable[[], None] | None) -> Generator[None]:
        with self._store.writing(waiting):
            other = more_precise(self._folder, job.model, self._store)
            if other is not None:
                take_over(self._store, other, job.keys[self._missing(job)])
                self._store.refresh()
            missing = self._missing(job)  # another may have embedded some meanwhile
            for places, batch in job.embedded(missing):
                self._store.append(job.keys[places], batch.vectors)
                yield
        left = self._missing(job)
        self._cache.note_unreadable(
            {job.keys[place].tobytes(): job.errors[job.photos[place].id] for place in left}
        )

    def _missing(self, job: _IndexJob) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self._store.rows_of(job.keys) < 0)


def _approximate(store: EmbeddingStore, vectors: PhotoVectors) -> tuple[ApproximateSearch | None, str]:
    """The approximate search that was made for a store, where so many photos are worth it; and what to know of it."""
    if len(vectors) < WORTHWHILE:
        return None, ""
    try:
        found = ApproximateIndex.of(store)
    except RetrievalError as error:
        return None, f"Candidates are searched exactly. {error}"
    if found is None:
        return None, ""
    return ApproximateSearch(found, vectors), recall_in_words(found.about, len(vectors))


def _of_file(photo: Photo, message: str) -> str:
    """Why a photo cannot be read, for a line that names its file already."""
    name = f"{photo.path} "
    return f"It {message.removeprefix(name)}" if message.startswith(name) else message
