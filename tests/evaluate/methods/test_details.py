"""PAIR-X aligns two animals, and only details at the same place of the body count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pairx_core import load_model, read_catalogue
from pairx_core.evaluate.alignment import align
from pairx_core.evaluate.evidence import view_of_photo
from pairx_core.evaluate.methods import details, make_method
from pairx_core.evaluate.truth import lines_right, read_truth

SAMPLE = Path(__file__).resolve().parents[3] / "data_samples"


@pytest.fixture(scope="module")
def model():
    return load_model("demo")


@pytest.fixture(scope="module")
def pair():
    """Two photos of one animal's flank."""
    catalogue = read_catalogue(SAMPLE / "metadata.csv")
    photos = [photo for photo in catalogue.individuals["zebrelle_01"] if photo.flank == "right"]
    return photos[0], photos[1]


@pytest.fixture(scope="module")
def found(model, pair):
    views = [view_of_photo(photo, model) for photo in pair]
    return make_method("pairx-details", model).evidence(*views), views


def test_details_lie_where_the_lines_put_the_animal(model, found):
    evidence, views = found
    lines = make_method("pairx-steady", model).evidence(*views)
    sizes = [np.array(view.image.size) for view in views]
    alignment = align(lines.query_xy / sizes[0], lines.candidate_xy / sizes[1], lines.weight)
    apart = np.linalg.norm(alignment(evidence.query_xy / sizes[0]) - evidence.candidate_xy / sizes[1], axis=1)
    assert len(apart) > 5 and (apart <= details._REACH + 1e-6).all()
    assert (np.diff(evidence.weight) <= 0).all() and (evidence.weight > 0).all()


def test_more_details_than_lines_are_right(model, pair, found):
    evidence, views = found
    bodies = [read_truth(photo, SAMPLE / "truth") for photo in pair]
    lines = make_method("pairx", model).evidence(*views)
    right = [
        lines_right(one.query_xy[:20], one.candidate_xy[:20], *bodies).mean() for one in (evidence, lines)
    ]
    assert right[0] > right[1]


def test_without_an_alignment_no_detail_counts(model, found, monkeypatch):
    monkeypatch.setattr(details, "align", lambda *_: None)
    evidence = make_method("pairx-details", model).evidence(*found[1])
    assert not evidence.has_lines and evidence.query_map is not None


def test_the_same_pair_gives_the_same_details(model, found):
    again = make_method("pairx-details", model).evidence(*found[1])
    assert np.array_equal(again.query_xy, found[0].query_xy)
    assert np.array_equal(again.weight, found[0].weight)
