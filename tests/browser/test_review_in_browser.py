"""A reviewer at work, in a real browser."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .conftest import SETTLED, explained, moved_from, place, serving

pytestmark = pytest.mark.browser


def test_from_nothing_to_three_rows_and_back_after_a_reload(herd, tiny_checkpoint, tmp_path, page):
    with serving(herd, tiny_checkpoint, tmp_path) as server:
        accept_reject_undo_reload(server, page)


def test_the_bundled_sample_opens_by_itself_and_can_be_reviewed(tmp_path, page):
    with serving(None, None, tmp_path) as server:
        accept_reject_undo_reload(server, page)


def accept_reject_undo_reload(server, page):
    page.goto(server.address)
    page.wait_for_selector(".px-legend", timeout=90_000)
    name = page.get_by_role("textbox", name="Reviewer")
    name.fill("Asha")  # who logs in on this computer may be nobody in particular
    name.press("Enter")
    page.wait_for_function("new URL(location).searchParams.get('reviewer') === 'Asha'")
    page.wait_for_function("document.activeElement.tagName !== 'INPUT'")  # the next key decides
    explained(page)
    first = place(page)
    assert page.locator(".px-card").count() == 5

    decide(page, "Accept")
    second = place(page)
    decide(page, "Reject")
    third = place(page)
    press(page, "Undo")
    wait_for_rows(server, page, 3)
    page.wait_for_function(
        "candidate => new URL(location).searchParams.get('candidate') === candidate", arg=second[1]
    )
    explained(page)
    shown = badges(page)
    assert set(shown) == {"○ open"}

    page.reload()
    explained(page)
    assert place(page) == second != third
    assert badges(page) == shown
    written = rows(server, page)
    assert [row["decision"] for row in written] == ["accept", "reject", "undo"]
    assert (written[0]["query_id"], written[0]["candidate_id"]) == first
    assert [row["candidate_id"] for row in written[1:]] == [second[1]] * 2


def test_the_decisions_can_be_downloaded(server, page):
    enter(page, server, "the-decisions-can")
    explained(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download decisions (CSV)").click()
    assert Path(download.value.path()).read_bytes() == server.decisions.read_bytes()


def test_every_shortcut_does_what_its_button_does(server, page):
    enter(page, server, "every-shortcut-does")
    for key, decision in (("x", "reject"), ("n", "not_comparable"), ("u", "unsure"), ("a", "accept")):
        explained(page)
        before = place(page)
        time.sleep(SETTLED)
        count = len(rows(server, page))
        page.keyboard.press(key)
        wait_for_rows(server, page, count + 1)
        assert rows(server, page)[-1]["decision"] == decision
        moved_from(page, before)
    before = place(page)
    explained(page)
    page.keyboard.press("z")
    wait_for_rows(server, page, 5)
    assert rows(server, page)[-1]["decision"] == "undo"
    moved_from(page, before)


def test_keys_choose_candidates_and_queries(server, page):
    enter(page, server, "keys-choose-candidates")
    explained(page)
    query, first = place(page)
    page.keyboard.press("3")
    moved_from(page, (query, first))
    assert place(page)[0] == query
    page.wait_for_selector(".st-key-candidate-3 .px-chosen")
    explained(page)
    before = place(page)
    page.keyboard.press("ArrowRight")
    moved_from(page, before)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("query => new URL(location).searchParams.get('query') === query", arg=query)


def test_a_held_key_makes_one_decision(server, page):
    enter(page, server, "a-held-key")
    explained(page)
    time.sleep(SETTLED)
    for _ in range(60):  # the first is a press, the others are repeats
        page.keyboard.down("x")
        time.sleep(0.03)
    page.keyboard.up("x")
    time.sleep(1)
    assert [row["decision"] for row in rows(server, page)] == ["reject"]


def test_a_double_click_makes_one_decision(server, page):
    enter(page, server, "a-double-click")
    explained(page)
    time.sleep(SETTLED)
    button(page, "Reject").dblclick()
    wait_for_rows(server, page, 1)
    time.sleep(1)
    assert len(rows(server, page)) == 1


def test_a_double_click_on_undo_takes_back_one_decision(server, page):
    enter(page, server, "a-double-click-on-undo")
    decide(page, "Reject")
    decide(page, "Reject")
    button(page, "Undo").dblclick()
    wait_for_rows(server, page, 3)
    time.sleep(1)
    assert [row["decision"] for row in rows(server, page)] == ["reject", "reject", "undo"]


def test_typing_a_note_triggers_nothing_and_is_kept_with_the_decision(server, page):
    enter(page, server, "typing-a-note")
    note = page.get_by_label("Note", exact=True)
    note.click()
    note.press_sequentially("axnuz 12 lhmb")
    explained(page)
    time.sleep(SETTLED)
    assert rows(server, page) == []
    assert note.input_value() == "axnuz 12 lhmb"
    decide(page, "Reject")
    assert rows(server, page)[0]["note"] == "axnuz 12 lhmb"
    page.wait_for_function("document.querySelector('input[aria-label=Note]').value === ''")


def test_three_undos_take_back_three_decisions_the_last_first(server, page):
    enter(page, server, "three-undos")
    places = []
    for name in ("Accept", "Reject", "Unsure"):
        explained(page)
        places.append(place(page))
        decide(page, name)
    for before in reversed(places):
        time.sleep(SETTLED)
        page.keyboard.press("z")
        page.wait_for_function(
            "want => { const at = new URL(location).searchParams;"
            " return at.get('query') === want[0] && at.get('candidate') === want[1]; }",
            arg=list(before),
        )
        explained(page)
    wait_for_rows(server, page, 6)
    written = rows(server, page)
    assert [row["decision"] for row in written] == ["accept", "reject", "unsure", "undo", "undo", "undo"]
    made, undone = written[:3], written[3:]
    assert [row["supersedes"] for row in undone] == [row["decision_id"] for row in reversed(made)]
    assert set(badges(page)) == {"○ open"}


def test_a_link_leads_to_its_pair(server, page):
    enter(page, server, "a-link")
    explained(page)
    page.keyboard.press("3")
    page.wait_for_function("document.querySelector('.px-chosen kbd')?.innerText === '3'")
    explained(page)
    query, candidate = place(page)
    link = f"{server.address}/?reviewer=someone-else&query={query}&candidate={candidate}"
    page.goto("about:blank")
    page.goto(link)
    explained(page)
    assert place(page) == (query, candidate)
    assert page.locator(".px-chosen kbd").inner_text() == "3"


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024)])
def test_a_tablet_shows_every_control_and_nothing_beside_the_screen(server, page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    enter(page, server, f"tablet-{size[0]}")
    explained(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for name in ("Accept", "Reject", "Not comparable", "Unsure", "None of these", "Undo"):
        box = button(page, name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
    stage = page.locator(".stage").bounding_box()
    assert stage["height"] >= 200
    for tool in page.locator(".toolbar button").all():
        box = tool.bounding_box()
        assert box["x"] >= stage["x"] - 1 and box["x"] + box["width"] <= stage["x"] + stage["width"] + 1


def test_everything_fits_on_a_laptop_screen(server, page):
    enter(page, server, "everything-fits-on")
    explained(page)
    for name in (".px-title", ".st-key-strip", ".toolbar", ".stage", ".px-facts", ".px-legend"):
        box = page.locator(name).first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 720
    for photo in page.locator(".photo img").all():
        drawn, natural = (
            photo.evaluate(f"e => {size}")
            for size in ("e.clientWidth / e.clientHeight", "e.naturalWidth / e.naturalHeight")
        )
        assert drawn == pytest.approx(natural, rel=0.02)


def test_another_catalogue_is_opened_from_setup_and_found_again(server, page, herd, tmp_path):
    other = another_catalogue(herd, tmp_path / "other")
    enter(page, server, "another-catalogue-is")
    page.get_by_role("link", name="Setup").click()
    page.get_by_role("textbox", name="Catalogue").fill(str(other))
    page.get_by_role("textbox", name="Decisions", exact=True).fill(str(tmp_path / "other.csv"))
    page.locator("[data-testid=stFormSubmitButton] button", has_text="Open").click()
    page.get_by_text("3 photos ready for review").wait_for()
    page.get_by_role("link", name="Go to Review").click()
    explained(page)
    page.get_by_text(re.compile("Query 1 of ")).wait_for()
    assert page.locator(".px-card").count() == 2
    page.reload()
    explained(page)
    assert page.locator(".px-card").count() == 2


def test_no_address_but_its_own_is_asked(server, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    enter(page, server, "no-address-but")
    explained(page)
    foreign = [url for url in asked if url.startswith("http") and urlsplit(url).hostname != "localhost"]
    assert foreign == []


def enter(page, server, reviewer: str) -> None:
    """Comes as a reviewer of one's own, with all photos as queries."""
    page.goto(f"{server.address}/?reviewer={reviewer}&queries=All+photos")
    page.wait_for_selector(".px-legend", timeout=90_000)


