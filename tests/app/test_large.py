"""The pages on a catalogue of 20,000 photos with 5,000 decisions: they open, and show a page of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from streamlit.elements.lib import policies

from pairx_core import load_model, read_catalogue
from pairx_core.decisions import Decision
from pairx_core.decisions.rows import HEADER, row_bytes
from pairx_core.retrieval.building import embedding_key, open_store
from pairx_core.retrieval.keys import as_keys

from .conftest import explained, html, paint, pair, press, rows

PHOTOS, DECISIONS, SITES = 20_000, 5_000, 700


@pytest.fixture(scope="module")
def large(tmp_path_factory, tiny_checkpoint):
    """Two in three photos are of 400 known animals; all are boxes in six pictures. Embedded already."""
    folder = tmp_path_factory.mktemp("large")
    for number in range(6):
        paint(folder / f"p{number}.jpg", number, (400, 300))
    lines = ["image_id,identity,path,bbox,date,orientation,species,site"]
    for n in range(PHOTOS):
        name = f"animal {n % 400}" if n % 3 else "unknown"
        box = f'"[{n % 97}, {n % 89}, {150 + n % 101}, {120 + n % 61}]"'
        lines.append(f"q{n},{name},p{n % 6}.jpg,{box},2025-05-{1 + n % 28:02},left,eland,site {n % SITES}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _embed(folder, folder / "cache", tiny_checkpoint)
    return folder / "metadata.csv"


def _embed(folder, cache, checkpoint) -> None:
    catalogue, model = read_catalogue(folder / "metadata.csv"), load_model(str(checkpoint))
    keys = [embedding_key(_digest(photo.path), photo, model.fingerprint) for photo in catalogue.photos]
    _, first = np.unique(as_keys(keys), return_index=True)
    vectors = np.random.default_rng(1).standard_normal((len(first), model.dimensions), dtype=np.float32)
    store = open_store(cache, model, "float16")
    with store.writing():
        store.append(as_keys(keys)[first], vectors)


def _digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _decision(number: int) -> Decision:
    """Each query to identify has five candidates rejected, or its second one accepted."""
    query, turn = 3 * (number // 5), number % 5
    return Decision(
        decision_id=f"d{number}",
        decided_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
        reviewer="Ada",
        session="",
        query_id=f"q{query}",
        candidate_id=f"q{query + 1 + turn * 3}",
        decision="accept" if turn == 1 and query % 2 else "reject",
        similarity=0.5,
    )


@pytest.fixture
def app(large, open_app, decisions, monkeypatch):
    monkeypatch.setenv("PAIRX_CACHE", str(large.parent / "cache"))
    decisions.parent.mkdir(parents=True)
    decisions.write_bytes(HEADER + b"".join(row_bytes(_decision(number)) for number in range(DECISIONS)))
    return open_app(large)


def test_the_review_page_goes_on_from_decision_to_decision(app, decisions):
    done = DECISIONS // 5
    assert f"about {done:,} of {6_667:,} queries done" in app.sidebar.get("progress")[0].proto.text
    app = explained(app)
    assert pair(app)[0] == f"q{3 * done}"  # what comes after all that is done
    press(app, "Accept")
    assert rows(decisions)[-1]["query_id"] == f"q{3 * done}"
    assert pair(app)[0] == f"q{3 * done + 3}"
    assert f"about {done + 1:,} of" in app.sidebar.get("progress")[0].proto.text


def test_the_gallery_is_a_page_whatever_is_chosen(app):
    app.switch_page("pages/queries.py").run()
    assert html(app).count("px-card") == 24
    assert "6,667 queries" in html(app)
    (sites,) = (one for one in app.multiselect if one.label == "Site")
    assert len(sites.options) == 200
    sites.set_value(["site 699"]).run()
    assert not app.exception
    assert "pass the filters" in html(app)
    app.toggle(key="open_only").set_value(True).run()
    assert not app.exception and 0 < html(app).count("px-card") <= 24


def test_the_table_of_decisions_is_a_page(app):
    app.switch_page("pages/decisions.py").run()
    assert not app.exception
    numbers = {one.label: one.value for one in app.metric}
    assert numbers["Decisions"] == f"{DECISIONS:,}"
    assert len(app.dataframe[0].value) == 25
    (text,) = (one for one in app.text_input if one.label == "Contains")
    text.set_value("nothing like this").run()
    assert "0 decisions" in " ".join(one.value for one in app.caption)


def test_other_pages_open(app):
    for name in ("sessions", "trust", "setup"):
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, name


def test_who_is_who_opens_and_counts_as_the_page_does(app):
    app.switch_page("pages/decisions.py").run()
    counted = {one.label: one.value for one in app.metric}["Individuals"]
    app.session_state["shown_part"] = "Individuals"
    app.run()
    assert not app.exception
    assert f"**{counted} individuals** on 20,000 photos" in " ".join(one.value for one in app.markdown)


def test_turning_pages_leaves_no_warning_in_the_servers_log(app, monkeypatch):
    warned = []
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    monkeypatch.setattr(policies._LOGGER, "warning", lambda text, *about, **_: warned.append((text, about)))
    app.switch_page("pages/queries.py").run()
    turn_to(app, 3)
    assert "49 · " in html(app)  # after two pages of 24
    (sites,) = (one for one in app.multiselect if one.label == "Site")
    sites.set_value(["site 699", "site 696", "site 693", "site 690"]).run()
    assert "25 · " in html(app)  # the last page of the two that there are now
    assert not app.exception and not warned


def turn_to(app, page: int) -> None:
    """Presses a page's number, which AppTest has no word for."""
    (control,) = app.get("pagination")
    states = app._tree.get_widget_states()
    states.widgets.add(id=control.proto.id, int_value=page)
    app._tree = app._run(states)._tree
    assert not app.exception
