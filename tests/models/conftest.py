"""One thread for all tests of models: they look at what comes out of them, once each."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def all_on_one_thread(one_thread):
    """See there."""