def button(page, name: str):
    return page.get_by_role("button", name=re.compile(f"^{name}( Shortcut|$)"))


def press(page, name: str) -> None:
    button(page, name).click()


def decide(page, name: str) -> None:
    """Presses a button and waits until another pair is on the screen."""
    explained(page)
    time.sleep(SETTLED)
    before = place(page)
    press(page, name)
    moved_from(page, before)
    explained(page)


def badges(page) -> list[str]:
    return page.locator(".px-card .px-badge").all_inner_texts()


def rows(server, page) -> list[dict[str, str]]:
    """What the reviewer on this page has decided."""
    reviewer = page.get_by_label("Reviewer", exact=True).input_value()
    with server.decisions.open(newline="", encoding="utf-8-sig") as file:
        return [row for row in csv.DictReader(file) if row["reviewer"] == reviewer]


def wait_for_rows(server, page, count: int, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while len(rows(server, page)) < count:
        assert time.monotonic() < until, f"{len(rows(server, page))} rows instead of {count}"
        time.sleep(0.05)


def another_catalogue(like: Path, folder: Path) -> Path:
    """Three photos of the small catalogue as a catalogue of their own."""
    folder.mkdir()
    header, *lines = like.read_text(encoding="utf-8").splitlines()
    for line in lines[:3]:
        name = line.split(",")[2]
        (folder / name).write_bytes((like.parent / name).read_bytes())
    kept = [",".join([*line.split(",")[:4], "", "", "bushbuck"]) for line in lines[:3]]
    (folder / "metadata.csv").write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    return folder / "metadata.csv"


def test_a_name_in_the_address_of_setup_is_the_reviewers_on_review(server, page):
    page.goto(f"{server.address}/setup?reviewer=Asha")
    page.get_by_role("textbox", name="Catalogue").wait_for()
    page.get_by_text("Review", exact=True).first.click()
    explained(page)
    assert page.get_by_role("textbox", name="Reviewer").input_value() == "Asha"


def test_a_message_takes_its_height_from_the_pair_so_that_the_facts_stay_in_sight(server, page):
    enter(page, server, "a-message-takes")
    explained(page)
    stage, facts = page.locator(".stage"), page.locator(".px-facts")
    before = stage.bounding_box()["height"]
    name = page.get_by_role("textbox", name="Reviewer")
    name.fill("")
    name.press("Enter")
    page.get_by_text("Type your name before you decide").wait_for()
    page.get_by_text("Query 1 of").click()
    time.sleep(SETTLED)
    page.keyboard.press("a")
    page.get_by_text("Enter your name in the sidebar first").wait_for()
    page.wait_for_function(
        "before => document.querySelector('.px-facts').getBoundingClientRect().bottom <= before",
        arg=page.get_by_placeholder("Note on this pair").bounding_box()["y"],
    )
    assert 200 <= stage.bounding_box()["height"] < before
    assert facts.bounding_box()["y"] > stage.bounding_box()["y"]


def test_the_filters_of_queries_stay_within_the_window_and_close_by_escape(server, page):
    enter(page, server, "the-filters-stay")
    page.get_by_role("button", name="Filter queries").click()
    filters = page.get_by_test_id("stPopoverBody")
    filters.wait_for()
    page.wait_for_function(
        """() => {
            const body = document.querySelector('[data-testid=stPopoverBody]');
            const box = body.getBoundingClientRect();
            const isWhole = body.scrollHeight <= body.clientHeight && box.height > 200;
            return isWhole && box.top >= 0 && box.bottom <= innerHeight;
        }"""
    )
    page.get_by_role("textbox", name="File name contains").fill("photo7")
    page.keyboard.press("Escape")  # leaves the field
    page.keyboard.press("Escape")
    filters.wait_for(state="hidden")
