"""Making the steps of a pair: an explanation, and the engine's own activations that it came from."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pairx_core.catalogue import Photo
from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.explanation import PairExplanation
from pairx_core.explain.matching import nearest_cells
from pairx_core.explain.pairing import descriptors
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
    with closing(explainer.stages(query, candidate, k_lines, k_colors)) as stages:  # type: ignore[type-var]
        for explanation in stages:
            maps = maps or _feature_maps(explainer, explanation, query, candidate)
            yield PairSteps(explanation, maps)


def _feature_maps(
    explainer: PairExplainer, explanation: PairExplanation, query: Photo, candidate: Photo
) -> FeatureMaps:
    pictures = explainer._of_photo(query), explainer._of_photo(candidate)
    traces = [explainer._trace(picture) for picture in pictures]
    layer, options = explanation.layer, explainer.options
    described = [descriptors(trace, layer, options) for trace in traces]
    near = nearest_cells(described[0], described[1], options.distance)
    return FeatureMaps(
        query=_channels(traces[0].layers[layer].features),
        candidate=_channels(traces[1].layers[layer].features),
        query_nearest=near.of_query.cpu().numpy(),
        candidate_nearest=near.of_candidate.cpu().numpy(),
        distances=near.distances.float().cpu().numpy(),
    )


def _channels(features: Tensor) -> npt.NDArray[np.float32]:
    """(1, C, h, w) as (C, h, w)."""
    return features[0].detach().float().cpu().numpy()
