"""The Setup page: opening another catalogue and model."""

from __future__ import annotations

import gc
import html as entities
import json
import re
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from pages.components.shelf import Opening
from pages.components.workspace import Source
from pairx_core.decisions import DecisionLog

from .conftest import address, html, pair, press, rows

SETUP = "pages/setup.py"


def test_says_what_is_open(open_app, herd):
    app = setup(open_app(herd))
    assert str(herd) in html(app)
    assert {one.label: one.value for one in app.metric} == {
        "Photos": "10",
        "Individuals": "4",
        "With one photo": "0",
        "Unknown": "2",
    }
    assert "bushbuck (10)" in html(app)


def test_opens_another_catalogue_with_its_own_decisions(open_app, herd, make_catalogue, monkeypatch):
    monkeypatch.delenv("PAIRX_DECISIONS")
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "unknown", "left", "", "")], "other")
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(other.parent))
    submit(app)
    assert not app.error
    assert "2 photos ready for review" in said(app.success)
    app.switch_page("pages/review.py").run()
    assert pair(app) == ("x2", "x1")
    next(one for one in app.button if one.label == "Accept").click().run()
    assert [row["query_id"] for row in rows(other.parent / "pairx_decisions.csv")] == ["x2"]


def test_a_reload_finds_the_catalogue_that_was_opened(open_app, herd, make_catalogue):
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "unknown", "left", "", "")], "other")
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(other))
    submit(app)
    again = open_app(herd, opened=address(app, "opened"))
    assert pair(again) == ("x2", "x1")


def test_a_bad_path_is_said_and_the_former_catalogue_stays(open_app, herd, tmp_path):
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(tmp_path / "missing.csv"))
    submit(app)
    assert "missing.csv" in said(app.error)
    assert "stays open" in said(app.error)
    assert str(herd) in html(app)
    app.switch_page("pages/review.py").run()
    assert "Query 1 of 2" in html(app)


def test_a_wrong_checkpoint_and_a_wrong_layer_are_said(open_app, herd, tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"nonsense")
    app = setup(open_app(herd))
    field(app, "Model").set_value("test_efficientnet")
    field(app, "Checkpoint").set_value(str(weights))
    submit(app)
    assert "weights.safetensors" in said(app.error)
    app = setup(open_app(herd))
    field(app, "Layer").set_value("blocks.77")
    submit(app)
    assert "blocks.77" in said(app.error)


def test_a_file_that_is_not_a_decisions_file_is_refused_and_untouched(open_app, herd, tmp_path):
    foreign = tmp_path / "budget.csv"
    foreign.write_text("year,euros\n2025,12\n", encoding="utf-8")
    app = setup(open_app(herd))
    field(app, "Decisions").set_value(str(foreign))
    submit(app)
    assert "budget.csv" in said(app.error)
    assert foreign.read_text(encoding="utf-8") == "year,euros\n2025,12\n"


def test_problems_are_listed_apart_from_notes(open_app, herd):
    with herd.open("a", encoding="utf-8") as file:
        file.write("gone,zoe,gone.jpg,left,,,bushbuck\nk0,ind0,k0.jpg,left,,,bushbuck\n")
    (herd.parent / "k5.jpg").write_bytes(b"")
    app = setup(open_app(herd))
    shown = html(app)
    assert any("Photos left out" in one.value for one in app.markdown)
    assert "gone.jpg" in shown
    assert "k5.jpg" in shown


def test_an_empty_form_asks_for_a_catalogue(open_app, herd):
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value("  ")
    submit(app)
    assert "Enter the path of a catalogue" in said(app.error)


def test_a_restart_resumes_the_reviewer_and_the_catalogue(open_app, herd, make_catalogue, monkeypatch):
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "unknown", "left", "", "")], "other")
    app = setup(open_app(herd, reviewer="Grace"))
    field(app, "Catalogue").set_value(str(other))
    submit(app)
    app.switch_page("pages/review.py").run()
    press(app, "Accept")
    monkeypatch.delenv("PAIRX_MODEL")
    later = open_app(None, reviewer=None)
    assert pair(later) == ("x2", "x1")
    assert field(later, "Reviewer").value == "Grace"
    assert open_app(None, reviewer="Ada").text_input(key="reviewer").value == "Ada"


