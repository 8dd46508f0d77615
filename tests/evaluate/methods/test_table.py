from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from pairx_core import ExplanationError, load_model
from pairx_core.evaluate.evidence import Evidence, View, view_of_image
from pairx_core.evaluate.methods import METHODS, available_methods, make_method
from tests.evaluate.methods.making import pair as random_pair
from tests.evaluate.methods.making import texture, tiny_swin, wrapped


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_model(str(tiny_checkpoint))


@pytest.fixture(scope="module")
def views(model) -> tuple[View, View]:
    whole = texture(3, (300, 260))
    cuts = whole.crop((0, 0, 240, 200)), whole.crop((20, 12, 300, 260))
    first, second = (view_of_image(cut, model) for cut in cuts)
    return first, second


def is_sound(evidence: Evidence, query: View, candidate: View) -> bool:
    for xy, view in ((evidence.query_xy, query), (evidence.candidate_xy, candidate)):
        assert xy.shape == (len(evidence.weight), 2) and xy.dtype == np.float32
        assert (xy >= 0).all() and (xy <= view.image.size).all()
    assert evidence.weight.dtype == np.float64 and (np.diff(evidence.weight) <= 0).all()
    for map_ in (evidence.query_map, evidence.candidate_map):
        if map_ is not None:
            assert map_.ndim == 2 and map_.dtype == np.float64 and (map_ >= 0).all() and map_.any()
    return True


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_sound_evidence_and_the_same_twice(name, model, views):
    method = make_method(name, model)
    evidence, again = (made.evidence(*views) for made in (method, make_method(name, model)))
    assert is_sound(evidence, *views)
    assert evidence.has_lines == method.draws_lines
    assert (evidence.query_map is not None) == (evidence.candidate_map is not None) == method.draws_maps
    for field in ("query_xy", "candidate_xy", "weight", "query_map", "candidate_map"):
        np.testing.assert_array_equal(getattr(evidence, field), getattr(again, field))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_transformers(name):
    views = random_pair((32, 32))
    evidence = make_method(name, wrapped(tiny_swin()), "layers.0").evidence(*views)
    assert is_sound(evidence, *views)


@pytest.mark.parametrize("name", METHODS)
def test_methods_say_who_described_them_and_have_names_and_titles_of_their_own(name):
    spec = METHODS[name]
    assert spec.name == name and spec.title and spec.source
    assert [other.title for other in METHODS.values()].count(spec.title) == 1


@pytest.mark.parametrize("name", ["pairx", "nearest"])
def test_a_layer_is_where_cells_are_matched(name, model, views):
    grids = {
        layer: np.unique(make_method(name, model, layer).evidence(*views).query_xy[:, 0])
        for layer in ("blocks.0", "blocks.2")
    }
    assert np.diff(grids["blocks.0"]).min() < np.diff(grids["blocks.2"]).min()


def test_an_unknown_method_is_refused_with_the_names(model):
    with pytest.raises(ExplanationError, match=r"“lime”.*pairx, pairx-fork.*chance"):
        make_method("lime", model)


def test_methods_whose_packages_are_missing_are_not_available(monkeypatch):
    find = importlib.util.find_spec
    assert available_methods() == tuple(METHODS)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "captum" else find(name))
    assert set(METHODS) - set(available_methods()) == {"gradcam", "ig"}


def test_the_table_needs_none_of_the_packages():
    code = (
        "import sys, pairx_core.evaluate.methods; "
        "print([name for name in ('captum', 'cv2', 'timm') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
