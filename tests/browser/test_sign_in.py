"""Who signs in decides under that name, and who coordinates is on a list."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from pairx_core.decisions.lines import FileLines
from pairx_core.sessions import SessionBook, SessionPair, plan_session

from .conftest import Server, _free_port, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def guarded(herd, tiny_checkpoint, tmp_path_factory, chromium) -> Iterator[Server]:
    """The app behind a sign-in; ada@example.org coordinates."""
    from .identity_provider import providing, write_secrets

    folder, port = tmp_path_factory.mktemp("guarded"), _free_port()
    with providing() as provider:
        write_secrets(folder / "secrets.toml", provider, port)
        options = ("--secrets.files", str(folder / "secrets.toml"))
        coordinators = {"PAIRX_COORDINATORS": "Ada@example.org, zoe@example.org"}
        with serving(herd, tiny_checkpoint, folder, port=port, options=options, **coordinators) as started:
            yield started


@pytest.fixture(scope="module")
def enter(chromium, guarded):
    """Everybody's own browser, signed in once, on a page of the app."""
    contexts = {}

    def come(person: str, place: str = ""):
        if person not in contexts:
            contexts[person] = chromium.new_context(viewport={"width": 1280, "height": 720})
            sign_in(contexts[person].new_page(), person, guarded.address)
        page = contexts[person].new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{guarded.address}/{place}")
        return page

    yield come
    for context in contexts.values():
        context.close()


def sign_in(page, person: str, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Who").fill(person)
    page.get_by_role("button", name="Go").click()
    page.wait_for_url(f"{address}/**")
    page.close()


def test_nothing_is_shown_before_signing_in(guarded, page):
    for place in ("", "decisions", "session"):
        page.goto(f"{guarded.address}/{place}?reviewer=ada@example.org")
        page.get_by_role("button", name="Sign in").wait_for()
        assert page.get_by_role("link", name="Decisions").count() == 0
        assert "photo" not in page.inner_text("body")


def test_decisions_carry_the_name_of_who_signed_in_not_of_the_address(guarded, enter):
    page = enter("ben@example.org", "?reviewer=ada@example.org")
    page.wait_for_selector(".px-legend", timeout=60_000)
    assert page.get_by_role("textbox", name="Reviewer").count() == 0
    page.wait_for_timeout(500)
    page.keyboard.press("u")
    page.get_by_text("done · 1 decision").wait_for()
    with guarded.decisions.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["reviewer"] == "ben@example.org"


def test_only_those_on_the_list_coordinate(enter):
    for place in ("sessions", "setup"):
        enter("ben@example.org", place).get_by_text("PAIRX_COORDINATORS says who they are").wait_for()
    enter("ada@example.org", "sessions").get_by_role("button", name="Make the session").wait_for()


def test_an_address_that_is_not_verified_is_nobodys(guarded, enter):
    page = enter("mallory@example.org")
    page.wait_for_selector(".px-legend", timeout=60_000)
    assert "mallory@example.org" not in page.inner_text("[data-testid=stSidebar]")


def test_a_reviewer_of_a_blind_session_gets_to_nothing_else(guarded, enter):
    lines = FileLines(guarded.decisions.with_suffix(".sessions.jsonl"), "sessions file")
    book = SessionBook(lines)
    session = plan_session(
        name="autumn",
        coordinator="ada@example.org",
        reviewers=("Ben@example.org",),
        pairs=[SessionPair("photo6", "photo0", 1, 0.9)],
        overlap=1,
    )
    book.add(session)
    try:
        for place in ("decisions", "?query=photo6&candidate=photo0"):
            page = enter("ben@example.org", place)
            page.get_by_text("is under way").wait_for()
            assert "ind0" not in page.content()
        page.get_by_role("link", name="Go to the session").click()
        page.get_by_text("Bare photos", exact=True).wait_for()
        assert "photo6" not in page.content()
        enter("cleo@example.org").wait_for_selector(".px-legend")  # who is not in it works on
        enter("cleo@example.org", "session").get_by_text("reviews in no session").wait_for()
    finally:
        book.close(session, by="ada@example.org")
