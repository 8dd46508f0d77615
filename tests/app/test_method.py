"""The Method page: the steps of the pair on Review, one cell at a time."""

from __future__ import annotations

import base64
import contextlib
import csv
import gc
import io
import json
import re
import shutil
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.components import media, method_making, method_page, method_viewer
from pages.components.background import Stopped
from pages.components.explaining import Job
from pages.components.method_making import Making, MethodPairs, method_pairs
from pages.components.method_words import COLORS, FEATURES, MATCHES, NO_MAPS, RELEVANCE
from pages.components.state import method as method_state
from pairx_core import PairExplainer, PairExplanation, build_index, load_model, read_catalogue
from pairx_core.errors import ExplanationError, PhotoError
from pairx_core.explain import ExplanationOptions
from pairx_core.explain.steps import PairSteps
from pairx_core.fieldpack import Wanted, write_pack

from .conftest import explained, html, pair, press

ROOT = Path(__file__).resolve().parents[2]
METHOD = "pages/method.py"
PAIR = {"query": "u0", "candidate": "k3"}


@pytest.fixture
def open_method(open_app, herd):
    """Opens the page on a pair of the herd."""

    def start(catalogue=herd, **query: str) -> AppTest:
        return method(open_app(catalogue, **(query or PAIR)))

    return start


@pytest.fixture
def explanation(herd, tiny_checkpoint) -> PairExplanation:
    """Of the pair, as the engine itself makes it."""
    catalogue = read_catalogue(herd)
    explainer = PairExplainer(load_model(str(tiny_checkpoint)))
    return explainer.explain(catalogue.photo("u0"), catalogue.photo("k3"), k_colors=0)


def method(app: AppTest) -> AppTest:
    app.switch_page(METHOD).run()
    assert not app.exception
    return app


def go_to(app: AppTest, step: str) -> AppTest:
    app.segmented_control(key=method_state.STEP).set_value(step).run()
    assert not app.exception
    return app


def choose(app: AppTest, column: int, row: int) -> AppTest:
    """Types a cell, counted from 1."""
    app.number_input(key=method_state.COLUMN).set_value(column).run()
    app.number_input(key=method_state.ROW).set_value(row).run()
    assert not app.exception
    return app


def viewer(app: AppTest) -> dict:
    (found,) = (one for one in app.get("bidi_component") if one.proto.component_name == "pairx_cell_viewer")
    return json.loads(found.proto.json)


def said(app: AppTest) -> str:
    texts = (*app.markdown, *app.caption, *app.info, *app.warning, *app.error)
    return "\n".join([*(one.value for one in texts), html(app)])


def flat(cells: np.ndarray, columns: int) -> list[int]:
    return (cells[:, 1] * columns + cells[:, 0]).tolist()


# --- the pair --------------------------------------------------------------------------------------------------------


def test_it_is_the_pair_that_is_open_on_review(open_app, herd):
    app = explained(open_app(herd))
    here = pair(app)
    method(app)
    assert pair(app) == here
    assert f"{here[0]}.jpg and {here[1]}.jpg" in html(app)
    assert f"{here[1]}.jpg" in viewer(app)["candidate"]["label"]


def test_a_link_leads_to_its_pair(open_method):
    app = open_method()
    assert "u0.jpg and k3.jpg" in html(app)
    assert pair(app) == ("u0", "k3")


def test_matches_on_the_page_are_exactly_those_of_the_explanation(open_method, explanation):
    sent, matches = viewer(go_to(open_method(), MATCHES)), explanation.matches
    rows, columns = explanation.query_relevance.shape
    assert (sent["query"]["rows"], sent["query"]["columns"]) == (rows, columns)
    assert sent["query"]["matched"] == flat(matches.query_cells, columns)
    assert sent["candidate"]["matched"] == flat(matches.candidate_cells, columns)
    there, back = sent["query"]["nearest"], sent["candidate"]["nearest"]
    mutual = [cell for cell in range(rows * columns) if back[there[cell]] == cell]
    assert mutual == sorted(sent["query"]["matched"])


