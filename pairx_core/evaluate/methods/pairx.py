"""PAIR-X itself, in the form that all methods share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from pairx_core.evaluate.evidence import Evidence, View
from pairx_core.evaluate.methods.recent import Recent
from pairx_core.evaluate.methods.tapped_model import TappedModel
from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.options import ExplanationOptions
from pairx_core.explain.picture import picture_of_tensor
from pairx_core.models.embedding_model import EmbeddingModel

MEMORY_BUDGET = (
    1 << 28
)  # bytes of activations kept between pairs; several methods may be at work side by side


class PairXMethod:
    """PAIR-X (Shrack, Haucke, Salaün, Subramonian, Beery 2025).

    Lines are all mutual matches, weighted by relevance; maps are the layer relevance of both photos.
    """

    draws_lines = True
    draws_maps = True

    def __init__(
        self,
        model: EmbeddingModel,
        layer: str | None = None,
        options: ExplanationOptions | None = None,
        device: str = "auto",
        *,
        memory_budget: int = MEMORY_BUDGET,
    ) -> None:
        """Set it up; arguments as of ``PairExplainer``. An ``input_size`` among the options has no effect.

        Raises:
            ExplanationError: no rule for one of the model's modules, no such layer, or no such device.
        """
        self._explainer = PairExplainer(model, layer, options, device=device, memory_budget=memory_budget)
        self._model = model
        self._tapped: TappedModel | None = None
        self._features: Recent[npt.NDArray[np.float32]] = Recent()

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the pair cannot be explained.
        """
        made = self._explainer.explain_tensors(query.inputs, candidate.inputs, k_lines=0, k_colors=0)
        return Evidence(
            query_xy=query.frame.input_to_photo(made.matches.query_xy),
            candidate_xy=candidate.frame.input_to_photo(made.matches.candidate_xy),
            weight=made.matches.relevance,
            query_map=made.query_relevance,
            candidate_map=made.candidate_relevance,
            query_features=self._features_of(query, made.layer),
            candidate_features=self._features_of(candidate, made.layer),
            distance=made.matches.distance,
        )

    def _features_of(self, view: View, layer: str) -> npt.NDArray[np.float32]:
        """The layer's feature map (C, h, w) of a photo."""
        if self._tapped is None:
            self._tapped = TappedModel(self._model, layer)
        picture, tapped = picture_of_tensor(view.inputs, "photo"), self._tapped
        with torch.no_grad():
            return self._features.get(
                picture.key, lambda: tapped.features(picture.inputs)[0].float().cpu().numpy().copy()
            )
