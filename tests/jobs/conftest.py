"""A cluster for all tests of jobs: two processes on this computer, for starting them takes seconds."""

from __future__ import annotations

import pytest

from pairx_core.jobs import LocalRunner, Runner
from pairx_core.jobs.cluster import DaskRunner


@pytest.fixture(scope="session")
def dask():
    runner = DaskRunner.on_this_computer(2)
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def local():
    runner = LocalRunner(2)
    yield runner
    runner.close()


@pytest.fixture(params=["local", "dask"])
def runner(request) -> Runner:
    return request.getfixturevalue(request.param)
