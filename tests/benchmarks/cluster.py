"""The same pairs explained by two threads of this process and by two Dask workers, in turn; and what a task costs.

Each task computes on one thread, wherever it runs. The workers' first pairs, with which they load the model, are not
counted; nor is the first round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from pairx_core import build_index, load_model, read_catalogue
from pairx_core.jobs import LocalRunner, Runner
from pairx_core.jobs.cluster import DaskRunner
from pairx_core.models.named import NamedModel
from pairx_core.settings import SAMPLE_CATALOGUE
from tests.jobs.work import Pair, explained

WORKERS = 2
PAIRS = 16
ROUNDS = 3
EMPTY = 1_000  # tasks that do nothing


def main() -> None:
    """Measure and print."""
    model = load_model("demo")
    index = build_index(read_catalogue(SAMPLE_CATALOGUE), model)
    pairs = [
        (photo, candidate.photo) for photo in index.photos[:PAIRS] for candidate in index.candidates(photo, 1)
    ]
    explain = partial(explained, NamedModel.of(model, "demo"))
    runners = {f"{WORKERS} threads": LocalRunner(WORKERS)}
    started = time.perf_counter()
    runners[f"{WORKERS} Dask workers"] = DaskRunner.on_this_computer(WORKERS)
    begun = time.perf_counter() - started
    try:
        _compare(runners, explain, pairs)
        _overhead(runners)
    finally:
        for runner in runners.values():
            runner.close()
    print(f"Starting {WORKERS} workers on this computer took {begun:.1f} s.")


def nothing(number: int) -> int:
    """A task that costs nothing but its way."""
    return number


def _compare(runners: dict[str, Runner], explain: Callable[[Pair], str], pairs: list[Pair]) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    found: dict[str, list[str]] = {}
    for _ in range(ROUNDS + 1):
        for name, runner in runners.items():
            started = time.perf_counter()
            found[name] = list(runner.results(explain, pairs))
            seconds[name].append(time.perf_counter() - started)
    plain = next(iter(seconds))
    print(f"\nExplaining {len(pairs)} pairs, demo model, 10 color maps, median of {ROUNDS} rounds in turn\n")
    print("| where | pairs/s | ratio (least–most of the rounds) | results |\n| --- | --- | --- | --- |")
    for name, taken in seconds.items():
        ratios = [here / there for here, there in zip(seconds[plain][1:], taken[1:], strict=True)]
        same = "identical" if found[name] == found[plain] else "DIFFERENT"
        print(
            f"| {name} | {len(pairs) / statistics.median(taken[1:]):.2f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f}–{max(ratios):.2f}) | {same} |"
        )


def _overhead(runners: dict[str, Runner]) -> None:
    print(f"\nThe way of a task and its result, {EMPTY:,} tasks that do nothing\n")
    print("| where | ms a task |\n| --- | --- |")
    for name, runner in runners.items():
        list(runner.results(nothing, range(EMPTY // 10)))
        started = time.perf_counter()
        list(runner.results(nothing, range(EMPTY)))
        print(f"| {name} | {(time.perf_counter() - started) / EMPTY * 1000:.2f} |")


if __name__ == "__main__":
    main()
