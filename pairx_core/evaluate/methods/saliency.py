"""Gradient methods, as captum computes them, of the similarity of a photo to another that stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pairx_core.errors import ExplanationError
from pairx_core.evaluate.evidence import Evidence, Floats, View, no_lines
from pairx_core.evaluate.methods.extras import extra
from pairx_core.evaluate.methods.tapped_model import TappedModel, last_stage, private_copy, run
from pairx_core.explain.pairing import cosine_with_gradients
from pairx_core.explain.picture import picture_of_tensor
from pairx_core.models.embedding_model import EmbeddingModel

Embed = Callable[[Tensor], Tensor]  # (N, 3, H, W) to (N, D)
_AT_ONCE = 2  # steps of an integral that are run together: each needs the memory of a pass with gradients


class SimilarityGradCam:
    """Grad-CAM (Selvaraju et al. 2017) of the cosine between a photo's embedding and the other's.

    A channel weighs as its mean gradient over the cells; a map (h, w) is the positive part of the weighted sum of the
    feature map. There are no lines. The similarity takes the place of a class's score.
    """

    draws_lines = False
    draws_maps = True

    def __init__(self, model: EmbeddingModel, layer: str | None = None) -> None:
        """Set it up.

        Args:
            model: the embedding model.
            layer: dotted path; None takes the last stage that the embedding depends on.

        Raises:
            ExplanationError: captum is missing, or no such layer.
        """
        self._captum = extra("captum.attr", "Grad-CAM")
        self._model = model
        self._tapped = None if layer is None else TappedModel(model, layer)

    @torch.inference_mode(False)
    @torch.enable_grad()
    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the pair cannot be explained.
        """
        tapped = self._tapped_for(query)

        def map_of(target: Embed, inputs: Tensor) -> Tensor:
            cam: Any = self._captum.LayerGradCam(target, tapped.cells)
            sent: Tensor = cam.attribute(inputs, relu_attributions=True)
            return sent[0, 0]

        return _both_maps(query, candidate, tapped.embed, map_of)

    def _tapped_for(self, view: View) -> TappedModel:
        if self._tapped is None:
            self._tapped = TappedModel(self._model, last_stage(self._model, view.frame.input_size))
        return self._tapped


class SimilarityIntegratedGradients:
    """Integrated gradients (Sundararajan et al. 2017) of the cosine between a photo's embedding and the other's.

    The way begins at zeros after normalisation: a picture of the training set's mean color, a mid-grey. Maps (H, W) in
    input pixels are the absolute sums over the colors; there are no lines. Signed, before that, they sum to the
    cosine less that of the grey picture, but for the error of the quadrature (Gauss–Legendre).
    """

    draws_lines = False
    draws_maps = True

    def __init__(self, model: EmbeddingModel, steps: int = 32) -> None:
        """Set it up.

        Args:
            model: the embedding model.
            steps: points of the quadrature, 1 or more.

        Raises:
            ExplanationError: captum is missing, or there are no steps.
        """
        self._captum = extra("captum.attr", "Integrated gradients")
        if steps < 1:
            raise ExplanationError(f"steps is {steps}; it must be 1 or more.")
        self._steps = steps
        self._name = model.name
        self._module = private_copy(model)

    @torch.inference_mode(False)
    @torch.enable_grad()
    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the pair cannot be explained.
        """
        return _both_maps(
            query,
            candidate,
            lambda inputs: run(self._module, inputs, self._name),
            lambda target, inputs: self.attributions(target, inputs)[0].sum(0).abs(),
        )

    def attributions(self, target: Embed, inputs: Tensor) -> Tensor:
        """Signed shares (1, 3, H, W) of a target's (N, 3, H, W) → (N,) value at inputs (1, 3, H, W)."""
        integral: Any = self._captum.IntegratedGradients(target)
        sent: Tensor = integral.attribute(
            inputs, baselines=0.0, n_steps=self._steps, internal_batch_size=_AT_ONCE
        )
        return sent


def similarity_to(embedding: Tensor, embed: Embed) -> Embed:
    """The cosine (N,) of inputs' (N, 3, H, W) embeddings with a fixed one (1, D)."""
    fixed = embedding.detach()
    return lambda inputs: torch.cosine_similarity(embed(inputs), fixed)


def _both_maps(
    query: View, candidate: View, embed: Embed, map_of: Callable[[Embed, Tensor], Tensor]
) -> Evidence:
    """The maps that a target and inputs give, (h, w), of either photo against the other."""
    first, second = (
        picture_of_tensor(view.inputs, name).inputs
        for view, name in ((query, "query"), (candidate, "candidate"))
    )
    with torch.no_grad():
        embeddings = embed(first), embed(second)
    cosine_with_gradients(*embeddings)  # refuses embeddings without a similarity
    maps: list[Floats] = [
        map_of(similarity_to(other, embed), inputs).detach().cpu().double().numpy()
        for inputs, other in ((first, embeddings[1]), (second, embeddings[0]))
    ]
    return Evidence(*no_lines(), query_map=maps[0], candidate_map=maps[1])
