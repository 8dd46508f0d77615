from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from pairx_core import (
    CandidateFilters,
    CatalogueError,
    build_index,
    photo_from_file,
    read_catalogue,
)
from tests.conftest import paint


@pytest.fixture
def index(catalogue, model):
    return build_index(catalogue, model)


def ids(candidates) -> list[str]:
    return [candidate.photo.id for candidate in candidates]


def test_candidates_are_ranked_by_exact_cosine(catalogue, model, index):
    vectors = model.embed(catalogue.photos).astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = unit @ unit[0]
    order = [number for number in np.argsort(-expected, kind="stable") if number != 0]
    found = index.candidates(catalogue.photos[0], k=20)
    assert ids(found) == [catalogue.photos[number].id for number in order]
    assert [item.rank for item in found] == list(range(1, 8))
    np.testing.assert_allclose([item.similarity for item in found], expected[order], atol=1e-6)


def test_a_query_is_never_its_own_candidate(catalogue, index):
    for photo in catalogue.photos:
        assert photo.id not in ids(index.candidates(photo, k=100))


def test_a_copy_of_the_query_under_another_name_is_no_candidate(small_catalogue, model):
    folder = small_catalogue.parent
    shutil.copy(folder / "a1.jpg", folder / "copy.jpg")
    with small_catalogue.open("a", encoding="utf-8") as file:
        file.write("copy,bo,copy.jpg,left,2025-08-01,dam,bushbuck\n")
    catalogue = read_catalogue(small_catalogue)
    index = build_index(catalogue, model)
    assert "copy" not in ids(index.candidates(catalogue.photo("a1"), k=100))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, {"a2", "a3", "a4", "b1", "b2", "c1", "u1"}),
        (CandidateFilters(False, False, False, True), {"a3", "a4", "b2", "b1", "c1", "u1"}),
        (CandidateFilters(False, True, False, False), {"a2", "a3", "b1", "c1", "u1"}),
        (CandidateFilters(False, False, True, False), {"a2", "a3", "a4", "b1", "b2", "c1"}),
        (CandidateFilters(), {"a3", "b1", "c1", "u1"}),
    ],
)
def test_filters_leave_out_what_they_say(catalogue, index, filters, expected):
    assert set(ids(index.candidates(catalogue.photo("a1"), 100, filters))) == expected


def test_what_a_photo_does_not_say_excludes_nothing(catalogue, index):
    silent = replace(catalogue.photo("a1"), id="other", flank=None, species=None, date=None, site=None)
    assert len(index.candidates(silent, 100, CandidateFilters())) == 7  # all but its own picture


def test_filters_are_said_in_words():
    words = "same species, same flank, not from the same day and site"
    assert CandidateFilters().in_words() == words
    assert CandidateFilters(False, False, False, False).in_words() == "none"


def test_fewer_candidates_come_where_fewer_are_left(catalogue, index):
    assert len(index.candidates(catalogue.photo("a4"), 5, CandidateFilters())) == 1


def test_a_photo_from_outside_the_catalogue_can_be_the_query(index, tmp_path):
    found = index.candidates(photo_from_file(paint(tmp_path / "new.jpg", 99)), k=3)
    assert len(found) == 3


def test_a_broken_photo_is_skipped_and_named_and_the_others_are_indexed(small_catalogue, model):
    broken = small_catalogue.parent / "b1.jpg"
    broken.write_bytes(broken.read_bytes()[:-400])
    index = build_index(read_catalogue(small_catalogue), model)
    assert len(index) == 7
    (problem,) = index.skipped
    assert str(problem).count("b1.jpg") == 1  # its path is not said twice


def test_a_photo_that_vanished_since_the_catalogue_was_read_is_skipped(catalogue, model, tmp_path):
    catalogue.photo("c1").path.unlink()
    index = build_index(catalogue, model, cache_dir=tmp_path / "cache")
    assert len(index) == 7 and "c1.jpg" in str(index.skipped[0])


def test_a_catalogue_of_broken_photos_is_refused(small_catalogue, model):
    catalogue = read_catalogue(small_catalogue)
    for photo in catalogue.photos:
        photo.path.write_bytes(photo.path.read_bytes()[:300])
    with pytest.raises(CatalogueError, match="not one photo"):
        build_index(catalogue, model)


def test_progress_counts_up_to_all_photos(catalogue, model, tmp_path):
    seen: list[tuple[int, int]] = []
    build_index(catalogue, model, cache_dir=tmp_path, progress=lambda *step: seen.append(step))
    assert seen[0] == (0, 8) and seen[-1] == (8, 8)


def test_several_queries_get_what_each_would_get_alone(catalogue, index):
    for filters in (None, CandidateFilters(), CandidateFilters(same_flank=False, known_identity_only=True)):
        alone = [index.candidates(photo, 3, filters) for photo in catalogue.photos]
        assert index.candidates_of(catalogue.photos, 3, filters) == alone


def test_a_photo_s_rank_is_its_place_among_all_that_may_be_proposed(catalogue, index):
    for filters in (None, CandidateFilters()):
        for query in catalogue.photos:
            for expected in index.candidates(query, 100, filters):
                assert index.candidate(query, expected.photo, filters) == expected


@pytest.mark.parametrize("filters", [None, CandidateFilters(), CandidateFilters(False, True, True, False)])
def test_what_may_be_proposed_is_what_is(catalogue, index, filters):
    for query in catalogue.photos:
        proposed = set(ids(index.candidates(query, 100, filters)))
        assert {photo.id for photo in index.proposable(query, catalogue.photos, filters)} == proposed
