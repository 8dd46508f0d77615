from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.resources import OpenedSources
from pages.components.workspace import Source
from pairx_core.decisions.lines import FileLines
from pairx_core.decisions.store import open_decisions
from pairx_core.sessions import SessionBook, SessionPair, plan_session
from tests.app.conftest import ROOT, button, explained, html, press, rows, viewer

PAGES = (
    "review", "queries", "decisions", "sessions", "disagreements", "setup", "trust", "method", "showcase", "story",
)  # fmt: skip


@pytest.fixture
def book(decisions) -> SessionBook:
    return SessionBook(FileLines(decisions.with_suffix(".sessions.jsonl"), "sessions file"))


@pytest.fixture
def make(book):
    def make_session(**changes):
        pairs = [SessionPair("u0", "k0", 1, 0.912345), SessionPair("u1", "k3", 2, 0.812345)]
        plan = {
            "name": "spring",
            "coordinator": "Ada",
            "reviewers": ("Ben", "Cleo"),
            "pairs": pairs,
            "overlap": 2,
        }
        session = plan_session(**plan | {"order": "by_query"} | changes)
        book.add(session)
        return session

    return make_session


def blind_session():
    return plan_session(
        name="spring",
        coordinator="Ada",
        reviewers=["Ben", "Cleo"],
        pairs=[SessionPair("u0", "k0", 1, 0.912345)],
        overlap=2,
    )


@pytest.fixture
def visit(tmp_path, monkeypatch, tiny_checkpoint, decisions):
    """Opens a page by its address, with no other page opened before it."""
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    monkeypatch.setenv("PAIRX_DECISIONS", str(decisions))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))

    def begin(page: str, catalogue) -> AppTest:
        monkeypatch.setenv("PAIRX_CATALOGUE", str(catalogue))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if page != "review":
            app.switch_page(f"pages/{page}.py")
        app.run()
        assert not app.exception
        return app

    return begin


def said(app: AppTest) -> str:
    """Everything that is sent to the page, as it is sent."""

    def walk(node) -> list[str]:
        own = [str(node.proto)] if getattr(node, "proto", None) is not None else []
        return own + [text for child in getattr(node, "children", {}).values() for text in walk(child)]

    sent = "\n".join(walk(app._tree))
    assert "px-legend" in sent or "under way" in sent  # that this looks where pages are
    return sent


def see(app: AppTest, page: str) -> AppTest:
    app.switch_page(
        f"pages/{page}.py"
    ).run().run()  # AppTest fills a field from the address only when run again
    assert not app.exception
    return app


def fill(app: AppTest, name: str, reviewers: str, **numbers: int) -> AppTest:
    app.text_input(key="new_name").input(name)
    app.text_area(key="new_reviewers").input(reviewers)
    for field, value in numbers.items():
        app.number_input(key=f"new_{field}").set_value(value)
    press(app, "Make the session")
    return app


def codes(app: AppTest) -> list[str]:
    return [one.value for one in app.code]


# --- making one ------------------------------------------------------------------------------------------------------


def test_a_coordinator_makes_a_session_and_gets_a_link_for_each_reviewer(open_app, herd, book):
    app = fill(see(open_app(herd), "sessions"), "spring", "Ben\n\n Cleo ", known=2, k=1)
    (session,) = book.sessions()
    assert (session.name, session.reviewers, session.coordinator) == ("spring", ("Ben", "Cleo"), "Ada")
    assert (len(session.pairs), len(session.truth), session.is_blind) == (4, 2, True)
    links = codes(app)
    assert [session.keys[one] in link for one, link in zip(session.reviewers, links, strict=False)] == [
        True,
        True,
    ]
    assert session.coordinator_key in links[-1]


def test_what_cannot_be_made_is_said_and_what_was_entered_stays(open_app, herd, book):
    app = fill(see(open_app(herd), "sessions"), "", "Ben")
    assert "no name" in app.error[0].value
    assert app.text_area(key="new_reviewers").value == "Ben"
    assert book.sessions() == ()


def test_two_sessions_of_one_name_are_refused(open_app, herd, make):
    make(is_blind=False)
    app = fill(see(open_app(herd), "sessions"), "Spring", "Ben\nCleo")
    assert "“Spring” already" in app.error[0].value


def test_the_coordinators_key_is_shown_only_to_who_came_with_it(open_app, herd, make):
    session = make(is_blind=False)
    app = see(open_app(herd), "sessions")
    assert session.coordinator_key not in " ".join(codes(app))
    app = open_app(herd, coordinate=session.coordinator_key)
    assert session.coordinator_key in " ".join(codes(see(app, "sessions")))


