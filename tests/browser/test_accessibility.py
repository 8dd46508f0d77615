"""Every page, light and dark: no serious violation that axe-core finds, and nothing asked from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from pages.components import navigation
from pairx_core.decisions import DecisionLog
from pairx_core.decisions.lines import FileLines
from pairx_core.sessions import ExpertSession, SessionBook, SessionPair, plan_session
from tests.pages_of_app import page_names

from .axe import violations
from .conftest import Server, explained, serving

pytestmark = pytest.mark.browser

PAIR = {"query": "photo6", "candidate": "photo0"}
VIEWER = ".viewer[data-state=explained]"
READY = {  # what a page has once it is whole, where the end of its run does not say so
    "review": VIEWER,
    "disagreements": VIEWER,
    "queries": ".px-card",
    "method": ".cells[data-state=shown]",
    "showcase": ".player[data-scene]",
    "decisions": ".stPlotlyChart .main-svg",
    "setup": "text=Open now",
}
PARTS = {  # what is pressed on a page, one after the other, to see more of it
    "review": ("Filter queries",),
    "decisions": ("Individuals", "Export"),
    "setup": ("Model: the card", "Photographs: the report"),
}

WORTH_SEEING = ("pair", "decision", "count")  # of the Showcase's scenes: with matches, a verdict, numbers


@pytest.fixture(scope="module")
def autumn() -> ExpertSession:
    """A session that hides nothing, of which a reviewer has a link."""
    return plan_session(
        name="autumn",
        coordinator="Ada",
        reviewers=("Ben", "Cleo"),
        pairs=[SessionPair("photo6", "photo0", 1, 0.9), SessionPair("photo7", "photo2", 1, 0.8)],
        is_blind=False,
    )


@pytest.fixture(scope="module")
def reviewed(herd, tiny_checkpoint, tmp_path_factory, chromium, autumn) -> Iterator[Server]:
    """The app on a herd of which much is decided: a disagreement, a contradiction, a session."""
    folder = tmp_path_factory.mktemp("reviewed")
    log = DecisionLog(folder / "decisions.csv")
    for reviewer, query, candidate, decision, session in (
        ("Ben", "photo6", "photo0", "accept", "autumn"),
        ("Cleo", "photo6", "photo0", "reject", "autumn"),
        ("Ben", "photo7", "photo2", "accept", "autumn"),
        ("Ada", "photo0", "photo1", "reject", ""),
    ):
        log.record(
            reviewer=reviewer, query_id=query, candidate_id=candidate, decision=decision, session=session
        )
    SessionBook(FileLines(folder / "decisions.sessions.jsonl", "sessions file")).add(autumn)
    with serving(herd, tiny_checkpoint, folder) as started:
        warm_up(chromium, started.address)
        yield started


def warm_up(chromium, address: str) -> None:
    """Has the server load the model and explain a first pair, which takes longer than a page is waited for."""
    page = chromium.new_page()
    page.goto(f"{address}/?{urlencode(PAIR | {'reviewer': 'Ada'})}")
    explained(page)
    page.close()


@dataclass
class Seen:
    """What a walk through all pages brings to light."""

    pages: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)  # what was asked for and is not the app's


@pytest.fixture(scope="module")
def seen(reviewed, chromium, autumn) -> Seen:
    """All pages by axe-core, light and dark, where nothing but the app can be reached."""
    seen = Seen()

    def let_pass(route) -> None:
        if route.request.url.startswith(reviewed.address):
            route.continue_()
        else:
            seen.asked.add(route.request.url)
            route.abort()

    for scheme, rules in (("light", ()), ("dark", ("color-contrast",))):  # all else is the same in the dark
        context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
        context.route(re.compile("^https?:"), let_pass)
        page = context.new_page()
        page.set_default_timeout(30_000)
        for name, state in scenes(page, reviewed.address, autumn, scheme):
            seen.pages.add(name)
            seen.violations += [f"{name}{state}, {scheme}: {one}" for one in violations(page, *rules)]
        context.close()
    return seen


def test_no_page_has_what_axe_calls_a_serious_violation(seen):
    assert seen.pages == set(page_names())
    assert not seen.violations, "\n".join(seen.violations)


def test_no_page_asks_for_anything_outside(seen):
    assert not seen.asked


def test_a_serious_violation_would_be_found(page):
    page.set_content('<main><h1>A page</h1><img src="data:,"><p style="color: #bbb">faint</p></main>')
    found = "\n".join(violations(page))
    assert "image-alt (critical)" in found and "color-contrast (serious) ['p']" in found


@pytest.mark.parametrize("name", ["review", "setup"])
def test_tab_goes_once_through_a_page_and_shows_where_it_is(reviewed, page, name):
    go(page, reviewed.address, name, PAIR | {"reviewer": "Ada"})
    places, unseen = [], []
    for _ in range(120):
        page.keyboard.press("Tab")
        place = page.evaluate(_FOCUSED)
        if place["tag"] == "BODY":  # past the last one; the browser's own controls would come
            break
        places.append(place["name"])
        if place["tag"] in ("A", "BUTTON", "SUMMARY") and not place["shows"]:
            unseen.append(place["name"])
    else:
        pytest.fail(f"Tab does not come to an end: {places[-5:]}")
    assert not unseen
    wanted = "Accept" if name == "review" else "Open"
    assert any(one.endswith(wanted) or one.startswith(wanted) for one in places), places


_FOCUSED = """() => {
    let at = document.activeElement;
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const look = getComputedStyle(at);
    const name = at.getAttribute("aria-label") ?? at.innerText ?? "";
    const framed = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2;
    const card = at.closest("[class*=st-key-candidate-], [class*=st-key-query-]")?.querySelector(".px-card");
    const cardFramed = card && getComputedStyle(card).outlineStyle !== "none";
    return { tag: at.tagName, name: name.replaceAll("\\n", " ").trim(), shows: Boolean(framed || cardFramed) };
}"""


def scenes(page, address: str, session: ExpertSession, scheme: str) -> Iterator[tuple[str, str]]:
    """Goes through all pages and what is on them."""
    for name in page_names():
        go(page, address, name, PAIR | {"reviewer": "Ada"})
        yield name, ""
        yield from ((name, f" ({part})") for part in opened_parts(page, name, scheme))
    go(page, address, "", {navigation.REVIEWER_LINK: session.keys["Cleo"]}, VIEWER)
    yield "session", " of a reviewer"


def opened_parts(page, name: str, scheme: str) -> Iterator[str]:
    """Opens what a page has besides, one part after the other."""
    if name == "showcase" and scheme == "light":  # its stage is dark in either
        yield from told_scenes(page)
    if name == "story":
        draft_a_story(page)
        yield "a draft"
    for part in PARTS.get(name, ()):
        page.get_by_text(part, exact=True).first.click()
        settle(page)
        yield part


def told_scenes(page) -> Iterator[str]:
    """Goes through the Showcase's scenes, and stops at the first of each kind that has most on it."""
    kinds = []
    for place in page.locator(".places button").all():
        place.click()
        kind = page.locator(".player").get_attribute("data-scene")
        if kind in WORTH_SEEING and kind not in kinds:
            kinds.append(kind)
            stand_still(page)
            yield f"scene: {kind}"
    assert set(kinds) == set(WORTH_SEEING)


