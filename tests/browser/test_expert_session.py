"""A whole expert session in real browsers: made, worked through blind and revealed, settled, exported."""

from __future__ import annotations

import csv
import io
import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from .conftest import Server, serving

pytestmark = pytest.mark.browser

HIDDEN = (
    "ind0",
    "ind1",
    "ind2",
    "photo0",
    "photo7",
    "spring",
    "bushbuck",
)  # of the herd; the session is "autumn"

FILES = (
    "metadata.csv",
    "photo0.jpg",
    "decisions.csv",
    "app/static/decisions.csv",
    "media/x",
    "..%2fdecisions.csv",
)


@pytest.fixture(scope="module")
def own_server(herd, tiny_checkpoint, tmp_path_factory, chromium) -> Iterator[Server]:
    with serving(herd, tiny_checkpoint, tmp_path_factory.mktemp("session")) as started:
        yield started


class Visit:
    """Somebody's own browser, and everything that the server sends to it."""

    def __init__(self, chromium, address: str) -> None:
        self.context = chromium.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.received: list[str] = []
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._receive))
        self.page.on("response", lambda response: self.received.append(response.url))
        self.asked: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def _receive(self, frame: bytes | str) -> None:
        self.received.append(frame.decode("utf-8", "replace") if isinstance(frame, bytes) else frame)

    def wait_for(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()


@pytest.fixture
def visit(chromium):
    visits = []

    def come(address: str) -> Visit:
        visits.append(Visit(chromium, address))
        return visits[-1]

    yield come
    for one in visits:
        one.context.close()


def judge(reviewer: Visit, key: str, then: str | None = None) -> None:
    """A verdict on the bare photos, and one after the reveal."""
    reviewer.wait_for("Bare photos")
    done = reviewer.page.get_by_text(re.compile(r"\d+ of \d+ pairs? done")).inner_text()
    reviewer.page.wait_for_timeout(350)  # the guard against held keys
    reviewer.page.keyboard.press(key)
    reviewer.wait_for("You said:")
    reviewer.page.wait_for_timeout(350)
    reviewer.page.keyboard.press(then or key)
    reviewer.page.wait_for_function("done => !document.body.innerText.includes(done)", arg=done)


def fetched(address: str) -> str:
    """What a server answers, be it that there is no such thing."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.read().decode("utf-8", "replace")


def make_session(ada: Visit) -> list[str]:
    """Four pairs for each of two reviewers; their links and the coordinator's own."""
    ada.page.get_by_role("textbox", name="Name", exact=True).fill("autumn")
    ada.page.get_by_role("textbox", name="Reviewers").fill("Ben\nCleo")
    for label, number in (("Candidates a query", 1), ("Known-answer pairs", 2)):
        field = ada.page.get_by_role("spinbutton", name=label)
        field.fill(str(number))
        field.press("Tab")
    ada.page.get_by_role("button", name="Make the session").click()
    ada.wait_for("4 pairs for each reviewer")
    shown = ada.page.get_by_test_id("stCode")
    shown.nth(2).wait_for()
    return [one.inner_text().strip() for one in shown.all()]


def settle(ada: Visit, address: str) -> None:
    """The first of two disagreements."""
    ada.page.goto(address)
    ada.wait_for("Disagreement 1 of 2")
    name = ada.page.get_by_role("textbox", name="Adjudicator")
    name.fill("Ada")
    name.press("Enter")
    ada.page.wait_for_timeout(600)
    ada.page.get_by_text("Disagreement 1 of 2").click()
    ada.page.keyboard.press("a")
    ada.wait_for("1 pair to settle")


def exported(ada: Visit, address: str) -> bytes:
    """The record as it is stored."""
    ada.page.goto(address)
    with ada.page.expect_download() as download:
        ada.page.get_by_role("button", name="For programs (CSV)").click()
    return download.value.path().read_bytes()


def check_rows(rows: list[dict[str, str]]) -> None:
    """Eight verdicts, blind and then revealed, of each reviewer, and the adjudicator's."""
    assert [row["session"] for row in rows] == ["autumn"] * 17
    for reviewer in ("Ben", "Cleo"):
        own = [row for row in rows if row["reviewer"] == reviewer]
        blind, final = own[::2], own[1::2]
        assert [row["blind"] for row in own] == ["true", "false"] * 4
        assert [row["supersedes"] for row in final] == [row["decision_id"] for row in blind]
        assert all(row["overlay_shown"] == "none" for row in blind)
    changed = [row for row in rows if row["reviewer"] == "Cleo"][2:4]
    assert [row["decision"] for row in changed] == ["accept", "reject"]
    assert (rows[-1]["reviewer"], rows[-1]["decision"], rows[-1]["tags"]) == ("Ada", "accept", "adjudicated")


def test_a_session_from_its_making_to_the_export(own_server, visit):
    ada = visit(f"{own_server.address}/sessions?reviewer=Ada")
    *links, own_link = make_session(ada)

    ben, cleo = visit(links[0]), visit(links[1])
    for _ in range(4):
        judge(ben, "a")
    for number in range(4):
        judge(cleo, "x" if number == 0 else "a", "x" if number < 2 else "a")
    for reviewer in (ben, cleo):
        reviewer.wait_for("All done")
        assert any("First photo" in one for one in reviewer.received)
        for secret in HIDDEN:
            assert not any(secret in one for one in reviewer.received), secret

    stranger = visit(f"{own_server.address}/decisions?reviewer=Ben")
    stranger.wait_for("is under way")
    assert not any("ind0" in one for one in stranger.received)

    for place in FILES:
        assert not any(secret in fetched(f"{own_server.address}/{place}") for secret in HIDDEN), place

    settle(ada, own_link.replace("/sessions", "/disagreements"))
    record = exported(ada, own_link.replace("/sessions", "/decisions"))
    check_rows(list(csv.DictReader(io.StringIO(record.decode()))))
    assert record == own_server.decisions.read_bytes()


def test_an_address_leads_to_its_page_before_any_other_was_opened(herd, tiny_checkpoint, tmp_path, visit):
    """Streamlit would run the page's file without the entry."""
    with serving(herd, tiny_checkpoint, tmp_path) as started:
        first = visit(f"{started.address}/queries")
        first.wait_for("Review query 1")
        assert not [url for url in first.asked if url.startswith("http") and "//localhost" not in url]
        assert first.page.get_by_role("link", name="Decisions").count() == 1
        assert first.page.get_by_text("Page not found").count() == 0
