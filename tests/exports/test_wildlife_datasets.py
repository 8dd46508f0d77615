from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import pytest

from pairx_core.catalogue import Box, Catalogue, MaskPicture, Photo, read_catalogue
from pairx_core.errors import ExportError
from pairx_core.exports.export import ExportOptions
from pairx_core.exports.wildlife_datasets import write_wildlife_datasets
from tests.exports.making import kinds, made_up, named, resolved, say

SAMPLE = Path(__file__).resolve().parents[2] / "data_samples" / "metadata.csv"


def rows(export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.content.decode(), newline="")))


def facts(catalogue: Catalogue, identities=None) -> list[tuple]:
    """All that a catalogue says about its photos."""
    return [
        (p.id, p.path, identities[p.id] if identities else p.identity, p.box, p.date, p.flank, *rest(p))
        for p in catalogue.photos
    ]


def rest(photo: Photo) -> tuple:
    return photo.species, photo.site, photo.latitude, photo.longitude, photo.mask


def test_the_columns_are_those_of_wildlife_datasets(small_catalogue):
    catalogue = read_catalogue(small_catalogue)
    export = write_wildlife_datasets(catalogue, resolved(catalogue))
    assert export.content.startswith(
        b"image_id,identity,path,bbox,date,orientation,species,site\n"
        b"a1,ann,a1.jpg,,2025-05-01T08:00:00,left,bushbuck,spring\n"
    )
    assert export.content.endswith(b"\nu1,unknown,u1.jpg,,2025-07-01T08:00:00,left,bushbuck,spring\n")


def test_what_is_written_reads_as_the_same_catalogue_with_new_identities(small_catalogue):
    catalogue = read_catalogue(small_catalogue)
    resolution = resolved(catalogue, say("u1", "b1", "accept"))
    export = write_wildlife_datasets(catalogue, resolution)
    saved = small_catalogue.parent / export.file_name
    assert not saved.exists()  # the catalogue itself is not overwritten
    saved.write_bytes(export.content)
    again = read_catalogue(saved)
    expected = {photo: one.identity for photo, one in resolution.photos.items()}
    assert expected["u1"] == "bo"
    assert facts(again) == facts(catalogue, expected)
    assert again.problems == ()


def test_boxes_turns_masks_and_places_come_back(small_catalogue):
    catalogue = read_catalogue(small_catalogue)
    first, second, third, *rest = catalogue.photos
    mask = MaskPicture(first.path)
    catalogue = replace(
        catalogue,
        photos=(
            replace(first, box=Box(1, 2.5, 30, 40.125), mask=mask, latitude=-1.5, longitude=36.25),
            replace(second, box=Box(20, 10, 40, 20, math.pi / 7)),
            replace(third, date=third.date.replace(hour=0, minute=0, second=0)),
            *rest,
        ),
    )
    export = write_wildlife_datasets(catalogue, resolved(catalogue))
    assert rows(export)[0]["bbox"] == "[1, 2.5, 30, 40.125]"
    assert rows(export)[2]["date"] == "2025-06-09"  # a day, without a time that nobody knows
    small_catalogue.write_bytes(export.content)
    assert facts(read_catalogue(small_catalogue)) == facts(catalogue)


def test_the_sample_comes_back(tmp_path):
    catalogue = read_catalogue(SAMPLE)
    export = write_wildlife_datasets(catalogue, resolved(catalogue))
    for entry in ("photos", "masks"):
        (tmp_path / entry).symlink_to(SAMPLE.parent / entry)
    again = csv.DictReader(io.StringIO(export.content.decode(), newline=""))
    before = csv.DictReader(io.StringIO(SAMPLE.read_text(encoding="utf-8"), newline=""))
    assert list(again) == list(before)


