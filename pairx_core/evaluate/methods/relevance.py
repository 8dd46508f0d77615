"""Relevance propagation alone: what PAIR-X would show without matching."""

from __future__ import annotations

from pairx_core.evaluate.evidence import Evidence, Floats, View, no_lines
from pairx_core.explain.computing import compute_in_full
from pairx_core.explain.pairing import cosine_with_gradients
from pairx_core.explain.picture import picture_of_tensor
from pairx_core.explain.support import check_supported
from pairx_core.explain.trace import RelevanceModel, Trace
from pairx_core.models.embedding_model import EmbeddingModel


class RelevanceAlone:
    """Layer-wise relevance propagation (Bach et al. 2015) of the similarity down to the pixels, by PAIR-X's rules.

    Seeded with the similarity's gradient by each embedding, as PAIR-X is. Maps (H, W) in input pixels are the absolute
    sums over the colors; there are no lines.
    """

    draws_lines = False
    draws_maps = True

    def __init__(self, model: EmbeddingModel) -> None:
        """Set it up.

        Raises:
            ExplanationError: no rule for one of the model's modules.
        """
        check_supported(model.module)
        if model.device.type == "cuda":
            compute_in_full()
        self._model = model
        self._relevance_model: RelevanceModel | None = None

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the pair cannot be explained.
        """
        traces = self._trace(query, "query"), self._trace(candidate, "candidate")
        _, seeds = cosine_with_gradients(*(trace.embedding for trace in traces))
        maps: list[Floats] = []
        for trace, seed in zip(traces, seeds, strict=True):
            maps.append(trace.pixel_relevance(seed)[0].sum(0).abs().cpu().double().numpy())
        return Evidence(*no_lines(), query_map=maps[0], candidate_map=maps[1])

    def _trace(self, view: View, name: str) -> Trace:
        inputs = picture_of_tensor(view.inputs, name).inputs
        own = next(self._model.module.parameters(), inputs)
        inputs = inputs.to(own.device, own.dtype)
        if self._relevance_model is None:
            self._relevance_model = RelevanceModel(self._model.module, [], inputs)
        return self._relevance_model.trace(inputs)
