"""Take the pictures of the docs from the app at work on the bundled sample.

    .venv/bin/python -m tests.browser.take_screenshots

Needs the packages of requirements-dev.txt and a Chromium on the system.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM_ARGUMENTS, ROOT, find_chromium, serving

IMAGES = ROOT / "docs" / "images"
READY = ".viewer[data-state=explained]"  # the pair with its explanation
QUALITY = 90  # of the stored JPEGs


def main() -> None:
    """Serve the sample from a fresh cache, walk through it, and keep what is seen."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(None, None, Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        page.goto(f"{server.address}/?reviewer=Asha")
        page.wait_for_selector(READY, timeout=180_000)
        take(page, "review")
        ring = page.locator("g[data-match='1'] .ring").first.bounding_box()
        page.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
        take(page, "one_match")
        page.mouse.move(5, 5)
        for key in "hm":  # color maps in place of the heat map
            page.keyboard.press(key)
        take(page, "color_maps")
        for key in "hm":
            page.keyboard.press(key)
        page.get_by_role("link", name="Queries").click()
        page.get_by_role("link", name="Review query 5").wait_for()
        take(page, "queries")
        page.goto(f"{server.address}/setup?reviewer=Asha")
        page.get_by_text("Open now").wait_for()
        take(page, "setup")
        take_method(page, server.address)
        dark = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="dark")
        dark.goto(f"{server.address}/?reviewer=Asha&query=IMG_0041&candidate=IMG_0079")
        dark.wait_for_selector(READY, timeout=180_000)
        take(dark, "dark")
        browser.close()


def take_method(page: Page, address: str) -> None:
    """The mutual matches of a pair, one of them chosen."""
    page.goto(f"{address}/method?reviewer=Asha&query=IMG_0041&candidate=IMG_0079")
    page.get_by_role("radio", name="3 Mutual matches").click()
    ring = page.locator(".cells [data-ring='3']").first
    ring.wait_for()
    box = ring.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("match 3 of").wait_for()
    page.mouse.move(5, 5)
    take(page, "method")


def take(page: Page, name: str) -> None:
    """Keep the screen as a picture."""
    page.wait_for_timeout(1500)  # fonts, the sidebar's slide
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(IMAGES / f"{name}.jpg", quality=QUALITY, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
