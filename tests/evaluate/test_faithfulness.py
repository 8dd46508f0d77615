"""Deletion and insertion, on a model of which it is known what it looks at."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from pairx_core.evaluate.evidence import View
from pairx_core.evaluate.faithfulness import Deleting
from pairx_core.models.embedding_model import EmbeddingModel

GRID = 20
CORNER = 4  # cells a side


class Corner(nn.Module):
    """Looks at the top left corner of the picture and nowhere else."""

    def forward(self, x: Tensor) -> Tensor:
        side = x.shape[2] * CORNER // GRID
        return x[:, :, :side, :side].flatten(1)


class Everywhere(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def view(seed: int = 0, *, flat: bool = False) -> View:
    inputs = torch.randn(1, 3, 60, 60, generator=torch.Generator().manual_seed(seed))
    return View(Image.new("RGB", (60, 60)), torch.ones(1, 3, 60, 60) * (seed + 1) if flat else inputs)


def deleting(module: nn.Module, query: View | None = None, candidate: View | None = None, seed: int = 0):
    model = EmbeddingModel(module.eval(), None, "by hand")
    return Deleting(model, query or view(), candidate or view(), grid=GRID, seed=seed)


def corner(*, first: bool) -> np.ndarray:
    """A map by which the corner counts most, or least."""
    map_ = np.random.default_rng(0).uniform(1, 2, (GRID, GRID))
    map_[:CORNER, :CORNER] = 9 if first else 0
    return map_


def test_what_the_model_looks_at_is_gone_at_once():
    found = deleting(Corner()).faithfulness(corner(first=True), corner(first=True))
    assert found.deletion == pytest.approx(0.05, abs=0.01)  # the fall within the first tenth
    assert found.insertion == pytest.approx(0.95, abs=0.01)
    assert found.gain > 0.2


def test_the_wrong_order_keeps_the_similarity_to_the_end():
    found = deleting(Corner()).faithfulness(corner(first=False), corner(first=False))
    assert found.deletion == pytest.approx(0.95, abs=0.01)
    assert found.insertion == pytest.approx(0.05, abs=0.01)
    assert found.gain < -0.2


def test_one_right_and_one_wrong_photo_are_in_the_middle():
    found = deleting(Corner()).faithfulness(corner(first=True), corner(first=False))
    assert found.deletion == pytest.approx(0.5, abs=0.02)


def test_deletion_is_insertion_of_the_opposite_order_upside_down():
    order = np.random.default_rng(1).random((2, GRID, GRID))
    pair = deleting(Everywhere())
    one, opposite = pair.faithfulness(*order), pair.faithfulness(*-order)
    assert one.insertion == pytest.approx(opposite.deletion)
    assert one.deletion == pytest.approx(opposite.insertion)
    assert one.random == opposite.random


def test_an_explanation_at_random_gains_nothing_on_average():
    random = np.random.default_rng(2)
    gains = [
        deleting(Everywhere(), seed=seed).faithfulness(*random.random((2, GRID, GRID))).gain
        for seed in range(12)
    ]
    assert abs(np.mean(gains)) < 0.02 and any(gains)


def test_curves_begin_at_the_pair_and_end_at_the_blurred_one():
    pair = deleting(Everywhere(), view(0), view(0))
    curve = pair.curve(np.arange(GRID**2), np.arange(GRID**2))
    assert len(curve) == 11 and (curve[0], curve[-1]) == (pair.whole, pair.nothing)
    assert pair.whole == pytest.approx(1) and (np.diff(curve) < 0).all()


def test_only_one_photo_is_blurred_at_a_time():
    """Were both blurred, two pictures with nothing on them would look alike."""
    pair = deleting(Everywhere())
    assert pair.nothing < 0.6
    assert pair.curve(np.arange(400), np.arange(400)[::-1])[5] == pytest.approx(
        (pair.curve(np.arange(400), np.arange(400))[5] + pair.curve(*[np.arange(400)[::-1]] * 2)[5]) / 2
    )


def test_a_pair_that_blurring_does_not_change_tells_nothing():
    assert (
        deleting(Everywhere(), view(flat=True), view(flat=True)).faithfulness(*[corner(first=True)] * 2)
        is None
    )
    different = view(0), view(1)  # nothing to lose: the two are not alike at all
    assert deleting(Everywhere(), *different).faithfulness(*[corner(first=True)] * 2) is None


def test_the_seed_draws_the_random_order():
    map_ = corner(first=True)
    one, same, other = (deleting(Corner(), seed=seed).faithfulness(map_, map_) for seed in (1, 1, 2))
    assert one == same
    assert one.random != other.random and one.deletion == other.deletion


def test_the_inputs_stay_as_they_are():
    query = view()
    before = query.inputs.clone()
    deleting(Corner(), query, query).faithfulness(corner(first=True), corner(first=True))
    assert torch.equal(query.inputs, before)
