"""From a clone to the first decision, as the README says it: every command, click and key, with its time.

    .venv/bin/python -m tests.benchmarks.first_decision [REPOSITORY]

Clones the repository (by default this one), sets everything up in the clone (some minutes: all packages are installed
anew) and decides on the first pair in Chromium. It is no part of ``make bench``: most of it is the
packages' download.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM_ARGUMENTS, ROOT, _free_port, find_chromium

_LONGEST = 1800.0  # seconds that anything may take


@dataclass
class Steps:
    """What was done, and how long one waited for it."""

    done: list[tuple[str, str, float]] = field(default_factory=list)  # (kind, what, seconds)
    begun: float = field(default_factory=time.perf_counter)

    def note(self, kind: str, what: str) -> None:
        """A step is over: what comes next begins now."""
        now = time.perf_counter()
        self.done.append((kind, what, now - self.begun))
        self.begun = now

    def report(self) -> str:
        """A table, and how many of each kind."""
        lines = [
            f"{number}. {kind:<8}{what:<62}{seconds:8.1f} s"
            for number, (kind, what, seconds) in enumerate(self.done, 1)
        ]
        kinds = [kind for kind, _, _ in self.done]
        counted = ", ".join(f"{kinds.count(kind)} × {kind}" for kind in dict.fromkeys(kinds))
        return "\n".join([*lines, f"{counted}; {sum(one[2] for one in self.done):.1f} s in all"])


def main() -> None:
    """Do it in a temporary folder, and print the table."""
    repository = sys.argv[1] if len(sys.argv) > 1 else str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        print(from_clone_to_decision(repository, Path(folder)).report())


def from_clone_to_decision(repository: str, folder: Path) -> Steps:
    """All steps in a folder, with a cache and a home that nothing was kept in."""
    steps, clone, port = Steps(), folder / "pairx-review", _free_port()
    subprocess.run(["git", "clone", "--quiet", repository, str(clone)], check=True)
    steps.note("command", "git clone …")
    environment = {
        **os.environ,
        "PAIRX_CACHE": str(folder / "cache"),
        "PAIRX_DECISIONS": str(folder / "decisions.csv"),
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=clone,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(port, server, folder / "log")
            steps.note("command", "make run: packages are installed, the server answers")
            _decide(port, folder / "decisions.csv", steps)
        finally:
            os.killpg(server.pid, signal.SIGTERM)  # make, and the server that it started
            server.wait(30)
    return steps


def _decide(port: int, record: Path, steps: Steps) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(_LONGEST * 1000)
        page.goto(f"http://localhost:{port}")
        page.wait_for_selector(".viewer[data-state=explained]")
        steps.note("click", "on the address: the first pair, with its explanation")
        name = page.get_by_role("textbox", name="Reviewer")
        if not name.input_value():
            name.fill("Ada")
            name.press("Enter")
            page.wait_for_function(
                "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
            )
            page.wait_for_selector(".viewer[data-state=explained]")
            steps.note("name", "typed once: who reviews")
        page.wait_for_timeout(500)  # nobody looks for less
        page.locator("body").press("a")
        while not (record.exists() and _rows(record)):
            time.sleep(0.02)
        steps.note("key", f"A: {_rows(record)[0]['decision']}, a row of {record.name}")
        browser.close()


def _rows(record: Path) -> list[dict[str, str]]:
    with record.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _LONGEST
    while time.monotonic() < until:
        if server.poll() is not None:
            sys.exit(f"make run ended:\n{log.read_text(errors='replace')[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit("the server did not answer in time")


if __name__ == "__main__":
    main()
