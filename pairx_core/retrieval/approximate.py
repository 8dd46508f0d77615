"""An approximate index for very many photos: faiss says where to look, exact cosines say what was found there.

Vectors are sorted into lists by the nearest of some hundred centres, in one byte a number, memory-mapped; a search
looks into the few lists nearest to the query. What it finds is then ordered by exact cosines: similarities are right,
and what may be wrong is that a photo was not found at all. How often that happens is measured when the index is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from pairx_core.errors import RetrievalError
from pairx_core.retrieval.search import Found, Wanted, cosines, nearest
from pairx_core.retrieval.store import EmbeddingStore
from pairx_core.retrieval.vectors import PhotoVectors

WORTHWHILE = 200_000  # photos; below, the exact search takes a tenth of a second
_WANTED_RECALL = 0.99
_PROBES = (4, 8, 16, 32, 64, 128)  # lists looked into: the fewest that find as many as wanted
_MEASURED_QUERIES, _MEASURED_K = 200, 5
_A_CENTRE = 64  # vectors that train a centre
_ROUNDS = 10  # of k-means
_AT_ONCE = 20_000  # vectors sorted at a time
_SPARE = 8  # times k candidates that are ordered exactly
_NEEDED = "requirements-large.txt"
_INDEX_NAME, _ABOUT_NAME = "approximate.faiss", "approximate.json"


@dataclass(frozen=True, slots=True)
class ApproximateAbout:
    """What an approximate index is of, and how good it is."""

    generation: int  # of the store
    rows: int  # of the store that it knows, the first ones; later ones are searched exactly
    lists: int
    probes: int  # lists looked into
    recall: float  # share of the exact first five found, on some hundred queries without filters
    seed: int


class ApproximateIndex:
    """Finds most of the nearest rows of a store without looking at all of them. For several threads."""

    def __init__(self, index: Any, about: ApproximateAbout) -> None:
        """Take a faiss index and what is known of it; :meth:`make` and :meth:`of` do."""
        self._index = index
        self.about = about

    @classmethod
    def make(
        cls,
        store: EmbeddingStore,
        *,
        seed: int = 0,
        least: int = WORTHWHILE,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> ApproximateIndex:
        """Make the approximate index of a store, keep it beside the vectors, and measure how much it finds.

        Args:
            store: whose vectors.
            seed: of what trains the centres, and of the measured queries.
            least: rows that a store must have for it.
            progress: called with (rows done, rows in all); it may raise to stop.

        Raises:
            RetrievalError: there are too few rows, faiss is not installed, or the disk does not take it.
        """
        faiss = _faiss()
        count = len(store)
        if count < least:
            raise RetrievalError(
                f"{store.folder}: with {count:,} photos the exact search takes a fraction of a second. An approximate "
                f"index is made from {least:,} on."
            )
        index = _trained(faiss, store.vectors, seed)
        for start in range(0, count, _AT_ONCE):
            progress(start, count)
            index.add(np.asarray(store.vectors[start : start + _AT_ONCE], np.float32))
        progress(count, count)
        probes, recall = _tuned(faiss, index, store.vectors, seed)
        about = ApproximateAbout(store.about.generation, count, index.nlist, probes, recall, seed)
        _keep(faiss, index, about, store.folder)
        return cls(index, about)

    @classmethod
    def of(cls, store: EmbeddingStore) -> ApproximateIndex | None:
        """The approximate index that was made for a store; None: none was, or the store's rows are others now.

        Raises:
            RetrievalError: there is one, but faiss is not installed, or it cannot be read.
        """
        file = store.folder / _ABOUT_NAME
        try:
            about = ApproximateAbout(**json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise _unreadable(file, error) from None
        if about.generation != store.about.generation or about.rows > len(store):
            return None
        faiss = _faiss()
        path = store.folder / _INDEX_NAME
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:  # faiss's own for a file that is missing, cut short, or no index
            raise _unreadable(path, error) from None
        if index.ntotal != about.rows:
            raise _unreadable(path, ValueError(f"it holds {index.ntotal} rows, not {about.rows}"))
        return cls(index, about)

    @staticmethod
    def remove(folder: Path) -> None:
        """Go back to the exact search."""
        for name in (_ABOUT_NAME, _INDEX_NAME):
            (folder / name).unlink(missing_ok=True)

    def rows(
        self, queries: npt.NDArray[np.float32], count: int, allowed: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.int64]:
        """Rows (Q, count) that are probably the nearest; -1 where there are fewer.

        Args:
            queries: (Q, D) of length 1.
            count: how many.
            allowed: (rows,) which may be found; None: all.
        """
        probes = self.about.probes
        if allowed is not None:  # as many of those that may be found are looked at as if all might
            share = float(np.count_nonzero(allowed)) / len(allowed)
            probes = min(self.about.lists, int(np.ceil(probes / max(share, 1e-6))))
        return _searched(_faiss(), self._index, probes, (queries, count, allowed))


class ApproximateSearch:
    """Searches a catalogue's photos through an approximate index of the store that they lie in."""

    def __init__(self, index: ApproximateIndex, vectors: PhotoVectors, least: int = WORTHWHILE) -> None:
        """Take the index, and the photos' vectors in the same store.

        Args:
            index: of the store.
            vectors: of the photos.
            least: photos that filters must leave; among fewer the search is exact, and quick.
        """
        self._least = least
        self.about = index.about
        self._index, self._vectors = index, vectors
        self._order = np.argsort(vectors.rows, kind="stable")  # photos by their row
        self._sorted = vectors.rows[self._order]
        self._later = vectors.rows >= index.about.rows  # photos that it does not know yet

    def nearest(self, queries: npt.NDArray[np.float32], k: int, wanted: Wanted) -> list[Found]:
        """As :func:`pairx_core.retrieval.search.nearest`, but that some photos may not be found."""
        found: list[Found | None] = [None] * len(queries)
        for number, allowed in enumerate(wanted.allowed):
            numbers = np.flatnonzero(wanted.group == number)
            part = Wanted(
                [allowed], np.zeros(len(numbers), np.int64), [wanted.excluded[int(one)] for one in numbers]
            )
            for place, one in zip(numbers, self._of_group(queries[numbers], k, part), strict=True):
                found[place] = one
        return [one for one in found if one is not None]

    def _of_group(self, queries: npt.NDArray[np.float32], k: int, wanted: Wanted) -> list[Found]:
        allowed = wanted.allowed[0]
        if allowed is not None and np.count_nonzero(allowed) < self._least:
            return nearest(self._vectors, queries, k, wanted)
        found = self._approximately(queries, k, wanted)
        few = [number for number, one in enumerate(found) if len(one.places) < k]
        for number in few:  # they lie far from the query, or there are no more: a look at all tells
            alone = Wanted([allowed], np.zeros(1, np.int64), [wanted.excluded[number]])
            (found[number],) = nearest(self._vectors, queries[number : number + 1], k, alone)
        return found

    def _approximately(self, queries: npt.NDArray[np.float32], k: int, wanted: Wanted) -> list[Found]:
        allowed = wanted.allowed[0]
        rows = None
        if allowed is not None:
            rows = np.zeros(self.about.rows, bool)
            known = self._vectors.rows[allowed]
            rows[known[known < self.about.rows]] = True
        longest = max((len(one) for one in wanted.excluded), default=0)
        near = self._index.rows(queries, _SPARE * k + longest, rows)
        later = self._later if allowed is None else self._later & allowed
        new = (
            nearest(self._vectors, queries, k, Wanted([later], wanted.group, wanted.excluded))
            if later.any()
            else None
        )
        return [
            self._ordered(
                query, k, self._places(near[number], allowed, excluded), None if new is None else new[number]
            )
            for number, (query, excluded) in enumerate(zip(queries, wanted.excluded, strict=True))
        ]

    def _places(
        self,
        rows: npt.NDArray[np.int64],
        allowed: npt.NDArray[np.bool_] | None,
        excluded: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """The photos of some rows that may be found."""
        rows = np.unique(rows[rows >= 0])
        first, last = np.searchsorted(self._sorted, rows), np.searchsorted(self._sorted, rows, "right")
        spans = [self._order[start:end] for start, end in zip(first, last, strict=True)]
        places = np.concatenate([np.empty(0, np.int64), *spans])
        if allowed is not None:
            places = places[allowed[places]]
        return np.setdiff1d(places, excluded)

    def _ordered(
        self, query: npt.NDArray[np.float32], k: int, places: npt.NDArray[np.int64], new: Found | None
    ) -> Found:
        if new is not None:
            places = np.union1d(places, new.places)
        exact = cosines(self._vectors, query, places)
        order = np.argsort(-exact, kind="stable")[:k]
        return Found(places[order], exact[order])


def _trained(faiss: ModuleType, vectors: npt.NDArray[np.floating], seed: int) -> Any:
    """An index without rows, its centres trained on a sample."""
    count, dimensions = vectors.shape
    lists = max(1, int(np.sqrt(count)))
    sample = np.random.default_rng(seed).choice(count, min(count, lists * _A_CENTRE), replace=False)
    quantizer = faiss.IndexFlatIP(dimensions)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dimensions, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed, index.cp.niter = seed + 1, _ROUNDS
    index.train(np.asarray(vectors[np.sort(sample)], np.float32))
    index.own_fields = True
    quantizer.this.disown()  # the index has it now
    return index


def _tuned(faiss: ModuleType, index: Any, vectors: npt.NDArray[np.floating], seed: int) -> tuple[int, float]:
    """How many lists to look into, and which share of the exact nearest rows is found then."""
    chosen = np.random.default_rng(seed + 1).choice(
        len(vectors), min(len(vectors), _MEASURED_QUERIES), replace=False
    )
    own = np.sort(chosen)
    queries = np.asarray(vectors[own], np.float32)
    others = Wanted([None], np.zeros(len(own), np.int64), [own[at : at + 1] for at in range(len(own))])
    exact = nearest(PhotoVectors(vectors), queries, _MEASURED_K, others)  # a query finds itself always
    recall = 0.0
    for probes in _PROBES:
        near = _searched(faiss, index, probes, (queries, _SPARE * _MEASURED_K, None))
        hits = [
            np.isin(one.places, rows).mean() for one, rows in zip(exact, near, strict=True) if len(one.places)
        ]
        recall = float(np.mean(hits))
        if recall >= _WANTED_RECALL or probes >= index.nlist:
            break
    return probes, recall


def _searched(
    faiss: ModuleType,
    index: Any,
    probes: int,
    asked: tuple[npt.NDArray[np.float32], int, npt.NDArray[np.bool_] | None],
) -> npt.NDArray[np.int64]:
    queries, count, allowed = asked
    chosen = faiss.SearchParametersIVF(nprobe=probes)
    if allowed is not None:
        bits = np.packbits(allowed, bitorder="little")
        chosen.sel = faiss.IDSelectorBitmap(bits)
    found: npt.NDArray[np.int64] = index.search(queries, max(count, 1), params=chosen)[1]
    return found


def _keep(faiss: ModuleType, index: Any, about: ApproximateAbout, folder: Path) -> None:
    fresh = [folder / f"{name}.{uuid4().hex}" for name in (_INDEX_NAME, _ABOUT_NAME)]
    try:
        faiss.write_index(index, str(fresh[0]))
        fresh[1].write_text(json.dumps(asdict(about), indent=1) + "\n", encoding="utf-8")
        (folder / _ABOUT_NAME).unlink(missing_ok=True)
        fresh[0].replace(folder / _INDEX_NAME)
        fresh[1].replace(folder / _ABOUT_NAME)
    except (OSError, RuntimeError) as error:
        for path in fresh:
            path.unlink(missing_ok=True)
        raise RetrievalError(
            f"{folder}: the approximate index cannot be kept there ({error}). Make room on the disk; the exact search "
            "goes on without it."
        ) from error


def _unreadable(file: Path, error: Exception) -> RetrievalError:
    return RetrievalError(
        f"{file}: the approximate index cannot be read ({error}). Make it again with “index --approximate”, or delete "
        "this file to search exactly."
    )


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError as error:
        raise RetrievalError(
            f"The approximate index needs a package that is not installed ({error}). Run pip install -r {_NEEDED}, or "
            f"delete {_ABOUT_NAME} beside the embeddings to search exactly."
        ) from error
    return faiss


def recall_in_words(about: ApproximateAbout, photos: int) -> str:
    """What is to be known of candidates that an approximate index finds."""
    return (
        f"Candidates among {photos:,} photos are found by an approximate index: {about.recall:.1%} of the exact "
        "first five were found, without filters, when it was made. Similarities are exact."
    )