def test_the_last_reviewer_stays_over_a_visit_to_setup(open_app, herd, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "last_used.json").write_text('{"reviewer": "Grace"}', encoding="utf-8")
    app = open_app(herd, reviewer=None)
    assert address(app, "reviewer") == "Grace"
    app.switch_page(SETUP).run().switch_page("pages/review.py").run()
    assert not app.exception
    assert field(app, "Reviewer").value == "Grace"


def test_the_environment_wins_over_what_was_opened_last(open_app, herd, make_catalogue):
    other = make_catalogue([("x1", "eve", "left", "", ""), ("x2", "unknown", "left", "", "")], "other")
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(other))
    submit(app)
    assert "Query 1 of 2" in html(open_app(herd))
    assert pair(open_app(herd))[0] == "u0"


def test_an_open_tab_keeps_its_catalogue_when_another_tab_opens_one(
    open_app, herd, tiny_checkpoint, monkeypatch
):
    monkeypatch.setattr("pairx_core.settings.SAMPLE_CATALOGUE", herd)
    monkeypatch.setattr(
        "pages.components.workspace.Source.from_settings", lambda _: Source(str(herd), str(tiny_checkpoint))
    )
    first = open_app(None)
    monkeypatch.delenv("PAIRX_MODEL")
    second = setup(open_app(herd))
    field(second, "Layer").set_value("blocks.0")
    submit(second)
    monkeypatch.delenv("PAIRX_CATALOGUE")
    setup(first)
    assert field(first, "Layer").value == ""


def test_a_bad_catalogue_in_the_environment_does_not_keep_setup_from_opening_another(
    open_app, herd, tmp_path
):
    app = open_app(tmp_path / "unplugged" / "metadata.csv")
    assert "unplugged" in said(app.error)
    setup(app)
    assert "unplugged" in said(app.error)
    field(app, "Catalogue").set_value(str(herd))
    submit(app)
    assert not app.error
    assert "10 photos ready" in said(app.success)


def test_settings_that_cannot_be_used_are_said_on_setup(open_app, herd, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "file"))
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(herd))
    submit(app)
    assert "PAIRX_CACHE" in said(app.error)


def test_decisions_about_photos_of_another_catalogue_are_noted(open_app, herd, make_catalogue, decisions):
    foreign = {
        "reviewer": "Ada",
        "decision": "accept",
        "query_path": "k0.jpg",
        "candidate_path": "elsewhere.jpg",
    }
    DecisionLog(decisions).record(query_id="x8", candidate_id="x9", reviewer="Ada", decision="reject")
    DecisionLog(decisions).record(query_id="k0", candidate_id="k1", **foreign)
    DecisionLog(decisions).record(query_id="k0", candidate_id="k2", reviewer="Ada", decision="reject")
    assert "2 decisions in this file are about photos that are not in this catalogue" in html(
        setup(open_app(herd))
    )


@pytest.mark.parametrize("kept", [None, 7, {"catalogue": "x"}, {"catalogue": 1}, "text"])
def test_an_address_whose_catalogue_is_not_known_any_more_says_so(open_app, herd, tmp_path, kept):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "opened_sources.json").write_text(json.dumps({"abc": kept}), encoding="utf-8")
    app = open_app(herd, opened="abc")
    assert "not known any more" in said(app.warning)
    assert str(herd) in said(app.warning)
    setup(app)
    assert str(herd) in html(app)


@pytest.mark.parametrize("label", ["Catalogue", "Decisions", "Checkpoint"])
@pytest.mark.parametrize("path", ["~nosuchuser/x", "/tmp/" + "long" * 200 + "/x.pth"])
def test_paths_that_the_computer_refuses_are_said(open_app, herd, label, path):
    app = setup(open_app(herd))
    field(app, label).set_value(path)
    submit(app)
    assert path[:60] in said(app.error)
    assert "stays open" in said(app.error)


def test_text_of_a_catalogue_is_shown_as_it_is_written(open_app, herd, tmp_path):
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(tmp_path / "*a*_[b](c) :red[d] $x$"))
    submit(app)
    assert "*a*_[b](c)" not in app.error[0].value
    assert "*a*_[b](c) :red[d] $x$" in said(app.error)


def test_a_model_that_cannot_be_explained_still_proposes_candidates(open_app, herd, checkpoint_of):
    app = setup(open_app(herd))
    field(app, "Model").set_value(str(checkpoint_of("efficientvim_m1")))
    submit(app)
    assert not app.error
    assert "without explanations" in html(app)
    assert "no relevance rule" in html(app)


