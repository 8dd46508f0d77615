"""The Method page in a real browser: a cell is pointed at, clicked and stepped to, and its match is seen."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
PAIR = "query=photo6&candidate=photo3"


@pytest.fixture
def steps(server, page):
    page.goto(f"{server.address}/method?reviewer=Mia&{PAIR}")
    page.wait_for_selector(".cells[data-state=shown]", timeout=90_000)
    page.get_by_role("radio", name="3 Mutual matches").click()
    page.wait_for_selector("[data-ring='2']")
    return page


def test_a_cell_that_is_clicked_shows_its_match_and_keys_go_on_from_there(steps):
    x, y = middle(steps.locator("[data-ring='2']").first)  # on the query
    steps.mouse.move(x, y)
    steps.wait_for_selector("rect.pointed")
    assert steps.locator(".cells").get_attribute("data-way") == "match"
    steps.mouse.click(x, y)
    steps.get_by_text(re.compile(r"They agree: match 2 of \d+")).wait_for()
    assert steps.get_by_role("spinbutton", name="Match").input_value() == "2"
    column = int(steps.get_by_role("spinbutton", name="Column").input_value())
    query = steps.get_by_role("application", name=re.compile("^Query"))
    query.focus()
    before = steps.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    steps.keyboard.press("ArrowLeft")
    steps.get_by_text(re.compile(rf"Chosen cell \(A\): column {column - 1}, row")).wait_for()
    assert steps.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == before
    said = steps.locator(".cells [role=status][aria-live=polite]")
    assert re.match(
        rf"Cell column {column - 1}, row \d+ of the query\. (No match|Match \d+)\. Its", said.inner_text()
    )
    before = said.inner_text()
    steps.keyboard.press("Tab")  # to the candidate: the first arrow key goes where the way leads
    steps.keyboard.press("ArrowRight")
    steps.get_by_text(re.compile(r"Chosen cell \(A\): column \d+, row \d+ of the candidate")).wait_for()
    heard = said.inner_text()
    place, match = re.fullmatch(r"Cell (.+)\. (No match|Match \d+)\. Its nearest is .+\.", heard).groups()
    assert before.endswith(f"Its nearest is {place}.")  # it went where the query's cell led
    shown = steps.get_by_role("spinbutton", name="Match").input_value()
    assert match == (f"Match {shown}" if shown else "No match")
    keep(steps, "method_cell")


def test_the_photos_keep_their_aspect_and_the_page_its_width(steps):
    for width, height, scheme in ((1280, 720, "light"), (1920, 1080, "dark"), (900, 700, "light")):
        steps.set_viewport_size({"width": width, "height": height})
        steps.emulate_media(color_scheme=scheme)
        steps.wait_for_function("innerWidth => document.documentElement.scrollWidth <= innerWidth", arg=width)
        for photo in steps.get_by_role("application").all():
            box = photo.bounding_box()
            assert box["width"] / box["height"] == pytest.approx(240 / 160, rel=0.02)
        keep(steps, f"method_{width}_{scheme}")


def test_in_a_small_window_no_field_is_cut_off(steps):
    steps.set_viewport_size({"width": 1024, "height": 768})
    names = [steps.get_by_text(name, exact=True).first for name in ("Column", "Row", "Match")]
    steps.get_by_role("radio", name="1 Feature maps").click()
    channels = steps.get_by_role("radiogroup", name="Shown")
    channels.wait_for()
    assert channels.get_by_role("radio").count() == 7
    assert channels.evaluate("one => one.scrollWidth <= one.clientWidth")
    heights = [name.bounding_box()["height"] for name in names]
    assert max(heights) < 30, heights  # CSS pixels: a line
    boxes = [steps.get_by_role("spinbutton", name=name).bounding_box() for name in ("Column", "Row", "Match")]
    assert boxes[0]["y"] < boxes[1]["y"] == boxes[2]["y"]
    keep(steps, "method_small")


def test_color_maps_are_stepped_through_by_the_keys(steps):
    steps.get_by_role("radio", name="4 Color maps").click()
    steps.wait_for_selector(".layer.tint:not([hidden])")
    first = steps.locator(".layer.tint").first.get_attribute("src")
    steps.get_by_role("application", name=re.compile("^Query")).focus()
    steps.keyboard.press("ArrowRight")
    steps.get_by_text(re.compile("They agree: match 2 of")).wait_for()
    steps.wait_for_selector(f"[data-side=query] .layer.tint:not([src='{first}'])")
    keep(steps, "method_color_map")


def middle(place) -> tuple[float, float]:
    box = place.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def keep(page, name: str) -> None:
    """Keep the screen as a picture where PAIRX_SCREENSHOTS names a folder."""
    if folder := os.environ.get("PAIRX_SCREENSHOTS"):
        page.wait_for_timeout(1200)
        page.screenshot(path=Path(folder) / f"{name}.png")
