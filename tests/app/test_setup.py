"""The Setup page: opening another catalogue and model."""

from __future__ import annotations

from .conftest import address, html, pair, rows

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
    field(app, "Decisions file").set_value("")
    submit(app)
    assert not app.error
    assert "2 photos ready for review" in app.success[0].value
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
    assert "missing.csv" in app.error[0].value
    assert "stays open" in app.error[0].value
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
    assert "weights.safetensors" in app.error[0].value
    app = setup(open_app(herd))
    field(app, "Layer").set_value("blocks.77")
    submit(app)
    assert "blocks.77" in app.error[0].value


def test_a_file_that_is_not_a_decisions_file_is_refused_and_untouched(open_app, herd, tmp_path):
    foreign = tmp_path / "budget.csv"
    foreign.write_text("year,euros\n2025,12\n", encoding="utf-8")
    app = setup(open_app(herd))
    field(app, "Decisions file").set_value(str(foreign))
    submit(app)
    assert "budget.csv" in app.error[0].value
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
    assert "Enter the path of a catalogue" in app.error[0].value


def setup(app):
    app.switch_page(SETUP).run()
    assert not app.exception
    return app


def field(app, label):
    return next(one for one in app.text_input if one.label == label)


def submit(app):
    next(one for one in app.button if one.label == "Open").click().run()
    assert not app.exception
