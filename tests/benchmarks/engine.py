"""Explanations of a MiewID-shaped model, by PAIR-X Review and by plain zennit, side by side.

Times are taken in turn, round by round, in one process; peak memory is that of a fresh process each.
"""

from __future__ import annotations

import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pairx_core import ExplanationCache, PairExplainer
from pairx_core.explain import keep_freed_memory
from tests.benchmarks.miewid_shaped import LAYER, embedding_model, inputs, miewid_shaped, photos
from tests.benchmarks.zennit_pairs import ZennitPairs

ROUNDS = 3
CANDIDATES = 10
SIZES = (256, 320, 440, 512)
COLORS = (0, 5, 10, 20)


class Bench:
    """One model, some photos, both routes."""

    def __init__(self, size: int = 440) -> None:
        self.module = miewid_shaped()
        self.model = embedding_model(self.module, size)
        self.photos = photos(CANDIDATES + 1)
        self.inputs = inputs(self.model, self.photos)
        self.zennit = ZennitPairs(self.module, LAYER)
        self.explainer = PairExplainer(self.model, LAYER)
        self.explainer.explain(*self.photos[:2], k_colors=0)  # converts the model, once

    def fresh(self, cache: ExplanationCache | None = None) -> PairExplainer:
        """An explainer that remembers no photo; its converted model is made already."""
        explainer = PairExplainer(self.model, LAYER, cache=cache)
        explainer._relevance_model = self.explainer._relevance_model
        return explainer

    def explain_pair(self, k_colors: int = 10) -> None:
        self.fresh().explain(*self.photos[:2], k_colors=k_colors)

    def explain_candidates(self) -> None:
        explainer = self.fresh()
        for candidate in self.photos[1:]:
            explainer.explain(self.photos[0], candidate)

    def lines_and_heat_map(self) -> None:
        next(self.fresh().stages(*self.photos[:2]))

    def zennit_pair(self, k_colors: int = 10) -> None:
        self.zennit.explain(*self.inputs[:2], k_colors=k_colors)

    def zennit_candidates(self) -> None:
        for candidate in self.inputs[1:]:
            self.zennit.explain(self.inputs[0], candidate)

    def cached_pair(self, folder: Path) -> Callable[[], None]:
        """A pair that was explained before and is read from disk."""
        explainer = self.fresh(ExplanationCache(folder))
        explainer.explain(*self.photos[:2])
        return lambda: explainer.explain(*self.photos[:2])


def main() -> None:
    """Measure and print the tables."""
    bench = Bench()
    bench.zennit_pair(k_colors=1)  # the first pass of a process is slow
    with tempfile.TemporaryDirectory() as folder:
        cached = bench.cached_pair(Path(folder))
        ours = {"pair": bench.explain_pair, "lines": bench.lines_and_heat_map, "cached": cached}
        theirs = {"pair": bench.zennit_pair, "lines": lambda: bench.zennit_pair(k_colors=0)}
        times = in_turn(
            {**{f"ours {k}": v for k, v in ours.items()}, **{f"zennit {k}": v for k, v in theirs.items()}}
        )
    times |= in_turn({"ours ten": bench.explain_candidates, "zennit ten": bench.zennit_candidates}, rounds=1)
    _print_comparison(times)
    for who in ("ours", "zennit"):
        print(f"peak memory of a process that explains one pair, {who}: {_peak(who):.2f} GB")
    print(f"and that only makes the model and reads the photos: {_peak('nothing'):.2f} GB")
    _print_growth()


def in_turn(steps: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of every step, all steps once a round."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return times


def _print_comparison(times: dict[str, list[float]]) -> None:
    middle = {name: statistics.median(seconds) for name, seconds in times.items()}
    rows = [
        ("(a) one cold pair", "ours pair", "zennit pair"),
        ("(b) ten candidates of one query", "ours ten", "zennit ten"),
        ("(c) lines and heat map, to zennit's whole pair", "ours lines", "zennit pair"),
        ("    the same, to zennit's lines and heat map", "ours lines", "zennit lines"),
        ("(d) a cached pair", "ours cached", "zennit pair"),
    ]
    print(f"{'':48}{'PAIR-X Review':>15}{'zennit':>10}{'ratio':>9}")
    for label, ours, zennit in rows:
        ratio = middle[zennit] / middle[ours]
        print(f"{label:48}{middle[ours]:13.3f} s{middle[zennit]:8.2f} s{ratio:8.1f}×")
    for name, seconds in times.items():
        print(f"    {name}: {', '.join(f'{value:.3f}' for value in seconds)}")


def _print_growth() -> None:
    print(f"{'one cold pair, 10 color maps':32}{'ours':>9}{'zennit':>9}{'ratio':>8}")
    for size in SIZES:
        bench = Bench(size)
        _print_row(f"input {size}×{size}", bench, 10)
    bench = Bench()
    for count in COLORS:
        _print_row(f"input 440×440, k_colors {count}", bench, count)


def _print_row(label: str, bench: Bench, k_colors: int) -> None:
    steps = {"ours": lambda: bench.explain_pair(k_colors), "zennit": lambda: bench.zennit_pair(k_colors)}
    bench.explain_pair(k_colors)
    times = {name: statistics.median(seconds) for name, seconds in in_turn(steps, rounds=1).items()}
    print(
        f"{label:32}{times['ours']:8.2f}s{times['zennit']:8.2f}s{times['zennit'] / times['ours']:7.1f}×",
        flush=True,
    )


def _peak(who: str) -> float:
    """Peak memory in GB of a fresh process that explains one pair."""
    command = [sys.executable, "-m", "tests.benchmarks.engine", who]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _high_water_mark() -> int:
    """This process's peak memory in bytes (from /proc, because getrusage counts the parent's as well)."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _print_peak(who: str) -> None:
    if who == "ours":
        keep_freed_memory()  # as the command line does
    module = miewid_shaped()
    model = embedding_model(module)
    pair = photos(2)
    if who == "ours":
        PairExplainer(model, LAYER).explain(*pair)
    elif who == "zennit":
        ZennitPairs(module, LAYER).explain(*inputs(model, pair))
    print(_high_water_mark() / 1e9)


if __name__ == "__main__":
    _print_peak(sys.argv[1])