def test_pressing_open_again_stops_what_was_on_its_way(open_app, herd):
    stopped = []
    app = setup(open_app(herd))
    app.session_state["following"] = SimpleNamespace(cancel=lambda: stopped.append(True))
    submit(app)
    assert stopped == [True]
    assert "10 photos ready" in said(app.success)


def test_a_stopped_opening_ends_and_is_not_kept_alive(herd, tiny_checkpoint, tmp_path):
    first = Opening(Source(str(herd), str(tiny_checkpoint)), tmp_path / "cache")
    first.cancel()
    first.wait(60)
    assert first.finished
    kept = weakref.ref(first)
    del first
    gc.collect()
    assert kept() is None


BAD_PHOTOS = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:400]),
    "text": lambda path: path.write_text("not a picture", encoding="utf-8"),
    "enormous": lambda path: Image.new("1", (10_001, 10_000)).save(path, "PNG"),
    "animated": lambda path: Image.new("RGB", (120, 80), "red").save(
        path, "GIF", save_all=True, append_images=[Image.new("RGB", (120, 80), "blue")]
    ),
}
ODD_PHOTOS = {
    "cmyk": lambda path: Image.new("CMYK", (120, 80), (9, 90, 0, 30)).save(path, "JPEG"),
    "16-bit": lambda path: Image.new("I;16", (120, 80), 40_000).save(path, "PNG"),
}


@pytest.mark.parametrize("kind", [*BAD_PHOTOS, *ODD_PHOTOS])
def test_a_photo_of_any_kind_leaves_the_others_usable(open_app, herd, kind):
    spoil = {**BAD_PHOTOS, **ODD_PHOTOS}[kind]
    spoil(herd.parent / "k5.jpg")
    app = setup(open_app(herd))
    assert app.metric[0].value == ("9" if kind in BAD_PHOTOS else "10")
    assert "k5.jpg" in html(app)
    assert not app.error
    app.switch_page("pages/review.py").run()
    assert not app.exception
    assert "Query 1 of 2" in html(app)


def _rewrite(table: Path, change) -> None:
    table.write_text(change(table.read_text(encoding="utf-8")), encoding="utf-8")


TABLES = {  # what is done to the table: what is said, photos that stay usable
    "no path": (lambda text: text.replace(",path,", ",file,"), "path", None),
    "semicolons": (lambda text: text.replace(",", ";"), "", "10"),
    "bom": (lambda text: "\ufeff" + text, "", "10"),
    "same ids": (lambda text: text.replace("k1,ind0", "k0,ind0"), "k0", "9"),
    "outside": (lambda text: text.replace("k1.jpg", "../k1.jpg"), "../k1.jpg", "9"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_any_kind_is_read_or_said(open_app, herd, make_catalogue, kind):
    change, message, photos = TABLES[kind]
    other = make_catalogue([(f"k{i}", f"ind{i // 2}", "left", "", "") for i in range(10)], "other")
    _rewrite(other, change)
    app = setup(open_app(herd))
    field(app, "Catalogue").set_value(str(other))
    submit(app)
    if photos is None:
        assert "metadata.csv" in said(app.error)
        assert message in said(app.error)
        assert str(herd) in html(app)
    else:
        assert not app.error
        assert message in html(app)
        assert app.metric[0].value == photos


def test_an_unwritable_decisions_file_and_a_strange_checkpoint_are_said(
    open_app, herd, tmp_path, checkpoint_of
):
    (tmp_path / "file").touch()
    app = setup(open_app(herd))
    field(app, "Decisions").set_value(str(tmp_path / "file" / "mine.csv"))
    submit(app)
    assert str(tmp_path / "file") in said(app.error)
    app = setup(open_app(herd))
    field(app, "Model").set_value("test_efficientnet")
    field(app, "Checkpoint").set_value(str(checkpoint_of("test_resnet")))
    submit(app)
    assert "test_resnet.safetensors" in said(app.error)


def said(elements):
    """The first of some messages, without what keeps Markdown from changing it."""
    return re.sub(r"\\(\W|_)", r"\1", entities.unescape(elements[0].value))


def setup(app):
    app.switch_page(SETUP).run()
    assert not app.exception
    return app


def field(app, label):
    return next(one for one in app.text_input if one.label == label)


def submit(app):
    next(one for one in app.button if one.label == "Open").click().run()
    assert not app.exception
