from __future__ import annotations

import os

import pytest

from pairx_core.catalogue import read_catalogue
from pairx_core.errors import CatalogueError
from tests.catalogue.making import corners_picture, save, write_csv


def test_each_folder_is_an_individual(tmp_path):
    for name in ("Ann/1.jpg", "Ann/2026/2.jpg", "Bo/1.png", "unknown/x.jpg", "loose.jpg"):
        save(tmp_path / name)
    catalogue = read_catalogue(tmp_path)
    assert {photo.id: photo.identity for photo in catalogue.photos} == {
        "Ann/1": "Ann",
        "Ann/2026/2": "Ann",
        "Bo/1": "Bo",
        "loose": None,
        "unknown/x": None,
    }
    assert catalogue.photo("Ann/2026/2").catalogue_path == "Ann/2026/2.jpg"
    assert any("1 photos lie in no individual's folder" in problem.message for problem in catalogue.problems)


def test_photos_in_one_flat_folder_are_unknown(tmp_path):
    save(tmp_path / "1.jpg")
    save(tmp_path / "2.jpg")
    catalogue = read_catalogue(str(tmp_path))
    assert [photo.identity for photo in catalogue.photos] == [None, None]
    assert "taken as unknown" in catalogue.problems[0].message


def test_a_metadata_file_in_the_folder_wins(tmp_path):
    save(tmp_path / "Ann/1.jpg")
    write_csv(tmp_path, ["image_id,identity,path", "one,Zoë,Ann/1.jpg"]).rename(tmp_path / "Metadata.CSV")
    catalogue = read_catalogue(tmp_path)
    assert catalogue.photo("one").identity == "Zoë"
    assert catalogue.source == tmp_path / "Metadata.CSV"


def test_hidden_and_other_files_are_ignored_and_counted(tmp_path):
    for name in ("Ann/1.jpg", "Bo/1.jpg", ".hidden/1.jpg", "Ann/.1.jpg", "__MACOSX/1.jpg"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "Ann" / "2.nef").touch()
    (tmp_path / "pairx_decisions.csv").touch()
    catalogue = read_catalogue(tmp_path)
    assert len(catalogue) == 2
    (note,) = catalogue.problems
    assert "2 files that are not pictures were ignored" in note.message
    assert ".nef: 1" in note.message


def test_one_folder_only_is_noted(tmp_path):
    save(tmp_path / "images/1.jpg")
    (note,) = read_catalogue(tmp_path).problems
    assert "one individual, “images”" in note.message


def test_a_bad_picture_is_left_out_by_its_name(tmp_path):
    save(tmp_path / "Ann/1.jpg")
    save(tmp_path / "Bo/1.jpg", corners_picture().convert("CMYK"))
    (tmp_path / "Bo" / "2.jpg").touch()
    empty, cmyk = sorted(read_catalogue(tmp_path).problems, key=lambda problem: problem.severity)
    assert str(empty).startswith(f"{tmp_path.name}, Bo/2.jpg: The picture is empty")
    assert str(cmyk).startswith(f"{tmp_path.name}, Bo/1.jpg: The picture has print colours")


def test_pictures_that_differ_by_their_ending_keep_it(tmp_path):
    save(tmp_path / "Ann/1.jpg")
    save(tmp_path / "Ann/1.png")
    save(tmp_path / "Ann/2.png")
    assert [photo.id for photo in read_catalogue(tmp_path).photos] == ["Ann/1.jpg", "Ann/1.png", "Ann/2"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_with_stray_bytes_is_left_out(tmp_path):
    save(tmp_path / "Ann/1.jpg")
    save(tmp_path / "Ann/2.jpg").rename(tmp_path / "Ann" / os.fsdecode(b"\xff.jpg"))
    catalogue = read_catalogue(tmp_path)
    assert len(catalogue) == 1
    (problem,) = [problem for problem in catalogue.problems if problem.severity == "left_out"]
    assert "Rename the file" in problem.message
    str(problem).encode("utf-8")


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(CatalogueError, match="holds no pictures \\(it is empty\\)"):
        read_catalogue(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CatalogueError, match=r"holds no pictures \(\.txt: 1\)"):
        read_catalogue(tmp_path)
