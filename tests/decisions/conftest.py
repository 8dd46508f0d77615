"""A PostgreSQL server of the tests' own, and the stores that all have to do the same."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from pairx_core.decisions import Decision
from pairx_core.decisions.store import DecisionStore, open_decisions

KINDS = ("csv", "sqlite", "postgresql")
PASSWORD = "s3cret-Größe"
_SETTINGS = (
    "-c listen_addresses=127.0.0.1 -c shared_buffers=16MB -c max_connections=60 -c autovacuum=off "
    "-c recovery_init_sync_method=syncfs"
)


def postgres_binaries() -> Path | None:
    """The folder with Debian's server programs; None: there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


class PostgresServer:
    """A server in a folder of its own, on a free port of this computer. Remove it when done."""

    def __init__(self, binaries: Path, *, outlasts_power_cuts: bool = False) -> None:
        self._binaries = binaries
        self._settings = _SETTINGS if outlasts_power_cuts else f"{_SETTINGS} -c fsync=off"
        self._folder = Path(tempfile.mkdtemp(prefix="pairx-postgres-"))
        self._user = "postgres" if os.geteuid() == 0 else ""  # the server refuses to run as root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._make()
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._run(
            "pg_ctl",
            "start",
            "-w",
            "-D",
            self._data,
            "-l",
            self._folder / "log",
            "-o",
            f"-p {self.port} -k {self._folder} {self._settings}",
        )

    def stop(self, how: str = "fast") -> None:
        """Stop it; "immediate" is what a crash of it does."""
        self._run("pg_ctl", "stop", "-w", "-m", how, "-D", self._data)

    def remove(self) -> None:
        """Stop it for good."""
        self.stop("immediate")
        shutil.rmtree(self._folder)

    def new_database(self, *options: str) -> str:
        """The address of a new, empty database."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.url(name)

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://pairx:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run a statement; what it answers."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make(self) -> None:
        secret = self._folder / "secret"
        secret.write_text(PASSWORD, encoding="utf-8")
        if self._user:
            for path in (self._folder, secret):
                shutil.chown(path, self._user, self._user)
        options = ("-U", "pairx", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C")
        self._run("initdb", "-D", self._data, *options)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        if self._user:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    binaries = postgres_binaries()
    if binaries is None:
        if os.environ.get("PAIRX_REQUIRE_POSTGRES") == "1":
            pytest.fail("PostgreSQL is not installed, but PAIRX_REQUIRE_POSTGRES=1 asks for it")
        pytest.skip("PostgreSQL is not installed")
    server = PostgresServer(binaries)
    yield server
    server.remove()


@pytest.fixture
def place(request, tmp_path) -> str:
    """Where a new store may be: a test asks for one kind, or runs with all."""
    kind = request.param
    if kind == "postgresql":
        return request.getfixturevalue("postgres").new_database()
    return str(tmp_path / "log.csv") if kind == "csv" else f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
def opened(place) -> Iterator[Callable[[], DecisionStore]]:
    """Opens the place, as one more program would."""
    stores: list[DecisionStore] = []

    def open_once_more() -> DecisionStore:
        stores.append(open_decisions(place))
        return stores[-1]

    yield open_once_more
    for store in stores:
        getattr(store, "close", lambda: None)()


@pytest.fixture
def store(opened) -> DecisionStore:
    return opened()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of a store is one of every kind, unless it says which."""
    is_marked = any("place" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "place" in metafunc.fixturenames and not is_marked:
        metafunc.parametrize("place", KINDS, indirect=True)


@pytest.fixture
def say():
    """Makes decisions of a session, numbered."""
    numbers = count()

    def make(reviewer, verdict, query="q", candidate="c", **values) -> Decision:
        time = datetime(2026, 3, 1, tzinfo=UTC)
        return Decision(f"d{next(numbers)}", time, reviewer, "s", query, candidate, verdict, **values)

    return make
