"""What the pages tell of themselves: whose name is asked for, what is under way, what a decision brings with it."""

from __future__ import annotations

import getpass
import json
from types import SimpleNamespace

import pytest

from pages.components.workspace import Source
from pairx_core import PairExplainer, build_index, load_model, read_catalogue
from pairx_core.fieldpack import Wanted, write_pack

from .conftest import button, html, pair, press, rows

LINK = "page_link"


def told(app) -> str:
    return "\n".join(one.value for one in (*app.info, *app.success, *app.warning, *app.error, *app.caption))


@pytest.mark.parametrize(("login", "shown"), [("root", ""), ("Ubuntu", ""), ("", ""), ("mwangi", "mwangi")])
def test_a_login_that_is_nobodys_name_is_not_offered_as_one(open_app, herd, monkeypatch, login, shown):
    monkeypatch.setattr(getpass, "getuser", lambda: login)
    app = open_app(herd, reviewer=None)
    field = app.text_input(key="reviewer")
    assert (field.value, field.placeholder) == (shown, "Your name")
    assert ("Type your name before you decide" in told(app)) is not bool(shown)


def test_without_a_name_nothing_is_decided_and_it_is_asked_for_once(open_app, herd, decisions, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    app = open_app(herd, reviewer=None)
    here = pair(app)
    press(app, "Accept")
    assert "Enter your name in the sidebar" in told(app) and pair(app) == here and not rows(decisions)
    app.text_input(key="reviewer").set_value("Asha").run()
    press(app, "Accept")
    assert [row["reviewer"] for row in rows(decisions)] == ["Asha"]
    assert open_app(herd, reviewer=None).text_input(key="reviewer").value == "Asha"


def waiting(**more) -> SimpleNamespace:
    """An opening that Setup waits for."""
    source = Source("/photos/spring 2026/metadata.csv")
    return SimpleNamespace(
        **{"source": source, "was_stopped": False, "finished": False, "error": None, **more}
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "is being opened. Until then this page shows what was open before."),
        ({"finished": True}, "is ready. Go to Setup to work with it"),
        ({"finished": True, "error": ValueError()}, "could not be opened. Setup says why."),
        ({"finished": True, "was_stopped": True}, ""),
    ],
)
def test_review_says_that_another_catalogue_is_being_opened(open_app, herd, state, words):
    app = open_app(herd)
    app.session_state["following"] = waiting(**state)
    app.run()
    assert not app.exception
    named = "**spring 2026/metadata.csv**"
    assert (f"{named} {words}" in told(app)) if words else (named not in told(app))
    links = [one.proto.label for one in app.sidebar.get(LINK)]
    assert links == (["Go to Setup"] if words else [])


def test_accepting_two_differently_named_individuals_is_said_at_once_with_the_way_to_them(
    open_app, herd, decisions
):
    app = open_app(herd, query="k0", candidate="k4", queries="All photos")
    press(app, "Reject")
    assert "one individual now" not in told(app)
    press(open_app(herd, query="k0", candidate="k2", queries="All photos"), "Accept")
    app = open_app(herd, query="k0", candidate="k6", queries="All photos")
    press(app, "Accept")
    assert "“ind0”, “ind1” and “ind3” are one individual now" in told(app)
    assert pair(app)[0] != "k0" and len(rows(decisions)) == 3  # the reviewer is not stopped
    (link,) = (one.proto for one in app.main.get(LINK) if one.proto.label == "Individuals")
    assert "shown_part=Individuals" in link.query_string
    app.run()
    assert "one individual now" not in told(app)


def test_an_unknown_animal_joins_two_individuals_by_two_acceptances(open_app, herd):
    app = open_app(herd, query="u0", candidate="k0")
    press(app, "Accept")
    assert "one individual now" not in told(app)
    app = open_app(herd, query="u0", candidate="k1")  # the same individual
    press(app, "Accept")
    assert "one individual now" not in told(app)
    app = open_app(herd, query="u0", candidate="k2")
    press(app, "Accept")
    assert "“ind0” and “ind1” are one individual now" in told(app)


@pytest.fixture
def pack(herd, tiny_checkpoint, tmp_path):
    """One query with five candidates."""
    catalogue, model, folder = read_catalogue(herd), load_model(str(tiny_checkpoint)), tmp_path / "pack"
    explainer, wanted = PairExplainer(model), Wanted(k=5, k_colors=0, more=0)
    write_pack(
        build_index(catalogue, model),
        explainer,
        [catalogue.photo("u0")],
        folder,
        catalogue=herd,
        wanted=wanted,
    )
    return folder


def test_a_candidate_missing_in_a_field_pack_leaves_a_card_that_says_so_and_no_dead_key(open_app, pack):
    content = json.loads((pack / "pack.json").read_text(encoding="utf-8"))
    (query,) = content["queries"]
    lost = query["candidates"][2]["photo"]
    (entry,) = (one for one in content["photos"] if one["id"] == lost)
    (pack / entry["file"]).unlink()
    app = open_app(pack)
    keys = [one.proto.shortcut for one in app.button if (one.key or "").startswith("choose-")]
    assert keys == ["1", "2", "3", "4"]
    assert "<kbd>3</kbd>4th" in html(app) and "<kbd>4</kbd>5th" in html(app)
    assert '<div class="px-rank">3rd</div><div class="px-missing-words">missing in this field pack' in html(
        app
    )


def test_checking_a_field_pack_says_when_it_was_made_and_how_much_there_is_to_review(open_app, herd, pack):
    app = open_app(herd).switch_page("pages/setup.py").run()
    (catalogue,) = (one for one in app.text_input if one.label == "Catalogue")
    catalogue.set_value(str(pack))
    press(app, "Check the photos")
    shown = html(app)
    assert "<th>Made</th>" in shown and "of herd/metadata.csv (10 photos)" in shown
    assert "1 query, 5 pairs; filters:" in shown
    assert not button(app, "Check the photos").help  # it lay over the field above
