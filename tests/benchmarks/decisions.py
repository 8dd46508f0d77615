"""``python -m tests.benchmarks.decisions``: how fast decisions are saved while writers are killed, and in long records.

The first part is also a test (``tests/decisions/test_under_fire.py``): processes write to one store, note each
decision once ``record()`` has returned, are killed at random times and started again, while a reader looks on.
"""

from __future__ import annotations

import collections
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pairx_core.decisions import Decision
from pairx_core.decisions.rows import COLUMNS, HEADER, row_bytes
from pairx_core.decisions.store import DecisionStore, open_decisions
from tests.decisions.conftest import PostgresServer, postgres_binaries

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds that a writer waits for the others


@dataclass(frozen=True)
class Fire:
    """What became of the decisions."""

    saved: int  # in the store in the end
    acknowledged: int
    lost: list[str]  # acknowledged, but not in the store exactly once
    torn: list[str]  # in the store, but not as they were made; or damage that no killed writer explains
    tails: int  # rows that killed writers left unfinished
    kills: int
    reader_failures: list[str]
    looks: int  # of the reader
    seconds: float  # from the first acknowledgement to the last
    milliseconds: list[float] = field(repr=False)  # of each record()


def main() -> None:
    """Measure and print."""
    binaries = postgres_binaries()
    if binaries is None:
        sys.exit("PostgreSQL is needed: apt-get install postgresql")
    server = PostgresServer(binaries, outlasts_power_cuts=True)
    try:
        for kind, new in _places(server).items():
            with tempfile.TemporaryDirectory() as folder:
                _report(kind, under_fire(new(Path(folder)), Path(folder), processes=8, each=1000, kills=20))
        print(
            f"\n{'':12}{'decisions':>10}{'open s':>9}{'record ms':>11}{'look ms':>9}{'look at one new ms':>20}"
        )
        for kind, new in _places(server).items():
            for count in (1_000, 10_000, 100_000):
                with tempfile.TemporaryDirectory() as folder:
                    _grown(kind, new(Path(folder)), count)
    finally:
        server.remove()


def under_fire(place: str, folder: Path, *, processes: int, each: int, kills: int, seed: int = 0) -> Fire:
    """Let processes write to a store while some are killed, and count what became of it.

    Args:
        place: where the store is.
        folder: for the notes on what was acknowledged.
        processes: how many write.
        each: decisions that each writes.
        kills: how many times one of them is killed and started again.
        seed: of the times and of who is killed.
    """
    reader = _Reader(place)
    reader.start()
    writers = [_Writer(place, f"writer {number}", each, folder) for number in range(processes)]
    done = _kill_some(writers, kills, random.Random(seed))
    codes = [writer.wait() for writer in writers]
    reader.stop()
    failures = [*reader.failures, *(f"a writer ended with {code}" for code in codes if code)]
    return _counted(open_decisions(place), writers, done, failures, reader.looks)


def write(place: str, name: str, each: int, acknowledged: Path) -> None:
    """Write what is not acknowledged yet, and note each decision once it is: its number, milliseconds, the time."""
    store = open_decisions(place, lock_timeout=PATIENCE)
    start = len(_acknowledgements(acknowledged))
    with acknowledged.open("ab", buffering=0) as notes:
        for number in range(start, each):
            begun = time.perf_counter()
            store.record(**content(name, number))
            took = (time.perf_counter() - begun) * 1000
            notes.write(f"{number} {took:.3f} {time.time():.6f}\n".encode())


def content(name: str, number: int) -> dict:
    """What a decision says; the same again after its writer was killed. Its note would show any tear."""
    lots = random.Random(f"{name} {number}")
    note = "".join(lots.choices('abc "\n,é', k=lots.choice((0, 20, 200, 4000))))
    return {
        "decision_id": f"{name}-{number}".replace(" ", "-"),
        "reviewer": name,
        "query_id": f"q{number}",
        "candidate_id": f"c{number % 5}",
        "decision": lots.choice(("accept", "reject")),
        "note": note,
        "app_version": "x" * 40,
    }


