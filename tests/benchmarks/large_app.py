"""The app on a catalogue of a million photos with a hundred thousand decisions, beside the bundled sample.

Both are served at once and driven in turn by the same browser: times to a query, a gallery page, a filter, a decision,
and the Decisions page; the ratio of their medians; what the server holds; and how long opening takes.
PAIRX_BENCH_PHOTOS chooses another number of photos.
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from pairx_core import load_model, read_catalogue
from tests.benchmarks import large_data
from tests.benchmarks.room import _NEXT_PAIR
from tests.browser.conftest import CHROMIUM_ARGUMENTS, Server, find_chromium, serving

PHOTOS = int(os.environ.get("PAIRX_BENCH_PHOTOS", "1000000"))
ROUNDS = 7
REST_MS = 3000  # between two steps: what comes next is prepared meanwhile
BOUND = 3.0  # the large one may take so many times as long
_OPENED_WITHIN_MS = 1_800_000
_DONE_WITHIN_MS = 60_000

_PRELUDE = """
    const app = () => document.querySelector("[data-testid=stApp]");
    const idle = () => app()?.dataset.testScriptState === "notRunning";
    const whole = root => [...root.querySelectorAll("img")].every(one => one.complete && one.naturalWidth > 0);
    const cards = () => [...document.querySelectorAll(".st-key-queries-grid .px-card")];
    const captions = () => [...document.querySelectorAll("[data-testid=stCaptionContainer]")].map(one => one.innerText);
    const shown = () => captions().find(one => one.includes("the newest first")) ?? "";
    const title = () => document.querySelector(".px-title")?.innerText ?? "";
    const viewer = () => [...document.querySelectorAll(".st-key-pair *")]
        .find(one => one.shadowRoot?.querySelector(".viewer"))?.shadowRoot.querySelector(".viewer");
    const drawn = () => viewer() && ["query", "candidate"].every(pane => {
        const image = viewer().querySelector(`[data-pane=${pane}] img`);
        return image?.complete && image.naturalWidth > 0;
    });
    const gallery = () => cards().map(one => one.innerText).join();
