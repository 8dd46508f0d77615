"""Take the pictures of the docs from the app at work on the bundled sample.

    .venv/bin/python -m tests.browser.take_screenshots            # all of them
    .venv/bin/python -m tests.browser.take_screenshots sessions trust

Needs the packages of requirements-dev.txt and a Chromium on the system.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from pairx_core.catalogue import read_catalogue
from pairx_core.decisions import DecisionLog
from pairx_core.models import load_model
from pairx_core.retrieval import CandidateIndex, build_index
from pairx_core.settings import SAMPLE_CATALOGUE
from tests import worked_record
from tests.browser.conftest import CHROMIUM_ARGUMENTS, ROOT, Server, find_chromium, serving

IMAGES = Path(os.environ.get("PAIRX_SCREENSHOTS", ROOT / "docs" / "images"))
READY = ".viewer[data-state=explained]"  # the pair with its explanation
LARGEST = 150_000  # bytes of a stored picture
SLOW = 600_000  # milliseconds
KNOWN_PAIR = "query=IMG_0041&candidate=IMG_0079"  # the candidate is known


@dataclass(frozen=True)
class Tour:
    """A browser before the app, and what the app reads."""

    browser: Browser
    server: Server
    index: CandidateIndex

    def page(self, address: str, scheme: str = "light") -> Page:
        """A new visit, with nothing kept from others."""
        page = self.browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
        page.set_default_timeout(SLOW)
        page.goto(f"{self.server.address}/{address}")
        return page

    def record(self) -> DecisionLog:
        """The record that the app shows."""
        return DecisionLog(self.server.decisions)


def main() -> None:
    """Serve the sample from a fresh cache, walk through it, and keep what is seen."""
    wanted = sys.argv[1:] or list(TOURS)
    for name in wanted:
        with (
            _folder() as folder,
            serving(folder / "data_samples" / "metadata.csv", None, folder) as server,
            sync_playwright() as playwright,
        ):
            catalogue = read_catalogue(folder / "data_samples" / "metadata.csv")
            index = build_index(catalogue, load_model("demo"), cache_dir=folder / "cache")
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
            TOURS[name](Tour(browser, server, index))
            browser.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with the sample whose path may be seen on pictures."""
    folder = Path(tempfile.gettempdir()) / "zebrelles"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SAMPLE_CATALOGUE.parent, folder / "data_samples")
    yield folder
    shutil.rmtree(folder)


def review(tour: Tour) -> None:
    """The Review page: its layers, one match, ways to compare; the Queries page; dark."""
    page = tour.page("?reviewer=Asha")
    page.wait_for_selector(READY)
    take(page, "review")
    ring = page.locator("g[data-match='1'] .ring").first.bounding_box()
    page.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
    take(page, "one_match")
    page.mouse.move(5, 5)
    _pressed(page, "hm", "color_maps")  # color maps in place of the heat map
    _pressed(page, "j", "three_up")
    _pressed(page, "dh", "adjust")
    page.get_by_role("link", name="Queries").click()
    page.get_by_role("link", name="Review query 5").wait_for()
    take(page, "queries")
    known = tour.page(f"?reviewer=Asha&{KNOWN_PAIR}")
    known.wait_for_selector(READY)
    _pressed(known, "i", "all_photos")
    dark = tour.page(f"?reviewer=Asha&{KNOWN_PAIR}", "dark")
    dark.wait_for_selector(READY)
    take(dark, "dark")


def setup(tour: Tour) -> None:
    """What to open, and what was found."""
    page = tour.page("setup?reviewer=Asha")
    page.get_by_text("Open now").wait_for()
    take(page, "setup")


def decisions(tour: Tour) -> None:
    """What the record holds, and who is who by it."""
    truth = worked_record.true_identities(SAMPLE_CATALOGUE.parent / "truth")
    worked_record.review(tour.record(), tour.index, truth)
    page = tour.page("decisions?reviewer=Asha")
    page.locator(".js-plotly-plot").first.wait_for()
    take(page, "decisions")
    page.get_by_role("radio", name="Individuals").click()
    page.get_by_role("button", name="Who is on each photo").wait_for()
    take(page, "individuals")


