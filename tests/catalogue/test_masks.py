from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pairx_core.catalogue import (
    Box,
    Catalogue,
    MaskPicture,
    Photo,
    Segmentation,
    open_mask,
    open_photo,
    read_catalogue,
)
from pairx_core.catalogue.pictures import UnusablePicture
from pairx_core.catalogue.segmentation import parse_segmentation
from pairx_core.errors import PhotoError
from tests.catalogue.making import corners_picture, save, truncate, write_csv

# As pycocotools.mask.encode writes it; (height, width) 20 × 30: rows 3–14 of columns 4–8, and rows 5–17 of columns
# 12–26 but for rows 8–9 of columns 15–19.
COMPRESSED = {"size": [20, 30], "counts": "c2<80000000n11QN0000FK55KK55KK55KK55KK555000000000000g1"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two pictures of 48 × 32 pixels, and a mask of the left half."""
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / "catalogue" / name)
    save(tmp_path / "catalogue" / "masks" / "a.png", Image.fromarray(left_half()))
    return tmp_path / "catalogue"


def left_half(size: tuple[int, int] = (48, 32)) -> np.ndarray:
    mask = np.zeros(size[::-1], bool)
    mask[:, : size[0] // 2] = True
    return mask


def rectangle(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is set, which must be a rectangle."""
    rows, columns = np.nonzero(mask)
    found = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    assert mask.sum() == (found[2] - found[0]) * (found[3] - found[1])
    return found


def in_csv(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def read(folder: Path, column: str, cell: str) -> Catalogue:
    """A catalogue of two photos of Ann, the first with this cell in this column."""
    header = f"image_id,identity,path,{column}"
    return read_catalogue(write_csv(folder, [header, f"1,Ann,a.jpg,{in_csv(cell)}", "2,Ann,b.jpg,"]))


def notes(catalogue: Catalogue) -> list[str]:
    assert all(problem.severity == "note" for problem in catalogue.problems)
    return [str(problem) for problem in catalogue.problems]


def refusal(photo: Photo) -> str:
    with pytest.raises(PhotoError) as caught:
        open_mask(photo)
    return str(caught.value)


def test_a_mask_picture_is_found_beside_the_catalogue_and_opened_when_asked_for(folder):
    catalogue = read(folder, "mask", "masks/a.png")
    first, second = catalogue.photos
    assert first.mask == MaskPicture((folder / "masks/a.png").resolve())
    np.testing.assert_array_equal(open_mask(first), left_half())
    assert second.mask is None and open_mask(second) is None
    assert notes(catalogue) == []


def test_without_the_columns_no_photo_has_a_mask(folder):
    catalogue = read_catalogue(write_csv(folder, ["image_id,identity,path", "1,Ann,a.jpg"]))
    assert catalogue.photos[0].mask is None
    assert catalogue.problems == ()


def test_the_mask_is_cropped_as_the_photo_is(folder):
    mask = MaskPicture(folder / "masks/a.png")
    for box in (None, Box(1.5, 2.5, 30, 10), Box(-5.2, 20, 500, 500), Box(20.1, 0, 9, 31.9)):
        photo = Photo("a", folder / "a.jpg", box=box, mask=mask)
        width, height = open_photo(photo).size
        opened = open_mask(photo)
        assert opened is not None and opened.shape == (height, width) and opened.dtype == bool
        left = 0 if box is None else max(0, int(box.x))
        np.testing.assert_array_equal(
            opened, np.broadcast_to(np.arange(left, left + width) < 24, opened.shape)
        )


def test_a_mask_belongs_to_the_upright_photo(folder):
    turned = Image.Exif()
    turned[0x0112] = 6
    save(folder / "a.jpg", corners_picture().transpose(Image.Transpose.ROTATE_90), exif=turned)
    first = read(folder, "mask", "masks/a.png").photos[0]
    np.testing.assert_array_equal(open_mask(first), left_half())


def painted(mask: np.ndarray, kind: str) -> Image.Image:
    """The mask in colours as other programs write it."""
    values = mask.astype(np.uint8)
    if kind == "labels of 16 bits":
        return Image.fromarray(values.astype(np.uint16))
    if kind == "palette":
        picture = Image.fromarray(values)
        picture.putpalette([0, 0, 0, 128, 0, 0])
        return picture
    if kind == "cut out":
        return Image.fromarray(np.stack([np.full_like(values, 90)] * 3 + [values * 255], axis=-1))
    return Image.fromarray(values * (1 if kind == "labels" else 255)).convert("RGB" if kind == "RGB" else "L")


@pytest.mark.parametrize("kind", ["white", "RGB", "labels", "labels of 16 bits", "palette", "cut out"])
def test_masks_in_any_usual_colours_mean_the_same(folder, kind):
    save(folder / "m.png", painted(left_half(), kind))
    np.testing.assert_array_equal(open_mask(read(folder, "mask", "m.png").photos[0]), left_half())


def test_the_blur_of_a_jpeg_is_not_taken_for_the_animal(folder):
    save(folder / "m.jpg", painted(left_half(), "white"), quality=60)
    np.testing.assert_array_equal(open_mask(read(folder, "mask", "m.jpg").photos[0]), left_half())


@pytest.mark.parametrize(
    "cell",
    [
        "[[10, 5, 30, 5, 30, 20, 10, 20]]",
        "[10, 5, 30, 5, 30, 20, 10, 20]",
        "(10.0, 5.0, 30.0, 5.0, 30.0, 20.0, 10.0, 20.0)",
        "[np.float64(10.0), 5, 30, 5, 30, np.float64(20.0), 10, 20]",
        "[[10, 5, 20, 5, 20, 20, 10, 20], [20, 5, 30, 5, 30, 20, 20, 20]]",
    ],
)
def test_polygons_are_filled_to_within_a_pixel(folder, cell):
    catalogue = read(folder, "segmentation", cell)
    assert catalogue.photos[0].mask == Segmentation(cell)
    found = rectangle(open_mask(catalogue.photos[0]))
    assert np.abs(np.subtract(found, (10, 5, 30, 20))).max() <= 1


def compressed_truth() -> np.ndarray:
    truth = np.zeros((20, 30), bool)
    truth[3:15, 4:9] = truth[5:18, 12:27] = True
    truth[8:10, 15:20] = False
    return truth


def runs_of(mask: np.ndarray) -> list[int]:
    """Run lengths down the columns, counted one by one."""
    runs, last = [0], False
    for value in mask.T.ravel().tolist():
        if value != last:
            runs.append(0)
        runs[-1] += 1
        last = value
    return runs


@pytest.mark.parametrize(
    "write",
    [
        lambda counts: json.dumps({"size": [20, 30], "counts": counts}),
        lambda counts: repr({"counts": counts, "size": [20, 30]}),
        lambda counts: repr(
            {"size": (20, 30), "counts": counts.encode() if isinstance(counts, str) else counts}
        ),
    ],
)
@pytest.mark.parametrize(
    "counts", [COMPRESSED["counts"], runs_of(compressed_truth())], ids=["string", "list"]
)
def test_run_lengths_are_read_as_json_and_as_python_prints_them(tmp_path, write, counts):
    path = save(tmp_path / "p.png", corners_picture((30, 20)))
    photo = Photo("p", path, box=Box(4, 3, 20, 12), mask=Segmentation(write(counts)))
    np.testing.assert_array_equal(open_mask(photo), compressed_truth()[3:15, 4:24])


def compressed(runs: list[int]) -> str:
    """COCO's string, number by number: five bits a character, the sign in the last one."""
    text = ""
    for place, run in enumerate(runs):
        number = run - runs[place - 2] if place > 2 else run
        while True:
            bits, number = number & 0x1F, number >> 5
            more = number != (-1 if bits & 0x10 else 0)
            text += chr(48 + (bits | (0x20 if more else 0)))
            if not more:
                break
    return text


def test_the_string_of_these_tests_is_the_one_coco_writes():
    assert compressed(runs_of(compressed_truth())) == COMPRESSED["counts"]


@given(st.lists(st.integers(1, 100_000), min_size=2, max_size=60))
def test_compressed_runs_come_back_as_they_were(runs):
    text = json.dumps({"size": [sum(runs), 1], "counts": compressed(runs)})
    assert parse_segmentation(text).counts.tolist() == runs


@pytest.mark.parametrize("cell", ["", "nan", "None", "[]", "unknown"])
def test_an_empty_cell_is_no_mask_and_no_problem(folder, cell):
    for column in ("mask", "segmentation"):
        catalogue = read(folder, column, cell)
        assert catalogue.photos[0].mask is None
        assert notes(catalogue) == []


def test_the_mask_column_goes_before_the_segmentation(folder):
    table = ["image_id,identity,path,segmentation,mask", '1,Ann,a.jpg,"[1, 1, 9, 1, 9, 9]",masks/a.png']
    assert isinstance(read_catalogue(write_csv(folder, table)).photos[0].mask, MaskPicture)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("gone.png", "“gone.png” does not exist"),
        ("../outside.png", "leads outside the folder of the catalogue"),
        ("notes.txt", "is not a picture that can be read"),
        ("small.png", "is 24 × 32 pixels, but the upright photo is 48 × 32"),
        ("[[1, 2, 3]]", "cannot be read. Write polygons"),
        ("[[1, 2, 3, 4, 5, NaN]]", "cannot be read. Write polygons"),
        ("[[1, 2, 3, 4, 5, 6]", "cannot be read. Write polygons"),
        ("[" * 5000, "cannot be read. Write polygons"),
        ("[__import__('os').getcwd()]", "cannot be read. Write polygons"),
        ("[[0.1, 0.1, 0.9, 0.1, 0.9, 0.9]]", "is in shares of the photo"),
        ("[[10, 5, 900, 5, 900, 700]]", "is for a picture of another size: the upright photo has 48 × 32"),
        ('{"size": [48, 32], "counts": [0, 1536]}', "is for a picture of another size"),
        ('{"size": [32, 48], "counts": [0, 1535]}', "cannot be read. Write polygons"),
        ('{"size": [32, 48], "counts": [2000, -464]}', "cannot be read. Write polygons"),
        ('{"size": [32, 48], "counts": "~~~"}', "cannot be read. Write polygons"),
        ('{"size": [32, 48], "counts": "c2P"}', "cannot be read. Write polygons"),
        ('{"size": [32, 48], "counts": ""}', "cannot be read. Write polygons"),
        ('{"size": [32, 48]}', "cannot be read. Write polygons"),
        ('{"size": [32, 48], "counts": [1536]}', "marks nothing of the photo"),
    ],
)
def test_a_mask_that_cannot_be_used_is_noted_and_the_photo_kept(folder, cell, words):
    (folder / "notes.txt").write_text("not a picture")
    save(folder / "small.png", Image.fromarray(left_half((24, 32))))
    catalogue = read(folder, "mask", cell)
    assert [photo.mask for photo in catalogue.photos] == [None, None]
    (note,) = notes(catalogue)
    assert note.startswith("metadata.csv, row 2, mask: “")
    assert words in note
    assert note.endswith("The photo is used without a mask.")
    assert len(note) < 400


