from __future__ import annotations

import io
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from pairx_core.catalogue import read_catalogue
from pairx_core.errors import ExportError
from pairx_core.exports.export import ExportOptions
from pairx_core.exports.wildbook import write_wildbook
from tests.exports.making import made_up, named, resolved, say

BY_ADA = ExportOptions(submitter="ada")


def rows(content: bytes) -> list[dict[str, object]]:
    header, *cells = openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in cells]


def test_a_row_is_an_encounter():
    catalogue = made_up(a="ann", u=None)
    export = write_wildbook(catalogue, resolved(catalogue, say("u", "a", "accept")), BY_ADA)
    assert export.file_name == "wildbook_bulk_import.xlsx"
    assert rows(export.content)[1] == {
        "Encounter.mediaAsset0": "u.jpg",
        "Encounter.genus": "Equus",
        "Encounter.specificEpithet": "quagga",
        "Encounter.year": 2025,
        "Encounter.month": 5,
        "Encounter.day": 1,
        "Encounter.locationID": "dam",
        "Encounter.decimalLatitude": -1.5,
        "Encounter.decimalLongitude": 36.25,
        "MarkedIndividual.individualID": "ann",
        "Encounter.submitterID": "ada",
        "Encounter.state": "approved",
        "Encounter.researcherComments": "Individual decided by Ben, last on 2026-03-01 12:00:00 UTC.",
    }  # no sighting: nothing says which photos belong together
    assert export.left_out == ()


def test_columns_without_data_are_not_written(small_catalogue):
    catalogue = read_catalogue(small_catalogue)
    export = write_wildbook(
        catalogue, resolved(catalogue), ExportOptions(scientific_names={"bushbuck": "Tragelaphus sylvaticus"})
    )
    written = rows(export.content)
    assert len(written) == 8
    assert list(written[0]) == [
        "Encounter.mediaAsset0",
        "Encounter.genus",
        "Encounter.specificEpithet",
        "Encounter.year",
        "Encounter.month",
        "Encounter.day",
        "Encounter.locationID",
        "MarkedIndividual.individualID",
        "Encounter.state",
    ]
    assert [row["MarkedIndividual.individualID"] for row in written][-2:] == ["cy", None]


def test_what_is_open_is_not_approved_and_says_why():
    catalogue = made_up(a="ann", u=None, v="vi")
    export = write_wildbook(catalogue, resolved(catalogue, say("a", "v", "unsure")), BY_ADA)
    first, unknown, _ = rows(export.content)
    assert first["MarkedIndividual.individualID"] == "ann"
    assert first["Encounter.state"] == unknown["Encounter.state"] == "unapproved"
    assert "“a” and “v” show one individual is unsure" in first["Encounter.researcherComments"]
    assert unknown["Encounter.researcherComments"] is None


def test_animals_on_one_file_share_a_sighting():
    catalogue = made_up(a="ann", b="bo", c="cy")
    one, other, third = catalogue.photos
    catalogue = replace(catalogue, photos=(one, replace(other, path=one.path), third))
    export = write_wildbook(catalogue, resolved(catalogue))
    assert [row["Encounter.sightingID"] for row in rows(export.content)] == ["a.jpg", "a.jpg", None]


def test_texts_are_never_formulas():
    catalogue = made_up(u=None, e=None)
    names = (named("u", "=1+1", by="+ Ada"), named("e", "#N/A"))
    export = write_wildbook(catalogue, resolved(catalogue, names=names))
    sheet = openpyxl.load_workbook(io.BytesIO(export.content)).active
    column = [cell.value for cell in sheet[1]].index("MarkedIndividual.individualID")
    first, second = (sheet[row][column] for row in (2, 3))
    assert (first.value, first.data_type, first.quotePrefix) == ("=1+1", "s", True)
    assert second.value == "#N/A"
    assert not any(cell.data_type == "f" for row in sheet for cell in row)
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_photos_that_wildbook_cannot_take_are_listed():
    catalogue = made_up(a="ann", d="ann", p="ann", s="ann", same="ann", sa_me="ann")
    changes = {
        "d": {"date": None},
        "p": {"site": None, "latitude": None, "longitude": None},
        "s": {"species": "plains zebra"},
    }
    catalogue = replace(
        catalogue, photos=tuple(replace(p, **changes.get(p.id, {})) for p in catalogue.photos)
    )
    export = write_wildbook(catalogue, resolved(catalogue))
    assert [row["Encounter.mediaAsset0"] for row in rows(export.content)] == ["a.jpg"]
    assert {one.kind: one.photo_ids for one in export.left_out} == {
        "no_date": ("d",),
        "no_location": ("p",),
        "no_species": ("s",),
        "same_file_name": ("same", "sa_me"),
    }


