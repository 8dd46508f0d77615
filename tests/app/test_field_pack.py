"""A field pack open in the app: what is shown, what is recorded, and what needs the model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from pages.components.workspace import Source
from pairx_core import PairExplainer, build_index, load_model, read_catalogue
from pairx_core.fieldpack import Wanted, write_pack
from pairx_core.retrieval import CandidateFilters
from pairx_core.stories import read_story

from .conftest import explained, html, pair, press, rows, viewer


@pytest.fixture
def catalogue(herd):
    return read_catalogue(herd)


@pytest.fixture
def pack(catalogue, tiny_checkpoint, tmp_path):
    """Two queries with three candidates each, the photos as they are."""
    model, folder = load_model(str(tiny_checkpoint)), tmp_path / "laptop" / "pack"
    queries = [catalogue.photo("u0"), catalogue.photo("k0")]
    wanted = Wanted(k=3, k_colors=1, more=1)
    write_pack(
        build_index(catalogue, model),
        PairExplainer(model),
        queries,
        folder,
        catalogue=catalogue.source,
        wanted=wanted,
    )
    return folder


def said(app) -> str:
    return "\n".join(one.value for one in (*app.info, *app.warning, *app.error, *app.caption))


def test_the_packs_queries_are_gone_through_and_their_explanations_drawn(open_app, pack):
    app = explained(open_app(pack))
    assert pair(app)[0] == "u0" and "Query 1 of 2" in html(app)
    shown = viewer(app)["explanation"]
    assert shown["matches"] and shown["query"]["maps"]["count"] == 1
    assert "Field pack **laptop/pack**" in said(app)


def test_decisions_are_recorded_as_the_catalogue_itself_would_have_them(
    open_app, pack, catalogue, tiny_checkpoint, decisions
):
    app = explained(open_app(pack))
    query, candidate = pair(app)
    press(app, "Reject")
    (row,) = rows(decisions)
    model = load_model(str(tiny_checkpoint))
    index = build_index(catalogue, model)
    (ranked, *_) = index.candidates(catalogue.photo(query), 1, CandidateFilters())
    assert (row["query_id"], row["candidate_id"]) == (query, candidate) == ("u0", ranked.photo.id)
    assert (row["rank"], float(row["similarity"])) == ("1", pytest.approx(ranked.similarity))
    assert (row["query_path"], row["candidate_path"]) == ("u0.jpg", ranked.photo.catalogue_path)
    assert row["candidate_identity"] == ranked.photo.identity
    assert (row["model"], row["layer"]) == (model.name, "blocks.1")


def test_decisions_go_beside_the_pack_unless_another_place_is_named(open_app, pack, monkeypatch):
    monkeypatch.delenv("PAIRX_DECISIONS")
    press(explained(open_app(pack)), "Accept")
    assert len(rows(pack / "pairx_decisions.csv")) == 1


def test_with_decisions_elsewhere_nothing_is_written_into_the_pack(open_app, pack, decisions):
    before = {path: path.stat().st_mtime_ns for path in pack.rglob("*")}
    app = explained(open_app(pack))
    press(app, "Accept")
    for page in ("queries", "decisions", "setup"):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
    assert len(rows(decisions)) == 1
    assert {path: path.stat().st_mtime_ns for path in pack.rglob("*")} == before


def test_another_pair_is_shown_without_explanation_rank_and_similarity(open_app, pack, decisions):
    content = json.loads((pack / "pack.json").read_text(encoding="utf-8"))
    first = content["queries"][0]
    ranked = {one["photo"] for one in (*first["candidates"], *first["others"])}
    other = next(one["id"] for one in content["photos"] if one["id"] not in {*ranked, first["query"]})
    app = explained(open_app(pack, query=first["query"], candidate=other))
    assert pair(app) == (first["query"], other)
    assert "another pair" in said(app) and "you can decide all the same" in said(app)
    press(app, "Reject")
    (row,) = rows(decisions)
    assert (row["rank"], row["similarity"], row["candidate_id"]) == ("", "", other)


def test_a_further_photo_is_shown_with_its_similarity_and_said_not_to_be_ranked(open_app, pack, decisions):
    content = json.loads((pack / "pack.json").read_text(encoding="utf-8"))
    query, other = next((one["query"], one["others"][0]) for one in content["queries"] if one["others"])
    app = open_app(pack, query=query, candidate=other["photo"])
    assert f"not ranked · {other['similarity']:.2f}" in html(app)
    press(app, "Reject")
    (row,) = rows(decisions)
    assert (row["rank"], float(row["similarity"])) == ("", pytest.approx(other["similarity"]))


def test_filters_are_those_that_the_pack_was_made_with(open_app, catalogue, tiny_checkpoint, tmp_path):
    model, folder = load_model(str(tiny_checkpoint)), tmp_path / "narrow"
    wanted = Wanted(k=2, k_colors=0, filters=CandidateFilters(same_flank=False, known_identity_only=True))
    index = build_index(catalogue, model)
    write_pack(index, PairExplainer(model), [catalogue.photo("u0")], folder, catalogue="x", wanted=wanted)
    app = open_app(folder)
    boxes = {one.label: one.value for one in app.checkbox}
    assert boxes["Same flank"] is False and boxes["Known individuals only"] is True
    assert "filters: same species, known individuals only, not from the same day and site" in html(app)


def test_a_query_without_candidates_is_shown_alone_and_gone_past(
    open_app, make_catalogue, tiny_checkpoint, tmp_path
):
    rows = [("u0", "unknown", "up", "", ""), ("k0", "ann", "left", "", ""), ("k1", "ann", "left", "", "")]
    catalogue = read_catalogue(make_catalogue(rows, "alone"))
    model, folder = load_model(str(tiny_checkpoint)), tmp_path / "pack of two"
    index = build_index(catalogue, model)
    queries, wanted = [catalogue.photo("u0"), catalogue.photo("k0")], Wanted(k_colors=0)
    write_pack(index, PairExplainer(model), queries, folder, catalogue="x", wanted=wanted)
    app = open_app(folder, query="u0")
    assert "has no candidates for this query" in said(app)
    assert pair(press(app, "Next query")) == ("k0", "k1")


def test_setup_says_what_the_pack_is(open_app, pack):
    app = open_app(pack)
    app.switch_page("pages/setup.py").run()
    assert not app.exception
    for words in (
        "herd/metadata.csv (10 photos)",
        "Field pack",
        "2 queries, 6 pairs",
        "nothing is computed",
        "tiny",
    ):
        assert words in html(app), words


def test_what_is_missing_stands_on_setup_and_the_rest_opens(open_app, pack):
    lost = sorted(pack.glob("explanations/*"))[0]
    lost.unlink()
    shutil.rmtree(sorted(pack.glob("photos/*"))[-1])
    app = open_app(pack)
    assert "1 photo left out: see Setup" in said(app)
    app.switch_page("pages/setup.py").run()
    assert not app.exception
    everything = html(app) + "\n".join(str(one.value) for one in app.markdown)
    assert lost.name in everything and "Copy the whole folder again" in everything


def test_trust_and_export_say_that_they_need_the_catalogue_itself(open_app, pack):
    app = explained(open_app(pack))
    press(app, "Accept")
    app.switch_page("pages/trust.py").run()
    assert "no model: nothing can be measured here" in said(app)
    app.switch_page("pages/decisions.py").run()
    app.segmented_control(key="shown_part").set_value("Export").run()
    assert "is a field pack" in said(app) and "decisions merge" in said(app)


def test_a_table_of_candidates_is_refused_for_a_pack(open_app, pack, tmp_path, monkeypatch):
    of = Source.from_settings
    monkeypatch.setattr(
        Source, "from_settings", lambda settings: replace(of(settings), candidates="theirs.csv")
    )
    app = open_app(pack)
    assert "has its candidates already" in said(app)


def test_an_unfinished_pack_is_said_to_be_one(open_app, pack):
    (pack / "pack.json").rename(pack / "pack.unfinished.jsonl")
    app = open_app(pack)
    assert "not finished" in said(app)


def test_a_story_is_made_of_the_packs_pairs(open_app, pack):
    app = explained(open_app(pack))
    press(app, "Accept")
    app.switch_page("pages/story.py").run()
    pairs = app.multiselect(key="story_pairs")
    pairs.select(pairs.options[0]).run()
    press(app, "Explain and propose captions")
    press(app, "Save beside the photographs")
    (chapter,) = read_story(next(pack.glob("*.story.toml"))).chapters
    assert chapter.query == "u0" and chapter.pairs[0].shown and len(chapter.candidates) == 3