def sessions(tour: Tour) -> None:
    """A blind session: a reviewer before and after the reveal, its results, and a pair to settle."""
    truth = worked_record.true_identities(SAMPLE_CATALOGUE.parent / "truth")
    session = worked_record.hold_session(tour.record(), tour.index, truth, left=3)
    reviewer = tour.page(f"?review={session.keys[worked_record.REVIEWERS[-1]]}")
    reviewer.get_by_text("Bare photos").wait_for()
    reviewer.wait_for_selector(".viewer[data-state=photos]")
    reviewer.wait_for_load_state("networkidle")
    take(reviewer, "session_bare")
    reviewer.keyboard.press("a")
    reviewer.get_by_text("You said:").wait_for()
    reviewer.wait_for_selector(READY)
    reviewer.get_by_test_id("stToast").wait_for(state="detached")
    take(reviewer, "session_revealed")
    key = session.coordinator_key
    page = tour.page(f"sessions?reviewer=Ada&coordinate={key}")
    page.get_by_text("Results").first.wait_for()
    take(page, "sessions")
    page.mouse.move(700, 400)
    page.mouse.wheel(0, 640)
    take(page, "session_results")
    dispute = tour.page(f"disagreements?reviewer=Ada&coordinate={key}")
    dispute.wait_for_selector(READY)
    take(dispute, "disagreement")


def trust(tour: Tour) -> None:
    """How far to trust the picture, measured on the sample."""
    page = tour.page(f"?reviewer=Asha&{KNOWN_PAIR}")
    page.wait_for_selector(READY)
    page.get_by_role("link", name="Trust").click()
    page.get_by_role("button", name="Measure this catalogue").click()
    page.get_by_text(re.compile(r"^\d+ pairs measured · ")).wait_for()
    page.get_by_role("button", name="Stop").wait_for(state="detached")
    page.locator(".js-plotly-plot .barlayer").first.wait_for()
    take(page, "trust")


def method(tour: Tour) -> None:
    """The mutual matches of a pair, one of them chosen."""
    page = tour.page(f"method?reviewer=Asha&{KNOWN_PAIR}")
    page.get_by_role("radio", name="3 Mutual matches").click()
    ring = page.locator(".cells [data-ring='3']").first
    ring.wait_for()
    box = ring.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("match 3 of").wait_for()
    page.mouse.move(5, 5)
    take(page, "method")


def showcase(tour: Tour) -> None:
    """A match of the bundled story, and the numbers at its end."""
    page = tour.page("showcase?reviewer=Asha")
    page.get_by_role("button", name="4: 2nd candidate").click()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    take(page, "showcase")
    page.get_by_role("button", name="7: Count").click()
    take(page, "showcase_count")


TOURS: dict[str, Callable[[Tour], None]] = {
    "review": review,
    "setup": setup,
    "decisions": decisions,
    "sessions": sessions,
    "trust": trust,
    "method": method,
    "showcase": showcase,
}


def _pressed(page: Page, keys: str, name: str) -> None:
    """The screen while some keys are on; afterwards it is as before."""
    for key in keys:
        page.keyboard.press(key)
    take(page, name)
    for key in keys:
        page.keyboard.press(key)


def take(page: Page, name: str) -> None:
    """Keep the screen as a picture: as good as its size allows."""
    page.wait_for_timeout(1500)  # fonts, the sidebar's slide
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        content = next(one for one in _jpegs(picture.convert("RGB")) if len(one) < LARGEST)
    (IMAGES / f"{name}.jpg").write_bytes(content)


def _jpegs(picture: Image.Image) -> list[bytes]:
    """A picture in falling quality."""
    made = []
    for quality in (90, 85, 80, 75, 70, 60):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=0 if quality > 80 else 2, optimize=True)
        made.append(buffer.getvalue())
    return made


if __name__ == "__main__":
    main()
