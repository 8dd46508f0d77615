"""The measures must be able to fail: a model that knows nothing explains nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import pairx_core
from pairx_core.evaluate.job import EvaluationJob
from pairx_core.evaluate.pairs import KnownPair, PairSample
from pairx_core.evaluate.plan import Plan
from pairx_core.evaluate.summary import Summariser

SAMPLE = Path(__file__).parents[2] / "data_samples"


@pytest.fixture(scope="module")
def summariser():
    """PAIR-X with the demo model, and with its weights shuffled, on one pair of each of the first individuals."""
    catalogue = pairx_core.read_catalogue(SAMPLE / "metadata.csv")
    by_side: dict = {}
    for photo in catalogue.photos:
        if photo.is_known:
            by_side.setdefault((photo.identity, photo.flank), []).append(photo)
    couples = [found[:2] for _, found in sorted(by_side.items()) if len(found) > 1]
    pairs = tuple(KnownPair(*couple, 0.9) for couple in couples[:: len(couples) // 8][:8])
    plan = Plan(("pairx", "chance"), controlled=("pairx",), faithful_pairs=0, steady_pairs=0)
    job = EvaluationJob(pairx_core.load_model("demo"), PairSample(pairs, (), 0), plan, truth=SAMPLE / "truth")
    evaluated = job.run()
    assert len(evaluated.rows) == 8 * 4 and not evaluated.failures
    return Summariser(evaluated.rows, rounds=100)


def test_lines_of_shuffled_weights_join_nothing(summariser):
    trained = summariser.summary("pairx").right_pairs
    assert trained.n == 8 and trained.value > 0.2
    for control in ("pairx@weights", "pairx@pairs", "chance"):
        assert summariser.summary(control).right_pairs.value < trained.value / 3, control
        assert summariser.difference_in_lines("pairx", control).is_beyond_interval, control


def test_the_animal_is_looked_at_more_than_by_chance(summariser):
    shares = {name: summariser.summary(name).means["on_animal"].value for name in ("pairx", "chance")}
    assert shares["pairx"] > shares["chance"]
