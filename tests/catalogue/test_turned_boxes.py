"""Boxes that are turned about their centres."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pairx_core.catalogue import (
    Box,
    MaskPicture,
    Photo,
    open_mask,
    open_photo,
    open_surroundings,
    photo_size,
    read_catalogue,
)
from pairx_core.errors import PhotoError
from tests.catalogue.making import save, write_csv

BOX = Box(60, 40, 80, 30)


def corners(box: Box) -> list[tuple[float, float]]:
    """Top left, top right, bottom right, bottom left of a turned box, by turning each about the centre."""
    cx, cy = box.x + box.width / 2, box.y + box.height / 2
    turned = []
    for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = across * box.width / 2, down * box.height / 2
        turned.append(
            (
                cx + x * math.cos(box.theta) - y * math.sin(box.theta),
                cy + x * math.sin(box.theta) + y * math.cos(box.theta),
            )
        )
    return turned


def photo_of(tmp_path, box: Box, size=(200, 160)) -> Photo:
    """A grey photo: the box is white, with a red quarter at its own top left and green at its top right."""
    picture = Image.new("RGB", size, (90, 90, 90))
    draw = ImageDraw.Draw(picture)
    draw.polygon(corners(box), fill=(255, 255, 255))
    for color, at in (((255, 0, 0), 0), ((0, 255, 0), 1)):
        corner = corners(box)[at]
        draw.ellipse([corner[0] - 8, corner[1] - 8, corner[0] + 8, corner[1] + 8], fill=color)
    return Photo("a", save(tmp_path / "a.png", picture), box=box)


@pytest.mark.parametrize("degrees", [-170, -90, -33, 15, 45, 90, 179])
def test_a_turned_box_stands_upright(tmp_path, degrees):
    box = Box(BOX.x, BOX.y, BOX.width, BOX.height, math.radians(degrees))
    pixels = np.asarray(open_photo(photo_of(tmp_path, box))).astype(int)
    assert pixels.shape == (30, 80, 3)
    assert (pixels[15, 40] == 255).all()
    assert (pixels[2, 2] == (255, 0, 0)).all()
    assert (pixels[2, -3] == (0, 255, 0)).all()
    assert (pixels[-3, 2] == 255).all()
    assert (pixels[-3, -3] == 255).all()


def test_a_box_that_is_turned_by_nothing_is_cut_as_ever(tmp_path):
    upright = Photo("a", photo_of(tmp_path, BOX).path, box=Box(10.2, 20.7, 30.1, 40.6))
    assert open_photo(upright).size == (31, 42)
    assert Box(0.1, 0.2, 0.7, 0.3).around() == (0.1, 0.2, 0.1 + 0.7, 0.2 + 0.3)


def test_size_surroundings_and_mask_follow_the_turn(tmp_path):
    box = Box(60, 40, 80, 30, 0.5)
    photo = photo_of(tmp_path, box)
    assert photo_size(photo) == (80, 30)
    around = open_surroundings(photo, 0.1)
    assert around.picture.size == (96, 46)
    assert around.extent == (-8, -8, 88, 38)
    inside = np.asarray(around.picture)[8:-8, 8:-8]
    assert np.abs(inside.astype(int) - np.asarray(open_photo(photo))).max() <= 1
    mask = Image.new("L", (200, 160))
    ImageDraw.Draw(mask).polygon(corners(box), fill=255)
    masked = Photo("a", photo.path, box=box, mask=MaskPicture(save(tmp_path / "mask.png", mask)))
    seen = open_mask(masked)
    assert seen.shape == (30, 80)
    assert seen[2:-2, 2:-2].all()


def test_what_leaves_the_picture_is_grey(tmp_path):
    box = Box(-30, 0, 60, 20, math.pi / 4)
    pixels = np.asarray(open_photo(photo_of(tmp_path, box)))
    assert (pixels[10, 2] == 128).all()
    with pytest.raises(PhotoError, match="lies outside it"):
        photo_size(Photo("a", tmp_path / "a.png", box=Box(400, 400, 50, 50, 0.3)))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
    st.floats(0.5, 500),
    st.floats(0.5, 500),
    st.floats(-3.2, 3.2),
)
def test_the_box_around_holds_every_corner(x, y, width, height, theta):
    box = Box(x, y, width, height, theta)
    left, top, right, bottom = box.around()
    found = np.asarray(corners(box))
    assert np.allclose([*found.min(0), *found.max(0)], [left, top, right, bottom], atol=1e-6)


@pytest.mark.parametrize(
    "bbox", ["[0, 0, 1e9, 1e9]", "[0, 0, 1e308, 1e308]", "[0, 0, 60000, 60000]", "[10, 10, 100000, 0.0001]"]
)
def test_a_turned_box_of_absurd_size_is_left_out_by_its_row(tmp_path, bbox):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    write_csv(tmp_path, ["path,bbox,theta", f'a.png,"{bbox}",0.5', 'b.png,"[4, 4, 30, 20]",0.5'])
    catalogue = read_catalogue(tmp_path)
    assert [photo.catalogue_path for photo in catalogue.photos] == ["b.png"]
    (problem,) = (one for one in catalogue.problems if one.severity == "left_out")
    assert "row 2" in problem.where and "bbox" in problem.where
    box = Box(*json.loads(bbox), 0.5)
    for use in (open_photo, photo_size, lambda photo: open_surroundings(photo, 0.2)):
        with pytest.raises(PhotoError, match="Correct the box"):
            use(Photo("a", tmp_path / "a.png", box=box))