def test_a_closed_session_takes_no_decision_and_hides_nothing(open_app, herd, make, decisions):
    session = make()
    ben = open_app(herd, None, review=session.keys["Ben"])
    press(see(open_app(herd, coordinate=session.coordinator_key), "sessions"), "Close the session")
    press(ben, "Accept")
    assert "closed" in ben.error[0].value + ben.info[0].value
    assert rows(decisions) == []
    assert viewer(open_app(herd))["query"]["label"].startswith("Query")


# --- working through one ---------------------------------------------------------------------------------------------


def test_a_blind_verdict_comes_first_then_the_explanation_and_both_are_rows(open_app, herd, make, decisions):
    session = make()
    ben = open_app(herd, None, review=session.keys["Ben"])
    assert viewer(ben)["explanation"] is None
    press(ben, "Accept")
    assert viewer(explained(ben))["explanation"] is not None
    press(ben, "Reject")
    first, second = rows(decisions)
    assert [(one["decision"], one["blind"], one["session"], one["reviewer"]) for one in (first, second)] == [
        ("accept", "true", "spring", "Ben"),
        ("reject", "false", "spring", "Ben"),
    ]
    assert second["supersedes"] == first["decision_id"]
    assert (first["overlay_shown"], second["overlay_shown"]) == ("none", "lines|points|heat_map")
    assert first["similarity"] == "0.912345"


def test_a_reviewer_who_comes_back_goes_on_where_they_were(open_app, herd, make):
    session = make()
    press(open_app(herd, None, review=session.keys["Ben"]), "Accept")
    again = open_app(herd, None, review=session.keys["Ben"])
    assert button(again, "Keep: Accept")
    assert "Pair 1 of 2" in html(again)
    press(again, "Keep: Accept")
    assert "Pair 2 of 2" in html(open_app(herd, None, review=session.keys["Ben"]))


def test_two_tabs_of_one_reviewer_make_one_row_a_stage(open_app, herd, make, decisions):
    session = make()
    one, other = (open_app(herd, None, review=session.keys["Ben"]) for _ in range(2))
    press(one, "Accept")
    press(other, "Reject")  # drawn before the reveal
    assert [row["decision"] for row in rows(decisions)] == ["accept"]
    assert button(other, "Keep: Accept")


def test_only_the_final_verdict_can_be_taken_back(open_app, herd, make, decisions):
    ben = open_app(herd, None, review=make().keys["Ben"])
    press(ben, "Accept")
    assert button(ben, "Undo").disabled
    press(ben, "Reject")
    press(ben, "Undo")
    assert button(ben, "Keep: Accept")
    assert [row["decision"] for row in rows(decisions)] == ["accept", "reject", "undo"]


def test_a_pair_can_wait_until_the_end(open_app, herd, make):
    ben = open_app(herd, None, review=make().keys["Ben"])
    press(ben, "Later")
    assert "Pair 2 of 2" in html(ben)
    press(press(ben, "Unsure"), "Keep: Unsure")
    assert "Pair 1 of 2" in html(ben)


def test_at_the_end_it_is_said_and_the_last_verdict_can_still_be_taken_back(open_app, herd, make):
    ben = open_app(herd, None, review=make().keys["Ben"])
    for _ in range(2):
        press(press(ben, "Accept"), "Keep: Accept")
    assert "All done" in ben.success[0].value
    press(ben, "Undo")
    assert button(ben, "Keep: Accept")


def test_an_open_session_asks_once_and_shows_who_is_who(open_app, herd, make, decisions):
    session = make(is_blind=False)
    ben = explained(open_app(herd, None, review=session.keys["Ben"]))
    assert "ind0" in html(ben)
    press(ben, "Accept")
    assert [(row["blind"], row["decision"]) for row in rows(decisions)] == [("false", "accept")]
    assert "Pair 2 of 2" in html(ben)


def test_others_verdicts_show_only_where_the_session_shows_them(open_app, herd, make):
    for shows, name in ((False, "alone"), (True, "together")):
        session = make(name=name, is_blind=False, shows_others=shows)
        press(open_app(herd, None, review=session.keys["Ben"]), "Reject")
        assert ("Ben" in html(open_app(herd, None, review=session.keys["Cleo"]))) is shows


def test_pairs_of_another_catalogue_are_said_not_shown(open_app, herd, make):
    session = make(pairs=[SessionPair("u0", "gone", 1, 0.5)])
    ben = open_app(herd, None, review=session.keys["Ben"])
    assert "not in the catalogue" in ben.error[0].value


