from __future__ import annotations

import sys

import numpy as np
import pytest

from pairx_core.errors import RetrievalError
from pairx_core.retrieval import approximate
from pairx_core.retrieval.approximate import ApproximateIndex, ApproximateSearch
from pairx_core.retrieval.keys import as_keys
from pairx_core.retrieval.search import Wanted, nearest
from pairx_core.retrieval.store import EmbeddingStore, StoreAbout
from pairx_core.retrieval.vectors import PhotoVectors

COUNT = 3_000
ABOUT = StoreAbout("made", "0" * 16, "as given", 24, "float16")


def herd(count: int, seed: int = 0) -> np.ndarray:
    """Photos of individuals, ten each."""
    random = np.random.default_rng(seed)
    individuals = random.standard_normal((count // 10, 24))
    return np.repeat(individuals, 10, axis=0) + 0.4 * random.standard_normal((count, 24))


def added(store: EmbeddingStore, vectors: np.ndarray) -> None:
    start = len(store)
    with store.writing():
        keys = as_keys([number.to_bytes(32, "little") for number in range(start, start + len(vectors))])
        store.append(keys, vectors)


@pytest.fixture
def store(tmp_path) -> EmbeddingStore:
    made = EmbeddingStore(tmp_path, ABOUT)
    added(made, herd(COUNT))
    return made


def wanted(count: int, queries: int, share: float = 0.5) -> Wanted:
    random = np.random.default_rng(1)
    groups = [random.random(count) < share, None]
    return Wanted(
        groups, random.integers(0, 2, queries), [np.sort(random.choice(count, 3)) for _ in range(queries)]
    )


def recall(found, exact) -> float:
    return float(
        np.mean([np.isin(one.places, other.places).mean() for one, other in zip(exact, found, strict=True)])
    )


@pytest.mark.parametrize(("share", "least"), [(0.5, 100), (0.2, 100), (0.05, 100), (0.01, 100), (0.01, 0)])
def test_most_of_the_exact_candidates_are_found_under_filters_too(store, share, least):
    index = ApproximateIndex.make(store, least=100)
    assert index.about.recall >= 0.99
    vectors = PhotoVectors(store.vectors)
    queries = vectors.at(np.arange(0, COUNT, 50))
    asked = wanted(COUNT, len(queries), share)
    exact = nearest(vectors, queries, 5, asked)
    found = ApproximateSearch(index, vectors, least).nearest(queries, 5, asked)
    assert recall(found, exact) >= 0.97
    for one, other, of_group, excluded in zip(found, exact, asked.group, asked.excluded, strict=True):
        assert len(one.places) == len(other.places)
        assert not np.isin(one.places, excluded).any()
        assert of_group == 1 or asked.allowed[0][one.places].all()
        assert (np.diff(one.similarities) <= 0).all()


def test_where_filters_leave_few_the_search_is_exact(store):
    index = ApproximateIndex.make(store, least=100)
    vectors = PhotoVectors(store.vectors)
    queries = vectors.at(np.arange(0, COUNT, 50))
    asked = wanted(COUNT, len(queries), 0.03)
    asked = Wanted(asked.allowed[:1], np.zeros(len(queries), int), asked.excluded)
    found = ApproximateSearch(index, vectors, 200).nearest(queries, 5, asked)
    for one, other in zip(found, nearest(vectors, queries, 5, asked), strict=True):
        assert one.places.tolist() == other.places.tolist()


def test_what_it_says_of_its_recall_is_what_it_finds(store):
    index = ApproximateIndex.make(store, least=100)
    index = ApproximateIndex(index._index, index.about)
    few = ApproximateIndex(index._index, approximate.ApproximateAbout(0, COUNT, index.about.lists, 1, 0, 0))
    vectors = PhotoVectors(store.vectors)
    queries = vectors.at(np.arange(0, COUNT, 20))
    own = [np.asarray([at]) for at in range(0, COUNT, 20)]  # a query finds itself always
    everything = Wanted([None], np.zeros(len(queries), int), own)
    exact = nearest(vectors, queries, 5, everything)
    shares = [
        recall(ApproximateSearch(one, vectors).nearest(queries, 5, everything), exact) for one in (index, few)
    ]
    assert shares[0] == pytest.approx(index.about.recall, abs=0.02)
    assert shares[1] < shares[0]  # looking into one list only finds less


def test_it_is_found_again_and_later_photos_are_searched_exactly(store, tmp_path):
    ApproximateIndex.make(store, least=100)
    added(store, herd(40, seed=9))
    index = ApproximateIndex.of(EmbeddingStore(tmp_path, ABOUT))
    vectors = PhotoVectors(store.vectors)
    queries = vectors.at(np.arange(COUNT, COUNT + 40))
    everything = Wanted([None], np.zeros(40, int), [np.empty(0, int)] * 40)
    found = ApproximateSearch(index, vectors).nearest(queries, 5, everything)
    assert [one.places[0] for one in found] == list(range(COUNT, COUNT + 40))


def test_photos_that_share_an_embedding_are_all_found(store):
    index = ApproximateIndex.make(store, least=100)
    rows = np.concatenate([np.arange(COUNT), [17, 17]])
    vectors = PhotoVectors(store.vectors, rows)
    everything = Wanted([None], np.zeros(1, int), [np.empty(0, int)])
    (found,) = ApproximateSearch(index, vectors).nearest(vectors.at(np.asarray([17])), 3, everything)
    assert found.places.tolist() == [17, COUNT, COUNT + 1]


def test_rows_that_were_dropped_make_it_void(store, tmp_path):
    ApproximateIndex.make(store, least=100)
    with store.writing():
        store.drop(np.asarray([3]))
    assert ApproximateIndex.of(store) is None


def test_a_store_without_one_is_searched_exactly(store):
    assert ApproximateIndex.of(store) is None
    ApproximateIndex.make(store, least=100)
    ApproximateIndex.remove(store.folder)
    assert ApproximateIndex.of(store) is None


def test_few_photos_are_not_worth_it(store):
    with pytest.raises(RetrievalError, match="3,000 photos the exact search"):
        ApproximateIndex.make(store)


@pytest.mark.parametrize("damage", ["cut", "gone", "about"])
def test_a_damaged_one_is_named(store, damage):
    ApproximateIndex.make(store, least=100)
    file = store.folder / ("approximate.json" if damage == "about" else "approximate.faiss")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(RetrievalError, match=f"{file.name}: the approximate index cannot be read"):
        ApproximateIndex.of(store)


def test_without_the_package_it_is_said_what_to_install(store, monkeypatch):
    ApproximateIndex.make(store, least=100)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(RetrievalError, match="requirements-large.txt"):
        ApproximateIndex.of(store)
