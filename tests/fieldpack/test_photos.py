"""A photo as a field pack holds it: the same animal at the same place, smaller where it was large."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairx_core.catalogue import Box, MaskPicture, Photo, open_mask, open_photo, photo_size
from pairx_core.errors import PhotoError
from pairx_core.fieldpack.photos import THUMBNAIL, PhotoCopy, copy_photo, names_in_pack


def paint(path: Path, size: tuple[int, int] = (300, 200), seed: int = 1) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 255, (10, 15, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def opened(made: PhotoCopy, folder: Path) -> Photo:
    """The copy as a photo of its own."""
    path = folder / "copy.jpg"
    path.write_bytes(made.picture)
    mask = None
    if made.mask is not None:
        (folder / "copy_mask.png").write_bytes(made.mask)
        mask = MaskPicture(folder / "copy_mask.png")
    return Photo("copy", path, box=None if made.box is None else Box(*made.box), mask=mask)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference in levels of two pictures of about one size."""
    other = other.resize(one.size)
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())


BOXES = {
    "none": None,
    "inside": Box(60, 50, 120, 90),
    "not on whole pixels": Box(60.4, 50.7, 119.3, 90.1),
    "at the edge": Box(0, 0, 100, 200),
    "turned": Box(80, 60, 120, 80, 0.5),
    "turned over the edge": Box(-20, 120, 160, 100, -0.7),
}


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_a_small_photo_keeps_its_size_and_its_pixels(tmp_path, box):
    photo = Photo("a", paint(tmp_path / "a.bmp"), box=box)
    made = copy_photo(2048, photo)
    again = opened(made, tmp_path)
    assert made.photo_size == photo_size(photo) == photo_size(again)
    assert difference(open_photo(photo), open_photo(again)) < 2  # a JPEG's


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_a_large_photo_is_reduced_and_shows_the_same(tmp_path, box):
    photo = Photo("a", paint(tmp_path / "a.bmp", (1500, 1000)), box=box and scaled(box, 5))
    made = copy_photo(400, photo)
    again = opened(made, tmp_path)
    assert max(Image.open(io.BytesIO(made.picture)).size) <= 400
    ratio = [now / before for now, before in zip(photo_size(again), photo_size(photo), strict=True)]
    assert max(ratio) < 1 and ratio[0] == pytest.approx(ratio[1], rel=0.02)
    assert difference(open_photo(again), open_photo(photo)) < 4


def scaled(box: Box, by: float) -> Box:
    return Box(box.x * by, box.y * by, box.width * by, box.height * by, box.theta)


def test_places_on_the_copy_are_places_on_the_photo_times_the_ratio_of_the_sides(tmp_path):
    dots = [(431, 377), (640, 402), (905, 720)]  # in pixels of the picture
    picture = Image.new("RGB", (1500, 1000))
    for x, y in dots:
        picture.paste((255, 255, 255), (x - 6, y - 6, x + 6, y + 6))
    picture.save(tmp_path / "a.bmp")
    photo = Photo("a", tmp_path / "a.bmp", box=Box(400.5, 350.5, 533, 401))
    again = opened(copy_photo(300, photo), tmp_path)
    width, height = photo_size(photo)
    reduced = np.asarray(open_photo(again).convert("L"), np.float64)
    for x, y in dots:
        exact = ((x - 400) * reduced.shape[1] / width, (y - 350) * reduced.shape[0] / height)
        column, row = (round(place) for place in exact)
        near = reduced[max(0, row - 5) : row + 6, max(0, column - 5) : column + 6]
        rows, columns = np.mgrid[max(0, row - 5) : row + 6, max(0, column - 5) : column + 6][:, : len(near)]
        weight = near[: rows.shape[0], : rows.shape[1]]
        found = ((columns + 0.5) * weight).sum() / weight.sum(), ((rows + 0.5) * weight).sum() / weight.sum()
        np.testing.assert_allclose(found, exact, atol=0.3)


def test_a_photo_that_lies_on_its_side_is_copied_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(paint(tmp_path / "a.bmp")).save(tmp_path / "side.jpg", exif=exif)
    photo = Photo("a", tmp_path / "side.jpg")
    again = opened(copy_photo(2048, photo), tmp_path)
    assert photo_size(again) == photo_size(photo) == (200, 300)
    assert difference(open_photo(photo), open_photo(again)) < 2


@pytest.mark.parametrize("longest", [2048, 150])
@pytest.mark.parametrize(
    "box", [Box(60, 50, 120, 90), Box(80, 60, 120, 80, 0.5), None], ids=["upright", "turned", "none"]
)
def test_a_mask_comes_along_and_fits(tmp_path, box, longest):
    animal = Image.new("L", (300, 200))
    animal.paste(255, (90, 70, 160, 120))
    animal.save(tmp_path / "mask.png")
    photo = Photo("a", paint(tmp_path / "a.bmp"), box=box, mask=MaskPicture(tmp_path / "mask.png"))
    again = opened(copy_photo(longest, photo), tmp_path)
    before, after = open_mask(photo), open_mask(again)
    assert after.shape == photo_size(again)[::-1]
    assert after.mean() == pytest.approx(before.mean(), abs=0.02)
    assert np.argwhere(after).mean(0) / after.shape == pytest.approx(
        np.argwhere(before).mean(0) / before.shape, abs=0.02
    )


def test_a_mask_that_cannot_be_used_is_left_behind_and_said(tmp_path):
    Image.new("L", (30, 20), 255).save(tmp_path / "mask.png")
    photo = Photo("a", paint(tmp_path / "a.bmp"), mask=MaskPicture(tmp_path / "mask.png"))
    made = copy_photo(2048, photo)
    assert made.mask is None
    assert "mask.png" in made.note and "30 × 20" in made.note


def test_the_thumbnail_is_of_the_animal_and_small(tmp_path):
    photo = Photo("a", paint(tmp_path / "a.bmp"), box=Box(10, 20, 200, 100))
    small = Image.open(io.BytesIO(copy_photo(2048, photo).thumbnail))
    assert small.size == (192, 96)
    assert all(side <= most for side, most in zip(small.size, THUMBNAIL, strict=True))


def test_a_photo_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(PhotoError, match="a.jpg"):
        copy_photo(2048, Photo("a", tmp_path / "a.jpg"))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("photos/IMG_1.PNG", "IMG_1.jpg"),
        ("Kruger\\2025\\IMG 1.jpg", "IMG 1.jpg"),
        ("a/zèbre à l'eau.tif", "zèbre à l'eau.jpg"),
        ("what?.jpg", "what_.jpg"),
        ("con.jpg", "_con.jpg"),
        ("...", "photo.jpg"),
        ("x" * 300 + ".jpg", "x" * 80 + ".jpg"),
        ("ü" * 300 + ".jpg", "ü" * 40 + ".jpg"),
    ],
)
def test_names_are_such_that_every_system_can_hold_them(written, name):
    names = names_in_pack(7, Photo("a", Path("/nowhere/a.jpg"), catalogue_path=written))
    assert names["file"] == f"photos/00007/{name}"
    assert names["mask"].startswith("photos/00007/mask/") and names["thumbnail"].startswith(
        "photos/00007/small/"
    )
