"""PairExplainer: one expensive set-up step, then an explanation for any pair."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from pairx_core.catalogue import Photo, open_photo, photo_digest
from pairx_core.errors import ExplanationError
from pairx_core.explain.color_maps import SideColorMaps
from pairx_core.explain.computing import device_named, memory_watched
from pairx_core.explain.engine_version import code_fingerprint, engine_fingerprint
from pairx_core.explain.explanation import PairExplanation, departures
from pairx_core.explain.explanation_cache import ExplanationCache
from pairx_core.explain.keeping import Keeper, PairResult
from pairx_core.explain.matching import reduce_channels
from pairx_core.explain.memory import keep_freed_memory
from pairx_core.explain.options import ExplanationOptions, Rules
from pairx_core.explain.pairing import (
    PairCells,
    check_features,
    cosine_with_gradients,
    describing_stages,
    ordered_matches,
    pair_cells,
)
from pairx_core.explain.picture import Picture, Prepared, picture_of_tensor
from pairx_core.explain.side_by_side import results_in_order
from pairx_core.explain.support import check_supported, rules_for
from pairx_core.explain.trace import RelevanceModel, Trace
from pairx_core.explain.trace_store import TraceStore
from pairx_core.explain.watching import UnchangedWeights, check_layer, forward_watched
from pairx_core.frames import PhotoFrame
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.version import __version__

MEMORY_BUDGET = 1 << 30  # bytes


class PairExplainer:
    """Explains pairs of photos by PAIR-X (Shrack, Haucke, Salaün, Subramonian, Beery 2025).

    The user's model is never touched: relevance travels through a private copy that shares its weights. One
    explainer may serve many threads. What depends on one photo alone is kept in memory for its next pair.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        layer: str | Sequence[str] | None = None,
        options: ExplanationOptions | None = None,
        *,
        cache: ExplanationCache | None = None,
        memory_budget: int = MEMORY_BUDGET,
        device: str = "auto",
    ) -> None:
        """Check that a model can be explained.

        Args:
            model: the embedding model.
            layer: dotted path of the layer whose cells are matched, such as "blocks.3", or several of them (see
                ``explain_layers``); None takes the model's recommended one.
            options: departures from the published method; None: none.
            cache: where results are kept on disk; None: nowhere.
            memory_budget: how many bytes of recent photos' activations to keep between pairs. About 0.6 GB a
                photo for MiewID at 440 pixels.
            device: where to compute, as torch names it; "auto": on a CUDA device if there is one, or else where
                the model is.

        Raises:
            ExplanationError: no rule for one of the model's modules, no such layer, or no such device.
        """
        check_supported(model.module)
        self.model = model
        self.options = options or ExplanationOptions()
        self.rules: Rules = rules_for(model.module)
        self._layers = None if layer is None else (layer,) if isinstance(layer, str) else tuple(layer)
        if self._layers == ():
            raise ExplanationError("No layer is given; leave it out for the recommended one.")
        for path in self._layers or ():
            check_layer(model, path)
        self._device = device_named(device, model.device)
        keep_freed_memory()
        self._cache = cache
        self._traces = TraceStore(memory_budget)
        self._relevance_model: RelevanceModel | None = None
        self._weights = UnchangedWeights(model)
        self._lock = threading.Lock()

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose cells are matched.

        Raises:
            ModelError: it was left to the model, which cannot tell before it has seen a tensor.
        """
        if self._layers is None:
            self._layers = (self.model.recommended_layer,)
        return self._layers

    @property
    def layer(self) -> str:
        """The (first) layer whose cells are matched; see ``layers``."""
        return self.layers[0]

    @property
    def memory_used(self) -> int:
        """Bytes of recent photos' activations that are kept; between pairs, at most ``memory_budget``."""
        return self._traces.nbytes

    @property
    def departures(self) -> tuple[str, ...]:
        """In words, in what this explainer's explanations depart from the published method."""
        return departures(self.rules, self.options)

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
        return _last(self.stages(query, candidate, k_lines, k_colors))

    def stages(
        self, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
    ) -> Iterator[PairExplanation]:
        """Explain a pair step by step: lines and heat maps first, then with each match's color maps.

        Every explanation is complete but for the color maps still to come; the last one is what ``explain``
        returns. The next matches' color maps are worked on meanwhile. Whoever stops iterating stops the work, but for
        the two color maps at hand; what was computed so far is kept.

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: the pair cannot be explained.
        """
        _check_counts(k_lines, k_colors)
        pictures = self._of_photo(query), self._of_photo(candidate)
        return self._stages(*pictures, self._layer_for(pictures[0]), k_lines, k_colors)

    def stages_with_cells(
        self, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
    ) -> Iterator[tuple[PairExplanation, PairCells]]:
        """``stages``, each with both photos' cells, which are found once, after the first of them.

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: the pair cannot be explained.
        """
        pictures = self._of_photo(query), self._of_photo(candidate)
        cells: PairCells | None = None
        with closing(self.stages(query, candidate, k_lines, k_colors)) as stages:  # type: ignore[type-var]
            for explanation in stages:
                if cells is None:
                    with memory_watched():
                        traces = [self._trace(picture) for picture in pictures]
                        cells = pair_cells(traces, explanation.layer, self.options)
                yield explanation, cells

    def explain_layers(
        self, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
    ) -> tuple[PairExplanation, ...]:
        """Explain a pair at each of the explainer's layers, from the same forward passes.

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: the pair cannot be explained.
        """
        pictures = self._of_photo(query), self._of_photo(candidate)
        return self._explain_layers(*pictures, k_lines, k_colors)

    def explain_tensors(
        self, query: Tensor, candidate: Tensor, k_lines: int = 20, k_colors: int = 10
    ) -> PairExplanation:
        """Explain a pair of already preprocessed inputs (1, 3, H, W); photo pixels are then input pixels.

        Raises:
            ExplanationError: a tensor has another shape or is not of floating point, or the pair cannot be
                explained.
        """
        return _last(self.tensor_stages(query, candidate, k_lines, k_colors))

    def tensor_stages(
        self, query: Tensor, candidate: Tensor, k_lines: int = 20, k_colors: int = 10
    ) -> Iterator[PairExplanation]:
        """``stages`` for a pair of already preprocessed inputs (1, 3, H, W).

        Raises:
            ExplanationError: as ``explain_tensors``.
        """
        _check_counts(k_lines, k_colors)
        pictures = picture_of_tensor(query, "query"), picture_of_tensor(candidate, "candidate")
        return self._stages(*pictures, self._layer_for(pictures[0]), k_lines, k_colors)

    def explain_tensor_layers(
        self, query: Tensor, candidate: Tensor, k_lines: int = 20, k_colors: int = 10
    ) -> tuple[PairExplanation, ...]:
        """``explain_layers`` for a pair of already preprocessed inputs (1, 3, H, W).

        Raises:
            ExplanationError: as ``explain_tensors``.
        """
        return self._explain_layers(
            picture_of_tensor(query, "query"), picture_of_tensor(candidate, "candidate"), k_lines, k_colors
        )

    def _explain_layers(
        self, query: Picture, candidate: Picture, k_lines: int, k_colors: int
    ) -> tuple[PairExplanation, ...]:
        _check_counts(k_lines, k_colors)
        self._layer_for(query)
        return tuple(_last(self._stages(query, candidate, layer, k_lines, k_colors)) for layer in self.layers)

    def _stages(
        self, query: Picture, candidate: Picture, layer: str, k_lines: int, k_colors: int
    ) -> Iterator[PairExplanation]:
        sides: list[SideColorMaps] = []
        try:
            with memory_watched():
                result = self._kept_or_new_result(query, candidate, layer)
            explanation = self._explanation(query, candidate, layer, result, (k_lines, k_colors))
            yield explanation
            count = min(k_colors, len(result.matches))
            cells = result.matches.query_cells[:count], result.matches.candidate_cells[:count]
            sides = [
                SideColorMaps(self._trace, self._keeper, query, layer, cells[0]),
                SideColorMaps(self._trace, self._keeper, candidate, layer, cells[1]),
            ]
            with memory_watched():
                both = zip(*(side.tasks() for side in sides), strict=True)
            with closing(results_in_order([task for pair in both for task in pair], self._device)) as made:
                for number in range(count):
                    with memory_watched():
                        first, second = (side.with_map(number, next(made)) for side in sides)
                    yield replace(explanation, query_color_maps=first, candidate_color_maps=second)
        finally:
            for side in sides:
                side.keep()
            self._traces.trim()

    def _kept_or_new_result(self, query: Picture, candidate: Picture, layer: str) -> PairResult:
        self._weights.check()
        result = self._keeper.pair(query.key, candidate.key, layer)
        if result is None:
            result = self._pair_result(query, candidate, layer)
            self._keeper.keep_pair(query.key, candidate.key, layer, result)
        return result

    def _pair_result(self, query: Picture, candidate: Picture, layer: str) -> PairResult:
        traces = self._trace(query, complete=True), self._trace(candidate, complete=True)
        for trace, name in zip(traces, ("query", "candidate"), strict=True):
            check_features(trace, layer, name)
        similarity, seeds = cosine_with_gradients(*(_at_least_single(trace.embedding) for trace in traces))
        sent = [
            partial(trace.layer_relevance, layer, seed) for trace, seed in zip(traces, seeds, strict=True)
        ]
        relevance = [
            reduce_channels(values, self.options.channel_reduction)
            for values in results_in_order(sent, self._device)
        ]
        frames = query.frame, candidate.frame
        matches = ordered_matches(traces, layer, relevance, frames, self.options)
        if (
            candidate.key != query.key and len(self.layers) == 1
        ):  # a query is asked for again, a candidate seldom
            self._traces.put(candidate.key, traces[1].without_way_to_embedding())
        return PairResult(similarity, matches, relevance[0], relevance[1], *frames)

    def _explanation(
        self, query: Picture, candidate: Picture, layer: str, result: PairResult, counts: tuple[int, int]
    ) -> PairExplanation:
        """Without color maps."""
        frames = result.query_frame, result.candidate_frame
        none = [np.zeros((0, *frame.input_size[::-1]), np.float32) for frame in frames]
        return PairExplanation(
            similarity=result.similarity,
            layer=layer,
            matches=result.matches,
            query_relevance=result.query_relevance,
            candidate_relevance=result.candidate_relevance,
            query_color_maps=none[0],
            candidate_color_maps=none[1],
            query_frame=result.query_frame,
            candidate_frame=result.candidate_frame,
            k_lines=counts[0],
            k_colors=counts[1],
            options=self.options,
            rules=self.rules,
            model=self.model.name,
            model_fingerprint=self.model.fingerprint,
            preprocessing=self._preprocessing_in_words,
            version=__version__,
            query_photo=query.photo,
            candidate_photo=candidate.photo,
        )

    def _trace(self, picture: Picture, *, complete: bool = False) -> Trace:
        def make() -> Trace:
            inputs = picture.inputs.to(device=self._device, dtype=self._dtype)
            with forward_watched(self.model, inputs):
                return self._ready(inputs).trace(inputs)

        return self._traces.get(picture.key, make, complete=complete)

    def _of_photo(self, photo: Photo) -> Picture:
        preprocessing = self._preprocessing_in_words
        key = f"{photo_digest(photo)} {photo.box} {preprocessing}"

        def read() -> Prepared:
            image = open_photo(photo)
            inputs = self.model.preprocess([image], self.options.input_size)
            return inputs, PhotoFrame(image.size, (inputs.shape[-1], inputs.shape[-2]))

        return Picture(key, read, photo)

    def _layer_for(self, picture: Picture) -> str:
        """The (first) layer, found by the size of a picture where neither user nor preprocessing say it."""
        if self._layers is None and self.model.preprocessing is None:
            self._layers = (self.model.recommend_layer(picture.frame.input_size),)
        return self.layer

    def _ready(self, example: Tensor) -> RelevanceModel:
        with self._lock:
            if self._relevance_model is None:
                self._relevance_model = RelevanceModel(
                    self.model.module,
                    self.layers,
                    example,
                    conserve_skips=self.options.conserve_skips,
                    stages=describing_stages(self.model, self.layer, self.options, example),
                )
            return self._relevance_model

    @property
    def _dtype(self) -> torch.dtype:
        """The precision to compute in: a double-precision model stays one."""
        own = next((p.dtype for p in self.model.module.parameters()), torch.float32)
        exact = self.options.precision == "float32"
        return torch.float64 if exact and own == torch.float64 else self.options.dtype

    @property
    def _preprocessing_in_words(self) -> str:
        size = self.options.input_size
        own = self.model.preprocessing_in_words
        return own if size is None else f"{own}, but at {size[0]}×{size[1]} pixels"

    @cached_property
    def _keeper(self) -> Keeper:
        if self._cache is None:
            return Keeper(None, ())
        module = self.model.module
        context = [engine_fingerprint(), self.model.fingerprint, code_fingerprint(module)]
        context += [str(self.options), str(self._dtype), str(self._device), f"{len(self.layers)} layers"]
        return Keeper(self._cache, context)


def _at_least_single(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _last(stages: Iterator[PairExplanation]) -> PairExplanation:
    *_, last = stages
    return last


def _check_counts(k_lines: int, k_colors: int) -> None:
    for name, value in (("k_lines", k_lines), ("k_colors", k_colors)):
        if value < 0:
            raise ExplanationError(f"{name} is {value}; it must be 0 or more.")