class _Writer:
    """A process that writes, and another one in its place when it was killed."""

    def __init__(self, place: str, name: str, each: int, folder: Path) -> None:
        self.name = name
        self.each = each
        self._notes = folder / f"{name}.txt"
        arguments = ["write", place, name, str(each), str(self._notes)]
        self._command = [sys.executable, "-m", "tests.benchmarks.decisions", *arguments]
        self._process = self._start()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """As a power cut or the system's out-of-memory killer would."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def wait(self) -> int:
        return self._process.wait()

    def count(self) -> int:
        """How many are acknowledged."""
        return self._notes.read_bytes().count(b"\n") if self._notes.exists() else 0

    def acknowledged(self) -> list[tuple[int, float, float]]:
        """Number, milliseconds and time of each decision whose ``record()`` returned."""
        return _acknowledgements(self._notes)

    def _start(self) -> subprocess.Popen:
        return subprocess.Popen(self._command, cwd=ROOT)


class _Reader(threading.Thread):
    """Looks at the store all the time; what was there must stay there, in its order."""

    def __init__(self, place: str) -> None:
        super().__init__(daemon=True)
        self._store = open_decisions(place)
        self._place = place
        self._has_ended = threading.Event()
        self.failures: list[str] = []
        self.looks = 0

    def run(self) -> None:
        seen: tuple[Decision, ...] = ()
        while not self._has_ended.wait(0.01):
            try:
                seen = self._look(seen)
            except Exception as error:  # whatever it is, it is what is looked for
                self.failures.append(f"{type(error).__name__}: {error}")

    def stop(self) -> None:
        self._has_ended.set()
        self.join()

    def _look(self, seen: tuple[Decision, ...]) -> tuple[Decision, ...]:
        self.looks += 1
        if self.looks % 50 == 0:
            self._store = open_decisions(self._place)
        now = self._store.decisions()
        if any(a is not b and a != b for a, b in zip(seen, now[: len(seen)], strict=True)):
            self.failures.append(f"{len(seen)} decisions changed under the reader")
        return now


def _acknowledgements(notes: Path) -> list[tuple[int, float, float]]:
    if not notes.exists():
        return []
    lines = notes.read_text().split("\n")[:-1]
    return [(int(number), float(took), float(at)) for number, took, at in map(str.split, lines)]


def _kill_some(writers: list[_Writer], kills: int, lots: random.Random) -> int:
    """Kill writers when so and so many decisions are acknowledged, and a moment of random length later."""
    total = sum(writer.each for writer in writers)
    for done, threshold in enumerate(sorted(lots.uniform(0.02, 0.8) * total for _ in range(kills))):
        while sum(writer.count() for writer in writers) < threshold:
            if not any(writer.is_alive() for writer in writers):  # they failed
                return done
            time.sleep(0.005)
        time.sleep(lots.uniform(0, 0.02))
        lots.choice([writer for writer in writers if writer.is_alive()] or writers).kill()
    return kills


def _counted(
    store: DecisionStore, writers: list[_Writer], kills: int, failures: list[str], looks: int
) -> Fire:
    rows = store.decisions()
    times = collections.Counter(row.decision_id for row in rows)
    notes = {writer.name: writer.acknowledged() for writer in writers}
    acknowledged = [content(name, one[0])["decision_id"] for name, some in notes.items() for one in some]
    torn = [row.decision_id for row in rows if not _is_whole(row)]
    twice = [str(row) for row in store.damaged if "stands in an earlier row" in row.reason]
    tails = {row.row for row in store.damaged}
    moments = [at for some in notes.values() for _, _, at in some]
    return Fire(
        saved=len(rows),
        acknowledged=len(acknowledged),
        lost=[one for one in acknowledged if times[one] != 1],
        torn=torn + twice + ([] if len(tails) <= kills else [str(row) for row in store.damaged]),
        tails=len(tails),
        kills=kills,
        reader_failures=failures,
        looks=looks,
        seconds=max(moments) - min(moments),
        milliseconds=[took for some in notes.values() for _, took, _ in some],
    )


def _is_whole(row: Decision) -> bool:
    expected = content(row.reviewer, int(row.query_id[1:]))
    return all(getattr(row, name) == value for name, value in expected.items())


def _report(kind: str, fire: Fire) -> None:
    median, last = statistics.median(fire.milliseconds), statistics.quantiles(fire.milliseconds, n=100)[98]
    print(
        f"{kind:12}{fire.acknowledged / fire.seconds:8.0f} decisions/s, record() median {median:.2f} ms, "
        f"p99 {last:.1f} ms, longest {max(fire.milliseconds):.0f} ms\n"
        f"{'':12}{fire.saved} saved, {fire.kills} writers killed, lost {len(fire.lost)}, torn {len(fire.torn)}, "
        f"unfinished rows left by the killed {fire.tails}, reader failures {len(fire.reader_failures)} "
        f"in {fire.looks} looks"
    )
    for trouble in [*fire.lost, *fire.torn, *fire.reader_failures][:5]:
        print(f"{'':12}{trouble}")


def _places(server: PostgresServer) -> dict[str, Callable[[Path], str]]:
    return {
        "CSV": lambda folder: str(folder / "log.csv"),
        "SQLite": lambda folder: f"sqlite:///{folder}/log.db",
        "PostgreSQL": lambda folder: server.new_database(),
    }


def _grown(kind: str, place: str, count: int) -> None:
    """How long the steps take with so many decisions in the store."""
    _fill(place, count)
    begun = time.perf_counter()
    store = open_decisions(place)
    opening = time.perf_counter() - begun
    assert len(store.decisions()) == count
    saving, first, again = [], [], []
    for number in range(50):
        saving.append(_milliseconds(lambda n=number: store.record(**content("somebody", n))))
        first.append(_milliseconds(store.decisions))
        again.append(_milliseconds(store.decisions))
    steps = [statistics.median(some) for some in (saving, again, first)]
    print(f"{kind:12}{count:10,}{opening:9.2f}{steps[0]:11.2f}{steps[1]:9.2f}{steps[2]:20.2f}", flush=True)


def _milliseconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return (time.perf_counter() - begun) * 1000


def _fill(place: str, count: int) -> None:
    rows = (row_bytes(_made_up(number)) for number in range(count))
    if "://" not in place:
        Path(place).write_bytes(HEADER + b"".join(rows))
        return
    open_decisions(place)
    if place.startswith("sqlite"):
        _fill_sqlite(place.removeprefix("sqlite:///"), rows)
    else:
        _fill_postgres(place, rows)


def _fill_sqlite(path: str, rows: object) -> None:
    import csv
    import sqlite3

    cells = csv.reader(row.decode() for row in rows)  # type: ignore[attr-defined]
    marks = ",".join("?" * (1 + len(COLUMNS)))
    with sqlite3.connect(path) as connection:
        connection.executemany(
            f"INSERT INTO decisions VALUES ({marks})", ((seq, *row) for seq, row in enumerate(cells, 1))
        )
    connection.close()


def _fill_postgres(place: str, rows: object) -> None:
    import psycopg

    form = f"FORMAT csv, FORCE_NOT_NULL ({', '.join(COLUMNS)})"
    with psycopg.connect(place) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY decisions FROM STDIN ({form})") as copy:
            for seq, row in enumerate(rows, 1):  # type: ignore[arg-type, var-annotated]
                copy.write(f"{seq},".encode() + row)
        connection.commit()


def _made_up(number: int) -> Decision:
    return Decision(
        decision_id=f"{number:032x}",
        decided_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number),
        reviewer=f"reviewer {number % 7}",
        session="",
        query_id=f"photo-{number // 5}",
        candidate_id=f"photo-{number % 997}",
        decision="reject",
        rank=1 + number % 5,
        similarity=0.5,
        query_path=f"images/photo-{number // 5}.jpg",
        candidate_path=f"images/photo-{number % 997}.jpg",
        model="demo",
        layer="blocks.3",
        overlay_shown=("lines",),
        seconds=3.25,
        app_version="1.0",
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        with suppress(KeyboardInterrupt):
            write(sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
    else:
        main()
