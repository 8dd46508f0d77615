"""The review room in a real browser: from a decision to the next pair, beside a bare page with the same pictures.

Also what a hover costs, what is sent for a pair, and what the server holds after many pairs.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from pages.components.pictures import Pictures
from pairx_core import load_model, read_catalogue
from pairx_core.retrieval import CandidateFilters, build_index
from pairx_core.settings import SAMPLE_CATALOGUE
from tests.browser.conftest import CHROMIUM_ARGUMENTS, _free_port, _wait_for, find_chromium, serving

DECISIONS = 15
PAIRS = 200
REST_MS = 2500  # between decisions: what comes next is prepared meanwhile

_VIEWER = """
    const host = [...document.querySelectorAll(".st-key-pair *")].find(one => one.shadowRoot?.querySelector(".viewer"));
    const viewer = host?.shadowRoot.querySelector(".viewer");
"""
_NEXT_PAIR = (
    "async () => {"
    + _VIEWER
    + """
    const place = () => `${viewer.dataset.query} ${viewer.dataset.candidate}`;
    const before = place();
    const button = [...document.querySelectorAll("button")].find(one => /^Accept/.test(one.innerText));
    const start = performance.now();
    button.click();
    const there = () => place() !== before && viewer.dataset.state === "explained"
        && ["query", "candidate"].every(pane => {
            const image = viewer.querySelector(`[data-pane=${pane}] img`);
            return image?.complete && image.naturalWidth > 0;
        });
    while (!there()) {
        if (performance.now() - start > 20000) return null;
        await new Promise(requestAnimationFrame);
    }
    const seen = performance.now() - start;
    while (viewer.dataset.foreseen) await new Promise(requestAnimationFrame);
    return [seen, performance.now() - start];
}"""
)
_NEXT_BARE = """async () => {
    const sources = () => [...document.querySelectorAll("[data-testid=stImage] img")].map(one => one.src).join();
    const before = sources();
    const button = [...document.querySelectorAll("button")].find(one => /^Accept/.test(one.innerText));
    const start = performance.now();
    button.click();
    const images = () => [...document.querySelectorAll("[data-testid=stImage] img")];
    while (sources() === before || images().some(one => !one.complete || !one.naturalWidth)) {
        if (performance.now() - start > 20000) return null;
        await new Promise(requestAnimationFrame);
    }
    return [performance.now() - start];
}"""


def main() -> None:
    """Measure and print."""
    program = find_chromium()
    if program is None:
        print("no Chromium is found: the review room is not measured")
        return
    print(f"\nThe review room, bundled sample, Chromium 1320×860, {DECISIONS} decisions in turn")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        with serving(None, None, Path(folder)) as server, _bare(Path(folder)) as bare:
            room, plain = (browser.new_page(viewport={"width": 1320, "height": 860}) for _ in range(2))
            room.goto(f"{server.address}/?reviewer=bench&queries=All+photos")
            plain.goto(bare)
            _explained(room)
            plain.wait_for_selector("[data-testid=stImage] img")
            _compare(room, plain)
            _hover(room)
        browser.close()
    _many_pairs(program)


def _compare(room: Page, plain: Page) -> None:
    sent = _Sent(room)
    times: dict[str, list[float]] = {"room": [], "saved": [], "bare": []}
    for _ in range(DECISIONS):
        for page, script, name in ((room, _NEXT_PAIR, "room"), (plain, _NEXT_BARE, "bare")):
            page.bring_to_front()
            page.wait_for_timeout(REST_MS)
            measured = page.evaluate(script)
            times[name].append(measured[0])
            times["saved"] += measured[1:]
    middle = {name: statistics.median(values) for name, values in times.items()}
    for name, words in (
        ("room", "Accept to the next pair, explained"),
        ("saved", "and until the page has saved and followed"),
        ("bare", "a bare page, same pictures"),
    ):
        values = times[name]
        print(f"{words:44}{middle[name]:8.0f} ms  ({min(values):.0f}–{max(values):.0f})")
    print(f"{'ratio':44}{middle['room'] / middle['bare']:8.2f}×")
    print(
        f"sent for a decision and what is fetched ahead: {sent.pictures / DECISIONS / 1024:.0f} KiB of pictures, "
        f"{sent.messages / DECISIONS / 1024:.0f} KiB of messages"
    )


class _Sent:
    """What a page received since this was made, in bytes."""

    def __init__(self, page: Page) -> None:
        self.pictures = self.messages = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", self._framed)

    def _finished(self, event: dict[str, Any]) -> None:
        self.pictures += int(event["encodedDataLength"])

    def _framed(self, event: dict[str, Any]) -> None:
        payload = event["response"]["payloadData"]
        self.messages += len(payload) * 3 // 4 if event["response"]["opcode"] == 2 else len(payload)


def _hover(room: Page) -> None:
    """Script time of each hover, all layers on, over every ring in turn."""
    room.bring_to_front()
    _explained(room)
    room.keyboard.press("m")
    room.wait_for_timeout(2 * REST_MS)  # until nothing is prepared any more
    spent, stage = [], room.locator(".stage").bounding_box()
    for match in range(room.locator(".marks g").count()):
        ring = room.locator(f"g[data-match='{match}'] .ring").first
        if not ring.is_visible():
            continue
        box = ring.bounding_box()
        room.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        spent.append(float(room.locator(".viewer").get_attribute("data-spent") or 0))
        room.mouse.move(stage["x"] + 3, stage["y"] + 3)
        spent.append(float(room.locator(".viewer").get_attribute("data-spent") or 0))
    print(
        f"script of a hover, {stage['width']:.0f} px, {len(spent)} hovers: "
        f"median {statistics.median(spent):.1f} ms, most {max(spent):.1f} ms "
        f"(first {spent[0]:.1f} ms)"
    )


def _many_pairs(program: str) -> None:
    """The server's memory while many pairs are looked at."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(None, None, Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1320, "height": 860})
        page.goto(f"{server.address}/?reviewer=bench&queries=All+photos")
        _explained(page)
        held = {}
        for number in range(1, PAIRS + 1):
            page.wait_for_timeout(600)  # a decision right after the pair appeared is not taken
            before = page.url
            page.keyboard.press("x")
            page.wait_for_function("before => location.href !== before", arg=before)
            _explained(page)
            if number in (1, 25, 50, 100, 150, 200):
                held[number] = _resident(server.pid)
        browser.close()
    print("server's memory after pairs: " + ", ".join(f"{n}: {mib:.0f} MiB" for n, mib in held.items()))


