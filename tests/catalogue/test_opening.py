from __future__ import annotations

import hashlib
import os
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from pairx_core.catalogue import (
    Box,
    Photo,
    open_photo,
    open_surroundings,
    photo_digest,
    photo_from_file,
    photo_size,
    thumbnail,
)
from pairx_core.catalogue.pictures import exif_orientation
from pairx_core.errors import PhotoError
from tests.catalogue.making import (
    corners_picture,
    save,
    save_animation,
    save_huge_png,
    save_rgb16_png,
    truncate,
)

STORED_AS = {  # how a camera stores an upright picture under each orientation
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(autouse=True)
def every_warning_is_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def photo(path: Path, box: Box | None = None) -> Photo:
    return Photo(id=path.stem, path=path, box=box)


def pixels(path: Path, box: Box | None = None) -> np.ndarray:
    return np.asarray(open_photo(photo(path, box)))


def message(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        open_photo(photo(path))
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_exif_orientation_comes_out_upright(tmp_path, orientation, ending):
    upright = corners_picture()
    stored = upright if orientation == 1 else upright.transpose(STORED_AS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if ending in {"jpg", "webp"} else {}
    path = save(tmp_path / f"a.{ending}", stored, exif=exif, **options)

    opened = open_photo(photo(path))

    assert photo_size(photo(path)) == opened.size == (48, 32)
    assert np.abs(np.asarray(opened).astype(int) - np.asarray(upright)).mean() < 8


def test_the_box_counts_in_the_upright_photo(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.png", corners_picture().transpose(Image.Transpose.ROTATE_90), exif=exif)
    assert (pixels(path, Box(30, 2, 10, 10)) == (0, 255, 0)).all()


def test_a_box_is_rounded_outward_and_clipped(tmp_path):
    path = save(tmp_path / "a.png")
    box = Box(1.5, 2.5, 10, 10)
    assert open_photo(photo(path, box)).size == photo_size(photo(path, box)) == (11, 11)
    beyond = Box(-5.2, 20, 500, 500)
    assert open_photo(photo(path, beyond)).size == photo_size(photo(path, beyond)) == (48, 12)


def test_a_box_outside_the_photo_is_named(tmp_path):
    path = save(tmp_path / "a.png")
    for ask in (open_photo, photo_size):
        with pytest.raises(PhotoError, match=r"a\.png is 48 × 32 pixels, and the box .* outside"):
            ask(photo(path, Box(60, 0, 5, 5)))


def test_a_missing_file(tmp_path):
    assert "does not exist. Check the spelling" in message(tmp_path / "gone.jpg")


def test_a_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    assert "is a folder" in message(tmp_path / "a.jpg")


def test_an_empty_file(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert "is empty (0 bytes). Copy it again" in message(tmp_path / "a.jpg")


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp", "bmp", "gif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file(tmp_path, ending, share):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    path = truncate(save(tmp_path / f"a.{ending}", Image.fromarray(noise)), share)
    assert "is cut short" in message(path)
    assert "Copy it again from the camera or card" in message(path)


@pytest.mark.parametrize("content", [b"not a picture", b"\xff\xd8\xff", b"%PDF-1.7", b"\0" * 100])
def test_a_file_that_is_no_picture(tmp_path, content):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert "is not a picture" in message(path) or "is cut short" in message(path)


def test_a_raw_file_is_not_read_as_its_thumbnail(tmp_path):
    path = save(tmp_path / "a.tif").rename(tmp_path / "a.NEF")
    assert "raw file. Export it as JPEG" in message(path)


def test_a_picture_of_108_megapixels_is_refused_unread(tmp_path):
    assert "has 108 megapixels (12000 × 9000); at most 80" in message(save_huge_png(tmp_path / "a.png"))


def test_a_picture_beyond_pillows_own_limit_is_refused_in_our_words(tmp_path):
    assert "has 4000 megapixels" in message(save_huge_png(tmp_path / "a.png", 80_000, 50_000))


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_an_animated_file(tmp_path, name):
    assert "more than one picture" in message(save_animation(tmp_path / name))


def test_the_first_picture_of_a_phones_multi_picture_file_is_used(tmp_path):
    path = save_animation(tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    assert np.abs(pixels(path)[2, 2].astype(int) - (255, 0, 0)).max() < 12


def test_a_still_gif_is_a_picture(tmp_path):
    assert tuple(pixels(save(tmp_path / "a.gif"))[2, 2]) == (255, 0, 0)


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_is_read_as_rgb(tmp_path, ending):
    path = save(tmp_path / f"a.{ending}", corners_picture().convert("CMYK"))
    assert np.abs(pixels(path)[2, 2].astype(int) - (255, 0, 0)).max() < 20


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path, ending):
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    path = save(tmp_path / f"a.{ending}", Image.fromarray(values))
    assert pixels(path)[0].tolist() == [[0] * 3, [1] * 3, [128] * 3, [255] * 3]


def test_16_bit_colour_is_scaled(tmp_path):
    values = np.array([[[0, 128 * 257, 65535], [65535, 0, 257]]], np.uint16)
    assert pixels(save_rgb16_png(tmp_path / "a.png", values)).tolist() == [[[0, 128, 255], [255, 0, 1]]]


def test_colours_of_an_unknown_scale_are_refused(tmp_path):
    path = save(tmp_path / "a.tif", Image.fromarray(np.ones((4, 4), np.float32)))
    assert "has colours that cannot be read (F)" in message(path)


def test_transparent_parts_become_neutral_grey(tmp_path):
    clear = corners_picture().convert("RGBA")
    clear.putalpha(0)
    assert (pixels(save(tmp_path / "a.png", clear)) == 128).all()


def test_a_palette_with_transparency_becomes_rgb(tmp_path):
    path = save(tmp_path / "a.png", corners_picture().quantize(8), transparency=bytes([0] * 8))
    assert (pixels(path) == 128).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "YCbCr"])
def test_other_colours_come_out_as_rgb(tmp_path, mode):
    path = save(tmp_path / f"a.{'tif' if mode == 'YCbCr' else 'png'}", corners_picture().convert(mode))
    assert open_photo(photo(path)).mode == "RGB"


def test_damaged_exif_data_leave_the_photo_as_stored(tmp_path):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x1a\0\x05\0\0\0\x01\xff\xff\xff\xff"
    path = save(tmp_path / "a.jpg", exif=exif)
    assert open_photo(photo(path)).size == (48, 32)


def test_orientation_is_found_in_either_byte_order():
    little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    big = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0"
    assert exif_orientation(little) == 6
    assert exif_orientation(big) == 8
    assert exif_orientation(b"") == 1
    assert exif_orientation(b"nonsense") is None
    assert exif_orientation(big[:20]) is None


def test_the_digest_is_of_the_files_bytes_and_follows_a_change(tmp_path):
    path = save(tmp_path / "a.png")
    before = photo_digest(photo(path))
    assert before == hashlib.sha256(path.read_bytes()).hexdigest()
    save(path, corners_picture((20, 20)))
    assert photo_digest(photo(path)) == hashlib.sha256(path.read_bytes()).hexdigest() != before
    assert photo_size(photo(path)) == (20, 20)
    path.unlink()
    with pytest.raises(PhotoError, match="does not exist"):
        photo_digest(photo(path))


def test_a_photo_from_a_file_is_named_after_it(tmp_path, monkeypatch):
    save(tmp_path / "IMG 1.jpg")
    monkeypatch.chdir(tmp_path)
    single = photo_from_file("IMG 1.jpg", Box(0, 0, 10, 10))
    assert (single.id, single.path, single.identity) == ("IMG 1", tmp_path / "IMG 1.jpg", None)
    assert photo_size(single) == (10, 10)
    with pytest.raises(PhotoError, match=r"other\.jpg does not exist"):
        photo_from_file("other.jpg")


def test_a_thumbnail_keeps_the_photos_own_aspect(tmp_path):
    path = save(tmp_path / "a.png", corners_picture((300, 100)))
    assert thumbnail(photo(path), (60, 60)).size == (60, 20)
    assert thumbnail(photo(path, Box(0, 0, 100, 100)), (60, 60)).size == (60, 60)


def test_pictures_are_read_by_several_threads_at_once_and_pillows_limits_stay(tmp_path):
    path = save(tmp_path / "a.jpg", corners_picture((400, 300)))
    limits = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(pixels(path).tobytes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert len(set(results)) == 1
    assert limits == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_make_the_program_wait(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert "is not an ordinary file" in message(tmp_path / "a.jpg")


@pytest.mark.parametrize("orientation", [1, 6])
def test_what_lies_around_the_box_is_shown_as_far_as_the_picture_goes(tmp_path, orientation):
    upright = Image.fromarray(np.random.default_rng(1).integers(0, 255, (80, 120, 3), dtype=np.uint8))
    stored = upright if STORED_AS[orientation] is None else upright.transpose(STORED_AS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)
    boxed = photo(path, Box(10, 20, 40, 30))
    seen = open_surroundings(boxed, 0.5)
    assert seen.photo_size == open_photo(boxed).size == (40, 30)
    assert seen.extent == (-10, -20, 60, 50)  # 20 pixels around, fewer at the left
    assert np.array_equal(np.asarray(seen.picture), np.asarray(upright)[0:70, 0:70])
    left, top = -seen.extent[0], -seen.extent[1]
    inner = seen.picture.crop((left, top, left + 40, top + 30))
    assert np.array_equal(np.asarray(inner), np.asarray(open_photo(boxed)))


def test_a_photo_without_a_box_has_nothing_around_it(tmp_path):
    path = tmp_path / "whole.png"
    Image.new("RGB", (30, 20), (9, 9, 9)).save(path)
    seen = open_surroundings(photo(path), 0.5)
    assert (seen.photo_size, seen.extent, seen.picture.size) == ((30, 20), (0, 0, 30, 20), (30, 20))


def test_surroundings_of_a_missing_photo_say_which(tmp_path):
    with pytest.raises(PhotoError, match=r"gone\.jpg does not exist"):
        open_surroundings(photo(tmp_path / "gone.jpg"), 0.2)
