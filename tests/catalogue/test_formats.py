"""Which format a file or a folder is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pairx_core.catalogue import CATALOGUE_FORMATS, read_catalogue
from pairx_core.errors import CatalogueError
from tests.catalogue.making import FORMS, make_catalogue, save, write_csv


@pytest.mark.parametrize("form", FORMS)
def test_each_format_is_known_by_its_content(tmp_path, form):
    catalogue = read_catalogue(make_catalogue(tmp_path, form))
    assert catalogue.form == form
    assert {photo.identity for photo in catalogue.photos} == {"Ann", "Bo", None}
    assert not [problem for problem in catalogue.problems if problem.severity == "left_out"]


@pytest.mark.parametrize("form", FORMS)
def test_each_format_can_be_chosen_by_hand(tmp_path, form):
    source = make_catalogue(tmp_path, form)
    assert read_catalogue(source, form).photos == read_catalogue(source).photos


@pytest.mark.parametrize("form", FORMS)
def test_all_formats_tell_the_same_photos(tmp_path, form):
    """Each says of the same three photos what it can say."""
    photos = read_catalogue(make_catalogue(tmp_path, form)).photos
    assert [photo.path.name for photo in photos] == ["1.jpg", "2.jpg", "3.jpg"]
    assert [photo.identity for photo in photos] == ["Ann", "Bo", None]
    if form == "folders":
        return
    assert [photo.species for photo in photos] == ["Tragelaphus angasii"] * 3
    box = photos[0].box
    assert box is not None
    assert (box.x, box.y, box.width, box.height) == pytest.approx((4, 8, 24, 16))
    assert photos[0].date is not None
    assert photos[0].date.isoformat() == "2026-03-01T09:15:02"
    assert photos[0].site == "dam"
    if form != "camtrap-dp":  # which has no field for it
        assert [photo.flank for photo in photos] == ["left", "right", "left"]


@pytest.mark.parametrize("form", ["wildlife-datasets", "miewid", "traptagger"])
def test_a_table_called_metadata_is_found_in_its_folder_whatever_its_columns(tmp_path, form):
    source = make_catalogue(tmp_path, form)
    source.rename(source.with_name("Metadata.CSV"))
    assert read_catalogue(source.parent).form == form


@pytest.mark.parametrize("place", ["", "annotations"])
def test_a_coco_file_is_found_in_its_folder(tmp_path, place):
    source = make_catalogue(tmp_path, "coco")
    moved = source.parent / place / source.name
    moved.parent.mkdir(exist_ok=True)
    source.rename(moved)
    save(source.parent / "images" / "2" / "unrelated.jpg")
    (source.parent / "settings.json").write_text('{"theme": "dark"}')
    (source.parent / "broken.json").write_text("{")
    catalogue = read_catalogue(source.parent)
    assert catalogue.form == "coco"
    assert catalogue.source == moved
    assert len(catalogue) == 3


def test_of_several_coco_files_one_must_be_chosen(tmp_path):
    source = make_catalogue(tmp_path, "coco")
    (source.parent / "val.json").write_bytes(source.read_bytes())
    with pytest.raises(CatalogueError, match=r"several COCO files \(.*, val\.json\)"):
        read_catalogue(source.parent)


def test_a_package_is_read_by_any_of_its_files(tmp_path):
    folder = make_catalogue(tmp_path, "camtrap-dp")
    for name in ("datapackage.json", "media.csv", "observations.csv"):
        assert read_catalogue(folder / name).photos == read_catalogue(folder).photos


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(CatalogueError, match="no format “excel”.*wildlife-datasets, miewid, coco"):
        read_catalogue(make_catalogue(tmp_path, "coco"), "excel")


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("folders", "camtrap-dp")])
def test_a_folder_without_such_a_file_is_refused_with_what_to_give(tmp_path, form):
    folder = make_catalogue(tmp_path, "folders")
    with pytest.raises(CatalogueError, match="is no catalogue of this kind") as caught:
        read_catalogue(folder, form)
    assert CATALOGUE_FORMATS[form].what in str(caught.value)


def test_a_file_is_no_folder_of_individuals(tmp_path):
    with pytest.raises(CatalogueError, match="Give a folder with one folder for each individual"):
        read_catalogue(make_catalogue(tmp_path, "coco"), "folders")


def test_a_file_in_another_format_than_the_chosen_one_is_refused(tmp_path):
    table = make_catalogue(tmp_path, "wildlife-datasets")
    with pytest.raises(CatalogueError, match="is not JSON"):
        read_catalogue(table, "coco")
    with pytest.raises(CatalogueError, match="not a whole Camtrap DP package"):
        read_catalogue(table, "camtrap-dp")


def test_json_without_images_says_what_it_has(tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"info": {}, "photos": []}))
    with pytest.raises(CatalogueError, match="no list “images”. It has: “info”, “photos”"):
        read_catalogue(path)


def test_a_table_with_none_of_the_columns_names_the_usual_one(tmp_path):
    with pytest.raises(CatalogueError, match="has no column “path”"):
        read_catalogue(write_csv(tmp_path, ["picture,animal", "a.jpg,Ann"]))


def test_a_folder_that_is_linked_into_a_catalogue_is_not_looked_into(tmp_path):
    outside = make_catalogue(tmp_path / "outside", "coco")
    folder = tmp_path / "inside"
    save(folder / "Ann" / "1.jpg")
    (folder / "annotations").symlink_to(outside.parent, target_is_directory=True)
    catalogue = read_catalogue(folder)
    assert catalogue.form == "folders"
    assert [photo.path for photo in catalogue.photos] == [(folder / "Ann" / "1.jpg").resolve()]


def test_the_path_of_the_source_is_absolute(tmp_path, monkeypatch):
    make_catalogue(tmp_path, "traptagger")
    monkeypatch.chdir(tmp_path)
    assert read_catalogue(Path("export.csv")).source == tmp_path / "export.csv"
