from __future__ import annotations

import numpy as np
import pytest
import torch

from pairx_core import ExplanationError, PairExplainer
from pairx_core.evaluate.methods.nearest import NearestNeighbours
from tests.evaluate.methods.making import efficientnet, pair, tiny_swin, tiny_vit, wrapped
from tests.explain.tiny_models import tiny_net


def lines(query_xy, candidate_xy):
    return sorted(map(tuple, np.hstack([query_xy, candidate_xy]).round(3).tolist()))


@pytest.mark.parametrize(
    ("module", "layer", "side"),
    [(efficientnet, "blocks.2", 64), (tiny_swin, "layers.0", 32), (tiny_vit, "blocks.1", 32)],
)
def test_lines_are_pairx_s_ordered_by_distance(module, layer, side):
    query, candidate = pair((side, side))
    evidence = NearestNeighbours(wrapped(module()), layer).evidence(query, candidate)
    made = PairExplainer(wrapped(module()), layer).explain_tensors(query.inputs, candidate.inputs).matches
    assert lines(evidence.query_xy, evidence.candidate_xy) == lines(
        query.frame.input_to_photo(made.query_xy), candidate.frame.input_to_photo(made.candidate_xy)
    )
    np.testing.assert_allclose(evidence.weight, 1 / (1 + np.sort(made.distance)), rtol=1e-5)
    np.testing.assert_allclose(evidence.weight, 1 / (1 + evidence.distance))
    assert evidence.query_map is None and evidence.candidate_map is None


def test_lines_are_mutual_nearest_neighbours_by_hand():
    module, (query, candidate) = tiny_net(), pair()
    with torch.no_grad():
        features = [
            module.blocks[:2](view.inputs)[0].flatten(1).T.double().numpy() for view in (query, candidate)
        ]
    distances = np.linalg.norm(features[0][:, None] - features[1][None], axis=2)
    mutual = [(i, j) for i, j in enumerate(distances.argmin(1)) if distances[:, j].argmin() == i]
    mutual.sort(key=lambda cells: distances[cells])
    evidence = NearestNeighbours(wrapped(module), "blocks.1").evidence(query, candidate)
    cells = [(i % 16, i // 16) for i, _ in mutual]
    np.testing.assert_allclose(evidence.query_xy, (np.array(cells) + 0.5) * [96 / 16, 160 / 16])
    np.testing.assert_allclose(evidence.weight, [1 / (1 + distances[cells]) for cells in mutual], rtol=1e-9)


def test_swapping_the_photos_swaps_the_lines():
    method = NearestNeighbours(wrapped(tiny_net()), "blocks.1")
    one, other = method.evidence(*pair()), method.evidence(*reversed(pair()))
    np.testing.assert_array_equal(one.query_xy, other.candidate_xy)
    np.testing.assert_array_equal(one.candidate_xy, other.query_xy)


def test_a_layer_that_does_not_exist_is_refused_at_once():
    with pytest.raises(ExplanationError, match="no layer “nowhere”"):
        NearestNeighbours(wrapped(tiny_net()), "nowhere")


def test_a_photo_runs_through_the_model_once():
    module = tiny_net()
    method = NearestNeighbours(wrapped(module), "blocks.1")
    runs = []
    method._tapped._module.register_forward_hook(lambda *_: runs.append(1))
    query, candidate = pair()
    method.evidence(query, candidate)
    method.evidence(candidate, query)
    assert len(runs) == 2
