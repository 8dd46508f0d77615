"""PAIR-X itself, in the form that all methods share."""

from __future__ import annotations

from pairx_core.evaluate.evidence import Evidence, View
from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.options import ExplanationOptions
from pairx_core.models.embedding_model import EmbeddingModel


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
    ) -> None:
        """Set it up; arguments as of ``PairExplainer``. An ``input_size`` among the options has no effect.

        Raises:
            ExplanationError: no rule for one of the model's modules, no such layer, or no such device.
        """
        self._explainer = PairExplainer(model, layer, options, device=device)

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
            query_features=self._explainer.features_of_tensor(query.inputs),
            candidate_features=self._explainer.features_of_tensor(candidate.inputs),
            distance=made.matches.distance,
        )
