"""Match colors stay apart, whatever the reader's color vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from pairx_core.render.palettes import HALO, HEAT_STOPS, MATCH_COLORS, heat_table, match_color

# Machado, Oliveira, Fernandes 2009, severity 1, for linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


@pytest.mark.parametrize("vision", VISION)
def test_any_two_match_colors_can_be_told_apart(vision):
    labs = [lab(color, VISION[vision]) for color in MATCH_COLORS]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(labs, 2)) > 10


def test_match_colors_stand_out_from_their_halo():
    assert all(lab(color)[0] - lab(HALO)[0] > 40 for color in MATCH_COLORS)


def test_colors_repeat_after_the_last():
    assert match_color(len(MATCH_COLORS)) == match_color(0)


@pytest.mark.parametrize("name", HEAT_STOPS)
def test_heat_palettes_grow_lighter_throughout(name):
    lightness = [lab(color)[0] for color in heat_table(name)]
    assert np.all(np.diff(lightness) > -0.6)
    assert lightness[-1] - lightness[0] > 70


def lab(color, vision=VISION["normal"]):
    srgb = np.asarray(color, float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(vision @ linear, 0, 1) / [0.9505, 1.0, 1.0888]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
