"""What a field computer does to a record: a full disk, a write-protected one, a crash, a wrong clock."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pairx_core.decisions import Decision, DecisionLog, last_undoable
from pairx_core.decisions.store import DecisionStore, open_decisions
from pairx_core.errors import DecisionLogError

ROOT = Path(__file__).resolve().parents[2]
FILES = {"csv": "{}/log.csv", "sqlite": "sqlite:///{}/log.db"}
LONG = "a long note\n" * 2000


def decide(store: DecisionStore, candidate: str = "c1", **more: object) -> Decision:
    return store.record(
        **{"reviewer": "Ann", "query_id": "q1", "candidate_id": candidate, "decision": "accept"} | more
    )


@pytest.fixture
def disk(tmp_path) -> Iterator[Callable[[str], Path]]:
    """Makes a small disk of its own, of a size such as 64k."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mounted(size: str) -> Path:
        if not _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
            pytest.skip("this user may not mount a disk")
        return folder

    yield mounted
    subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _mount(*arguments: str) -> bool:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


def fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            return ballast
    raise AssertionError("the disk has no end")


@pytest.mark.parametrize(("kind", "size"), [("csv", "64k"), ("sqlite", "1m")])
def test_a_full_disk_is_told_and_takes_nothing_that_was_saved(disk, kind, size):
    folder = disk(size)
    place = FILES[kind].format(folder)
    store = open_decisions(place)
    saved = [decide(store, f"c{number}") for number in range(3)]
    ballast = fill(folder)
    refused = _saved_until_refused(store, saved)
    assert "was not saved" in refused
    assert "No space left on device" in refused or "is full" in refused
    assert "Make room" in refused
    for reader in (store, open_decisions(place) if kind == "csv" else store):
        assert reader.decisions()[: len(saved)] == tuple(saved)
    ballast.unlink()
    saved += [decide(store, "after"), decide(store, "and again", note=LONG[:900])]
    for reader in (store, open_decisions(place)):
        assert [row for row in reader.decisions() if not row.note.startswith(LONG)] == saved
        assert len({row.row for row in reader.damaged}) <= 1  # what fitted of the row that was refused


def _saved_until_refused(store: DecisionStore, saved: list[Decision]) -> str:
    """Some small rows may fit into what was set aside; a long one does not."""
    for number in range(200):
        try:
            saved.append(decide(store, f"full {number}"))
            decide(store, "does not fit", note=LONG)
        except DecisionLogError as error:
            return str(error)
    raise AssertionError("the disk has no end")


@pytest.mark.parametrize("kind", FILES)
def test_a_write_protected_disk_is_told_and_saving_goes_on_after_it(disk, kind):
    folder = disk("2m")
    place = FILES[kind].format(folder)
    store = open_decisions(place)
    first = decide(store)
    getattr(store, "close", lambda: None)()  # a file that is open keeps a disk from being protected
    assert _mount("-o", "remount,ro", str(folder))
    with pytest.raises(DecisionLogError, match=r"was not saved\. .*(Choose a file|Allow writing)"):
        decide(store, "c2")
    if kind == "csv":
        assert store.decisions() == (first,)
    assert _mount("-o", "remount,rw", str(folder))
    second = decide(store, "c2")
    assert store.decisions() == open_decisions(place).decisions() == (first, second)


def test_a_file_that_may_not_be_changed_is_told_and_saving_goes_on_after_it(tmp_path):
    path = tmp_path / "log.csv"
    log = DecisionLog(path)
    first = decide(log)
    if subprocess.run(["chattr", "+i", str(path)], check=False, capture_output=True).returncode:
        pytest.skip("files cannot be protected here")
    try:
        with pytest.raises(
            DecisionLogError,
            match=r"not saved\. .*log\.csv cannot be written .*allow writing, then decide again",
        ):
            decide(log, "c2")
        with pytest.raises(DecisionLogError, match=r"log\.csv cannot be written .*PAIRX_DECISIONS"):
            DecisionLog(path)
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)
    assert log.decisions() == (first,)
    second = decide(log, "c2")
    assert log.decisions() == DecisionLog(path).decisions() == (first, second)


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_server_that_takes_no_changes_is_told_and_saving_goes_on_after_it(store, place, postgres):
    first = decide(store)
    name = place.rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store.close()  # the setting holds for new connections
    with pytest.raises(DecisionLogError, match=r"was not saved\. .*cannot be written .*Allow writing to it"):
        decide(store, "c2")
    assert store.decisions() == (first,)
    postgres.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    store.close()
    second = decide(store, "c2")
    assert store.decisions() == (first, second)


HOLD = """
import sys, time
from pairx_core.decisions.appending import locked
from pathlib import Path

if "://" in sys.argv[1]:
    from pairx_core.decisions.connections import Database
    lock = Database(sys.argv[1]).writing("decisions")
else:
    lock = locked(Path(sys.argv[1]), "decisions file", 10)
with lock:
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_that_a_dead_program_held_is_free(opened, place):
    store, impatient = opened(), open_decisions(place, lock_timeout=0.2)
    first = decide(store)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, place], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(DecisionLogError, match="locked. Close it, or wait, then try again"):
        decide(impatient, "c2")
    holder.kill()
    holder.wait()
    began = time.perf_counter()
    second = decide(store, "c2")
    assert time.perf_counter() - began < 5
    assert store.decisions() == opened().decisions() == (first, second)


def test_a_clock_that_jumps_back_leaves_the_last_word_to_the_last_row(store, opened):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    days = (0, 1, -400, -399, 2)
    rows = [
        decide(store, decision=verdict, decided_at=start + timedelta(days=day))
        for day, verdict in zip(days, ("accept", "reject", "accept", "unsure", "reject"), strict=True)
    ]
    assert store.decisions() == opened().decisions() == tuple(rows)
    assert [(row.decided_at - start).days for row in store.decisions()] == list(days)
    assert [row.supersedes for row in rows] == ["", *(row.decision_id for row in rows[:-1])]
    store.undo(rows[-1], reviewer="Ann", decided_at=start - timedelta(days=900))
    assert last_undoable(opened().decisions(), "Ann") == rows[-2]
