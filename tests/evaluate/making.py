"""Known photos, an index of them, and rows of an evaluation, made up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pairx_core.catalogue import Photo
from pairx_core.evaluate.calibration import PairScores
from pairx_core.evaluate.evidence import Evidence, View
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.pairs import KnownPair, PairSample
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.preprocessing import Preprocessing
from pairx_core.retrieval.index import CandidateIndex
from tests.conftest import paint


def photo(name: str, identity: str | None, **known) -> Photo:
    """A photo that is not there."""
    return Photo(name, Path(f"/photos/{name}.png"), identity, **known)


def index_of(photos: Sequence[Photo], embeddings) -> CandidateIndex:
    digests = [one.id for one in photos]
    return CandidateIndex(photos, np.asarray(embeddings, np.float32), digests, tiny_model())


def herd(individuals: int, photos: int, *, spread: float, seed: int = 0) -> CandidateIndex:
    """Individuals with a direction of their own, and photos about it."""
    random = np.random.default_rng(seed)
    own = random.normal(size=(individuals, 12)) + 1.5
    names = [(f"{who:02d}-{number}", who) for who in range(individuals) for number in range(photos)]
    vectors = [own[who] + random.normal(0, spread, 12) for _, who in names]
    return index_of([photo(name, f"i{who:02d}") for name, who in names], vectors)


class SmallNet(nn.Module):
    """Two convolutions and a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, 2, 1)
        self.second = nn.Conv2d(6, 9, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu()).mean((2, 3))


def tiny_model(seed: int = 0, name: str = "tiny") -> EmbeddingModel:
    torch.manual_seed(seed)
    return EmbeddingModel(SmallNet().eval(), Preprocessing((40, 40)), name, recommended_layer="first")


def painted(folder: Path, count: int, per_individual: int = 2) -> list[Photo]:
    """Photos that are there, each individual's in a row."""
    return [
        Photo(f"p{number}", paint(folder / f"p{number}.png", number), f"i{number // per_individual}")
        for number in range(count)
    ]


def sample_of(photos: Sequence[Photo], couples: Sequence[tuple[int, int]], seed: int = 0) -> PairSample:
    pairs = (KnownPair(photos[one], photos[other], 0.81) for one, other in couples)
    return PairSample(tuple(pairs), (), seed)


def lines(query, candidate, weight=None, **more) -> Evidence:
    """Evidence of lines in pixels."""
    query, candidate = (np.asarray(ends, np.float32).reshape(-1, 2) for ends in (query, candidate))
    weight = np.linspace(1, 0.1, len(query)) if weight is None else np.asarray(weight, np.float64)
    return Evidence(query, candidate, weight, **more)


class Scripted:
    """A method that shows what a function says, and keeps what it was asked."""

    draws_lines = draws_maps = True

    def __init__(self, show) -> None:
        self.show = show
        self.asked: list[tuple[View, View]] = []

    def evidence(self, query: View, candidate: View) -> Evidence:
        self.asked.append((query, candidate))
        return self.show(query, candidate)


def row(number: int, who: str, other: str, method: str = "pairx", **more) -> PairRow:
    """A row of the pair with a number."""
    values = {"similarity": 0.8, "bin": 40, "measures": {}} | more
    return PairRow(f"q{number}", f"c{number}", who, other, method=method, **values)


def known_pairs(count, seed, *, informative=2.0):
    """Pairs with their true probabilities (N,): similarity says something, plausibility as much as asked for."""
    rng = np.random.default_rng(seed)
    similarity, plausibility = rng.uniform(0.3, 0.95, count), rng.normal(size=count)
    truth = 1 / (1 + np.exp(-(8 * (similarity - 0.65) + informative * plausibility)))
    same = rng.random(count) < truth
    return PairScores(similarity, plausibility, same, rng.integers(0, 25, count)), truth
