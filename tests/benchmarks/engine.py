"""Explanations of a MiewID-shaped model, by PAIR-X Review and by plain zennit, side by side.

Each has a process of its own, so that neither works with the other's memory or prepared kernels. They take turns,
round by round; peak memory is that of a fresh process each.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pairx_core import ExplanationCache, PairExplainer
from pairx_core.explain import keep_freed_memory
from tests.benchmarks.miewid_shaped import LAYER, embedding_model, inputs, miewid_shaped, photos
from tests.benchmarks.zennit_pairs import ZennitPairs

ROUNDS = 5
CANDIDATES = 10
SIZES = (256, 320, 440, 512)
COLORS = (0, 5, 10, 20)


class Ours:
    """PAIR-X Review: one model, some photos."""

    def __init__(self, size: int = 440) -> None:
        keep_freed_memory()  # as the command line does
        self.model = embedding_model(miewid_shaped(), size)
        self.photos = photos(CANDIDATES + 1)
        self.explainer = PairExplainer(self.model, LAYER)
        self.explainer.explain(*self.photos[:2], k_colors=1)  # converts the model, once
        self.folder = tempfile.TemporaryDirectory()
        self.filled: PairExplainer | None = None

    def fresh(self, cache: ExplanationCache | None = None) -> PairExplainer:
        """An explainer that remembers no photo; its converted model is made already."""
        explainer = PairExplainer(self.model, LAYER, cache=cache)
        explainer._relevance_model = self.explainer._relevance_model
        return explainer

    def pair(self, k_colors: int = 10) -> None:
        self.fresh().explain(*self.photos[:2], k_colors=k_colors)

    def lines(self) -> None:
        next(self.fresh().stages(*self.photos[:2]))

    def ten(self) -> None:
        explainer = self.fresh()
        for candidate in self.photos[1:]:
            explainer.explain(self.photos[0], candidate)

    def fill_cache(self) -> None:
        self.filled = self.fresh(ExplanationCache(Path(self.folder.name)))
        self.filled.explain(*self.photos[:2])

    def cached(self) -> None:
        """A pair that was explained before and is read from disk."""
        assert self.filled is not None
        self.filled.explain(*self.photos[:2])


class Theirs:
    """Plain zennit: the same model, the same photos."""

    def __init__(self, size: int = 440) -> None:
        module = miewid_shaped()
        self.inputs = inputs(embedding_model(module, size), photos(CANDIDATES + 1))
        self.zennit = ZennitPairs(module, LAYER)
        self.pair(k_colors=1)  # the first pass of a process is slow

    def pair(self, k_colors: int = 10) -> None:
        self.zennit.explain(*self.inputs[:2], k_colors=k_colors)

    def lines(self) -> None:
        self.pair(k_colors=0)

    def ten(self) -> None:
        for candidate in self.inputs[1:]:
            self.zennit.explain(self.inputs[0], candidate)


class Side:
    """One of the two, in its process."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def seconds(self, step: str, *arguments: int) -> float:
        """How long a step takes there."""
        return self._pool.submit(_timed, step, arguments).result()


@contextmanager
def both_sides(size: int = 440) -> Iterator[tuple[Side, Side]]:
    """PAIR-X Review and zennit, ready."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        yield tuple(
            Side(stack.enter_context(ProcessPoolExecutor(1, context, _begin, (kind, size))))
            for kind in (Ours, Theirs)
        )


_bench: Ours | Theirs


def _begin(kind: type, size: int) -> None:
    global _bench
    _bench = kind(size)


def _timed(step: str, arguments: tuple[int, ...]) -> float:
    start = time.perf_counter()
    getattr(_bench, step)(*arguments)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print the tables."""
    with both_sides() as (ours, theirs):
        ours.seconds("fill_cache")
        steps = {f"ours {step}": lambda step=step: ours.seconds(step) for step in ("pair", "lines", "cached")}
        steps |= {f"zennit {step}": lambda step=step: theirs.seconds(step) for step in ("pair", "lines")}
        times = in_turn(steps)
        ten = {"ours ten": lambda: ours.seconds("ten"), "zennit ten": lambda: theirs.seconds("ten")}
        times |= in_turn(ten, rounds=1)
    _print_comparison(times)
    for who in ("ours", "zennit"):
        print(f"peak memory of a process that explains one pair, {who}: {_peak(who):.2f} GB")
    print(f"and that only makes the model and reads the photos: {_peak('nothing'):.2f} GB")
    _print_growth()


def in_turn(steps: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of every step, all steps once a round."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(step())
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
    print(f"{'one cold pair (best of two)':32}{'ours':>9}{'zennit':>9}{'ratio':>8}")
    for size in SIZES:
        with both_sides(size) as sides:
            _print_row(f"input {size}×{size}", sides, 10)
    with both_sides() as sides:
        for count in COLORS:
            _print_row(f"input 440×440, k_colors {count}", sides, count)


def _print_row(label: str, sides: tuple[Side, Side], k_colors: int) -> None:
    ours, theirs = (min(side.seconds("pair", k_colors) for _ in range(2)) for side in sides)
    print(f"{label:32}{ours:8.2f}s{theirs:8.2f}s{theirs / ours:7.1f}×", flush=True)


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
