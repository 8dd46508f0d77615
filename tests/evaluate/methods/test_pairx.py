from __future__ import annotations

import numpy as np

from pairx_core import PairExplainer
from pairx_core.evaluate.methods.pairx import PairXMethod
from pairx_core.explain.options import ExplanationOptions
from tests.evaluate.methods.making import PHOTO, efficientnet, pair, wrapped
from tests.explain.tiny_models import tiny_net


def test_lines_and_maps_are_the_explainers_in_photo_pixels():
    query, candidate = pair()
    evidence = PairXMethod(wrapped(tiny_net()), "blocks.1").evidence(query, candidate)
    made = PairExplainer(wrapped(tiny_net()), "blocks.1").explain_tensors(query.inputs, candidate.inputs)
    scale = np.array(PHOTO) / 64
    np.testing.assert_allclose(evidence.query_xy, made.matches.query_xy * scale, rtol=1e-6)
    np.testing.assert_allclose(evidence.candidate_xy, made.matches.candidate_xy * scale, rtol=1e-6)
    np.testing.assert_array_equal(evidence.weight, made.matches.relevance)
    np.testing.assert_array_equal(evidence.query_map, made.query_relevance)
    np.testing.assert_array_equal(evidence.candidate_map, made.candidate_relevance)


def test_swapping_the_photos_swaps_the_evidence():
    method = PairXMethod(wrapped(tiny_net()), "blocks.1")
    one, other = method.evidence(*pair()), method.evidence(*reversed(pair()))
    np.testing.assert_allclose(one.query_map, other.candidate_map, rtol=1e-6)
    np.testing.assert_allclose(one.weight, other.weight, rtol=1e-6)
    np.testing.assert_array_equal(one.query_xy, other.candidate_xy)
    np.testing.assert_array_equal(one.candidate_xy, other.query_xy)


def test_options_reach_the_explainer():
    model = wrapped(efficientnet())
    plain = PairXMethod(model, "blocks.1").evidence(*pair())
    refined = PairXMethod(model, "blocks.1", ExplanationOptions(refine_matches=True)).evidence(*pair())
    forked = PairXMethod(model, "blocks.1", ExplanationOptions(channel_reduction="sum_of_abs"))
    assert not np.array_equal(plain.query_xy, refined.query_xy)
    assert (forked.evidence(*pair()).query_map >= plain.query_map * (1 - 1e-6)).all()
