"""Steadiness: does an explanation stay where it should, and change where it should?"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageEnhance

from pairx_core.evaluate.evidence import Evidence, Floats, Method, View, view_of_image
from pairx_core.evaluate.grids import GRID, SIDES, importance, rank_correlation, resampled
from pairx_core.models.embedding_model import EmbeddingModel

CROP = 0.03  # of each side, cut off
BRIGHTNESS = 0.85
_AGAIN = 0.05  # of the picture's side: how near a line must lie to be the same one


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How alike explanations of a pair and of the hardly changed pair are, 0 to 1 (maps: -1 to 1)."""

    maps: float  # Spearman's rank correlation of importance, mean of both photos and both changes
    lines: float  # share of the first lines that are found again, mean of both changes; NaN: no lines


def steadiness(
    method: Method, model: EmbeddingModel, query: View, candidate: View, found: Evidence, k_lines: int
) -> Steadiness:
    """Cut 3 % off each side of both photos, or darken both by 15 %, explain again, and compare.

    Args:
        method: what explains.
        model: whose preprocessing turns the changed pictures into inputs.
        query: the query.
        candidate: the candidate.
        found: the explanation of the unchanged pair.
        k_lines: how many lines count.

    Raises:
        ExplanationError: a changed pair cannot be explained.
    """
    maps, lines = [], []
    for change in (_cropped, _darkened):
        views = [view_of_image(change(view.image), model) for view in (query, candidate)]
        again = method.evidence(*views)
        share = CROP if change is _cropped else 0.0
        maps.append(_map_agreement(found, again, (query, candidate), views, share))
        lines.append(_line_agreement(found, again, (query, candidate), views, share, k_lines))
    return Steadiness(float(np.mean(maps)), float(np.mean(lines)))


def dependence_on_other(one: Evidence, other: Evidence, query: View) -> float:
    """How much the query's importance changes with the candidate: 1 - Spearman's correlation, 0 to 2.

    0: the method shows the same whatever it is compared with; it explains a photo, not a pair. NaN: it shows nothing.
    """
    shown = [importance(evidence, "query", query.image.size) for evidence in (one, other)]
    return 1.0 - rank_correlation(*shown) if shown[0].any() else float("nan")


def with_random_weights(model: EmbeddingModel, seed: int) -> EmbeddingModel:
    """The same architecture knowing nothing (Adebayo et al. 2018): each weight tensor's entries are shuffled.

    Shuffling keeps each layer's scale, so that activations stay finite; norms keep their statistics.
    """
    module = copy.deepcopy(model.module)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                order = torch.randperm(parameter.numel(), generator=generator)
                parameter.copy_(parameter.flatten()[order.to(parameter.device)].view_as(parameter))
    return EmbeddingModel(
        module, model.preprocessing, f"{model.name} (random)", recommended_layer=model.recommended_layer
    )


def _cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    cut = CROP * width, CROP * height
    return image.crop((round(cut[0]), round(cut[1]), round(width - cut[0]), round(height - cut[1])))


def _darkened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(BRIGHTNESS)


def _map_agreement(
    found: Evidence, again: Evidence, views: tuple[View, View], changed: list[View], share: float
) -> float:
    agreements = []
    for side, view, other in zip(SIDES, views, changed, strict=True):
        fine = importance(found, side, view.image.size, 5 * GRID)
        edge = round(share * len(fine))
        kept: Floats = resampled(fine[edge : len(fine) - edge, edge : len(fine) - edge])
        agreements.append(rank_correlation(kept, importance(again, side, other.image.size)))
    return float(np.mean(agreements))


def _line_agreement(
    found: Evidence,
    again: Evidence,
    views: tuple[View, View],
    changed: list[View],
    share: float,
    k_lines: int,
) -> float:
    if not found.has_lines:
        return float("nan")
    if not again.has_lines:
        return 0.0
    before = _relative(found, views, 0.0, k_lines)
    after = _relative(again, (changed[0], changed[1]), share, k_lines)
    apart = np.abs(before[:, None] - after[None]).max(axis=2)  # of either end, along either axis
    return float((apart.min(axis=1) <= _AGAIN).mean())


def _relative(evidence: Evidence, views: tuple[View, View], share: float, k_lines: int) -> Floats:
    """The first lines' ends as shares of the unchanged pictures' sides, (k, 4)."""
    ends = [
        evidence.query_xy[:k_lines] / np.array(views[0].image.size),
        evidence.candidate_xy[:k_lines] / np.array(views[1].image.size),
    ]
    return np.concatenate(ends, axis=1).astype(np.float64) * (1 - 2 * share) + share
