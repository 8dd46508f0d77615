"""A small catalogue, a small model, and field packs of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pairx_core import PairExplainer, build_index
from pairx_core.fieldpack import PackReport, Wanted, write_pack

LITTLE = {"k": 2, "k_colors": 1, "more": 0}


@pytest.fixture(autouse=True, scope="module")
def all_on_one_thread(one_thread):
    """See there."""


@pytest.fixture
def index(catalogue, model):
    return build_index(catalogue, model)


@pytest.fixture
def explainer(model) -> PairExplainer:
    return PairExplainer(model)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "laptop" / "pack"


@pytest.fixture
def make(index, explainer, catalogue, folder) -> Callable[..., PackReport]:
    """Makes a pack of the catalogue's queries "u1" and "a1", or of others."""

    def write(
        *queries: str, into: Path = folder, explainer=explainer, tell=lambda *_: None, **wanted
    ) -> PackReport:
        photos = [catalogue.photo(name) for name in queries or ("u1", "a1")]
        return write_pack(
            index,
            explainer,
            photos,
            into,
            catalogue=catalogue.source,
            wanted=Wanted(**{**LITTLE, **wanted}),
            tell=tell,
        )

    return write