def draft_a_story(page) -> None:
    """Chooses all pairs that reviewers agree on, and has them explained."""
    page.get_by_role("combobox", name="Pairs").click()
    page.get_by_role("option", name="Select all").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Explain and propose captions").click()
    page.wait_for_selector(".player[data-scene]")
    settle(page)
    stand_still(page)


def stand_still(page) -> None:
    """Ends what moves on the Showcase's stage: a caption that comes in is fainter for a moment."""
    page.evaluate(
        """() => document.querySelectorAll('*').forEach((one) =>
            one.shadowRoot?.getAnimations().forEach((motion) => motion.finish()))"""
    )


def go(page, address: str, name: str, query: dict[str, str], ready: str = "") -> None:
    path = "" if name == "review" else name  # the page that the bare address shows
    page.goto(f"{address}/{path}?{urlencode(query)}")
    settle(page)
    if ready := ready or READY.get(name, ""):
        page.wait_for_selector(ready)


def settle(page) -> None:
    """Waits until the page has its style sheet and no run of it has been under way for a moment from now."""
    page.evaluate("delete window.stillSince")
    page.wait_for_function(
        """() => {
            const app = document.querySelector('[data-testid=stApp]');
            const styled = getComputedStyle(document.documentElement).getPropertyValue('--px-primary');
            const still = styled && app?.dataset.testScriptState === 'notRunning';
            window.stillSince = still ? window.stillSince ?? performance.now() : undefined;
            return still && performance.now() - window.stillSince > 250;
        }"""
    )
