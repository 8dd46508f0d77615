"""The Showcase in a browser: step by step with a picture of each, by itself to the end, and from a team's own file."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from .conftest import ROOT, SETTLED, explained, moved_from, place, serving

pytestmark = pytest.mark.browser
MINUTES = 4  # that an audience has


@pytest.fixture(scope="module")
def showcase(tmp_path_factory, chromium):
    """A server whose own catalogue is a copy of the sample, with a story beside it."""
    folder = tmp_path_factory.mktemp("showcase")
    herd = folder / "herd"
    herd.mkdir()
    for name in ("photos", "masks"):
        shutil.copytree(ROOT / "data_samples" / name, herd / name)
    (herd / "metadata.csv").write_bytes((ROOT / "data_samples" / "metadata.csv").read_bytes())
    story = (ROOT / "data_samples" / "showcase.story.toml").read_text(encoding="utf-8")
    own = story.replace('title = "Who is this?"', 'title = "Ours <b>&"')
    (herd / "ours.story.toml").write_text(own, encoding="utf-8")
    with serving(herd / "metadata.csv", None, folder) as started:
        yield started


@pytest.fixture
def wide(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def opened(page, address: str):
    page.goto(address)
    page.wait_for_selector(".player[data-step='0.0']")
    page.wait_for_function("[...document.querySelectorAll('.wall img')].every((one) => one.complete)")
    return page.locator(".player")


def step(page) -> str:
    return page.locator(".player").get_attribute("data-step")


def kept(page, name: str, folder: Path) -> bytes:
    """A picture of the screen once it stands still; kept where PAIRX_SCREENSHOTS names a folder."""
    page.evaluate("document.getAnimations({subtree: true}).forEach((one) => one.finish())")
    page.evaluate(
        "document.querySelectorAll('*').forEach((one) => one.shadowRoot?.getAnimations().forEach((it) => it.finish()))"
    )
    page.wait_for_function("[...document.querySelectorAll('.photo img')].every((one) => one.complete)")
    return page.screenshot(path=Path(os.environ.get("PAIRX_SCREENSHOTS") or folder) / f"showcase_{name}.png")


def test_the_story_is_told_step_by_step(showcase, wide, tmp_path):
    player = opened(wide, f"{showcase.address}/showcase")
    assert wide.evaluate("document.documentElement.scrollWidth") <= 1280
    pictures, kinds, lit = [], [], []
    while True:
        pictures.append(kept(wide, f"{len(pictures):02d}", tmp_path))
        kinds.append(player.get_attribute("data-scene"))
        lit.append(wide.locator(".marks g").count())
        assert wide.locator(".caption").inner_text().strip()
        before = step(wide)
        wide.keyboard.press("ArrowRight")
        if step(wide) == before:
            break
    assert list(dict.fromkeys(kinds)) == [
        "opening", "arrival", "candidates", "pair", "decision", "count", "ending",
    ]  # fmt: skip
    assert lit == [
        0,
        0,
        0,
        *range(8),
        7,
        *range(5),
        4,
        0,
        0,
        0,
    ]  # one match after another, and all of them stay
    assert len(set(pictures)) == len(pictures)
    boxes = [wide.locator(".caption").bounding_box(), player.bounding_box()]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"] + boxes[1]["height"] <= 720


def test_a_match_is_under_both_loupes_where_its_line_ends(showcase, wide):
    opened(wide, f"{showcase.address}/showcase")
    for _ in range(4):
        wide.keyboard.press("ArrowRight")
    assert wide.locator(".marks .now text").all_text_contents() == ["1", "1"]
    loupes = wide.locator(".loupe")
    assert loupes.count() == 2 and all(one.is_visible() for one in loupes.all())
    seen = "([one]) => getComputedStyle(one).backgroundPosition + getComputedStyle(one).backgroundImage"
    first = loupes.evaluate_all(seen)
    wide.keyboard.press("ArrowRight")
    assert loupes.evaluate_all(seen) != first
    line, photos = wide.locator(".marks .now line"), wide.locator(".photo").all()
    ends = [float(line.get_attribute(name)) for name in ("x1", "x2")]
    frame = wide.locator(".marks").bounding_box()
    for end, photo in zip(ends, photos, strict=True):
        box = photo.bounding_box()
        assert box["x"] < frame["x"] + end < box["x"] + box["width"]


def test_it_runs_by_itself_to_the_end_in_less_than_four_minutes_and_begins_again(showcase, wide):
    wide.clock.install()
    player = opened(wide, f"{showcase.address}/showcase")
    wide.keyboard.press(" ")
    assert player.get_attribute("data-playing") == "yes"
    seconds = 0
    while player.get_attribute("data-playing"):
        wide.clock.run_for(2000)
        seconds += 2
        assert seconds < MINUTES * 60
    assert player.get_attribute("data-scene") == "ending" and seconds > 60
    wide.get_by_role("button", name="Repeat").click()
    player.get_by_role("button", name="Play").click()
    assert player.get_attribute("data-scene") != "ending"


def test_it_fills_the_screen_and_its_controls_go_out_of_the_way(showcase, wide):
    player = opened(wide, f"{showcase.address}/showcase?play=1")
    assert player.get_attribute("data-playing") == "yes"
    wide.keyboard.press("f")
    wide.wait_for_function("document.fullscreenElement !== null")
    size = player.bounding_box()
    assert (size["width"], size["height"]) == (1280, 720)
    wide.wait_for_selector(".player.resting")
    wide.wait_for_function(
        "one => getComputedStyle(one).opacity === '0'", arg=player.locator(".controls").element_handle()
    )
    wide.mouse.move(600, 300)
    wide.wait_for_selector(".player:not(.resting)")
    wide.keyboard.press("f")
    wide.wait_for_function("document.fullscreenElement === null")


def test_clicks_and_scenes_lead_on_and_back(showcase, wide):
    opened(wide, f"{showcase.address}/showcase")
    wide.locator(".stage").click(position={"x": 30, "y": 30})
    assert step(wide) == "1.0"
    wide.get_by_role("button", name=re.compile("Decision")).click()
    assert step(wide) == "5.0"
    wide.keyboard.press("ArrowLeft")
    assert step(wide) == "4.5"
    wide.get_by_role("button", name="Back").click()
    assert step(wide) == "4.4"
    wide.keyboard.press("Home")
    assert step(wide) == "0.0"


def test_a_story_beside_the_catalogue_and_one_that_is_brought_along_are_told(showcase, wide, tmp_path):
    opened(wide, f"{showcase.address}/showcase?story=ours")
    wide.wait_for_selector("h1:has-text('Ours <b>&')")
    brought = tmp_path / "brought.story.toml"
    brought.write_bytes(
        (ROOT / "data_samples" / "showcase.story.toml").read_bytes().replace(b"Who is this?", b"Brought")
    )
    wide.get_by_role("button", name="Open a story").click()
    wide.locator("input[type=file]").set_input_files(brought)
    wide.wait_for_selector("h1:has-text('Brought')")


def test_the_maker_s_button_can_be_read_before_anything_is_chosen(showcase, wide):
    wide.goto(f"{showcase.address}/?reviewer=Ada")
    explained(wide)
    wide.wait_for_timeout(SETTLED * 1000)
    before = place(wide)
    wide.keyboard.press("a")
    moved_from(wide, before)
    explained(wide)
    wide.goto(f"{showcase.address}/story?reviewer=Ada")
    button = wide.get_by_role("button", name="Explain and propose captions")
    assert button.is_disabled()
    words, ground = button.evaluate(
        "one => [getComputedStyle(one.querySelector('p')).color, getComputedStyle(one).backgroundColor]"
    )
    assert words != "rgb(255, 255, 255)" and words != ground
