"""The layers that lie on one photo: the heat map and the color maps, as RGBA pictures of the photo's size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.render.palettes import heat_table, match_color

_COLOR_MAP_GAMMA = 0.95  # the published drawing: v ** 0.95 from 0 to the map's own maximum, times 0.8
_COLOR_MAP_SCALE = 0.8
_POWER_TABLE = (_COLOR_MAP_SCALE * np.linspace(0, 1, 4096) ** _COLOR_MAP_GAMMA).astype(np.float32)
_GREY = [round(value * 0.55) for value in range(256)]  # what the photo is dimmed to under the color maps


def heat_layer(
    relevance: npt.NDArray[np.floating], size: tuple[int, int], *, opacity: float, palette: str
) -> Image.Image:
    """Layer relevance (h, w), scaled to its range; opaque where relevant, so markings stay visible."""
    smooth = Image.fromarray(min_max(relevance) * 255).resize(size, Image.Resampling.BICUBIC)
    level = smooth.convert("L")  # clips to 0 … 255
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = heat_table(palette)
    table[:, 3] = np.round(255 * opacity * np.linspace(0, 1, 256) ** 0.8)
    packed = table.view(np.uint32).ravel()[np.asarray(level)]  # a pixel is one number: four times as fast
    return Image.fromarray(packed.view(np.uint8).reshape(size[1], size[0], 4))


def color_layer(
    color_maps: npt.NDArray[np.floating], size: tuple[int, int], *, opacity: float
) -> Image.Image:
    """Color maps (k, H, W), one color per match, summed. Computed at their own resolution, enlarged once."""
    _, height, width = color_maps.shape
    strength = np.zeros((height, width), np.float32)
    color = np.zeros((3, height, width), np.float32)
    for match, color_map in enumerate(color_maps):
        window = _window(color_map)
        part = power_norm(color_map[window])
        strength[window] += part
        for channel, value in enumerate(match_color(match)):
            color[channel][window] += part * np.float32(value)
    rgba = np.empty((height, width, 4), np.uint8)
    np.maximum(strength, 1e-6, out=strength)
    for channel in range(3):
        rgba[..., channel] = np.minimum(color[channel] / strength, 255)
    rgba[..., 3] = np.minimum(strength, 1) * (255 * opacity)
    return Image.fromarray(rgba).resize(size, Image.Resampling.BILINEAR)


def dimmed(picture: Image.Image, opacity: float) -> Image.Image:
    """The photo in darkened grey, so that color comes from the color maps alone."""
    grey = picture.convert("L").point(_GREY)
    return Image.blend(picture, grey.convert("RGB"), opacity)


def laid_over(picture: Image.Image, layer: Image.Image) -> Image.Image:
    """An RGBA layer on an RGB picture of the same size."""
    drawing = picture.copy()
    drawing.paste(layer, (0, 0), layer)
    return drawing


def min_max(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Values scaled to their range, 0 to 1; zeros where they are all the same."""
    finite = np.nan_to_num(np.asarray(values, np.float64), posinf=0, neginf=0)
    low, high = finite.min(), finite.max()
    scaled = (finite - low) / (high - low) if high > low else np.zeros_like(finite)
    return scaled.astype(np.float32)


def _window(values: npt.NDArray[np.floating]) -> tuple[slice, slice]:
    """The rows and columns outside of which all is zero: a cell looks at a small part of the photo."""
    rows, columns = (np.flatnonzero(values.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def power_norm(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """A color map as it is drawn, 0 to 0.8.

    By a table of 4096 levels: a sixteenth of what eight bits a channel can show, and fast.
    """
    finite = np.maximum(np.nan_to_num(np.asarray(values, np.float32), posinf=0, neginf=0), 0)
    high = finite.max(initial=0)
    if high <= 0:
        return finite
    level = (finite * (_POWER_TABLE.size - 1) / high).astype(np.intp)
    scaled: npt.NDArray[np.float32] = _POWER_TABLE[level]
    return scaled
