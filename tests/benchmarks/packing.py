"""Field packs: how large a pair is, how many are explained in an hour, and how soon a pack is open without torch.

Sizes stand beside those of explanations that are saved in full; opening, beside opening the sample with its model,
embedded and explained before, in turn. Where other programs are at work, processor time tells more than the clock.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from pairx_core import (
    Catalogue,
    EmbeddingModel,
    PairExplainer,
    Photo,
    build_index,
    load_model,
    read_catalogue,
)
from pairx_core.fieldpack import PackReport, Wanted, write_pack
from pairx_core.jobs import LocalRunner
from pairx_core.settings import SAMPLE_CATALOGUE
from tests.benchmarks import miewid_shaped
from tests.browser.conftest import CHROMIUM_ARGUMENTS, ROOT, find_chromium, serving

K = 5
LARGE_PHOTOS = 12  # that the large model embeds
COMPARED = 5  # pairs that are also saved in full
ROUNDS = 3
_READY = ".viewer[data-state=explained]"


@dataclass(frozen=True)
class Made:
    """A pack that was made, and what it is compared with."""

    name: str
    report: PackReport
    photos: int
    processor_seconds: float  # that making the pack took
    in_full: float  # bytes of an explanation as PairExplanation.save writes it


def main() -> None:
    """Measure and print two tables."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sample = read_catalogue(SAMPLE_CATALOGUE)
        few = replace(sample, photos=sample.photos[:LARGE_PHOTOS])
        large = miewid_shaped.embedding_model(miewid_shaped.miewid_shaped())
        made = [
            _make("demo, 320×320", load_model("demo"), sample, 50, place / "demo"),
            _make("MiewID-shaped, 440×440", large, few, 2, place / "miewid"),
        ]
        _tell_sizes(made)
        _tell_opening(place / "demo", place)


def _make(name: str, model: EmbeddingModel, catalogue: Catalogue, queries: int, folder: Path) -> Made:
    index = build_index(catalogue, model)
    chosen = catalogue.photos[:queries]
    pairs = [(query, one.photo) for query in chosen for one in index.candidates(query, K, Wanted().filters)]
    in_full = _in_full(model, pairs[:: max(1, len(pairs) // COMPARED)], folder.with_suffix(".npz"))
    started = time.process_time()
    report = write_pack(index, PairExplainer(model), chosen, folder, catalogue=catalogue.source)
    took = time.process_time() - started
    return Made(name, report, len(list(folder.glob("photos/*/*.jpg"))), took, in_full)


def _in_full(model: EmbeddingModel, pairs: Sequence[tuple[Photo, Photo]], file: Path) -> float:
    """Bytes of an explanation that is saved in full, on average."""
    explainer = PairExplainer(model)
    sizes = []
    for pair in pairs:
        explainer.explain(*pair).save(file)
        sizes.append(file.stat().st_size)
    return statistics.mean(sizes)


def _tell_sizes(made: Sequence[Made]) -> None:
    print(
        f"\nField packs of the sample, {K} candidates a query, 20 lines and 10 color maps, "
        f"{LocalRunner().workers} pairs at a time\n"
    )
    print(
        "| model | pairs | an hour | processor s a pair | kB a pair | saved in full | kB a photo | MB in all |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for one in made:
        report = one.report
        each = report.explanation_bytes / report.explained
        photo = (report.total_bytes - report.explanation_bytes) / one.photos
        print(
            f"| {one.name} | {report.pairs} | {report.pairs_an_hour:,.0f} "
            f"| {one.processor_seconds / report.pairs:.2f} | {each / 1e3:,.0f} "
            f"| {one.in_full / 1e3:,.0f} ({one.in_full / each:.0f} ×) | {photo / 1e3:,.0f} "
            f"| {report.total_bytes / 1e6:.1f} |"
        )


def _tell_opening(pack: Path, folder: Path) -> None:
    """From the start of the server to the first explanation on the screen, both in turn."""
    program = find_chromium()
    if program is None:
        print("\nNo Chromium: opening is not measured")
        return
    without = {"PYTHONPATH": str(ROOT / "tests" / "without_torch")}
    seconds: dict[str, list[float]] = {"pack": [], "sample": []}
    memory: dict[str, list[float]] = {"pack": [], "sample": []}
    (folder / "server").mkdir()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        for round_ in range(ROUNDS + 1):
            for name, catalogue, more in (("pack", pack, without), ("sample", None, {})):
                started = time.perf_counter()
                with serving(catalogue, None, folder / "server", **more) as server:
                    page = browser.new_page(viewport={"width": 1320, "height": 860})
                    page.goto(f"{server.address}/?reviewer=bench&queries=All+photos")
                    page.wait_for_selector(_READY, timeout=180_000)
                    took, held = time.perf_counter() - started, _resident(server.pid)
                    page.close()
                if round_:  # the first fills the caches
                    seconds[name].append(took)
                    memory[name].append(held)
        browser.close()
    print("\nFrom the start of the server to the first explanation on the screen\n")
    print(
        f"| | seconds, median of {ROUNDS} (least to most) | memory of the server, MB |\n| --- | ---: | ---: |"
    )
    titles = {"pack": "the field pack, without torch", "sample": "the sample with its model, embedded before"}
    for name, title in titles.items():
        low, middle, high = min(seconds[name]), statistics.median(seconds[name]), max(seconds[name])
        print(f"| {title} | {middle:.1f} ({low:.1f}–{high:.1f}) | {statistics.median(memory[name]):,.0f} |")
    ratio = statistics.median(seconds["sample"]) / statistics.median(seconds["pack"])
    print(f"\nThe sample takes {ratio:.1f} times as long.")


def _resident(pid: int) -> float:
    """MB of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
