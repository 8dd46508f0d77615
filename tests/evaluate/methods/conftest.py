"""What the tests of methods share: one thread, for tiny networks gain nothing by more, and seeded weights."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import torch_threads


@pytest.fixture(autouse=True)
def one_thread_and_seeded_weights():
    with torch_threads(1):
        torch.manual_seed(0)
        yield