# --- what is hidden --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_while_a_blind_session_is_open_no_page_shows_who_is_who(open_app, herd, make, page):
    session = make()
    app = open_app(herd, "Ben", query="u0", candidate="k0")
    see(app, page)
    assert any("under way" in one.value for one in app.info)
    for secret in ("ind0", "k0.jpg", "u0.jpg", session.coordinator_key, *session.keys.values()):
        assert secret not in said(app)
    assert not app.get("download_button")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("record", ["file", "database"])
def test_the_page_that_comes_first_after_a_start_shows_nothing_hidden(
    visit, herd, monkeypatch, tmp_path, decisions, page, record
):
    where = str(decisions) if record == "file" else f"sqlite:///{tmp_path / 'team.db'}"
    monkeypatch.setenv("PAIRX_DECISIONS", where)
    session = blind_session()
    SessionBook(open_decisions(where).lines("sessions")).add(session)
    OpenedSources(tmp_path / "cache" / "opened_sources.json").remember(Source("/photos/hidden_herd"))
    app = visit(page, herd)
    assert any("under way" in one.value for one in app.info)
    sent = said(app)
    for secret in ("ind0", "k0.jpg", "u0.jpg", "hidden_herd", str(herd), where, *session.keys.values()):
        assert secret not in sent, secret
    assert not app.get("download_button") and not app.dataframe


@pytest.mark.parametrize("key", ["reviewer", "guessed", "both"])
def test_no_other_key_opens_the_pages(open_app, herd, make, key):
    session = make()
    keys = {
        "reviewer": session.keys["Ben"],
        "guessed": "x" * 22,
        "both": f"{session.keys['Ben']}~{session.keys['Cleo']}",
    }
    app = open_app(herd, "Ada", coordinate=keys[key])
    assert any("under way" in one.value for one in app.info)


def test_the_coordinators_link_opens_them(open_app, herd, make):
    app = open_app(herd, "Ada", coordinate=make().coordinator_key)
    assert viewer(app)["query"]["label"] == "Query · u0.jpg"


@pytest.mark.parametrize("stage", ["blind", "revealed"])
def test_nothing_sent_to_a_blind_reviewer_tells_who_is_who(open_app, herd, make, stage):
    session = make(known_answers=[SessionPair("k0", "k1", 1, 0.7654321, truth=True)])
    press(open_app(herd, None, review=session.keys["Cleo"]), "Reject")
    ben = open_app(herd, None, review=session.keys["Ben"])
    if stage == "revealed":
        explained(press(ben, "Accept"))
    sent = said(ben) + str(viewer(ben))
    assert "ind0" not in sent and "ind1" not in sent
    for secret in ("u0.jpg", "k0.jpg", "'u0'", '"u0"', "0.91", "spring meadow", "Cleo", "2025", "truth"):
        assert secret not in sent, secret
    assert (viewer(ben)["explanation"] is None) is (stage == "blind")
    assert (
        viewer(ben)["foreseen"] == {} and viewer(ben)["third"] is None and viewer(ben)["individual"] is None
    )


def test_addresses_of_pairs_change_nothing_in_a_session(open_app, herd, make):
    key = make().keys["Ben"]
    plain = viewer(open_app(herd, None, review=key))
    bent = viewer(open_app(herd, "Ada", review=key, query="k0", candidate="k1", go="k2", others="true"))
    assert plain["pair"] == bent["pair"]
    assert "ind1" not in str(bent) and "k1" not in str(bent)


def test_a_photo_that_cannot_be_read_is_not_named(open_app, herd, make):
    key = make().keys["Ben"]
    open_app(herd, None, review=key)
    (herd.parent / "k0.jpg").write_bytes(b"damaged")
    ben = open_app(herd, None, review=key)
    assert "cannot be read" in viewer(ben)["candidate"]["problem"]
    assert "k0" not in str(viewer(ben))


def test_a_link_that_is_nobodys_shows_nothing(open_app, herd, make):
    make()
    app = open_app(herd, None, review="guessed")
    assert "belongs to no session" in app.info[0].value
    assert not app.button and "Query" not in html(app)


def test_another_record_on_the_same_computer_does_not_open_the_door(
    open_app, herd, make_catalogue, monkeypatch
):
    """A session that was made here is remembered, whatever record an address or a setting opens."""
    fill(see(open_app(herd), "sessions"), "autumn", "Ben\nCleo", known=0, k=1)
    other = make_catalogue(
        [("a", "x", "left", "2025-01-01", "dam"), ("b", "unknown", "left", "2025-02-01", "dam")], "other"
    )
    monkeypatch.setenv("PAIRX_DECISIONS", str(other.with_name("own.csv")))
    st.cache_resource.clear()  # as after a restart
    app = open_app(other, "Ben")
    assert any("autumn" in one.value for one in app.info)


