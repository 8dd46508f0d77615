"""The Trust page on the bundled sample: measured in the background, and said of the pair on the screen."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .axe import violations
from .conftest import serving

pytestmark = pytest.mark.browser
SLOW = 90_000  # milliseconds
PAIR = "query=IMG_0041&candidate=IMG_0079"
SAID = re.compile("known pairs that look like this|nothing can be said")


@pytest.fixture(scope="module")
def sample(tmp_path_factory, chromium):
    with serving(None, None, tmp_path_factory.mktemp("trust")) as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_few_photographs_are_measured_and_say_what_the_pair_is_worth(sample, chromium, scheme):
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(SLOW)
    page.goto(f"{sample.address}/?reviewer={scheme}&{PAIR}")
    page.wait_for_selector(".viewer[data-state=explained]")
    page.get_by_role("link", name="Trust").click()
    photographs = page.get_by_role("spinbutton", name="Photographs of known animals")
    photographs.fill("12")
    photographs.press("Enter")
    measure = page.get_by_role("button", name="Measure this catalogue")
    if scheme == "light":  # the other one finds what was measured, in a session of its own
        page.get_by_text("60 pairs to explain").wait_for()
        measure.focus()
        page.keyboard.press("Enter")
    page.get_by_text("60 pairs measured").wait_for()
    assert measure.count() == 0
    page.locator(".js-plotly-plot .barlayer").wait_for()
    page.get_by_text("this pair", exact=True).first.wait_for()
    page.get_by_text(SAID).wait_for()
    page.get_by_text("different animals (zebrelle").first.wait_for()
    page.wait_for_function("document.querySelectorAll('[data-testid=stImage] img').length === 7")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert not violations(page)
    keep(page, f"trust_{scheme}")
    page.get_by_role("link", name="Review").click()
    page.wait_for_selector(".viewer[data-state=explained]")
    page.get_by_text(SAID).wait_for()
    said = page.locator(".px-stands", has_text=SAID).bounding_box()
    assert said["y"] + said["height"] <= page.get_by_placeholder("Note on this pair").bounding_box()["y"]
    keep(page, f"review_{scheme}")
    context.close()


def keep(page, name: str) -> None:
    """Keep the screen as a picture where PAIRX_SCREENSHOTS names a folder."""
    if folder := os.environ.get("PAIRX_SCREENSHOTS"):
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"{name}.png")
