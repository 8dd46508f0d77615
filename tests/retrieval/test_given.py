"""Candidates from someone else's matcher."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from pairx_core import CandidateFilters, CatalogueError, build_index, load_model, read_catalogue
from pairx_core.retrieval import read_candidates


@pytest.fixture
def catalogue(small_catalogue):
    return read_catalogue(small_catalogue)


@pytest.fixture
def table(tmp_path):
    def write(*lines: str, encoding: str = "utf-8"):
        path = tmp_path / "scores.csv"
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return path

    return write


def of(found, catalogue, query: str, **options):
    return [
        (one.photo.id, one.rank, one.score) for one in found.candidates(catalogue.photo(query), **options)
    ]


def test_rank_is_the_order_of_scores_and_scores_stay_as_written(catalogue, table):
    path = table("query_id,candidate_id,score", "a1,b1,12.50", "a1,c1,2000000", "a1,b2,1e1")
    found = read_candidates(path, catalogue)
    assert of(found, catalogue, "a1") == [("c1", 1, "2000000"), ("b1", 2, "12.50"), ("b2", 3, "1e1")]
    assert of(found, catalogue, "a1", k=1) == [("c1", 1, "2000000")]
    assert of(found, catalogue, "b1") == []
    assert [photo.id for photo in found.queries] == ["a1"]
    assert len(found) == len(catalogue) and found.source == path


def test_small_distances_come_first(catalogue, table):
    path = table("Candidate ID;Query ID;Distance", "b1;a1;0.4", "c1;a1;0.02", encoding="utf-16")
    assert of(read_candidates(path, catalogue), catalogue, "a1") == [("c1", 1, "0.02"), ("b1", 2, "0.4")]


def test_equal_scores_keep_the_tables_order(catalogue, table):
    rows = [f"a1,{photo},0.5" for photo in ("c1", "b2", "b1", "a4")]
    found = read_candidates(table("query_id,candidate_id,score", *rows), catalogue)
    assert [photo for photo, *_ in of(found, catalogue, "a1")] == ["c1", "b2", "b1", "a4"]


def test_a_photo_that_the_table_lacks_has_no_score(catalogue, table):
    found = read_candidates(table("query_id,candidate_id,score", "a1,b1,3"), catalogue)
    other = found.candidate(catalogue.photo("a1"), catalogue.photo("c1"))
    assert (other.score, other.rank) == ("no score", 2) and math.isnan(other.similarity)
    assert found.candidate(catalogue.photo("a1"), catalogue.photo("b1")).score == "3"
    similar = found.similarities(catalogue.photo("a1"), [catalogue.photo("b1"), catalogue.photo("c1")])
    assert similar[0] == 3 and math.isnan(similar[1])


@pytest.mark.parametrize(
    ("row", "where", "says"),
    [
        ("zz,b1,1", "row 3, query_id", "No photo of the catalogue"),
        ("a1,zz,1", "row 3, candidate_id", "No photo of the catalogue"),
        ("a1,a1,1", "row 3, candidate_id", "the query itself"),
        ("a1,c1,high", "row 3, score", "not a number"),
        ("a1,c1,nan", "row 3, score", "not a number"),
        ("a1,c1,1e999", "row 3, score", "not a number"),
        ("a1,c1,", "row 3, score", "not a number"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(catalogue, table, row, where, says):
    found = read_candidates(table("query_id,candidate_id,score", "a1,b1,1", row), catalogue)
    (problem,) = found.skipped
    assert (
        problem.severity == "left_out" and problem.where == f"scores.csv, {where}" and says in problem.message
    )
    assert of(found, catalogue, "a1") == [("b1", 1, "1")]


def test_of_several_rows_on_a_pair_the_best_counts_and_it_is_said(catalogue, table):
    path = table("query_id,candidate_id,score", "a1,b1,1", "a1,b1,3", "a1,b1,2")
    found = read_candidates(path, catalogue)
    assert of(found, catalogue, "a1") == [("b1", 1, "3")]
    assert [problem.where for problem in found.skipped] == ["scores.csv, row 3", "scores.csv, row 4"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["query_id,candidate_id", "a1,b1"], "no column “score”"),
        (["candidate_id,score", "a1,1"], "no column “query_id”"),
        (["query_id,candidate_id,score"], "no rows"),
        (["query_id,candidate_id,score", "x,y,1"], "row 2, query_id"),
    ],
)
def test_a_table_of_which_nothing_can_be_used_says_why(catalogue, table, lines, says):
    with pytest.raises(CatalogueError, match=says):
        read_candidates(table(*lines), catalogue)


def test_a_table_that_is_not_there_says_so(catalogue, tmp_path):
    with pytest.raises(CatalogueError, match="no table of candidates"):
        read_candidates(tmp_path / "none.csv", catalogue)


def test_known_pairs_count_once_with_the_better_score(catalogue, table):
    path = table("query_id,candidate_id,score", "a1,a3,5", "a3,a1,7", "a1,b1,2", "b1,c1,1", "a1,a2,9")
    found = read_candidates(path, catalogue)
    known = found.known_pairs()
    assert known.same.tolist() == [7, 9] and known.different.tolist() == [1, 2]
    burst_left_out = found.known_pairs(CandidateFilters())
    assert burst_left_out.same.tolist() == [7]


FILTERS = [CandidateFilters(*chosen) for chosen in itertools.product([False, True], repeat=4)]


@pytest.mark.parametrize("filters", FILTERS, ids=lambda one: one.in_words())
def test_filters_let_the_same_photos_pass_as_in_our_own_retrieval(small_catalogue, tiny_checkpoint, filters):
    catalogue = read_catalogue(small_catalogue)
    index = build_index(catalogue, load_model(str(tiny_checkpoint)))
    for query in catalogue.photos:
        proposed = {one.photo.id for one in index.candidates(query, k=99, filters=filters)}
        passing = {one.id for one in catalogue.photos if one is not query and filters.let_pass(query, one)}
        assert proposed == passing


@settings(max_examples=50, deadline=None)
@examples(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=7))
def test_ranks_agree_with_a_plain_sort(tmp_path_factory, scores):
    from tests.conftest import paint

    folder = tmp_path_factory.mktemp("given")
    names = ["q", *(f"c{n}" for n in range(len(scores)))]
    paint(folder / "p.jpg", 1)
    (folder / "metadata.csv").write_text("image_id,path\n" + "".join(f"{name},p.jpg\n" for name in names))
    rows = "".join(f"q,c{n},{score!r}\n" for n, score in enumerate(scores))
    (folder / "scores.csv").write_text("query_id,candidate_id,score\n" + rows)
    catalogue = read_catalogue(folder)
    found = read_candidates(folder / "scores.csv", catalogue).candidates(catalogue.photo("q"), k=99)
    plain = sorted(range(len(scores)), key=lambda n: -scores[n])
    assert [one.photo.id for one in found] == [f"c{n}" for n in plain]
    assert [float(one.score) for one in found] == [scores[n] for n in plain]
