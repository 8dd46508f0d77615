"""How long one waits before anything can be done: imports, the server, the first pair, its explanation, the Showcase.

Each start of the app is a new server and a new browser on the bundled sample; "again" finds embeddings and explanations
in the cache, as on the second day.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM_ARGUMENTS, ROOT, find_chromium, serving

ROUNDS = 3
IMPORTS = {
    "Python alone": "pass",
    "import numpy": "import numpy",
    "import pairx_core": "import pairx_core",
    "import streamlit": "import streamlit",
    "the first page's modules": "import streamlit, pages.components.opening, pages.components.pair_viewer",
    "import torch": "import torch",
    "the demo model, loaded": "import pairx_core; pairx_core.load_model('demo')",
}
_PHOTOS = """() => {
    const host = [...document.querySelectorAll(".st-key-pair *")].find(one => one.shadowRoot?.querySelector(".viewer"));
    const viewer = host?.shadowRoot.querySelector(".viewer");
    return ["query", "candidate"].every(pane => {
        const image = viewer?.querySelector(`[data-pane=${pane}] img`);
        return image?.complete && image.naturalWidth > 0;
    });
}"""


def main() -> None:
    """Measure and print."""
    imports = {name: [] for name in IMPORTS}
    for _ in range(ROUNDS):  # in turn, so that a busy moment hits all
        for name, code in IMPORTS.items():
            imports[name].append(_seconds(lambda code=code: _python(code)))
    print(f"\nstarting: medians of {ROUNDS} (least to most)")
    for name, taken in imports.items():
        print(_line(name, taken))
    program = find_chromium()
    if program is None:
        print("no Chromium is found: the app's start is not measured")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        for title, starts in _starts(browser).items():
            print(f"  the app, {title}")
            for name, taken in starts.items():
                print(_line(name, taken))
        browser.close()


def _starts(browser: Browser) -> dict[str, dict[str, list[float]]]:
    """Seconds to each sight, of the first start, of one that finds its cache, and of the Showcase as the first page."""
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for title, look in (
                ("first start", _review),
                ("again", _review),
                ("the Showcase first", _showcase),
            ):
                for name, seconds in _start(browser, Path(folder), look).items():
                    found.setdefault(title, {}).setdefault(name, []).append(seconds)
    return found


def _start(browser: Browser, folder: Path, look: Callable[[Page, str], dict[str, float]]) -> dict[str, float]:
    begun = time.perf_counter()
    with serving(None, None, folder) as server:
        answers = time.perf_counter() - begun
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(180_000)
        seen = look(page, server.address)
        page.close()
    return {"the server answers": answers, **seen}


def _review(page: Page, address: str) -> dict[str, float]:
    begun = time.perf_counter()
    page.goto(f"{address}/?reviewer=Ada")
    page.wait_for_selector(".px-starting, .px-head, [data-testid=stProgress]")
    first = time.perf_counter() - begun
    page.wait_for_function(_PHOTOS)
    photos = time.perf_counter() - begun
    page.wait_for_selector(".viewer[data-state=explained]")
    return {
        "… first sight of a page": first,
        "… photos of the first pair": photos,
        "… its explanation": time.perf_counter() - begun,
    }


def _showcase(page: Page, address: str) -> dict[str, float]:
    begun = time.perf_counter()
    page.goto(f"{address}/showcase")
    page.wait_for_selector(".player[data-step]")
    return {"… the story's title": time.perf_counter() - begun}


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _line(name: str, taken: list[float]) -> str:
    return f"    {name:<32}{statistics.median(taken):7.2f} s  ({min(taken):.2f} to {max(taken):.2f})"


if __name__ == "__main__":
    main()
