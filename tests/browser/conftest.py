"""The app as a server, and a real browser in front of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SETTLED = 0.4  # seconds: longer than the guard against held keys
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A running browser; without one the test is skipped, or fails where PAIRX_REQUIRE_BROWSER=1."""
    program = find_chromium()
    if program is None:
        reason = "no Chromium is found: install chromium, or name its program in PAIRX_CHROMIUM"
        if os.environ.get("PAIRX_REQUIRE_BROWSER") == "1":
            pytest.fail(f"PAIRX_REQUIRE_BROWSER is 1, but {reason}")
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium) -> Iterator[object]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@dataclass(frozen=True)
class Server:
    """The app at work."""

    address: str
    decisions: Path
    pid: int


@pytest.fixture(scope="session")
def herd(tmp_path_factory) -> Path:
    """Eight photos of generated patterns: six of three known individuals, two to identify."""
    folder = tmp_path_factory.mktemp("herd")
    lines = ["image_id,identity,path,orientation,date,site,species"]
    for number in range(8):
        name = f"photo{number}"
        paint(folder / f"{name}.jpg", number)
        identity = f"ind{number // 2}" if number < 6 else "unknown"
        lines.append(f"{name},{identity},{name}.jpg,left,2025-05-{number + 1:02d},spring,bushbuck")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "metadata.csv"


@pytest.fixture(scope="session")
def server(herd, tiny_checkpoint, tmp_path_factory, chromium) -> Iterator[Server]:
    """One server for all tests that each come as a reviewer of their own."""
    with serving(herd, tiny_checkpoint, tmp_path_factory.mktemp("server")) as started:
        yield started


@contextlib.contextmanager
def serving(
    catalogue: Path | None,
    model: Path | None,
    folder: Path,
    *,
    port: int | None = None,
    options: Sequence[str] = (),
    **settings: str,
) -> Iterator[Server]:
    """The app on a free port, with a fresh cache; ended by its own process id. None: what is bundled."""
    port = port or _free_port()
    decisions = folder / "decisions.csv"
    environment = {
        **os.environ,
        "PAIRX_CATALOGUE": str(catalogue or ""),
        "PAIRX_MODEL": str(model or ""),
        "PAIRX_DECISIONS": str(decisions),
        "PAIRX_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",  # a network this small gains nothing from more
        **settings,
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://localhost:{port}"
            _wait_for(address, process, folder / "server.log")
            yield Server(address, decisions, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def explained(page) -> None:
    """Waits for the pair that the address names, with its whole explanation, and for the end of the run."""
    page.wait_for_selector(".px-legend", timeout=90_000)
    until = time.monotonic() + 60
    while not is_explained(page):
        assert time.monotonic() < until, "the explanation did not come"
        time.sleep(0.05)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    )


def is_explained(page) -> bool:
    shown = page.locator(".viewer[data-state=explained]")
    if not shown.count():
        return False
    return (shown.get_attribute("data-query"), shown.get_attribute("data-candidate")) == place(page)


def place(page) -> tuple[str, str]:
    """Query and candidate on the screen, from the address."""
    asked = parse_qs(urlsplit(page.url).query)
    return asked.get("query", [""])[0], asked.get("candidate", [""])[0]


def moved_from(page, before: tuple[str, str]) -> None:
    """Waits until another pair is on the screen."""
    page.wait_for_function(
        "before => { const at = new URL(location).searchParams;"
        " return at.get('query') !== before[0] || at.get('candidate') !== before[1]; }",
        arg=list(before),
    )


def paint(path: Path, seed: int, size: tuple[int, int] = (240, 160)) -> None:
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=92)


def find_chromium() -> str | None:
    """The browser's program: what PAIRX_CHROMIUM names, or one on the path."""
    programs = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(program) for program in programs)
    return os.environ.get("PAIRX_CHROMIUM") or next((program for program in found if program), None)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).read()
            return
        time.sleep(0.2)
    pytest.fail(f"the app did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