def test_nothing_is_decoded_while_a_catalogue_is_read(folder, monkeypatch):
    def decoded(path: Path) -> None:
        raise AssertionError(f"{path} was decoded")

    monkeypatch.setattr("pairx_core.catalogue.masks.decode_mask", decoded)
    assert read(folder, "mask", "masks/a.png").photos[0].mask is not None


def test_a_mask_file_that_went_missing_or_was_damaged_is_named(folder):
    photo = read(folder, "mask", "masks/a.png").photos[0]
    truncate(folder / "masks/a.png", 0.7)
    assert "a.png, the mask of" in refusal(photo)
    assert "cut short" in refusal(photo)
    save(folder / "masks/a.png", Image.fromarray(left_half((20, 20))))
    assert "is 20 × 20 pixels, but the upright photo is 48 × 32" in refusal(photo)
    (folder / "masks/a.png").unlink()
    assert "does not exist" in refusal(photo)
    (folder / "a.jpg").unlink()
    assert refusal(photo).startswith(f"{folder / 'a.jpg'} does not exist")


def test_a_mask_with_nothing_in_the_box_is_refused_and_not_taken_for_scenery(folder):
    photo = Photo("a", folder / "a.jpg", box=Box(30, 0, 10, 10), mask=MaskPicture(folder / "masks/a.png"))
    assert "marks nothing of the photo as the animal" in refusal(photo)


def test_a_segmentation_of_a_photo_that_was_replaced_is_refused_by_the_photos_name(folder):
    photo = read(folder, "segmentation", "[[10, 5, 40, 5, 40, 30]]").photos[0]
    save(folder / "a.jpg", corners_picture((20, 20)))
    assert refusal(photo).startswith(
        f"The segmentation of {folder / 'a.jpg'} is for a picture of another size"
    )


def test_a_long_segmentation_does_not_flood_what_a_photo_prints(folder):
    photo = Photo("a", folder / "a.jpg", mask=Segmentation("[" + "1, " * 5000 + "1]"))
    assert len(repr(photo)) < 500
    assert hash(photo) == hash(photo)


def test_what_is_neither_polygon_nor_runs_is_refused():
    for text in ("7", "null", '"abc"', "[[[1, 2], [3, 4], [5, 6]]]", "[1e999, 0, 5, 5, 5, 9]"):
        with pytest.raises(UnusablePicture, match="cannot be read"):
            parse_segmentation(text)
