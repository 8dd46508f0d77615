"""Project files: written, read, moved, and wrong in every way."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.catalogue import Catalogue, read_catalogue
from pairx_core.errors import CatalogueError, SettingsError
from pairx_core.project import Project, has_password, read_project, write_project
from pairx_core.retrieval import read_candidates


def test_a_project_is_read_as_it_was_written(tmp_path):
    project = Project(
        catalogue=str(tmp_path / "photos" / "metadata.csv"),
        form="coco",
        model="BVRA/MegaDescriptor-T-224",
        checkpoint="/elsewhere/weights.safetensors",
        layer="blocks.3",
        candidates=str(tmp_path / "scores.csv"),
        decisions=str(tmp_path / "pairx_decisions.csv"),
        name="Nyala “2026”",
    )
    path = write_project(project, tmp_path)
    assert path == tmp_path / "pairx.toml"
    assert read_project(path) == read_project(tmp_path) == project
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_project_moves_with_its_photos(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new place"
    (old / "photos").mkdir(parents=True)
    project = Project(str(old / "photos"), model=str(old / "ours.safetensors"), decisions=str(old / "d.csv"))
    write_project(project, old)
    assert str(tmp_path) not in (old / "pairx.toml").read_text()
    shutil.move(old, new)
    moved = read_project(new)
    assert moved == Project(
        str(new / "photos"), model=str(new / "ours.safetensors"), decisions=str(new / "d.csv")
    )


def test_a_folder_that_is_the_project_s_own_is_written_as_a_dot(tmp_path):
    path = write_project(Project(str(tmp_path)), tmp_path)
    assert 'path = "."' in path.read_text()
    assert read_project(path).catalogue == str(tmp_path)


def test_a_password_is_never_written(tmp_path):
    project = Project("/photos", decisions="postgresql://ada:secret@server/record")
    assert has_password(project)
    assert not has_password(Project("/photos", decisions="d.csv"))
    path = write_project(project, tmp_path)
    assert "secret" not in path.read_text()
    assert read_project(path).decisions == "postgresql://ada:***@server/record"


def test_what_is_not_a_project_file_is_not_replaced(tmp_path):
    other = tmp_path / "pyproject.toml"
    other.write_text("[tool.ruff]\nline-length = 110\n")
    with pytest.raises(SettingsError, match=r"no entry \[tool\]"):
        write_project(Project("/photos"), other)
    assert "ruff" in other.read_text()
    with pytest.raises(SettingsError, match=r"ends in \.toml"):
        write_project(Project("/photos"), tmp_path / "metadata.csv")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_where_nothing_can_be_written_it_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_project(Project("/photos"), tmp_path / "file" / "pairx.toml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no catalogue"),
        ("[catalogue]\npath = 3", "catalogue.path is 3"),
        ("[catalogue]\npath = ''", "names no catalogue"),
        ("[catalogue]\nway = 'a'", "has no “way”"),
        ("catalogue = 'a'", r"“catalogue” stands alone. Write \[catalogue\] and under it path"),
        ("nonsense = 'a'", r"no entry \[nonsense\]"),
        ("[catalogue]\npath = '~nosuchuser/a'", "home folder"),
        ("[catalogue]\npath = '" + 300 * "a" + "'", "too long"),
        ('[catalogue]\npath = "a\\u0000b"', "no path has"),
        ("a = " + 5000 * "[", "is not a project file"),
        ("version = 2", "version is “2”"),
        ("version = 'new'", "version is “new”"),
        ("[catalogue\n", "is not a project file"),
        ("name = 4\n[catalogue]\npath = 'a'", "name is 4"),
    ],
)
def test_what_is_wrong_in_a_project_file_is_said(tmp_path, text, says):
    (tmp_path / "pairx.toml").write_text(text)
    with pytest.raises(SettingsError, match=says):
        read_project(tmp_path)


@pytest.mark.parametrize(
    "path", ["", "  ", "/no/such/pairx.toml", "a\0b", "~nobodyatall/pairx.toml", 300 * "a"]
)
def test_a_project_that_is_not_there_says_so(path):
    with pytest.raises(SettingsError):
        read_project(path)


@pytest.mark.parametrize("path", ["~nosuchuser/photos", "a\0b", 300 * "a"])
def test_paths_that_no_system_has_are_refused_wherever_they_are_written(tmp_path, path):
    with pytest.raises(SettingsError):
        write_project(Project("/photos"), f"{path}/pairx.toml")
    for field in ("catalogue", "checkpoint", "candidates", "decisions"):
        with pytest.raises(SettingsError):
            write_project(Project(**{"catalogue": "/photos", field: path}), tmp_path)
    with pytest.raises(CatalogueError):
        read_catalogue(path)
    with pytest.raises(CatalogueError):
        read_candidates(path, Catalogue(tmp_path, ()))


def test_relative_and_quoted_paths_open_again_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "ours.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    project = Project(
        "photos/metadata.csv", checkpoint="'weights/ours.pth'", decisions=' "work/d.csv" ', candidates="s.csv"
    )
    whole = Project(
        str(tmp_path / "photos" / "metadata.csv"),
        checkpoint=str(tmp_path / "weights" / "ours.pth"),
        decisions=str(tmp_path / "work" / "d.csv"),
        candidates=str(tmp_path / "s.csv"),
    )
    for model, meant in (
        ("weights/ours.pth", str(tmp_path / "weights" / "ours.pth")),
        ("resnet18:weights/ours.pth", f"resnet18:{tmp_path / 'weights' / 'ours.pth'}"),
        ("resnet18", "resnet18"),
        ("BVRA/MegaDescriptor-T-224", "BVRA/MegaDescriptor-T-224"),
    ):
        path = write_project(replace(project, model=model), '"work"')
        monkeypatch.chdir("/")
        assert read_project(path) == replace(whole, model=meant)
        monkeypatch.chdir(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "pairx.toml").write_bytes(b"\xff\xfe\x00catalogue")
    with pytest.raises(SettingsError, match="is not a project file"):
        read_project(tmp_path)
    with (tmp_path / "pairx.toml").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(SettingsError, match="too large"):
        read_project(tmp_path)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_comes_back(tmp_path_factory, name, layer, model):
    folder = tmp_path_factory.mktemp("project")
    project = Project("/photos", model=f"m{model.strip()}".strip(), layer=layer.strip(), name=name.strip())
    write_project(project, folder)
    assert read_project(folder) == project
