"""An explanation made by hand, so that every pixel is foreseen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pairx_core.catalogue import Photo
from pairx_core.explain import ExplanationOptions, PairExplanation
from pairx_core.explain.explanation import Matches
from pairx_core.frames import PhotoFrame

GRID = (8, 8)
INPUT = (64, 64)


def photo_picture(size: tuple[int, int], shade: int) -> Image.Image:
    return Image.new("RGB", size, (shade, shade, shade))


def matches_between(
    cells: np.ndarray, others: np.ndarray, frames: tuple[PhotoFrame, PhotoFrame], grid: tuple[int, int]
) -> Matches:
    """Matches of the query's cells with the candidate's, in this order."""
    return Matches(
        query_cells=cells,
        candidate_cells=others,
        query_xy=frames[0].cells_to_photo(cells, grid),
        candidate_xy=frames[1].cells_to_photo(others, grid),
        relevance=np.linspace(1, 0.1, len(cells)),
        distance=np.linspace(0.2, 2, len(cells)),
    )


def explanation(
    query_size: tuple[int, int] = (300, 200),
    candidate_size: tuple[int, int] = (150, 200),
    matches: int = 6,
    query_photo: Photo | None = None,
    candidate_photo: Photo | None = None,
) -> PairExplanation:
    random = np.random.default_rng(7)
    cells = np.stack(np.unravel_index(random.permutation(64)[:matches], GRID), axis=1).astype(np.int64)
    others = np.stack(np.unravel_index(random.permutation(64)[:matches], GRID), axis=1).astype(np.int64)
    frames = PhotoFrame(query_size, INPUT), PhotoFrame(candidate_size, INPUT)
    return PairExplanation(
        similarity=0.5,
        layer="blocks.1",
        matches=matches_between(cells, others, frames, GRID),
        query_relevance=random.random((8, 8)),
        candidate_relevance=random.random((8, 8)),
        query_color_maps=random.random((min(matches, 3), 64, 64)).astype(np.float32),
        candidate_color_maps=random.random((min(matches, 3), 64, 64)).astype(np.float32),
        query_frame=frames[0],
        candidate_frame=frames[1],
        k_lines=20,
        k_colors=10,
        options=ExplanationOptions(),
        rules="EpsilonPlus",
        model="made by hand",
        model_fingerprint="0",
        preprocessing="none",
        version="0",
        query_photo=query_photo,
        candidate_photo=candidate_photo,
    )
