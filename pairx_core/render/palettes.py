"""Palettes, as data.

The match colors were chosen so that any two of them stay apart for readers with normal vision, protanopia and
deuteranopia (a test measures it), and so that all of them are bright enough to be seen on a photo beside a
dark halo. They are never the only cue: matches are numbered.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rgb = tuple[int, int, int]

MATCH_COLORS: tuple[Rgb, ...] = (
    (255, 177, 0),  # orange
    (51, 182, 255),  # sky
    (240, 50, 140),  # pink
    (255, 238, 88),  # yellow
    (138, 91, 255),  # violet
    (0, 240, 200),  # aqua
    (255, 90, 46),  # vermilion
    (180, 255, 158),  # mint
    (255, 194, 236),  # rose
    (47, 143, 91),  # green
)
HALO: Rgb = (14, 16, 20)  # behind lines and numbers
GAP: Rgb = (30, 32, 38)  # between the photos

# Evenly spaced stops, from low to high; perceptually ordered, readable without color vision.
HEAT_STOPS: dict[str, tuple[Rgb, ...]] = {
    "inferno": (
        (0, 0, 4), (27, 12, 65), (74, 12, 107), (120, 28, 109), (165, 44, 96),
        (207, 68, 70), (237, 105, 37), (251, 155, 6), (247, 209, 61), (252, 255, 164),
    ),
    "viridis": (
        (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142),
        (31, 158, 137), (53, 183, 121), (109, 205, 89), (180, 222, 44), (253, 231, 37),
    ),
}  # fmt: skip


def match_color(match: int) -> Rgb:
    """The color of a match (0 is the most relevant); its line, end points and color maps share it."""
    return MATCH_COLORS[match % len(MATCH_COLORS)]


def lighter(color: Rgb, share: float) -> Rgb:
    """A color mixed with white, for small print."""
    red, green, blue = (round(channel + (255 - channel) * share) for channel in color)
    return red, green, blue


def heat_table(name: str) -> npt.NDArray[np.uint8]:
    """A palette as 256 colors, (256, 3)."""
    stops = np.asarray(HEAT_STOPS[name], np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)
