"""Photos and names that break lesser pages: each is shown right, or its trouble said plainly; nothing is executed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from .conftest import explained, paint, place, serving

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=window.hacked=1>\"'&amp;"
RIGHT_TO_LEFT = "נמרה ‮gpj‬ فهد"
PHOTOS = {  # id: (identity, size, site)
    "q": ("unknown", (240, 160), "spring"),
    "panorama": ("wide", (12_000, 700), "dam"),
    "tiny": ("tiny", (60, 45), "dam"),
    "portrait": (RIGHT_TO_LEFT, (300, 900), RIGHT_TO_LEFT),
    "nobody": ("unknown", (200, 150), ""),
    "markup": (MARKUP, (240, 160), MARKUP),
}


@pytest.fixture(scope="module")
def awkward(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("awkward")
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", "identity", "path", "orientation", "date", "site", "species"])
        for number, (name, (identity, size, site)) in enumerate(PHOTOS.items()):
            paint(folder / f"{name}.jpg", number, size)
            writer.writerow(
                [name, identity, f"{name}.jpg", "left", f"2025-05-{number + 1:02d}", site, MARKUP]
            )
    return folder / "metadata.csv"


@pytest.fixture(scope="module")
def served(awkward, tiny_checkpoint, tmp_path_factory, chromium):
    with serving(awkward, tiny_checkpoint, tmp_path_factory.mktemp("awkward-server")) as server:
        yield server


@pytest.fixture
def shown(served, page):
    """Brings a candidate of the one query up."""
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))

    def show(candidate: str):
        page.goto(f"{served.address}/?reviewer=x&query=q&candidate={candidate}")
        explained(page)
        assert place(page) == ("q", candidate)
        assert page.evaluate("window.hacked === undefined") and not alerts
        return page

    return show


def natural_size(page, pane: str) -> list[int]:
    return page.locator(f"[data-pane={pane}] .photo img").evaluate("i => [i.naturalWidth, i.naturalHeight]")


def drawn_aspect(page, pane: str) -> float:
    box = page.locator(f"[data-pane={pane}] .photo img").bounding_box()
    return box["width"] / box["height"]


def test_a_panorama_fits_and_comes_in_full_when_one_zooms_in(shown):
    page = shown("panorama")
    assert natural_size(page, "candidate") == [1600, 93]
    assert drawn_aspect(page, "candidate") == pytest.approx(12_000 / 700, rel=0.01)
    pane = page.locator("[data-pane=candidate]").bounding_box()
    photo = page.locator("[data-pane=candidate] .photo img").bounding_box()
    assert photo["width"] <= pane["width"] + 1
    page.keyboard.press("e")  # one pixel to one
    page.wait_for_function(
        """() => [...document.querySelectorAll(".st-key-pair *")].some(one =>
            one.shadowRoot?.querySelector("[data-pane=candidate] .photo img")?.naturalWidth === 8192)"""
    )
    assert drawn_aspect(page, "candidate") == pytest.approx(12_000 / 700, rel=0.01)


def test_a_tiny_crop_is_enlarged_to_the_pane(shown):
    page = shown("tiny")
    assert natural_size(page, "candidate") == [60, 45]
    pane = page.locator("[data-pane=candidate]").bounding_box()
    photo = page.locator("[data-pane=candidate] .photo img").bounding_box()
    fills = photo["height"] / pane["height"], photo["width"] / pane["width"]
    assert max(fills) == pytest.approx(1, abs=0.01)
    assert page.locator(".marks g").count() > 0


def test_a_portrait_beside_a_landscape_keeps_its_shape_and_its_strange_names(shown):
    page = shown("portrait")
    assert drawn_aspect(page, "candidate") == pytest.approx(1 / 3, rel=0.01)
    assert drawn_aspect(page, "query") == pytest.approx(1.5, rel=0.01)
    assert RIGHT_TO_LEFT in page.locator("[data-pane=candidate] .label").inner_text()
    assert (
        page.locator("[data-pane=candidate] .label").evaluate("l => getComputedStyle(l).unicodeBidi")
        == "plaintext"
    )


def test_markup_in_names_is_text(shown):
    page = shown("markup")
    assert MARKUP in page.locator("[data-pane=candidate] .label").inner_text()
    assert page.locator("img[src='x']").count() == 0
    page.get_by_role("link", name="Queries").click()
    page.get_by_text("query", exact=False).first.wait_for()
    assert page.locator("img[src='x']").count() == 0
    assert page.evaluate("window.hacked === undefined")


def test_a_candidate_without_identity_says_so(shown):
    page = shown("nobody")
    assert "unknown" in page.locator("[data-pane=candidate] .label").inner_text()
    assert page.locator("[data-act=strip]").is_disabled()


def test_a_photo_that_vanished_says_so_in_its_place(shown, awkward):
    page = shown("tiny")
    gone = awkward.parent / "tiny.jpg"
    kept = gone.read_bytes()
    gone.unlink()
    try:
        page.reload()
        problem = page.locator("[data-pane=candidate] .problem")
        problem.wait_for()
        assert "tiny.jpg does not exist" in problem.inner_text()
        assert page.locator("[data-pane=query] .photo img").count() == 1
        assert page.get_by_role("button", name="Not comparable").is_enabled()
    finally:
        gone.write_bytes(kept)
