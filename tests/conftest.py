"""What tests share: a small made-up catalogue and a small seeded model."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pairx_core import load_model, read_catalogue
from pairx_core.models.torchvision_ops import ensure_torchvision_operators

TINY_ARCHITECTURE = "test_efficientnet"
LONG = (  # by the seconds they take: begun first, so that at the end no worker waits for another's long file
    "browser/test_pair_viewer", "browser/test_showcase", "browser/", "explain/test_golden", "jobs/test_elsewhere",
    "explain/test_zennit", "retrieval/test_building", "decisions/test_under_fire", "app/", "explain/", "evaluate/",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; see the Makefile, where workers take files in this order."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((at for at, part in enumerate(LONG) if f"/tests/{part}" in path), len(LONG))

    items.sort(key=place)


def paint(path: Path, seed: int, size: tuple[int, int] = (96, 64)) -> Path:
    """A smooth random picture, different for each seed."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (8, 12, 3), dtype=np.uint8))
    coarse.resize(size, Image.Resampling.BICUBIC).save(path, quality=95)
    return path


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads for torch, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def one_thread():
    """A network this small gains nothing from more, and loses much where the machine is busy; for one file."""
    with torch_threads(1):
        yield


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory) -> Path:
    """A timm test network with seeded weights, its metadata as a checkpoint of ours carries it."""
    from safetensors.torch import save_file

    ensure_torchvision_operators()
    import timm

    torch.manual_seed(0)
    module = timm.create_model(TINY_ARCHITECTURE, pretrained=False, num_classes=0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    metadata = {
        "architecture": TINY_ARCHITECTURE,
        "input_size": "96",
        "mean": json.dumps([0.5, 0.5, 0.5]),
        "std": json.dumps([0.25, 0.25, 0.25]),
        "interpolation": "bilinear",
        "recommended_layer": "blocks.1",
    }
    save_file(module.state_dict(), str(path), metadata=metadata)
    return path


@pytest.fixture(scope="session")
def model(tiny_checkpoint):
    return load_model(str(tiny_checkpoint))


@pytest.fixture
def catalogue(small_catalogue):
    return read_catalogue(small_catalogue)


@pytest.fixture
def small_catalogue(tmp_path) -> Path:
    """A CSV of eight photos: three individuals, one unknown photo, two sites, two flanks, a burst of two."""
    rows = [
        ("a1", "ann", "left", "2025-05-01T08:00:00", "spring"),
        ("a2", "ann", "left", "2025-05-01T08:00:02", "spring"),
        ("a3", "ann", "left", "2025-06-09T17:00:00", "dam"),
        ("a4", "ann", "right", "2025-06-10T17:00:00", "dam"),
        ("b1", "bo", "left", "2025-05-02T08:00:00", "spring"),
        ("b2", "bo", "right", "2025-05-03T08:00:00", "dam"),
        ("c1", "cy", "left", "2025-05-04T08:00:00", "dam"),
        ("u1", "unknown", "left", "2025-07-01T08:00:00", "spring"),
    ]
    folder = tmp_path / "catalogue"
    folder.mkdir()
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", "identity", "path", "orientation", "date", "site", "species"])
        for seed, (photo, identity, flank, date, site) in enumerate(rows):
            paint(folder / f"{photo}.jpg", seed)
            writer.writerow([photo, identity, f"{photo}.jpg", flank, date, site, "bushbuck"])
    return folder / "metadata.csv"
