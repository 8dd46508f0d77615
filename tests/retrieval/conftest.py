"""A small model, and a catalogue of eight photos."""

from __future__ import annotations

import pytest

from pairx_core import load_model, read_catalogue


@pytest.fixture(scope="session")
def model(tiny_checkpoint):
    return load_model(str(tiny_checkpoint))


@pytest.fixture
def catalogue(small_catalogue):
    return read_catalogue(small_catalogue)