def test_a_place_without_a_site_is_enough():
    catalogue = made_up(a="ann")
    catalogue = replace(catalogue, photos=(replace(catalogue.photos[0], site=None),))
    (row,) = rows(write_wildbook(catalogue, resolved(catalogue)).content)
    assert "Encounter.locationID" not in row
    assert row["Encounter.decimalLatitude"] == -1.5


def test_more_than_200_encounters_come_in_several_workbooks():
    catalogue = made_up(**{f"p{number}": "ann" for number in range(401)})
    export = write_wildbook(catalogue, resolved(catalogue))
    assert (export.file_name, export.mime) == ("wildbook_bulk_import.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        books = {name: rows(archive.read(name)) for name in archive.namelist()}
    assert [(name, len(book)) for name, book in books.items()] == [
        ("wildbook_bulk_import_1.xlsx", 200),
        ("wildbook_bulk_import_2.xlsx", 200),
        ("wildbook_bulk_import_3.xlsx", 1),
    ]
    written = [row["Encounter.mediaAsset0"] for book in books.values() for row in book]
    assert written == [photo.path.name for photo in catalogue.photos]


def test_a_workbook_does_not_tell_when_it_was_made():
    catalogue = made_up(a="ann")
    with zipfile.ZipFile(io.BytesIO(write_wildbook(catalogue, resolved(catalogue)).content)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert archive.read("docProps/core.xml").count(b">1980-01-01T00:00:00Z<") == 2


def test_control_signs_do_not_break_the_sheet():
    catalogue = made_up(u=None)
    export = write_wildbook(catalogue, resolved(catalogue, names=(named("u", "No\x07tch"),)))
    assert rows(export.content)[0]["MarkedIndividual.individualID"] == "No tch"


def test_without_openpyxl_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    catalogue = made_up(a="ann")
    with pytest.raises(ExportError, match="pip install openpyxl"):
        write_wildbook(catalogue, resolved(catalogue))


def test_a_catalogue_without_scientific_names_is_refused_with_the_way_out():
    catalogue = read_catalogue(Path(__file__).resolve().parents[2] / "data_samples" / "metadata.csv")
    with pytest.raises(ExportError, match="give its scientific name when exporting"):
        write_wildbook(catalogue, resolved(catalogue))


def test_species_get_the_scientific_name_that_is_given_for_them():
    catalogue = made_up(a="ann", b="bo", n="cy")
    one, other, third = catalogue.photos
    species = (
        replace(one, species="lion"),
        replace(other, species="plains zebra"),
        replace(third, species=None),
    )
    names = {"lion": "Panthera leo", "": "Equus quagga burchellii"}
    export = write_wildbook(
        replace(catalogue, photos=species), resolved(catalogue), ExportOptions(scientific_names=names)
    )
    written = [(row["Encounter.genus"], row["Encounter.specificEpithet"]) for row in rows(export.content)]
    assert written == [("Panthera", "leo"), ("Equus", "quagga burchellii")]
    assert export.left_out[0].photo_ids == ("b",)


def test_a_name_that_is_not_scientific_is_refused():
    with pytest.raises(ExportError, match="“zebra” is not a scientific name"):
        ExportOptions(scientific_names={"plains zebra": "zebra"})