def test_a_folder_of_folders_can_be_written(tmp_path, small_catalogue):
    for name in ("ann", "unknown"):
        (tmp_path / "all" / name).mkdir(parents=True)
    for seed, name in enumerate(("ann/a.jpg", "unknown/u.jpg")):
        (tmp_path / "all" / name).write_bytes((small_catalogue.parent / f"a{seed + 1}.jpg").read_bytes())
    catalogue = read_catalogue(tmp_path / "all")
    export = write_wildlife_datasets(catalogue, resolved(catalogue, say("ann/a", "unknown/u", "accept")))
    (tmp_path / "all" / "metadata.csv").write_bytes(export.content)
    again = read_catalogue(tmp_path / "all")
    assert again.form == "wildlife-datasets"
    assert {p.path: p.identity for p in again.photos} == {p.path: "ann" for p in catalogue.photos}


def test_formulas_are_neutralised_and_listed():
    catalogue = made_up(u=None, a="ann")
    export = write_wildlife_datasets(
        catalogue, resolved(catalogue, names=(named("u", '=HYPERLINK("http://evil")'),))
    )
    assert rows(export)[0]["identity"] == '\'=HYPERLINK("http://evil")'
    assert rows(export)[0]["latitude"] == "-1.5"  # a number is no formula
    (note,) = (one for one in export.notes if one.kind == "neutralised")
    assert note.photo_ids == ("u",)
    plain = write_wildlife_datasets(
        catalogue, resolved(catalogue, names=(named("u", "=1"),)), ExportOptions(neutralise=False)
    )
    assert rows(plain)[0]["identity"] == "=1"
    assert kinds(plain.notes) == ["where_to_save"]


@pytest.mark.parametrize("name", ["-7", "=1+1", "'-7", "@x", "Ann's"])
@pytest.mark.parametrize("neutralise", [True, False])
def test_a_name_that_was_neutralised_is_read_as_it_was(small_catalogue, name, neutralise):
    catalogue = read_catalogue(small_catalogue)
    resolution = resolved(catalogue, names=(named("u1", name),))
    export = write_wildlife_datasets(catalogue, resolution, ExportOptions(neutralise=neutralise))
    small_catalogue.write_bytes(export.content)
    assert read_catalogue(small_catalogue).photo("u1").identity == name
    assert ("neutralised" in rows(export)[0]) is (neutralise and name != "Ann's")


def test_a_path_that_a_spreadsheet_would_run_is_written_otherwise(small_catalogue):
    odd = small_catalogue.parent / "=1+1.jpg"
    (small_catalogue.parent / "a1.jpg").rename(odd)
    text = small_catalogue.read_text(encoding="utf-8").replace("a1.jpg", "=1+1.jpg")
    small_catalogue.write_text(text, encoding="utf-8")
    catalogue = read_catalogue(small_catalogue)
    export = write_wildlife_datasets(catalogue, resolved(catalogue))
    assert rows(export)[0]["path"] == "./=1+1.jpg"
    small_catalogue.write_bytes(export.content)
    assert facts(read_catalogue(small_catalogue)) == facts(catalogue)


def test_photos_beside_the_catalogue_are_written_from_the_folder_above():
    catalogue = made_up(a="ann")
    catalogue = replace(catalogue, source=Path("/nowhere/annotations/coco.json"))
    export = write_wildlife_datasets(catalogue, resolved(catalogue))
    assert rows(export)[0]["path"] == "a.jpg"
    assert "Save the file there" in export.notes[0].message
    assert "/nowhere." in export.notes[0].message


def test_a_name_that_means_unknown_is_listed():
    catalogue = made_up(a="nan")
    export = write_wildlife_datasets(catalogue, resolved(catalogue))
    assert "reads_as_unknown" in kinds(export.notes)


def test_an_empty_catalogue_is_refused():
    catalogue = Catalogue(Path("/nowhere/metadata.csv"), ())
    with pytest.raises(ExportError, match="None of the photos"):
        write_wildlife_datasets(catalogue, resolved(catalogue))
