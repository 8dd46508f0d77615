"""What an evaluation costs: each method a pair, and how the whole grows with the number of pairs."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from pairx_core import CandidateFilters, build_index, load_model, read_catalogue
from pairx_core.evaluate import EvaluationJob, PairSample, Plan, Summariser, matched_sample
from pairx_core.evaluate.evidence import view_of_photo
from pairx_core.evaluate.methods import METHODS, available_methods, make_method

PAIRS = 8
SIZES = (10, 20, 40)


def main(catalogue: Path) -> None:
    """Measure and print two tables."""
    model = load_model("demo")
    sample = matched_sample(build_index(read_catalogue(catalogue), model), CandidateFilters())
    views = [
        tuple(view_of_photo(photo, model) for photo in (pair.query, pair.candidate))
        for pair in sample.pairs[:PAIRS]
    ]
    methods = {name: make_method(name, model) for name in available_methods()}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for pair in views:  # all methods in turn, so that a busy machine disturbs all alike
        for name, method in methods.items():
            started = time.perf_counter()
            method.evidence(*pair)
            seconds[name].append(time.perf_counter() - started)
    plain = statistics.median(seconds["pairx"])
    print(f"\nExplaining a pair of the sample, demo model, median of {PAIRS} pairs\n")
    print("| method | seconds a pair | in times of PAIR-X's |\n| --- | --- | --- |")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"| {METHODS[name].title} | {middle:.3f} | {middle / plain:.2f} |")
    _growth(model, sample)


def _growth(model, sample: PairSample) -> None:
    print("\nEvaluating PAIR-X, and summing it up with 1,000 resamples\n")
    print("| pairs | seconds | seconds a pair | summing up |\n| --- | --- | --- | --- |")
    for size in SIZES:
        part = PairSample(sample.pairs[:size], sample.bins, sample.seed)
        job = EvaluationJob(model, part, Plan(("pairx",), faithful_pairs=0, steady_pairs=0))
        started = time.perf_counter()
        rows = job.run().rows
        measured = time.perf_counter() - started
        Summariser(rows).summary("pairx")
        summed = time.perf_counter() - started - measured
        print(f"| {size} | {measured:.2f} | {measured / size:.3f} | {summed:.2f} s |")