def test_the_page_says_how_many_cells_have_no_match(open_method, explanation):
    app = go_to(open_method(), MATCHES)
    found, cells = len(explanation.matches), explanation.query_relevance.size
    assert 0 < found < cells
    assert f"{found:,} here. {cells - found:,} of the query's {cells:,} cells have none" in said(app)


# --- a cell ----------------------------------------------------------------------------------------------------------


def test_a_cell_with_a_match_leads_there_and_back(open_method, explanation):
    app = open_method()
    (column, row), (far_column, far_row) = (
        cells[2].tolist() for cells in (explanation.matches.query_cells, explanation.matches.candidate_cells)
    )
    text = said(choose(app, column + 1, row + 1))
    assert f"Chosen cell (A): column {column + 1}, row {row + 1} of the query" in text
    assert f"(B): column {far_column + 1}, row {far_row + 1}, distance" in text
    assert f"A again. They agree: **match 3** of {len(explanation.matches)}" in text
    assert app.number_input(key=method_state.MATCH).value == 3
    sent = viewer(app)["chosen"]
    assert sent == {"side": "query", "cell": row * explanation.query_relevance.shape[1] + column}


def test_a_cell_without_a_match_says_where_its_way_back_ends(open_method):
    app = open_method()
    sent = viewer(app)
    columns, there, back = (
        sent["query"]["columns"],
        sent["query"]["nearest"],
        sent["candidate"]["nearest"],
    )
    cell = next(cell for cell, far in enumerate(there) if back[far] != cell)
    text = said(choose(app, cell % columns + 1, cell // columns + 1))
    end = back[there[cell]]
    assert f"column {end % columns + 1}, row {end // columns + 1} (C), not A" in text
    assert "**no match**" in text
    assert app.number_input(key=method_state.MATCH).value is None


def test_relevance_is_told_with_its_rank(open_method, explanation):
    relevance = explanation.query_relevance
    row, column = np.unravel_index(relevance.argmax(), relevance.shape)
    text = said(choose(open_method(), int(column) + 1, int(row) + 1))
    assert f"Relevance {relevance.max():.3g}, the greatest of {relevance.size} cells" in text


def test_the_number_of_a_match_and_the_other_photo_lead_to_its_cells(open_method, explanation):
    app = open_method()
    app.number_input(key=method_state.MATCH).set_value(4).run()
    column, row = explanation.matches.query_cells[3].tolist()
    assert (
        app.number_input(key=method_state.COLUMN).value,
        app.number_input(key=method_state.ROW).value,
    ) == (
        column + 1,
        row + 1,
    )
    app.selectbox(key=method_state.PHOTO).set_value("candidate").run()
    column, row = explanation.matches.candidate_cells[3].tolist()
    assert f"column {column + 1}, row {row + 1} of the candidate" in said(app)
    assert "match 4" in said(app)
    assert not app.exception


def test_the_chosen_cell_stays_from_step_to_step(open_method, explanation):
    app = open_method()
    app.number_input(key=method_state.MATCH).set_value(2).run()
    column, row = explanation.matches.query_cells[1].tolist()
    for step in (RELEVANCE, MATCHES, COLORS, FEATURES):
        assert f"column {column + 1}, row {row + 1} of the query" in said(go_to(app, step)), step


# --- the steps -------------------------------------------------------------------------------------------------------


def test_each_step_lays_its_own_over_the_photos(open_method):
    app = open_method()
    strength = viewer(app)
    assert strength["query"]["layer"] and strength["candidate"]["layer"] and not strength["has_path"]
    assert html(app).count("<figure>") == 6
    channel = app.segmented_control(key=method_state.key_of_shown(strength["pair"]))
    number = int(channel.options[1])  # counted from 1
    channel.set_value(str(number - 1)).run()
    of_channel = viewer(app)
    assert of_channel["query"]["layer"] != strength["query"]["layer"]
    assert of_channel["legend"]["most"] == f"high in channel {number}"
    relevance = viewer(go_to(app, RELEVANCE))
    assert relevance["legend"]["most"] == "mattered most on its photo" and not html(app).count("<figure>")
    matches = viewer(go_to(app, MATCHES))
    assert matches["query"]["layer"] is None and matches["has_dots"] and matches["lines"] == 20
    colors = viewer(go_to(app, COLORS))
    assert colors["query"]["is_tint"] and colors["query"]["is_dim"] and colors["rings"] == 10
    assert colors["snaps"] and "lies within the cell itself" in said(app)


def test_likeness_to_the_chosen_cell_is_shaded_on_the_other_photo(open_method):
    app = go_to(open_method(), MATCHES)
    app.toggle(key=method_state.LIKENESS).set_value(True).run()
    sent = viewer(app)
    assert sent["query"]["layer"] is None
    png = base64.b64decode(sent["candidate"]["layer"].partition(",")[2])
    opacity = np.asarray(Image.open(io.BytesIO(png)))[..., 3].ravel()
    nearest = sent["query"]["nearest"][sent["chosen"]["cell"]]
    assert opacity[nearest] == opacity.max() > opacity.min()
    app.selectbox(key=method_state.PHOTO).set_value("candidate").run()
    sent = viewer(app)
    assert sent["query"]["layer"] and sent["candidate"]["layer"] is None


def test_color_maps_are_of_the_match_that_is_chosen(open_method):
    app = go_to(open_method(), COLORS)
    first = viewer(app)["query"]["layer"]
    app.number_input(key=method_state.MATCH).set_value(5).run()
    assert viewer(app)["query"]["layer"] != first
    assert app.number_input(key=method_state.COLUMN).disabled


def test_the_slider_draws_other_lines_and_nothing_is_computed_again(open_method, monkeypatch):
    app = go_to(open_method(), MATCHES)
    (making,) = method_pairs()._kept.values()

    def again(*_, **__):
        raise AssertionError("explained a second time")

    monkeypatch.setattr(PairExplainer, "stages", again)
    app.slider(key=method_state.LINES).set_value(7).run()
    assert not app.exception
    assert viewer(app)["lines"] == 7 and "the first 7 are drawn" in said(app)
    assert list(method_pairs()._kept.values()) == [making]


def test_a_pair_with_fewer_matches_takes_fewer_lines(open_method, monkeypatch):
    app = go_to(open_method(), MATCHES)
    app.slider(key=method_state.LINES).set_value(60).run()
    monkeypatch.setattr(method_page, "_MOST_LINES", 30)
    app.run()
    assert not app.exception
    assert viewer(app)["lines"] == app.slider(key=method_state.LINES).value == 30


def test_limits_state_this_pairs_cells(open_method, explanation):
    text = said(open_method())
    width, height = explanation.query_frame.photo_size
    rows, columns = explanation.query_relevance.shape
    assert f"which is {width / columns:.0f} × {height / rows:.0f} pixels of this query" in text
    for words in (
        "What it means",
        "A measured point",
        "The same animal",
        "relevance counts twice",
        "rounding",
    ):
        assert words in text, words
    assert "AttnLRP" not in text


def test_shares_of_right_lines_are_those_that_were_measured(open_method):
    readme, docs = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/method.md"))
    right = re.search(r"^\| lines that join the same point .*, true pairs \| ([\d.]+ %)", readme, re.M)[1]
    wrong = re.search(r"^\| the same, best wrong candidates \| ([\d.]+ %)", readme, re.M)[1]
    with (ROOT / "docs/trust/worlds/summary.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["method"], row["measure"]): row["value"] for row in csv.DictReader(file)}
    unseen = f"{100 * float(rows['pairx', 'lines_same']):.0f} %"
    text = said(open_method())
    assert (
        f"{right} of the lines join the same point of the body in right pairs, and {wrong} in the best"
        in text
    )
    assert f"on drawn animals that nobody had looked at, {unseen} in pairs of the same animal" in text
    for page in (readme, docs):
        assert all(share in page for share in (right, wrong, unseen))


def test_names_of_files_are_no_markup(open_app, make_catalogue):
    catalogue = make_catalogue([("<b>u", "unknown", "", "", ""), ("k_1_", "ann", "", "", "")], "odd")
    app = method(open_app(catalogue))
    assert "&lt;b&gt;u.jpg and k_1_.jpg" in html(app)


# --- what cannot be shown --------------------------------------------------------------------------------------------


def test_a_transformer_is_said_to_be_explained_by_attnlrp(open_app, herd, checkpoint_of, monkeypatch):
    monkeypatch.setenv("PAIRX_MODEL", str(checkpoint_of("test_vit")))
    app = method(open_app(herd, **PAIR))
    assert "relevance propagated by AttnLRP" in html(app)
    assert "is for convolutional networks" in said(app) and "counts twice" not in said(app)
    sent = viewer(go_to(app, MATCHES))
    assert len(sent["query"]["nearest"]) == sent["query"]["columns"] * sent["query"]["rows"] == 100


def test_a_model_that_cannot_be_explained_says_why(open_app, herd, monkeypatch):
    monkeypatch.setattr("pages.components.shelf.explainer_of", lambda *_: (None, "no rule for its attention"))
    app = method(open_app(herd))
    assert "cannot be explained: no rule for its attention" in said(app)
    assert not app.get("bidi_component")


def test_one_photo_makes_no_pair(open_app, make_catalogue):
    app = method(open_app(make_catalogue([("u0", "unknown", "left", "", "")], "one")))
    assert "the catalogue has one photo" in said(app) and not app.get("bidi_component")


def test_a_query_without_candidates_says_so(open_app, make_catalogue):
    rows = [("u0", "unknown", "up", "", ""), ("k0", "ann", "left", "", "")]
    app = method(open_app(make_catalogue(rows, "apart"), query="u0"))
    assert "this query has no candidates" in said(app) and not app.get("bidi_component")


def test_without_queries_it_says_what_to_do(open_app, make_catalogue):
    rows = [("k0", "ann", "left", "", ""), ("k1", "ann", "left", "", "")]
    app = method(open_app(make_catalogue(rows, "known")))
    app.segmented_control(key="queries").set_value("To identify").run()
    assert "Choose “All photos”" in said(app)


def test_a_photo_that_cannot_be_read_is_named(open_app, herd):
    app = open_app(herd, **PAIR)
    (herd.parent / "k3.jpg").write_bytes(b"no picture")
    method(app)
    assert "cannot be shown" in app.error[0].value and "k3.jpg" in app.error[0].value
    assert not app.get("bidi_component")


def test_what_was_stopped_can_go_on(open_app, herd, monkeypatch):
    monkeypatch.setattr(Making, "was_stopped", True)
    app = method(open_app(herd, **PAIR))
    assert "This was stopped" in said(app) and len(method_pairs()) == 1
    monkeypatch.undo()
    press(app, "Go on")
    assert viewer(app)["pair"]


@pytest.fixture
def pack(herd, tiny_checkpoint, tmp_path):
    """A query with three candidates, of which each has two color maps."""
    catalogue, model = read_catalogue(herd), load_model(str(tiny_checkpoint))
    folder, wanted = tmp_path / "laptop" / "pack", Wanted(k=3, k_colors=2)
    queries = [catalogue.photo("u0")]
    write_pack(
        build_index(catalogue, model), PairExplainer(model), queries, folder, catalogue="x", wanted=wanted
    )
    return folder


def test_a_field_pack_shows_what_it_has_and_says_what_it_has_not(open_app, pack):
    app = method(open_app(pack))
    assert NO_MAPS in said(app) and viewer(app)["query"]["layer"] is None
    assert viewer(go_to(app, RELEVANCE))["query"]["layer"]
    sent = viewer(go_to(app, MATCHES))
    known = [cell for cell, near in enumerate(sent["query"]["nearest"]) if near >= 0]
    assert known == sorted(sent["query"]["matched"])
    assert "They agree: **match 1**" in said(app)
    unknown = next(cell for cell, near in enumerate(sent["query"]["nearest"]) if near < 0)
    columns = sent["query"]["columns"]
    assert "as the field pack has them" in said(app)
    assert "**No match.**" in said(choose(app, unknown % columns + 1, unknown // columns + 1))
    colors = viewer(go_to(app, COLORS))
    assert colors["rings"] == 2 and colors["query"]["is_tint"]


def test_another_pair_than_a_field_packs_has_no_steps(open_app, pack):
    content = json.loads((pack / "pack.json").read_text(encoding="utf-8"))
    (query,) = content["queries"]
    ranked = {one["photo"] for one in (*query["candidates"], *query["others"])}
    others = [one["id"] for one in content["photos"] if one["id"] not in {*ranked, query["query"]}]
    if not others:  # only these photos were packed
        shutil.rmtree(pack / "explanations")
        others = [query["candidates"][0]["photo"]]
    app = method(open_app(pack, query=query["query"], candidate=others[0]))
    assert "cannot be shown" in app.error[0].value


# --- making the steps ------------------------------------------------------------------------------------------------


@pytest.fixture
def jobs(herd, tiny_checkpoint) -> list[Job]:
    catalogue, explainer = read_catalogue(herd), PairExplainer(load_model(str(tiny_checkpoint)))
    return [Job.of(explainer, catalogue.photo("u0"), catalogue.photo(f"k{number}")) for number in range(3)]


def test_pairs_are_made_once_and_the_oldest_are_forgotten(jobs):
    pairs = MethodPairs(limit=1)
    first = pairs.of(jobs[0], "Ada")
    first.wait(60)
    assert pairs.of(jobs[0], "Ben") is first and first.result().nbytes > 1
    second = pairs.of(jobs[1], "Ada")
    second.wait(60)
    assert (
        len(pairs) == 1 and pairs.of(jobs[1], "Ben") is second
    )  # the limit is small, but the last one stays
    assert pairs.of(jobs[0], "Ada") is not first
    pairs.close()


def test_many_small_pairs_are_not_all_kept(jobs, monkeypatch):
    monkeypatch.setattr(method_making, "_PAIRS_KEPT", 2)
    pairs = MethodPairs()
    for job in jobs:
        pairs.of(job, "Ada").wait(60)
    assert list(pairs._kept) == [job.key for job in jobs[1:]]
    pairs.close()


def test_a_pair_that_others_wait_for_is_never_forgotten(jobs, monkeypatch):
    monkeypatch.setattr(method_making, "_stages", endless)
    monkeypatch.setattr(method_making, "_PAIRS_KEPT", 1)
    pairs = MethodPairs()
    begun = [pairs.of(job, f"reviewer {number}") for number, job in enumerate(jobs)]
    assert not any(making.is_stopping or making.finished for making in begun)
    assert [pairs.of(job, f"reviewer {number}") for number, job in enumerate(jobs)] == begun
    pairs.close()


def ends_well(job):
    return stages_of_a_pair(job)


def ends_in_trouble(job):
    yield from [next(stages_of_a_pair(job))]
    try:
        raise RuntimeError("the cause")
    except RuntimeError as error:
        raise ExplanationError("no rule") from error


stages_of_a_pair = method_making._stages


@pytest.mark.parametrize("end", ["well", "in trouble", "stopped"])
def test_a_kept_pair_does_not_keep_the_model_alive(herd, tiny_checkpoint, monkeypatch, end):
    stages = {"well": ends_well, "in trouble": ends_in_trouble, "stopped": endless}[end]
    monkeypatch.setattr(method_making, "_stages", stages)
    catalogue, explainer = read_catalogue(herd), PairExplainer(load_model(str(tiny_checkpoint)))
    pairs, seen = MethodPairs(), weakref.ref(explainer)

    def visit(explainer: PairExplainer) -> Making:
        making = pairs.of(Job.of(explainer, catalogue.photo("u0"), catalogue.photo("k3")), "Ada")
        if end == "stopped":
            making.cancel()
        assert making.wait(60)
        with contextlib.suppress(ExplanationError, Stopped):
            making.result()
        return making

    making = visit(explainer)
    del explainer
    gc.collect()
    assert seen() is None and len(pairs) == 1
    assert (making.value is None, making.was_stopped) == (end != "well", end == "stopped")


def test_what_nobody_waits_for_any_more_is_stopped(jobs, monkeypatch):
    monkeypatch.setattr(method_making, "_stages", endless)
    pairs = MethodPairs()
    first = pairs.of(jobs[0], "Ada")
    assert pairs.of(jobs[0], "Ben") is first
    pairs.of(jobs[1], "Ada")
    assert not first.is_stopping  # Ben waits for it
    pairs.of(jobs[1], "Ben")
    assert first.wait(60) and first.was_stopped
    pairs.close()


def test_one_pair_is_made_at_a_time(jobs, monkeypatch):
    at_work: list[str] = []
    most: list[int] = []

    def counted(job):
        at_work.append(job.key)
        most.append(len(at_work))
        yield from stages(job)
        at_work.remove(job.key)

    stages = method_making._stages
    monkeypatch.setattr(method_making, "_stages", counted)
    pairs = MethodPairs()
    begun = [pairs.of(job, f"reviewer {number}") for number, job in enumerate(jobs)]
    assert all(making.wait(60) and making.result() for making in begun)
    assert most == [1, 1, 1]
    pairs.close()


def endless(job):
    while True:
        yield None


@pytest.mark.parametrize(
    ("error", "is_again"), [(PhotoError("the drive is gone"), True), (ExplanationError("no rule"), False)]
)
def test_what_may_have_passed_is_tried_again_and_nothing_else(jobs, monkeypatch, error, is_again):
    def failing(job):
        raise error
        yield

    monkeypatch.setattr(method_making, "_stages", failing)
    monkeypatch.setattr(method_making, "_RETRY_SECONDS", 0.0)
    pairs = MethodPairs()
    first = pairs.of(jobs[0], "Ada")
    first.wait(60)
    assert (pairs.of(jobs[0], "Ada") is not first) is is_again
    monkeypatch.setattr(method_making, "_RETRY_SECONDS", 60.0)
    second = pairs.of(jobs[0], "Ada")
    second.wait(60)
    assert pairs.of(jobs[0], "Ada") is second  # not at once
    pairs.close()


def test_cells_are_numbered_row_by_row_on_an_oblong_grid(herd, tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(media, "address", lambda content, mimetype, place: place)
    catalogue, options = read_catalogue(herd), ExplanationOptions(input_size=(96, 64))
    explainer = PairExplainer(load_model(str(tiny_checkpoint)), options=options)
    making = Making(Job.of(explainer, catalogue.photo("u0"), catalogue.photo("k3")), threading.Lock())
    making.wait(60)
    made = making.result()
    sent = method_viewer.contents(
        method_viewer.View(made, ("Query", "Candidate"), ("candidate", (5, 3)), rings=2)
    )
    assert (sent["query"]["columns"], sent["query"]["rows"]) == (24, 16)
    assert sent["chosen"] == {"side": "candidate", "cell": 3 * 24 + 5} and len(sent["colors"]) == 2
    assert sent["query"]["matched"] == flat(made.steps.explanation.matches.query_cells, 24)
    there, back = sent["query"]["nearest"], sent["candidate"]["nearest"]
    assert [cell for cell, far in enumerate(there) if back[far] == cell] == sorted(sent["query"]["matched"])
    bare = replace(made, steps=PairSteps(made.steps.explanation, None))
    known = method_viewer.contents(method_viewer.View(bare, ("Query", "Candidate"), ("query", (0, 0))))
    matched = set(sent["query"]["matched"])
    assert known["query"]["nearest"] == [far if cell in matched else -1 for cell, far in enumerate(there)]


def test_color_maps_are_kept_as_small_pictures_alone(jobs):
    pairs = MethodPairs()
    making = pairs.of(jobs[0], "Ada")
    making.wait(60)
    made = making.result()
    assert len(made.tints) == 10 and made.steps.explanation.query_color_maps.size == 0
    assert all(0 <= tint.share <= 1 for both in made.tints for tint in both)
    pairs.close()
