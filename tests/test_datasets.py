"""Public data sets, by a stand-in that has the package's interface."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from pairx_core.catalogue import read_catalogue
from pairx_core.cli import main
from pairx_core.datasets import open_public_dataset, public_datasets
from pairx_core.errors import CatalogueError
from tests.conftest import paint


class StripedMice:
    """As a class of wildlife_datasets.datasets: a root, a table, and a way to be fetched."""

    unknown_name = "unknown"
    summary = {
        "animals": {"striped mouse"}, "reported_n_total": 3, "reported_n_individuals": 1, "licenses": None,
        "url": "https://example.org/mice",
    }  # fmt: skip

    def __init__(self, root: str) -> None:
        paths = ["a.png", "sub/b.png", "c.png"]
        for path in paths:
            Path(root, path).stat()  # what is not there is an error of the package's own
        self.df = pd.DataFrame(
            {
                "image_id": [1, 2, 3],
                "identity": ["m1", "m1", "unknown"],
                "path": paths,
                "bbox": [[1.0, 2.0, 30.0, 40.0], np.array([0, 0, 10, 10]), np.nan],
                "orientation": ["left", np.nan, "right"],
                "original_split": ["train"] * 3,
            }
        )

    @classmethod
    def get_data(cls, root: str) -> None:
        (Path(root) / "sub").mkdir()
        for seed, name in enumerate(("a.png", "sub/b.png", "c.png")):
            paint(Path(root) / name, seed)


class Unreachable(StripedMice):
    @classmethod
    def get_data(cls, root: str) -> None:
        raise ConnectionError("no network")


@pytest.fixture
def package(monkeypatch):
    outer, inner = ModuleType("wildlife_datasets"), ModuleType("wildlife_datasets.datasets")
    inner.names_all = [Unreachable, StripedMice]
    outer.datasets = inner
    monkeypatch.setitem(sys.modules, "wildlife_datasets", outer)
    monkeypatch.setitem(sys.modules, "wildlife_datasets.datasets", inner)


def test_sets_are_listed_with_what_is_known_of_them(package):
    first, _ = public_datasets()
    assert (first.name, first.animals, first.photos, first.licence) == ("StripedMice", "striped mouse", 3, "")
    listed = CliRunner().invoke(main, ["datasets"]).stdout
    assert "StripedMice" in listed and "licence not stated" in listed


def test_a_set_is_fetched_and_opened_as_a_catalogue(package, tmp_path):
    table = open_public_dataset("stripedmice", tmp_path / "mice", download=True)
    catalogue = read_catalogue(table)
    assert [photo.identity for photo in catalogue.photos] == ["m1", "m1", None]
    assert catalogue.photos[0].box.width == 30
    assert (catalogue.photos[0].flank, catalogue.photos[1].flank) == ("left", None)
    assert {photo.species for photo in catalogue.photos} == {"striped mouse"}
    assert not catalogue.problems
    again = CliRunner().invoke(main, ["datasets", "StripedMice", str(tmp_path / "mice")])
    assert again.exit_code == 0 and "pairx_metadata.csv" in again.stdout


@pytest.mark.parametrize(
    ("name", "download", "message"),
    [
        ("StripedMouse", False, "Did you mean StripedMice"),
        ("StripedMice", False, "does not hold StripedMice"),
        ("Unreachable", True, "cannot be downloaded .*no network.*example.org"),
    ],
)
def test_what_goes_wrong_is_said(package, tmp_path, name, download, message):
    with pytest.raises(CatalogueError, match=message):
        open_public_dataset(name, tmp_path, download=download)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "wildlife_datasets", None)
    with pytest.raises(CatalogueError, match=r"requirements-datasets\.txt"):
        public_datasets()
