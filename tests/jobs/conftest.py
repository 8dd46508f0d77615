"""A cluster for all tests of jobs: two processes on this computer, for starting them takes seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from pairx_core.jobs import LocalRunner, Runner
from pairx_core.jobs.cluster import DaskRunner


@contextmanager
def without_a_script() -> Iterator[None]:
    """New worker processes run the parent's main script, which after a test of the app is the app."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "__main__", ModuleType("__main__"))
        yield


@pytest.fixture(scope="session")
def dask():
    with without_a_script():
        runner = DaskRunner.on_this_computer(2)
    yield runner
    runner.close()


@pytest.fixture(autouse=True)
def workers_run_no_script():
    """Also those that take the place of killed ones."""
    with without_a_script():
        yield


@pytest.fixture(scope="session")
def local():
    runner = LocalRunner(2)
    yield runner
    runner.close()


@pytest.fixture(params=["local", "dask"])
def runner(request) -> Runner:
    return request.getfixturevalue(request.param)
