"""What is computed of two traces together: the similarity, the relevance seeds, the matches in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pairx_core.errors import ExplanationError
from pairx_core.explain.explanation import Matches
from pairx_core.explain.matching import (
    Floats,
    NearestCells,
    column_row,
    hypercolumns,
    local_agreement,
    mutual_matches,
    nearest_cells,
)
from pairx_core.explain.options import ExplanationOptions
from pairx_core.explain.trace import Trace
from pairx_core.frames import PhotoFrame
from pairx_core.models.embedding_model import EmbeddingModel


@dataclass(frozen=True, slots=True, eq=False)
class PairCells:
    """What both photos' cells hold at a layer, and which are nearest to each other."""

    query: Tensor  # (1, C, h, w), the model's own features
    candidate: Tensor  # (1, C, h', w')
    nearest: NearestCells  # by what cells are matched by


@torch.inference_mode(False)
def cosine_with_gradients(query: Tensor, candidate: Tensor) -> tuple[float, tuple[Tensor, Tensor]]:
    """Cosine of two embeddings (1, D) and its gradients by them: the relevance that is sent back.

    Raises:
        ExplanationError: an embedding is not finite, or zero.
    """
    for embedding, name in ((query, "query"), (candidate, "candidate")):
        if not bool(embedding.isfinite().all()):
            raise ExplanationError(
                f"The model's embedding of the {name} is not a finite number; check the model's weights, and "
                "try a higher precision if one below float32 was chosen."
            )
        if not bool(embedding.any()):
            raise ExplanationError(
                f"The model's embedding of the {name} is zero: it has no similarity to explain."
            )
    first, second = query.clone().requires_grad_(), candidate.clone().requires_grad_()
    with torch.enable_grad():
        similarity = torch.cosine_similarity(first, second).sum()
    by_first, by_second = torch.autograd.grad(similarity, (first, second))
    return float(similarity.detach()), (by_first, by_second)


def check_features(trace: Trace, layer: str, name: str) -> None:
    """Refuse a feature map in which nothing can be matched.

    Raises:
        ExplanationError: it is not finite, or zero everywhere.
    """
    features = trace.layers[layer].features
    if not bool(features.isfinite().all()):
        raise ExplanationError(
            f"The {name}'s feature map at “{layer}” is not finite; check the model's weights, and try a higher "
            "precision if one below float32 was chosen."
        )
    if not bool(features.any()):
        raise ExplanationError(
            f"The {name}'s feature map at “{layer}” is zero everywhere: there is nothing to match. Is the photo "
            "blank? If not, choose another layer."
        )


def ordered_matches(
    traces: tuple[Trace, Trace],
    layer: str,
    relevance: Sequence[Floats],
    frames: tuple[PhotoFrame, PhotoFrame],
    options: ExplanationOptions,
) -> Matches:
    """The mutual matches of two photos at a layer, most relevant first.

    Args:
        traces: the query's and the candidate's.
        layer: dotted path.
        relevance: both photos' layer relevance, (h, w) each.
        frames: where both photos' cells lie.
        options: how to match.
    """
    features = [descriptors(trace, layer, options) for trace in traces]
    found = mutual_matches(features[0], features[1], options.distance, refine=options.refine_matches)
    of_match = relevance[0].ravel()[found.query] * relevance[1].ravel()[found.candidate]
    grids = [(map_.shape[1], map_.shape[0]) for map_ in relevance]
    query_cells, candidate_cells = (
        column_row(cells, grid[0]) for cells, grid in zip((found.query, found.candidate), grids, strict=True)
    )
    if options.agreement:
        places = [
            (cells + 0.5) / grid for cells, grid in zip((query_cells, candidate_cells), grids, strict=True)
        ]
        of_match = of_match * local_agreement(places[0], places[1])
    order = np.argsort(-of_match, kind="stable")
    query_cells, candidate_cells = query_cells[order], candidate_cells[order]
    return Matches(
        query_cells=query_cells,
        candidate_cells=candidate_cells,
        query_xy=frames[0].cells_to_photo(query_cells + found.query_shift[order], grids[0]),
        candidate_xy=frames[1].cells_to_photo(candidate_cells + found.candidate_shift[order], grids[1]),
        relevance=of_match[order],
        distance=found.distance[order],
    )


def pair_cells(traces: Sequence[Trace], layer: str, options: ExplanationOptions) -> PairCells:
    """The cells of the query's and the candidate's trace, from which their matches come."""
    first, second = (descriptors(trace, layer, options) for trace in traces)
    query, candidate = (trace.layers[layer].features for trace in traces)
    return PairCells(query, candidate, nearest_cells(first, second, options.distance))


def describing_stages(
    model: EmbeddingModel, layer: str, options: ExplanationOptions, inputs: Tensor
) -> tuple[str, ...]:
    """The stages whose feature maps describe cells: all but those over twice as fine as the layer.

    Args:
        model: whose stages.
        layer: dotted path of the layer whose cells are matched.
        options: how to match.
        inputs: (1, 3, H, W), of the size at which the pair is explained.
    """
    if options.descriptor == "layer":
        return ()
    stages = model.layers((inputs.shape[-1], inputs.shape[-2]))
    of_layer = next((stage for stage in stages if stage.path == layer), None)
    finest = 2 * max((of_layer or stages[len(stages) // 2]).grid_size)
    return tuple(stage.path for stage in stages if max(stage.grid_size) <= finest)


def descriptors(trace: Trace, layer: str, options: ExplanationOptions) -> Tensor:
    """What a photo's cells are matched by, (1, C, h, w)."""
    features = trace.layers[layer].features
    return features if options.descriptor == "layer" else hypercolumns(trace.stages, features.shape[2:])
