"""What the tests of the evaluation share: one thread, for tiny networks gain nothing by more."""

from __future__ import annotations

import pytest

from tests.conftest import torch_threads


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with torch_threads(1):
        yield
