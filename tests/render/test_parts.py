"""Explanations in parts: scaled as the overlay is, and small."""

from __future__ import annotations

import numpy as np
import pytest

from pairx_core.render import color_sheet, heat_levels


def test_heat_runs_from_the_least_to_the_greatest_relevance():
    levels = heat_levels(np.array([[2.0, 3.0], [4.0, 2.5]]))
    assert levels.dtype == np.uint8
    assert levels.tolist() == [[0, 128], [255, 64]]


@pytest.mark.parametrize("relevance", [np.zeros((3, 4)), np.full((3, 4), 7.0)])
def test_relevance_that_is_the_same_everywhere_is_no_heat(relevance):
    assert not heat_levels(relevance).any()


def test_what_is_not_a_number_is_no_heat():
    levels = heat_levels(np.array([[np.nan, 1.0], [2.0, np.inf]]))
    assert levels.tolist() == [[0, 128], [255, 0]]


def test_color_maps_lie_side_by_side_row_by_row():
    maps = np.zeros((7, 32, 32), np.float32)
    for match in range(7):
        maps[match, 0, 0] = match + 1.0  # each map's own maximum counts
    sheet = color_sheet(maps)
    assert (sheet.tile, sheet.columns, sheet.count) == ((32, 32), 5, 7)
    assert sheet.picture.size == (5 * 32, 2 * 32)
    pixels = np.asarray(sheet.picture)
    lit = {(int(x), int(y)) for y, x in np.argwhere(pixels)}
    assert lit == {(32 * (match % 5), 32 * (match // 5)) for match in range(7)}
    assert set(pixels[pixels > 0].tolist()) == {204}  # 0.8, as in the overlay


def test_large_color_maps_are_reduced_at_their_aspect_to_whole_blocks():
    sheet = color_sheet(np.ones((2, 300, 600), np.float32), longest=256)
    assert sheet.tile == (256, 128)
    assert sheet.picture.size == (512, 128)


def test_no_color_maps_make_no_sheet():
    assert color_sheet(np.zeros((0, 64, 64), np.float32)) is None


def test_a_color_map_of_nothing_or_of_nan_tints_nothing():
    maps = np.zeros((2, 16, 16), np.float32)
    maps[1] = np.nan
    assert not np.asarray(color_sheet(maps).picture).any()
