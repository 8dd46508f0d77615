"""An explanation in parts, for a screen that lays them over the photos itself: small, and scaled as the overlay is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.render.layers import min_max, power_norm

_COLUMNS = 5
_BLOCK = 8  # pixels of a JPEG's block: no tile's edge lies within one


@dataclass(frozen=True, slots=True, eq=False)
class ColorSheet:
    """The color maps of one photo, side by side in one grey picture, row by row."""

    picture: Image.Image  # "L": how strongly each pixel is tinted, 0 to 255
    tile: tuple[int, int]  # (width, height) of one map; it covers the whole photo
    columns: int
    count: int


def heat_levels(relevance: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Layer relevance (h, w) from its least (0) to its greatest value (255), a number a cell."""
    return np.asarray(np.round(min_max(relevance) * 255), np.uint8)


def color_sheet(color_maps: npt.NDArray[np.floating], *, longest: int = 256) -> ColorSheet | None:
    """Color maps (k, H, W) with their longer side reduced to ``longest`` pixels; None where there are none."""
    count, height, width = color_maps.shape
    if not count:
        return None
    scale = min(1.0, longest / max(height, width))
    tile = _whole_blocks(width * scale), _whole_blocks(height * scale)
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    sheet = Image.new("L", (columns * tile[0], rows * tile[1]))
    for match, color_map in enumerate(color_maps):
        reduced = Image.fromarray(_finite(color_map)).resize(tile, Image.Resampling.BOX)
        levels = np.round(power_norm(np.asarray(reduced)) * 255).astype(np.uint8)
        sheet.paste(Image.fromarray(levels), (match % columns * tile[0], match // columns * tile[1]))
    return ColorSheet(sheet, tile, columns, count)


def _whole_blocks(pixels: float) -> int:
    return max(_BLOCK, round(pixels / _BLOCK) * _BLOCK)


def _finite(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return np.nan_to_num(np.asarray(values, np.float32), posinf=0, neginf=0)