def _explained(page: Page) -> None:
    """Waits for the explanation of the pair that the address names."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        viewer = page.locator(".viewer[data-state=explained]")
        if viewer.count():
            at = f"query={viewer.get_attribute('data-query')}&candidate={viewer.get_attribute('data-candidate')}"
            if at in page.url:
                return
        time.sleep(0.02)
    raise TimeoutError("the pair was not explained")


def _resident(pid: int) -> float:
    """A process's memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@contextlib.contextmanager
def _bare(folder: Path) -> Iterator[str]:
    """The bare page, with the pictures of the first pairs."""
    pictures = folder / "bare"
    pictures.mkdir()
    _write_pairs(pictures)
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("bare_page.py"))]
    environment = {**os.environ, "PAIRX_BARE_PICTURES": str(pictures)}
    with (folder / "bare.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(f"http://localhost:{port}", process, folder / "bare.log")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _write_pairs(folder: Path) -> None:
    catalogue, model, made = read_catalogue(SAMPLE_CATALOGUE), load_model("demo"), Pictures()
    index = build_index(catalogue, model)
    names = []
    for number, query in enumerate(catalogue.photos[: DECISIONS + 2]):
        (candidate,) = index.candidates(query, 1, CandidateFilters())
        pair = [f"{number}-{side}.jpg" for side in ("query", "candidate")]
        for name, photo in zip(pair, (query, candidate.photo), strict=True):
            (folder / name).write_bytes(made.preview(photo).jpeg)
        names.append(pair)
    (folder / "pairs.json").write_text(json.dumps(names), encoding="utf-8")


if __name__ == "__main__":
    main()
