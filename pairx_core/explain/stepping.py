"""Making the steps of a pair: an explanation, and the engine's own activations that it came from."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pairx_core.catalogue import Photo
from pairx_core.explain.computing import memory_watched
from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.pairing import PairCells
from pairx_core.explain.steps import FeatureMaps, PairSteps


def stepwise(
    explainer: PairExplainer, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
) -> Generator[PairSteps]:
    """The steps of a pair as ``PairExplainer.stages`` makes it: all but the color maps first, then those.

    The feature maps are those of the explainer's own passes, which are in memory after the first stage.

    Raises:
        PhotoError: a photo cannot be read.
        ExplanationError: the pair cannot be explained.
    """
    maps: FeatureMaps | None = None
    with closing(explainer.stages_with_cells(query, candidate, k_lines, k_colors)) as stages:  # type: ignore[type-var]
        for explanation, cells in stages:
            if maps is None:
                with memory_watched():
                    maps = _feature_maps(cells)
            yield PairSteps(explanation, maps)


def _feature_maps(cells: PairCells) -> FeatureMaps:
    return FeatureMaps(
        query=_channels(cells.query),
        candidate=_channels(cells.candidate),
        query_nearest=cells.nearest.of_query.cpu().numpy(),
        candidate_nearest=cells.nearest.of_candidate.cpu().numpy(),
        distances=cells.nearest.distances.float().cpu().numpy(),
    )


def _channels(features: Tensor) -> npt.NDArray[np.float32]:
    """(1, C, h, w) as (C, h, w)."""
    return features[0].detach().float().cpu().numpy()
