"""``make bench``: how long the main steps take, and how the explanation engine compares with plain zennit.

Every step is run in turn with a plain forward pass of the same model, several rounds over, and its median is
given in seconds and as a multiple of that forward pass, which travels better between machines.
"""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from pairx_core import PairExplainer, build_index, load_model, read_catalogue, render_overlay
from tests.benchmarks import (
    cluster,
    decisions,
    embedding,
    engine,
    evaluation,
    large_app,
    packing,
    record,
    room,
    search,
    startup,
)
from tests.decisions.conftest import postgres_binaries

SAMPLE = Path(__file__).resolve().parents[2] / "data_samples" / "metadata.csv"
ROUNDS = 5


def main() -> None:
    """Measure and print a table."""
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {ROUNDS} rounds"
    )
    model = load_model("demo")
    catalogue = read_catalogue(SAMPLE)
    index = build_index(catalogue, model)
    query = next(photo for photo in catalogue.photos if not photo.is_known)
    pair = query, index.candidates(query, 1)[0].photo
    explainer = PairExplainer(model, memory_budget=0)  # so that every pair is a cold one
    explanation = explainer.explain(*pair)
    inputs = model.preprocess(_pictures(pair[:1]))
    table: dict[str, Callable[[], object]] = {
        "forward pass of one photo": lambda: _forward(model, inputs),
        "read the catalogue": lambda: read_catalogue(SAMPLE),
        "embed 16 photos": lambda: model.embed(catalogue.photos[:16]),
        "index from a warm cache": _WarmIndex(catalogue, model),
        "top-5 of one query": lambda: index.candidates(query, 5),
        "explain a pair, lines only": lambda: explainer.explain(*pair, k_colors=0),
        "explain a pair, 10 color maps": lambda: explainer.explain(*pair, k_colors=10),
        "draw an explanation": lambda: render_overlay(explanation),
    }
    _report(_measure(table))
    startup.main()
    room.main()
    evaluation.main(SAMPLE)
    embedding.main()
    search.main()
    cluster.main()
    packing.main()
    record.main()
    large_app.main()
    if postgres_binaries() is not None:
        decisions.main()
    print(
        "\nA MiewID-shaped model (EfficientNetV2-RW-M, random weights), 440×440, blocks.3, 20 lines, 10 color maps"
    )
    engine.main()


class _WarmIndex:
    """Building the index when all embeddings are on disk."""

    def __init__(self, catalogue: object, model: object) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._arguments = (catalogue, model)
        self()

    def __call__(self) -> object:
        return build_index(*self._arguments, cache_dir=self._folder.name)  # type: ignore[arg-type]


def _pictures(photos: tuple) -> list:
    from pairx_core import open_photo

    return [open_photo(photo) for photo in photos]


def _forward(model: object, inputs: torch.Tensor) -> object:
    with torch.inference_mode():
        return model.module(inputs)  # type: ignore[attr-defined]


def _measure(table: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in table}
    for _ in range(ROUNDS):
        for name, step in table.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return times


def _report(times: dict[str, list[float]]) -> None:
    base = statistics.median(next(iter(times.values())))
    print(f"{'step':32}{'median s':>10}{'min':>9}{'max':>9}{'× forward':>11}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:32}{median:10.4f}{min(seconds):9.4f}{max(seconds):9.4f}{median / base:11.1f}")


if __name__ == "__main__":
    main()
