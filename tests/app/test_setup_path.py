"""Setup as a path: check, formats, projects, what was opened before, another matcher's candidates."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.components import projects
from pairx_core.decisions.naming import GivenNames
from pairx_core.decisions.store import open_decisions
from pairx_core.project import read_project
from tests.catalogue.making import FORMS
from tests.catalogue.making import make_catalogue as make_form

from .conftest import html, pair, press, rows
from .test_setup import field, said, setup, submit


def test_a_catalogue_is_checked_before_anything_is_opened(open_app, herd, make_catalogue):
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "Eve", "sideways", "", "")], "other")
    with other.open("a", encoding="utf-8") as file:
        file.write("gone,zoe,gone.jpg,left,,,bushbuck\n")
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(other))
    press(app, "Check the photos")
    shown = html(app)
    assert "2 usable, 1 left out" in shown
    for kind in ("missing file", "odd orientation", "names that look alike"):
        assert kind in shown
    assert "gone.jpg" in shown
    assert "Download the report (CSV)" in [one.proto.label for one in app.get("download_button")]
    app.switch_page("pages/review.py").run()
    assert "Query 1 of 2" in html(app)  # what was open still is


def test_what_cannot_be_checked_is_said(open_app, herd, tmp_path):
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(tmp_path / "nowhere"))
    press(app, "Check the photos")
    assert "nowhere" in said(app.error)


@pytest.mark.parametrize("form", FORMS)
def test_every_format_is_opened_reviewed_and_written_again(open_app, herd, tmp_path, form, monkeypatch):
    monkeypatch.delenv("PAIRX_DECISIONS")
    place = make_form(tmp_path / form, form)
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(place))
    submit(app)
    assert "3 photos ready for review" in said(app.success)
    app.switch_page("pages/review.py").run()
    query, candidate = pair(app)
    press(app, "Accept")
    folder = place if place.is_dir() else place.parent
    (row,) = rows(folder / "pairx_decisions.csv")
    assert (row["query_id"], row["candidate_id"]) == (query, candidate)
    app.switch_page("pages/decisions.py").run()
    app.segmented_control(key="shown_part").set_value("Export").run()
    press(app, "Make the file")
    export, _ = app.session_state["made_export"][1:]
    table = {one["image_id"]: one["identity"] for one in csv.DictReader(io.StringIO(export.content.decode()))}
    assert table[query] == table[candidate] in ("Ann", "Bo")


def test_a_file_that_was_made_is_not_offered_for_another_catalogue_and_ages_with_names(
    open_app, herd, make_catalogue, decisions
):
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "unknown", "left", "", "")], "other")
    app = setup(open_app(herd))

    def exports() -> AppTest:
        app.switch_page("pages/decisions.py").run()
        app.segmented_control(key="shown_part").set_value("Export").run()
        assert not app.exception
        return app

    def offered() -> list[str]:
        return [
            one.proto.label for one in app.get("download_button") if one.proto.label.startswith("Download ")
        ]

    press(exports(), "Make the file")
    assert offered() == ["Download metadata_updated.csv"] and not app.warning
    names = GivenNames(open_decisions(decisions).lines("names"))
    names.give("u0", "Zoe", by="Ada", check=lambda name: None)
    assert "Make it again" in said(exports().warning)
    press(app, "Make the file")
    assert not app.warning
    app.switch_page("pages/setup.py").run()
    field(app, "Catalogue").set_value(str(other))
    submit(app)
    exports()
    assert not offered()


def test_the_format_can_be_chosen(open_app, herd):
    app = setup(open_app(herd))
    next(one for one in app.selectbox if one.label == "Format").set_value("coco")
    submit(app)
    assert "is not JSON that can be read" in said(app.error)


def test_a_project_is_saved_and_opens_everything_again(open_app, herd, tmp_path, monkeypatch):
    app = setup(open_app(herd))
    file = tmp_path / "work" / "pairx.toml"
    field(app, "Project file").set_value(str(file))
    press(app, "Save the project")
    assert str(file) in said(app.success)
    assert read_project(file).catalogue == str(herd)
    again = setup(open_app(herd))
    field(again, "Catalogue").set_value(str(file))
    submit(again)
    assert "10 photos ready for review" in said(again.success)
    monkeypatch.setenv("PAIRX_PROJECT", str(file))
    assert pair(open_app(None))[0].startswith("u")


def test_a_project_saved_from_a_relative_quoted_path_opens_from_elsewhere(
    open_app, herd, tmp_path, monkeypatch
):
    monkeypatch.chdir(herd.parent.parent)
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(f'"{herd.parent.name}"')
    submit(app)
    field(app, "Project file").set_value(str(tmp_path / "work" / "pairx.toml"))
    press(app, "Save the project")
    assert read_project(tmp_path / "work").catalogue == str(herd)


def test_a_broken_project_is_said(open_app, herd, tmp_path):
    (tmp_path / "pairx.toml").write_text("catalogue = 3", encoding="utf-8")
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(tmp_path / "pairx.toml"))
    submit(app)
    assert "pairx.toml" in said(app.error)


def test_what_was_opened_before_is_one_press_away(open_app, herd, make_catalogue):
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "unknown", "left", "", "")], "other")
    app = setup(open_app(herd))
    for place in (str(other), str(herd)):
        field(app, "Catalogue").set_value(place)
        submit(app)
    recent = [one for one in app.button if (one.key or "").startswith("recent-")]
    assert "other" in recent[0].label.replace("\\", "")
    recent[0].click().run()
    assert not app.exception
    assert str(other) in html(app)


def test_candidates_of_another_matcher_are_reviewed_in_its_order(open_app, herd, tmp_path):
    table = tmp_path / "scores.csv"
    table.write_text("query_id,candidate_id,score\nu0,k3,17.5\nu0,k0,92\nu1,k5,3\n", encoding="utf-8")
    app = setup(open_app(herd))
    field(app, "Candidates").set_value(str(table))
    submit(app)
    app.switch_page("pages/review.py").run()
    assert pair(app) == ("u0", "k0")
    assert "92" in html(app)
    press(app, "Reject")
    assert pair(app) == ("u0", "k3")


def test_the_card_of_the_model_and_what_was_assumed_are_shown(open_app, herd, checkpoint_of):
    app = setup(open_app(herd))
    assert "million weights" in html(app) and "Recommended layer" in html(app)
    field(app, "Model").set_value("test_resnet")
    field(app, "Checkpoint").set_value(str(checkpoint_of("test_resnet")))
    submit(app)
    assert "The normalisation is timm&#x27;s for test_resnet" in html(app)


@pytest.mark.parametrize("size", ["big", "7", "99999"])
def test_an_input_size_that_cannot_be_is_said(open_app, herd, size):
    app = setup(open_app(herd))
    field(app, "Input size").set_value(size)
    submit(app)
    assert size in said(app.error)


class Dropped:
    def __init__(self, name: str, color: int) -> None:
        self.name = name
        self._content = io.BytesIO()
        Image.new("RGB", (40, 30), (color, 9, 9)).save(self._content, "PNG")

    def getvalue(self) -> bytes:
        return self._content.getvalue()


def test_dropped_photos_lie_in_one_folder_whatever_they_are_called(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path))
    files = [
        Dropped("../../evil.png", 1),
        Dropped("a b.png", 2),
        Dropped("a b.png", 3),
        Dropped(".hidden.png", 4),
    ]
    folder = projects._kept(files)
    assert folder.is_relative_to(tmp_path / "dropped")
    names = sorted(path.name for path in folder.iterdir())
    assert sorted(name[9:] for name in names) == ["a b.png", "a b.png", "evil.png", "hidden.png"]
    assert projects._kept(files) == projects._kept(files[::-1]) == folder
    assert sorted(path.name for path in Path(tmp_path).rglob("*.png")) == names


def test_no_dropped_photo_takes_the_place_of_another(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path))
    files = [
        Dropped("2_a.png", 1),
        Dropped("a.png", 2),
        Dropped("a.png", 3),
        Dropped("3_a.png", 4),
        Dropped("a.png", 3),
    ]
    folder = projects._kept(files)
    assert {path.read_bytes() for path in folder.iterdir()} == {file.getvalue() for file in files}
    assert len(list(folder.iterdir())) == 4  # one was dropped twice
    renamed = [Dropped("b.png", 2), *files[:1], *files[2:]]
    assert projects._kept(renamed) != folder


def test_a_dropped_photo_may_have_a_long_name_in_any_alphabet(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path))
    (path,) = projects._kept([Dropped(100 * "象" + "." + 300 * "g", 1)]).iterdir()
    assert len(path.name.encode()) < 200
