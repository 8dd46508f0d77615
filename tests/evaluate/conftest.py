"""What the tests of the evaluation share: one thread, for tiny networks gain nothing by more."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def all_on_one_thread(one_thread):
    """See there."""
