from __future__ import annotations

import pytest

from pairx_core.decisions.store import open_decisions
from pairx_core.sessions import SessionPair, plan_session
from pairx_core.sessions.book import SessionBook
from tests.app.conftest import explained, press, viewer


@pytest.fixture
def address(tmp_path, monkeypatch, open_app) -> str:
    where = f"sqlite:///{tmp_path / 'team.db'}"
    monkeypatch.setenv("PAIRX_DECISIONS", where)
    return where


def test_decisions_go_into_the_database_and_come_back(open_app, herd, address):
    press(explained(open_app(herd)), "Accept")
    (row,) = open_decisions(address).decisions()
    assert (row.reviewer, row.decision, row.query_id) == ("Ada", "accept", "u0")
    assert open_app(herd).get("progress")[0].proto.text.endswith("1 decision")


def test_ticked_matches_go_into_the_database_too(open_app, herd, address):
    app = explained(open_app(herd))
    name = viewer(app)["pair"]
    app.session_state["ticks"] = {f"{name} Ada": {0: "convincing"}}
    press(app, "Accept")
    store = open_decisions(address)
    (row,) = store.decisions()
    assert [one.said for one in store.evidence.of(row.decision_id).ticked] == ["convincing"]


def test_an_expert_session_is_kept_in_the_database(open_app, herd, address):
    session = plan_session(
        name="spring",
        coordinator="Ada",
        reviewers=["Ben"],
        pairs=[SessionPair("u0", "k0", 1, 0.9)],
        overlap=1,
    )
    SessionBook(open_decisions(address).lines("sessions")).add(session)
    ben = open_app(herd, None, review=session.keys["Ben"])
    press(press(ben, "Accept"), "Keep: Accept")
    assert [row.blind for row in open_decisions(address).decisions()] == [True, False]
    assert "under way" in open_app(herd, "Ben").info[0].value


def test_a_database_that_cannot_be_reached_is_said_without_its_password(open_app, herd, monkeypatch):
    monkeypatch.setenv("PAIRX_DECISIONS", "postgresql://ada:s3cret@localhost:1/nyala")
    app = open_app(herd)
    assert "localhost" in app.error[0].value
    assert "s3cret" not in str(app)