"""
_PAIR = "(viewer()?.dataset.query ?? '')"
_DRAWN = f"{_PAIR} !== before && drawn()"
_EXPLAINED = f"{_DRAWN} && viewer().dataset.state === 'explained' && idle()"
_GALLERY = "cards().length && gallery() !== before && cards().every(whole) && idle()"
_TABLE = "shown() && shown() !== before && idle()"


@dataclass
class Side:
    """One of the two: its server, its browser page, and what was measured."""

    name: str
    server: Server
    page: Page
    opened: float  # seconds
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by step, milliseconds


def main() -> None:
    """Measure and print."""
    program = find_chromium()
    if program is None:
        print("no Chromium is found: the app on a large catalogue is not measured")
        return
    print(f"\nThe app on {PHOTOS:,} photos with {PHOTOS // 10:,} decisions, beside the bundled sample")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        catalogue = _prepared(Path(folder) / "large")
        large_data.write_sample_decisions(Path(folder) / "sample" / "decisions.csv")
        with (
            _side("sample", None, Path(folder) / "sample", browser) as sample,
            _side("large", catalogue, Path(folder) / "large", browser) as large,
        ):
            measure((sample, large))
            report(sample, large)
        browser.close()


def _prepared(folder: Path) -> Path:
    """The large catalogue, its record, and its embeddings, as if they had been made before."""
    start = time.perf_counter()
    catalogue = large_data.write_catalogue(folder, PHOTOS)
    large_data.write_decisions(folder / "decisions.csv", PHOTOS, PHOTOS // 10)
    large_data.write_embeddings(read_catalogue(catalogue), load_model("demo"), folder / "cache")
    print(f"made up in {time.perf_counter() - start:.0f} s")
    return catalogue


@contextmanager
def _side(name: str, catalogue: Path | None, folder: Path, browser: Browser) -> Iterator[Side]:
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        server = stack.enter_context(serving(catalogue, None, folder, OMP_NUM_THREADS="2"))
        page = browser.new_page(viewport={"width": 1320, "height": 860})
        page.set_default_timeout(_DONE_WITHIN_MS)
        start = time.perf_counter()
        page.goto(f"{server.address}/?reviewer=bench&queries=All+photos")
        page.wait_for_function(
            f"() => {{ {_PRELUDE} const before = ''; return {_EXPLAINED}; }}", timeout=_OPENED_WITHIN_MS
        )
        yield Side(name, server, page, time.perf_counter() - start)


def measure(sides: tuple[Side, Side]) -> None:
    """All steps, in turn on both sides."""
    for _ in range(ROUNDS):
        for side in sides:
            _step(
                side, "next query", lambda page: page.get_by_role("button", name="Next query").click(), _PAIR
            )
    for _ in range(ROUNDS):
        for side in sides:
            _decide(side)
    for side in sides:
        _go(side, "Queries")
    for number in range(ROUNDS):
        for side in sides:
            _gallery(side, number)
    for side in sides:
        _go(side, "Decisions")
    for _ in range(ROUNDS):
        for side in sides:
            _decisions(side)


def _gallery(side: Side, number: int) -> None:
    """A page of the gallery, a filter set and taken away, and a query chosen there."""
    page = side.page
    _timed(side, "gallery: the next page", lambda: _turn(page), "gallery()", _GALLERY)
    _timed(
        side,
        "gallery: only open ones",
        lambda: _toggle(page),
        "title()",
        f"title() !== before && {_idle_gallery()}",
    )
    _timed(
        side,
        "gallery: all again",
        lambda: _toggle(page),
        "title()",
        f"title() !== before && {_idle_gallery()}",
    )
    _name_filter(side)
    links = page.get_by_role("link", name=re.compile("^Review query"))
    chosen = links.nth(2 + number)
    _step(side, "from the gallery to a query", lambda _: chosen.click(), _PAIR)
    _go(side, "Queries")


def _idle_gallery() -> str:
    return "cards().length && cards().every(whole) && idle()"


def _name_filter(side: Side) -> None:
    page = side.page
    page.get_by_role("button", name="Filter queries").click()
    entry = page.get_by_label("File name contains")
    entry.fill("IMG_00")
    _timed(side, "gallery: part of a file's name", lambda: entry.press("Enter"), "title()",
           f"title() !== before && {_idle_gallery()}")  # fmt: skip
    entry.fill("")
    entry.press("Enter")
    page.keyboard.press("Escape")
    _rest(page)


def _decisions(side: Side) -> None:
    page = side.page
    _go(side, "Review")
    link = page.get_by_role("link", name="Decisions", exact=True)
    _timed(side, "Decisions: the page", link.click, "''", _TABLE)
    entry = page.get_by_label("Contains", exact=True)
    entry.fill(large_data.TEXT_IN_SOME)
    _timed(side, "Decisions: a text", lambda: entry.press("Enter"), "shown()", _TABLE)
    entry.fill("")
    _timed(side, "Decisions: all again", lambda: entry.press("Enter"), "shown()", _TABLE)


def _decide(side: Side) -> None:
    """From Accept to the next pair, explained, and until the page has saved and followed; what comes next is made."""
    side.page.bring_to_front()
    _rest(side.page)
    side.page.wait_for_function(f"() => {{ {_PRELUDE} return viewer()?.dataset.ready && idle(); }}")
    seen, saved = side.page.evaluate(_NEXT_PAIR)
    side.times["decision: the next pair"].append(seen)
    side.times["decision: saved, page followed"].append(saved)


def _step(side: Side, name: str, act: Callable[[Page], object], before: str) -> None:
    """To another pair: until its photos are drawn, and until it is explained."""
    times = _waited(side, lambda: act(side.page), before, (_DRAWN, _EXPLAINED))
    for words, milliseconds in zip(("drawn", "explained"), times, strict=True):
        side.times[f"{name}, {words}"].append(milliseconds)


def _timed(side: Side, name: str, act: Callable[[], object], before: str, done: str) -> None:
    side.times[name] += _waited(side, act, before, (done,))


def _waited(side: Side, act: Callable[[], object], before: str, stages: tuple[str, ...]) -> list[float]:
    """Milliseconds from an action until each stage is reached."""
    page = side.page
    page.bring_to_front()
    _rest(page)
    script = f"""async before => {{ {_PRELUDE}
        const reached = [], begun = performance.now();
        for (const stage of [{",".join(f"() => {one}" for one in stages)}]) {{
            while (!stage()) {{
                if (performance.now() - begun > {_DONE_WITHIN_MS}) throw new Error("not done: " + stage);
                await new Promise(requestAnimationFrame);
            }}
            reached.push(performance.now());
        }}
        return reached;
    }}"""
    known = page.evaluate(f"() => {{ {_PRELUDE} return {before}; }}")
    start = page.evaluate("performance.now()")
    act()
    return [reached - start for reached in page.evaluate(script, known)]


def _go(side: Side, name: str) -> None:
    """To another page, without measuring."""
    side.page.bring_to_front()
    side.page.get_by_role("link", name=name, exact=True).click()
    ready = {"Queries": _idle_gallery(), "Decisions": "shown() && idle()", "Review": "drawn() && idle()"}[
        name
    ]
    side.page.wait_for_function(f"() => {{ {_PRELUDE} return {ready}; }}")


def _turn(page: Page) -> None:
    page.get_by_role("button", name=re.compile("next page", re.IGNORECASE)).click()


def _toggle(page: Page) -> None:
    page.get_by_text("Only open ones").click()


def _rest(page: Page) -> None:
    page.wait_for_timeout(REST_MS)


def report(sample: Side, large: Side) -> None:
    """The table."""
    print(f"{'ms, medians of ' + str(ROUNDS):40}{'sample':>9}{'large':>9}{'ratio':>8}")
    for name, values in sample.times.items():
        ours, theirs = statistics.median(values), statistics.median(large.times[name])
        note = "" if theirs <= BOUND * ours else f"  over {BOUND:g}×"
        print(f"{name:40}{ours:9.0f}{theirs:9.0f}{theirs / ours:7.2f}×{note}")
    for side in (sample, large):
        held = ", ".join(f"{name} {size:,.0f} MiB" for name, size in memory(side.server.pid).items())
        print(f"{side.name}: opened in {side.opened:.1f} s; the server holds {held}")


def memory(pid: int) -> dict[str, float]:
    """A process's memory in MiB: all that is resident, and what of it is its own and not a file's."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {name: re.search(rf"{key}:\s+(\d+) kB", status) for name, key in _MEMORY.items()}
    return {name: int(one[1]) / 1024 for name, one in found.items() if one}


_MEMORY = {"resident": "VmRSS", "of it anonymous": "RssAnon", "at most": "VmHWM"}

if __name__ == "__main__":
    main()
