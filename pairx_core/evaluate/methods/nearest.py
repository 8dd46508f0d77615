"""Nearest neighbours alone: what PAIR-X would draw without relevance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pairx_core.evaluate.evidence import Evidence, View
from pairx_core.evaluate.methods.recent import Recent
from pairx_core.evaluate.methods.tapped_model import TappedModel, matching_layer
from pairx_core.explain.matching import column_row, mutual_matches
from pairx_core.explain.picture import picture_of_tensor
from pairx_core.models.embedding_model import EmbeddingModel


class NearestNeighbours:
    """Mutual nearest neighbours among the cells of a layer, the nearest first.

    They are PAIR-X's matches in another order: the weight of a line is 1 / (1 + Euclidean distance of the feature
    vectors). There are no maps.
    """

    draws_lines = True
    draws_maps = False

    def __init__(self, model: EmbeddingModel, layer: str | None = None) -> None:
        """Set it up.

        Args:
            model: the embedding model.
            layer: dotted path of the layer whose cells are matched; None takes PAIR-X's recommended one.

        Raises:
            ExplanationError: no such layer.
        """
        self._model = model
        self._tapped = None if layer is None else TappedModel(model, layer)
        self._features: Recent[Tensor] = Recent()

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the layer has no cells.
            ModelError: no layer is named and the model has no stage with cells.
        """
        features = self._features_of(query), self._features_of(candidate)
        found = mutual_matches(*features)
        order = np.argsort(found.distance, kind="stable")
        grids = [(int(map_.shape[3]), int(map_.shape[2])) for map_ in features]
        ends = [
            view.frame.cells_to_photo(column_row(cells[order], grid[0]), grid)
            for view, cells, grid in zip(
                (query, candidate), (found.query, found.candidate), grids, strict=True
            )
        ]
        distance = found.distance[order]
        return Evidence(ends[0], ends[1], 1 / (1 + distance), distance=distance)

    def _features_of(self, view: View) -> Tensor:
        """Cells (1, C, h, w) of a photo."""
        if self._tapped is None:
            self._tapped = TappedModel(self._model, matching_layer(self._model, view.frame.input_size))
        picture, tapped = picture_of_tensor(view.inputs, "photo"), self._tapped
        with torch.no_grad():
            return self._features.get(picture.key, lambda: tapped.features(picture.inputs).clone())
