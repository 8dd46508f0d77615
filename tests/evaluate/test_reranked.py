"""Candidates by similarity and plausibility: written only where that measurably helps, as a table the app opens."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pairx_core import Catalogue, CatalogueError, ExplanationError, Photo
from pairx_core.evaluate import reranked as module
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.reranked import as_table, reranked, reranking_in_words
from pairx_core.evaluate.trust import TrustStudy
from pairx_core.retrieval import Candidate
from pairx_core.retrieval.given import read_candidates

MODEL = SimpleNamespace()


def study_of(informative: bool) -> TrustStudy:
    """Forty individuals with two queries each, in half of which a wrong photo is a little more similar."""
    random = np.random.default_rng(1)
    rows = []
    for query in range(80):
        who = f"animal {query // 2}"
        for rank in range(5):
            same = rank == (1 if query % 2 else 0)
            agreement = float(same) + 0.1 * random.random() if informative else float(random.random())
            rows.append(
                PairRow(
                    f"q{query}",
                    f"c{query}-{rank}",
                    who,
                    who if same else f"another {rank}",
                    0.9 - 0.01 * rank,
                    45,
                    "pairx",
                    {"agreement": agreement, "aligned": -5.0},
                )
            )
    study = TrustStudy.of(rows)
    assert study is not None
    return study


class Index:
    """Proposes the same three photos for every query."""

    model = MODEL

    def candidates(self, query, k, filters):
        return [Candidate(photo(f"c{n}"), 0.9 - 0.01 * n, n + 1) for n in range(3)]


def photo(name: str) -> Photo:
    return Photo(name, Path(f"/{name}.jpg"))


@pytest.fixture
def explained(monkeypatch):
    """The third candidate is the plausible one; the second cannot be explained."""

    class Measurer:
        def __init__(self, *_):
            pass

        def row(self, pair, *_):
            if pair.candidate.id == "c1":
                raise ExplanationError("its feature map is zero")
            agreement = 1.0 if pair.candidate.id == "c2" else 0.0
            return SimpleNamespace(measures={"agreement": agreement, "aligned": -5.0})

    monkeypatch.setattr(module, "Measurer", Measurer)
    monkeypatch.setattr(module, "make_method", lambda *_: None)


def test_the_plausible_candidate_comes_first_where_plausibility_helps(explained):
    found, failures = reranked(Index(), study_of(True), "blocks.3", [photo("q")])
    assert found[0].candidate.photo.id == "c2"
    assert found[0].candidate.rank == 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert failures == ["q, c1: its feature map is zero"]


def test_nothing_is_reordered_where_it_does_not_help(explained):
    study = study_of(False)
    with pytest.raises(CatalogueError, match="does not measurably help"):
        reranked(Index(), study, "blocks.3", [photo("q")])


def test_the_words_say_what_changed(explained):
    words = reranking_in_words(study_of(True))
    assert words.startswith(
        "it helps. With the similarity alone the right individual comes first for 50.0% of 80"
    )
    assert "for 100.0%" in words


def test_the_app_reads_the_table_in_the_new_order(explained, tmp_path):
    found, _ = reranked(Index(), study_of(True), "blocks.3", [photo("q")])
    table = tmp_path / "candidates.csv"
    table.write_text(as_table(found), encoding="utf-8")
    catalogue = Catalogue(tmp_path, tuple(map(photo, ("q", "c0", "c1", "c2"))))
    given = read_candidates(table, catalogue)
    assert [one.photo.id for one in given.candidates(photo("q"))] == [one.candidate.photo.id for one in found]
