from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pairx_core.catalogue import Photo
from pairx_core.retrieval import Candidate
from pairx_core.sessions import known_answers


@dataclass
class Ranked:
    """An index that ranks the other photos by how near their numbers are."""

    photos: tuple[Photo, ...]

    def candidates(self, query, k, filters):
        others = [photo for photo in self.photos if photo is not query]
        others.sort(key=lambda photo: abs(int(photo.id) - int(query.id)))
        return [Candidate(photo, 1 - rank / 100, rank) for rank, photo in enumerate(others[:k], 1)]

    def candidates_of(self, queries, k, filters):
        return [self.candidates(query, k, filters) for query in queries]


def photo(number: int, identity: str | None) -> Photo:
    return Photo(
        id=str(number), path=Path(f"{number}.jpg"), catalogue_path=f"{number}.jpg", identity=identity
    )


@pytest.fixture
def index() -> Ranked:
    names = ["a", "a", "a", "b", "b", None, "c", "c", None, "d"]
    return Ranked(tuple(photo(number, name) for number, name in enumerate(names)))


def test_one_in_two_is_the_same_individual_and_the_truth_is_right(index):
    pairs = known_answers(index, 6, seed=1)
    names = {one.id: one.identity for one in index.photos}
    assert [pair.truth for pair in pairs].count(True) == 3
    assert len(pairs) == 6
    for pair in pairs:
        assert (names[pair.query_id] == names[pair.candidate_id]) is pair.truth
        assert None not in (names[pair.query_id], names[pair.candidate_id])


def test_each_has_a_query_of_its_own(index):
    pairs = known_answers(index, 6, seed=1)
    assert len({pair.query_id for pair in pairs}) == 6


def test_two_individuals_are_the_most_similar_ones(index):
    different = [pair for pair in known_answers(index, 6, seed=1) if not pair.truth]
    for pair in different:
        query = next(one for one in index.photos if one.id == pair.query_id)
        ranked = index.candidates(query, 50, None)
        others = [one for one in ranked if one.photo.is_known and one.photo.identity != query.identity]
        assert pair.candidate_id == others[0].photo.id


def test_there_are_fewer_where_the_catalogue_has_no_more(index):
    pairs = known_answers(index, 100, seed=1)
    assert 0 < len(pairs) <= 8


def test_the_same_seed_draws_the_same_pairs(index):
    assert known_answers(index, 4, seed=1) == known_answers(index, 4, seed=1)
    assert known_answers(index, 4, seed=1) != known_answers(index, 4, seed=2)
