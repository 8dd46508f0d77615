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
from pairx_core.errors import CatalogueError
from pairx_core.jobs import LocalRunner, Runner
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.named import NamedModel
from pairx_core.retrieval.approximate import WORTHWHILE, ApproximateIndex, ApproximateSearch
from pairx_core.retrieval.digests import DigestCache, FileDigest, digests_of
from pairx_core.retrieval.embedding import EmbeddedBatch, EmbeddingTask, PhotoEmbedder, embed_batch
from pairx_core.retrieval.index import CandidateIndex
from pairx_core.retrieval.keys import as_keys
from pairx_core.retrieval.store import EmbeddingStore, Precision, StoreAbout, as_unit
from pairx_core.retrieval.vectors import PhotoVectors

Progress = Callable[[int, int], None]  # called with (done, total)
Keys = npt.NDArray[np.void]  # (N,) of 32 bytes each


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How embeddings are made and kept. All that is made so is the same."""

    precision: Precision | None = None  # on the disk; None: as it is there already, or else float32
    runner: Runner | None = None  # where photos are embedded; None: here, on all processors
    named: NamedModel | None = None  # the model for a runner's other computers
    waiting: Callable[[], None] | None = (
        None  # called while another program embeds; it may raise. None: refused
    )


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
    chosen = options or IndexOptions()
    folder = None if cache_dir is None else Path(cache_dir)
    job = _IndexJob(catalogue, model, chosen, progress or (lambda done, total: None))
    job.look(None if folder is None else DigestCache(folder))
    place = (
        _InMemory()
        if folder is None
        else _OnDisk(open_store(folder, model, chosen.precision), chosen.waiting)
    )
    with closing(place.batches(job)) as batches:
        for _ in batches:
            pass
    return job.index(*place.found(job.keys))


def open_store(folder: Path, model: EmbeddingModel, precision: Precision | None = None) -> EmbeddingStore:
    """The embeddings of a model in a cache folder, begun where there are none.

    Args:
        folder: of the cache; each model and precision has a folder of its own in it.
        model: whose embeddings.
        precision: None: as it is there already (float16 before float32), or else float32.

    Raises:
        RetrievalError: it cannot be used.
    """
    places = {name: folder / "embeddings" / f"{model.fingerprint}-{name}" for name in ("float16", "float32")}
    if precision is None:
        precision = "float16" if places["float16"].is_dir() else "float32"
    about = StoreAbout(
        model.name, model.fingerprint, model.preprocessing_in_words, model.dimensions, precision
    )
    return EmbeddingStore(places[precision], about)


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
        digests, unreadable = digests_of(self.catalogue.photos, cache, lambda: self.progress(0, total))
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
        """Embed the photos at these places, batch by batch, in order: places of the photos, and what came of them."""
        first_of = np.unique(self.keys[missing], return_index=True)[
            1
        ]  # photos that are the same to the model: once
        todo = missing[np.sort(first_of)]
        self.progress(done := len(self.photos) - len(todo), len(self.photos))
        if not len(todo):
            return
        embedder = PhotoEmbedder(self.model)
        mine = self.options.runner is None
        runner = self.options.runner or LocalRunner(embedder.workers(LocalRunner().workers))
        source = embedder if mine or self.options.named is None else self.options.named
        parts = [
            todo[start : start + embedder.photos_a_task]
            for start in range(0, len(todo), embedder.photos_a_task)
        ]
        try:
            with closing(runner.results(partial(embed_batch, source), map(self._task, parts))) as results:
                for places, batch in zip(parts, results, strict=True):
                    self._note(places, batch)
                    yield places[list(batch.places)], batch
                    self.progress(done := done + len(places), len(self.photos))
        finally:
            if mine:
                runner.close()

    def index(
        self,
        vectors: npt.NDArray[np.floating],
        rows: npt.NDArray[np.int64],
        found: ApproximateIndex | None = None,
    ) -> CandidateIndex:
        """The index over the photos that have a row (≥ 0) among the vectors."""
        there = np.flatnonzero(rows >= 0)
        skipped = [
            Problem("left_out", photo.catalogue_path or photo.path.name, self.errors[photo.id])
            for photo in self.catalogue.photos
            if photo.id in self.errors
        ]
        if not len(there):
            first = f" The first: {skipped[0].message}" if skipped else ""
            raise CatalogueError(
                f"{self.catalogue.source}: not one photo of this catalogue could be read.{first}"
            )
        photos = [self.photos[place] for place in there]
        digests = [self.digests[place].digest for place in there]
        of_photos = PhotoVectors(vectors, rows[there])
        approximate = None
        if found is not None and len(photos) >= WORTHWHILE:
            approximate = ApproximateSearch(found, of_photos)
        return CandidateIndex(photos, of_photos, digests, self.model, skipped, approximate)

    def _task(self, places: npt.NDArray[np.int64]) -> EmbeddingTask:
        return EmbeddingTask(
            tuple(self.photos[place] for place in places), tuple(self.digests[place] for place in places)
        )

    def _note(self, places: npt.NDArray[np.int64], batch: EmbeddedBatch) -> None:
        """Keep why photos cannot be used: all those that would have had the same embedding."""
        for number, message in batch.errors:
            same = np.flatnonzero(self.keys == self.keys[places[number]])
            self.errors |= {self.photos[place].id: message for place in same}


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

    def found(self, keys: Keys) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
        whole = [one for one in self._vectors if len(one)]
        vectors = as_unit(np.concatenate(whole)) if whole else np.zeros((0, 1), np.float32)
        rows = {key.tobytes(): row for row, key in enumerate(key for some in self._keys for key in some)}
        return vectors, np.asarray([rows.get(key.tobytes(), -1) for key in keys], np.int64)


@dataclass
class _OnDisk:
    """Embeddings that are kept."""

    _store: EmbeddingStore
    _waiting: Callable[[], None] | None

    def batches(self, job: _IndexJob) -> Generator[None]:
        if (self._store.rows_of(job.keys) >= 0).all():
            job.progress(len(job.photos), len(job.photos))
            return
        with self._store.writing(self._waiting):
            missing = np.flatnonzero(
                self._store.rows_of(job.keys) < 0
            )  # another may have embedded some meanwhile
            for places, batch in job.embedded(missing):
                self._store.append(job.keys[places], batch.vectors)
                yield

    def found(
        self, keys: Keys
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64], ApproximateIndex | None]:
        return self._store.vectors, self._store.rows_of(keys), ApproximateIndex.of(self._store)