def test_a_session_in_a_database_is_remembered_after_a_restart_with_another_record(
    open_app, visit, herd, make_catalogue, monkeypatch, tmp_path
):
    monkeypatch.setenv("PAIRX_DECISIONS", f"sqlite:///{tmp_path / 'team.db'}")
    fill(see(open_app(herd), "sessions"), "autumn", "Ben\nCleo", known=0, k=1)
    other = make_catalogue(
        [("a", "x", "left", "2025-01-01", "dam"), ("b", "unknown", "left", "2025-02-01", "dam")], "other"
    )
    monkeypatch.setenv("PAIRX_DECISIONS", str(other.with_name("own.csv")))
    st.cache_resource.clear()  # as after a restart
    for page in PAGES:
        assert any("autumn" in one.value for one in visit(page, other).info), page
    (tmp_path / "team.db").unlink()
    st.cache_resource.clear()
    assert not visit("setup", other).info
    assert not (tmp_path / "team.db").exists()


# --- settling --------------------------------------------------------------------------------------------------------


@pytest.fixture
def disputed(open_app, herd, make):
    session = make(pairs=[SessionPair("u0", "k0", 1, 0.9)], is_blind=False)
    for reviewer, verdict in (("Ben", "Accept"), ("Cleo", "Reject")):
        app = open_app(herd, None, review=session.keys[reviewer])
        app.text_input(key=f"note:{session.session_id}-0").input(f"{reviewer} looked at the ear")
        press(app, verdict)
    return session


def test_an_adjudicator_sees_both_arguments_and_settles(open_app, herd, disputed, decisions):
    app = see(open_app(herd, "Ada"), "disagreements")
    assert "Ben looked at the ear" in html(app) and "Cleo looked at the ear" in html(app)
    press(explained(app), "Accept")
    last = rows(decisions)[-1]
    assert (last["reviewer"], last["decision"], last["tags"], last["session"]) == (
        "Ada",
        "accept",
        "adjudicated",
        "spring",
    )
    assert "settled by Ada" in html(app)


def test_an_adjudication_can_be_taken_back_by_who_made_it(open_app, herd, disputed, decisions):
    app = press(see(open_app(herd, "Ada"), "disagreements"), "Accept")
    assert button(see(open_app(herd, "Zoe"), "disagreements"), "Undo").disabled
    press(app, "Undo")
    assert rows(decisions)[-1]["decision"] == "undo"
    assert "to settle" in html(app)


def test_without_a_name_nothing_is_settled(open_app, herd, disputed, decisions):
    before = len(rows(decisions))
    app = see(open_app(herd, "Ada"), "disagreements")
    app.text_input(key="reviewer").input("").run()
    press(app, "Accept")
    assert "name" in app.error[0].value
    assert len(rows(decisions)) == before


# --- what came of it -------------------------------------------------------------------------------------------------


def test_results_say_agreement_accuracy_changes_and_time(open_app, herd, make):
    known = [SessionPair("k0", "k1", 1, 0.9, truth=True), SessionPair("k2", "k4", 1, 0.8, truth=False)]
    session = make(pairs=[SessionPair("u0", "k0", 1, 0.9)], known_answers=known)
    for reviewer, verdicts in (("Ben", ("Accept", "Accept")), ("Cleo", ("Reject", "Accept"))):
        app = open_app(herd, None, review=session.keys[reviewer])
        for _ in range(3):
            press(app, verdicts[0])
            button_label = f"Keep: {verdicts[1]}" if verdicts[0] == verdicts[1] else verdicts[1]
            press(app, button_label)
    app = see(open_app(herd, coordinate=session.coordinator_key), "sessions")
    tables = [one.value for one in app.dataframe]
    agreement, right, reveal, times = tables
    assert agreement.loc["Percent agreement"].tolist() == [
        "0.000 (0.00 to 0.00), 3",
        "1.000 (1.00 to 1.00), 3",
    ]
    assert right["Accepted wrongly"].tolist() == [1, 0, 1, 1]
    assert right["Rejected wrongly"].tolist() == [0, 1, 0, 0]
    everyone = reveal.iloc[-1]
    assert (everyone["Kept"], everyone["Changed"]) == (3, 3)
    assert (everyone["For the better"], everyone["For the worse"]) == (1, 1)
    assert times["Decisions"].tolist() == [3, 3, 3, 3]
