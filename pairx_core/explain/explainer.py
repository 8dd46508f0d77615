"""PairExplainer: one expensive set-up step, then an explanation for any pair."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pairx_core.catalogue import Photo, open_photo
from pairx_core.errors import ExplanationError
from pairx_core.explain.conversion import check_supported
from pairx_core.explain.explanation import ChannelReduction, Matches, PairExplanation
from pairx_core.explain.matching import column_row, mutual_matches, reduce_channels
from pairx_core.explain.trace import RelevanceModel, Trace
from pairx_core.frames import PhotoFrame
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.version import __version__


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A photo as the model sees it."""

    inputs: Tensor  # (1, 3, H, W)
    frame: PhotoFrame


class PairExplainer:
    """Explains pairs of photos by PAIR-X (Shrack, Haucke, Salaün, Subramonian, Beery 2025).

    The user's model is never touched: relevance travels through a private copy that shares its weights. One
    explainer may serve many threads.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        layer: str | None = None,
        channel_reduction: ChannelReduction = "abs_of_sum",
    ) -> None:
        """Check that a model can be explained.

        Args:
            model: the embedding model.
            layer: dotted path of the layer whose cells are matched, such as "blocks.3"; None takes the
                model's recommended one.
            channel_reduction: how layer relevance is reduced over channels: "abs_of_sum" (the authors'
                code) or "sum_of_abs" (WildMe's fork).

        Raises:
            ExplanationError: no rule for one of the model's modules, no such layer, or an unknown reduction.
        """
        if channel_reduction not in get_args(ChannelReduction):
            choices = ", ".join(get_args(ChannelReduction))
            raise ExplanationError(f"channel_reduction is “{channel_reduction}”; choose one of {choices}.")
        check_supported(model.module)
        if layer is not None and layer not in dict(model.module.named_modules()):
            raise ExplanationError(
                f"The model {model.name} has no layer “{layer}”. Layers to choose from: "
                f"{', '.join(model.stage_names())}."
            )
        self.model = model
        self.channel_reduction: ChannelReduction = channel_reduction
        self._layer = layer
        self._relevance_model: RelevanceModel | None = None
        self._lock = threading.Lock()

    @property
    def layer(self) -> str:
        """The layer whose cells are matched.

        Raises:
            ExplanationError: it is left open until the first tensors are seen.
        """
        if self._layer is None:
            self._layer = self.model.recommended_layer
        return self._layer

    def explain(
        self, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
    ) -> PairExplanation:
        """Explain a pair of photos.

        Args:
            query: the photo in question.
            candidate: the photo proposed for it.
            k_lines: how many of the most relevant matches to draw as lines.
            k_colors: for how many of them to make color maps (the slow part).

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: the pair cannot be explained.
        """
        _check_counts(k_lines, k_colors)
        first, second = self._prepare(query), self._prepare(candidate)
        explanation = self._explain(first, second, k_lines, k_colors)
        return replace(explanation, query_photo=query, candidate_photo=candidate)

    def explain_tensors(
        self, query: Tensor, candidate: Tensor, k_lines: int = 20, k_colors: int = 10
    ) -> PairExplanation:
        """Explain a pair of already preprocessed inputs (1, 3, H, W); photo pixels are then input pixels.

        Raises:
            ExplanationError: a tensor has another shape or is not of floating point, or the pair cannot be
                explained.
        """
        _check_counts(k_lines, k_colors)
        return self._explain(
            _from_tensor(query, "query"), _from_tensor(candidate, "candidate"), k_lines, k_colors
        )

    def _prepare(self, photo: Photo) -> _Prepared:
        image = open_photo(photo)
        inputs = self.model.preprocess([image])
        return _Prepared(inputs, PhotoFrame(image.size, (inputs.shape[-1], inputs.shape[-2])))

    def _explain(
        self, query: _Prepared, candidate: _Prepared, k_lines: int, k_colors: int
    ) -> PairExplanation:
        model = self._ready(query.inputs)
        traces = model.trace(query.inputs), model.trace(candidate.inputs)
        similarity, seeds = cosine_with_gradients(traces[0].embedding, traces[1].embedding)
        relevance = [
            reduce_channels(trace.layer_relevance(seed), self.channel_reduction)
            for trace, seed in zip(traces, seeds, strict=True)
        ]
        matches = _ordered_matches(traces, relevance, (query.frame, candidate.frame))
        return PairExplanation(
            similarity=similarity,
            layer=self.layer,
            matches=matches,
            query_relevance=relevance[0],
            candidate_relevance=relevance[1],
            query_color_maps=_color_maps(traces[0], matches.query_cells[:k_colors], query.frame),
            candidate_color_maps=_color_maps(traces[1], matches.candidate_cells[:k_colors], candidate.frame),
            query_frame=query.frame,
            candidate_frame=candidate.frame,
            k_lines=k_lines,
            k_colors=k_colors,
            channel_reduction=self.channel_reduction,
            model=self.model.name,
            model_fingerprint=self.model.fingerprint,
            preprocessing=self.model.preprocessing_in_words,
            version=__version__,
        )

    def _ready(self, example: Tensor) -> RelevanceModel:
        with self._lock:
            if self._relevance_model is None:
                if self._layer is None and self.model.preprocessing is None:
                    self._layer = self.model.recommend_layer((example.shape[-1], example.shape[-2]))
                self._relevance_model = RelevanceModel(
                    self.model.module, self.layer, example.to(self.model.device)
                )
            return self._relevance_model


def cosine_with_gradients(query: Tensor, candidate: Tensor) -> tuple[float, tuple[Tensor, Tensor]]:
    """Cosine of two embeddings (1, D) and its gradients by them: the relevance that is sent back.

    Raises:
        ExplanationError: an embedding is not finite.
    """
    if not (query.isfinite().all() and candidate.isfinite().all()):
        raise ExplanationError(
            "The model's embedding of this pair is not a finite number; check its weights."
        )
    first, second = query.clone().requires_grad_(), candidate.clone().requires_grad_()
    with torch.enable_grad():
        similarity = torch.cosine_similarity(first, second).sum()
    by_first, by_second = torch.autograd.grad(similarity, (first, second))
    return float(similarity.detach()), (by_first, by_second)


def _ordered_matches(
    traces: tuple[Trace, Trace],
    relevance: list[npt.NDArray[np.float64]],
    frames: tuple[PhotoFrame, PhotoFrame],
) -> Matches:
    first, second, distance = mutual_matches(traces[0].features, traces[1].features)
    of_match = relevance[0].ravel()[first] * relevance[1].ravel()[second]
    order = np.argsort(-of_match, kind="stable")
    grids = [(map_.shape[1], map_.shape[0]) for map_ in relevance]
    query_cells = column_row(first[order], grids[0][0])
    candidate_cells = column_row(second[order], grids[1][0])
    return Matches(
        query_cells=query_cells,
        candidate_cells=candidate_cells,
        query_xy=frames[0].cells_to_photo(query_cells, grids[0]),
        candidate_xy=frames[1].cells_to_photo(candidate_cells, grids[1]),
        relevance=of_match[order],
        distance=distance[order],
    )


def _color_maps(trace: Trace, cells: npt.NDArray[np.int64], frame: PhotoFrame) -> npt.NDArray[np.float32]:
    width, height = frame.input_size
    maps = [trace.color_map(int(column), int(row)) for column, row in cells]
    return np.stack(maps) if maps else np.zeros((0, height, width), np.float32)


def _from_tensor(tensor: Tensor, name: str) -> _Prepared:
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise ExplanationError(
            f"The {name} must be a preprocessed floating-point tensor of shape (1, 3, H, W)."
        )
    if tensor.ndim != 4 or tensor.shape[:2] != (1, 3):
        raise ExplanationError(f"The {name} has shape {tuple(tensor.shape)}; (1, 3, H, W) is needed.")
    size = (tensor.shape[-1], tensor.shape[-2])
    return _Prepared(tensor, PhotoFrame(size, size))


def _check_counts(k_lines: int, k_colors: int) -> None:
    for name, value in (("k_lines", k_lines), ("k_colors", k_colors)):
        if value < 0:
            raise ExplanationError(f"{name} is {value}; it must be 0 or more.")
