"""Values of cells, and what one cell looked at, as small RGBA pictures for a screen that lays them over a photo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.render.palettes import Rgb, heat_table

_LEAST, _MOST = 0.12, 0.88  # opacity of the least and the greatest value: the photo stays to be seen


def cell_layer(values: npt.NDArray[np.floating], palette: str, *, low: float, high: float) -> Image.Image:
    """Values (h, w) in a palette from ``low`` to ``high``, one pixel a cell; fainter where they are lower."""
    span = high - low
    finite = np.nan_to_num(np.asarray(values, np.float64), nan=low, posinf=high, neginf=low)
    level = np.clip((finite - low) / span, 0, 1) if span > 0 else np.zeros(finite.shape)
    rgba = np.empty((*finite.shape, 4), np.uint8)
    rgba[..., :3] = heat_table(palette)[np.round(level * 255).astype(np.intp)]
    rgba[..., 3] = np.round(255 * (_LEAST + (_MOST - _LEAST) * level))
    return Image.fromarray(rgba)


def tint_layer(color_map: npt.NDArray[np.floating], color: Rgb, *, longest: int = 256) -> Image.Image:
    """A color map (H, W) in one color, opaque where the cell looked most; its longer side reduced.

    Drawn by the square root, brighter than in an overlay, where many maps share a photo: how far one reaches shows.
    """
    height, width = color_map.shape
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    finite = np.nan_to_num(np.asarray(color_map, np.float32), posinf=0, neginf=0)
    reduced = np.maximum(np.asarray(Image.fromarray(finite).resize(size, Image.Resampling.BOX)), 0)
    level = np.sqrt(reduced / max(float(reduced.max()), np.finfo(np.float32).tiny))
    rgba = np.empty((*level.shape, 4), np.uint8)
    rgba[..., :3] = color
    rgba[..., 3] = np.round(level * 255 * _MOST)
    return Image.fromarray(rgba)
