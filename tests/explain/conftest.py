"""What the tests of explanations share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairx_core.catalogue import Photo, photo_from_file
from pairx_core.models.torchvision_ops import ensure_torchvision_operators
from tests.conftest import paint

ensure_torchvision_operators()  # tests here import timm themselves


@pytest.fixture
def sample_photos(tmp_path: Path) -> tuple[Photo, Photo]:
    """Two painted photos."""
    first, second = (photo_from_file(paint(tmp_path / f"{number}.png", number)) for number in range(2))
    return first, second
