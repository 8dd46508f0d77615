from __future__ import annotations

import csv
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from pairx_core.decisions import COLUMNS, Decision
from pairx_core.decisions import database as module
from pairx_core.decisions.connections import Database
from pairx_core.decisions.database import DecisionDatabase
from pairx_core.decisions.database_tables import VERSION
from pairx_core.decisions.settling import UnconfirmedError
from pairx_core.decisions.store import open_decisions
from pairx_core.errors import DecisionLogError
from tests.decisions.conftest import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
BOTH = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("place", ["postgresql"], indirect=True)


def decide(
    store: DecisionDatabase, candidate: str = "c1", decision: str = "accept", **more: object
) -> Decision:
    return store.record(
        **{"reviewer": "Ann", "query_id": "q1", "candidate_id": candidate, "decision": decision} | more
    )


def run(place: str, statement: str) -> list:
    """A statement of another program."""
    database = Database(place)
    with database.writing("by hand") as connection:
        done = connection.execute(text(statement))
        rows = [tuple(row) for row in done] if done.returns_rows else []
    database.close()
    return rows


@BOTH
def test_a_row_holds_the_cells_of_the_file(store, place):
    decide(store, tags=("a", "b"), blind=True, similarity=0.5, rank=3, note="two\nlines")
    (row,) = run(place, "SELECT * FROM decisions")
    cells = dict(zip(("seq", *COLUMNS), row, strict=True))
    assert cells["seq"] == 1
    assert (cells["tags"], cells["blind"], cells["similarity"], cells["rank"]) == ("a|b", "true", "0.5", "3")
    assert (cells["note"], cells["supersedes"], cells["seconds"]) == ("two\nlines", "", "")
    assert run(place, "SELECT version FROM schema_version") == [(VERSION,)]


@BOTH
def test_rows_are_numbered_in_their_order_without_gaps(opened, place):
    one, two = opened(), opened()
    for number in range(4):
        decide(one if number % 2 else two, f"c{number}")
    with pytest.raises(DecisionLogError):
        one.undo(decide(two, "c9", reviewer="Bo"), reviewer="Ann")
    decide(one, "c10")
    numbered = run(place, "SELECT seq, candidate_id FROM decisions ORDER BY seq")
    assert numbered == [(1, "c0"), (2, "c1"), (3, "c2"), (4, "c3"), (5, "c9"), (6, "c10")]


@BOTH
def test_only_new_rows_are_asked_for(opened, monkeypatch):
    store, other = opened(), opened()
    for number in range(30):
        decide(store, f"c{number}")
    other.decisions()
    parsed = []
    real = module.parse_row
    monkeypatch.setattr(module, "parse_row", lambda content: (parsed.append(content), real(content))[1])
    decide(store, "new")
    assert len(other.decisions()) == 31
    assert other.decisions() is other.decisions()
    assert len(parsed) <= 3  # the row before it by its writer, the new one by both


OPEN = """
import sys
from pairx_core.decisions.store import open_decisions

print(open_decisions(sys.argv[1]).decisions())
"""


@BOTH
def test_several_servers_may_start_at_once(place):
    servers = [
        subprocess.Popen([sys.executable, "-c", OPEN, place], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [server.communicate()[0] for server in servers] == ["()\n"] * 4
    assert run(place, "SELECT count(*) FROM schema_version") == [(1,)]


@BOTH
def test_tables_of_a_newer_version_are_refused_and_left_alone(store, place):
    decide(store)
    run(place, f"UPDATE schema_version SET version = {VERSION + 1}")
    with pytest.raises(
        DecisionLogError, match=f"newer PAIR-X Review .tables {VERSION + 1}.*Install the newer"
    ):
        open_decisions(place)
    assert run(place, "SELECT count(*) FROM decisions") == [(1,)]


@BOTH
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE decisions (id INTEGER, verdict TEXT)",
        "CREATE TABLE schema_version (version INTEGER)",
        "CREATE TABLE schema_version (name TEXT)",
        "CREATE TABLE side_lines (seq INTEGER, kind TEXT, body TEXT)",
    ],
)
def test_tables_of_another_program_are_refused_and_left_alone(place, statement):
    if place.startswith("sqlite"):
        sqlite3.connect(place.removeprefix("sqlite:///")).execute(statement).connection.close()
    else:
        run(place, statement)
    with pytest.raises(DecisionLogError, match="is not one of PAIR-X Review.*PAIRX_DECISIONS"):
        open_decisions(place)


@BOTH
def test_a_row_changed_by_hand_is_reported_with_the_reason(opened, place):
    store = opened()
    first, second = decide(store), decide(store, "c2")
    run(place, f"UPDATE decisions SET decision = 'maybe' WHERE decision_id = '{second.decision_id}'")
    for reader in (store, opened()):
        assert reader.decisions() == (first,)
        (damaged,) = reader.damaged
        assert (damaged.row, damaged.reason[:18]) == (2, "decision “maybe” i")
    third = decide(store, "c3")
    assert opened().decisions() == store.decisions() == (first, third)


@BOTH
def test_a_database_put_back_from_a_copy_is_read_again(store, place):
    first, _ = decide(store), decide(store, "c2")
    run(place, "DELETE FROM decisions WHERE seq = 2")
    assert store.decisions() == (first,)
    third = decide(store, "c3")
    assert store.decisions() == (first, third)


@BOTH
def test_a_line_changed_by_hand_is_reported(store, place):
    names = store.lines("names")
    names.append({"a": 1})
    names.append({"a": 2})
    run(place, "UPDATE side_lines SET body = 'oops' WHERE seq = 2")
    assert names.entries() == ({"a": 1},)
    assert [str(one) for one in names.damaged] == ["line 2: not one whole JSON object: “oops”"]


@BOTH
def test_what_fails_within_an_exclusive_change_leaves_nothing_behind(store, opened):
    names = store.lines("names")
    names.append({"a": 1})
    with pytest.raises(KeyError), names.exclusive():
        names.append({"a": 2})
        assert len(names.entries()) == 2
        raise KeyError
    assert names.entries() == opened().lines("names").entries() == ({"a": 1},)
    names.append({"a": 3})
    assert names.entries() == ({"a": 1}, {"a": 3})


@BOTH
def test_a_lock_held_by_another_program_is_told(store, place):
    impatient = open_decisions(place, lock_timeout=0.2)
    other = Database(place)
    with other.writing("decisions"):
        began = time.perf_counter()
        with pytest.raises(
            DecisionLogError, match="was not saved. Another program keeps .* locked. Close it"
        ):
            decide(impatient)
        assert 0.15 < time.perf_counter() - began < 5
        assert impatient.decisions() == ()  # looking needs no lock
    assert (decide(impatient),) == store.decisions()


@BOTH
def test_a_writer_waits_for_the_one_before(store, place):
    other = Database(place)
    with other.writing("decisions"):
        waiting = threading.Thread(target=decide, args=(store,))
        waiting.start()
        time.sleep(0.1)
        assert waiting.is_alive()
    waiting.join(5)
    assert len(store.decisions()) == 1


@SQLITE
def test_a_file_is_synced_and_looked_at_while_it_is_written(store, place):
    database = Database(place)
    with database.reading() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


@SQLITE
def test_a_database_file_that_is_gone_is_an_error_and_not_an_empty_record(store, place, tmp_path):
    decide(store)
    copy = tmp_path / "copy"
    copy.mkdir()
    store.close()
    files = list(tmp_path.glob("log.db*"))
    for file in files:
        shutil.move(file, copy / file.name)
    for ask in (store.decisions, lambda: decide(store, "c2"), store.lines("names").entries):
        with pytest.raises(DecisionLogError, match="log.db is gone.*Put it back"):
            ask()
    for file in files:
        shutil.copy(copy / file.name, file)
    assert len(store.decisions()) == 1
    decide(store, "c2")
    assert len(open_decisions(place).decisions()) == 2


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "log.db"
    path.write_bytes(b"not a database at all" * 99)
    with pytest.raises(DecisionLogError, match=r"log\.db cannot be used .file is not a database"):
        open_decisions(f"sqlite:///{path}")
    assert path.read_bytes() == b"not a database at all" * 99


def test_a_file_in_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_decisions("sqlite:///~/a.db").location == f"sqlite:///{tmp_path}/a.db"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:secret@host/lake",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://ann:secret@host:port/lake",
        "://secret",
        "https://ann:secret@host/lake",
    ],
)
def test_an_address_that_is_of_no_use_is_refused_without_showing_its_password(url):
    with pytest.raises(DecisionLogError, match="Write one such as postgresql://") as caught:
        open_decisions(url)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value.__context__)


@POSTGRES
def test_what_is_saved_lasts_whatever_the_server_is_set_to(postgres, place):
    name = place.rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    with Database(place).writing("decisions") as connection:
        shown = {
            setting: connection.execute(text(f"SHOW {setting}")).scalar()
            for setting in (
                "synchronous_commit",
                "transaction_isolation",
                "idle_in_transaction_session_timeout",
                "lock_timeout",
            )
        }
    assert list(shown.values()) == ["on", "read committed", "1min", "10s"]


@POSTGRES
def test_the_password_is_never_shown(store, place, postgres):
    assert PASSWORD not in store.location
    assert store.location == f"postgresql://pairx:***@127.0.0.1:{postgres.port}/{place.rpartition('/')[2]}"
    assert PASSWORD not in store.lines("names").name
    in_query = place.replace(f":{PASSWORD}@", "@") + f"?password={PASSWORD}"
    other = open_decisions(in_query)
    assert PASSWORD not in other.location
    assert decide(other) == store.decisions()[0]


@POSTGRES
def test_a_wrong_password_or_a_missing_database_is_told(place, postgres):
    for wrong, words in (
        (place.replace(PASSWORD, "guessed-one"), "password authentication failed"),
        (postgres.url("nowhere"), "does not exist"),
        (place.replace(str(postgres.port), "1"), "refused"),
    ):
        with pytest.raises(DecisionLogError, match="cannot be reached .*then try again") as caught:
            open_decisions(wrong)
        assert words in str(caught.value)
        assert PASSWORD not in str(caught.value)
        assert "guessed-one" not in str(caught.value)


@POSTGRES
def test_the_old_spelling_and_other_drivers_are_understood(store, place):
    first = decide(store)
    for spelling in ("postgres://", "postgresql+psycopg2://", "postgresql+psycopg://"):
        assert open_decisions(place.replace("postgresql://", spelling)).decisions() == (first,)


def test_a_database_that_lacks_letters_is_refused(postgres):
    place = postgres.new_database("ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(DecisionLogError, match="keeps texts as LATIN1.*ENCODING 'UTF8'"):
        open_decisions(place)


@POSTGRES
def test_a_user_who_may_only_look_is_refused_at_once(store, place, postgres):
    name = place.rpartition("/")[2]
    postgres.sql(f"CREATE ROLE {name}_reader LOGIN PASSWORD 'looking'")
    postgres.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}_reader", name)
    looking = place.replace(f"pairx:{PASSWORD}", f"{name}_reader:looking")
    with pytest.raises(DecisionLogError, match="cannot be written .permission denied.*Allow writing"):
        open_decisions(looking)


@POSTGRES
def test_after_a_lost_connection_the_next_call_connects_again(store, postgres, place):
    first = decide(store)
    cut_off = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{place.rpartition('/')[2]}'"
    )
    for number in range(3):
        postgres.sql(cut_off)
        decide(store, f"d{number}")
        postgres.sql(cut_off)
        assert len(store.decisions()) == 2 + number
    assert store.decisions()[0] == first


@POSTGRES
def test_a_server_that_is_away_loses_nothing_that_was_saved(store, opened, postgres):
    first = decide(store)
    postgres.stop("immediate")
    try:
        with pytest.raises(
            DecisionLogError, match=r"was not saved\. The database .* cannot be reached .*try again"
        ):
            decide(store, "c2")
        with pytest.raises(DecisionLogError, match="cannot be reached"):
            store.decisions()
        with pytest.raises(DecisionLogError, match="cannot be reached"):
            store.lines("names").append({"a": 1})
    finally:
        postgres.start()
    assert store.decisions() == (first,)
    second = decide(store, "c2")
    assert store.decisions() == opened().decisions() == (first, second)


class LosesTheAnswer:
    """Commits, or does not, and then loses the connection; so many times."""

    def __init__(self, store: DecisionDatabase, *, arrives: bool, times: int = 1) -> None:
        self._arrives = arrives
        self.times = times
        self._dialect = store._database._engine.dialect
        self._real = self._dialect.do_commit

    def __enter__(self) -> None:
        self._dialect.do_commit = self

    def __exit__(self, *_: object) -> None:
        del self._dialect.do_commit

    def __call__(self, connection) -> None:
        import psycopg

        if self.times == 0 or self._arrives:
            self._real(connection)
        if self.times > 0:
            self.times -= 1
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")


@POSTGRES
@pytest.mark.parametrize("arrives", [True, False])
def test_a_decision_whose_answer_gets_lost_is_saved_once(store, opened, arrives):
    first = decide(store, decision_id="x1")
    with LosesTheAnswer(store, arrives=arrives):
        second = decide(store, decision="reject", decision_id="x1")  # gets an id of its own
    assert store.decisions() == opened().decisions() == (first, second)
    with LosesTheAnswer(store, arrives=arrives):
        undo = store.undo(second, reviewer="Ann")
    assert opened().decisions() == (first, second, undo)


@POSTGRES
def test_where_nobody_knows_whether_it_was_saved_that_is_said(store, opened):
    with LosesTheAnswer(store, arrives=False, times=2):
        with pytest.raises(
            UnconfirmedError, match="nobody knows yet.*Try again: nothing is saved twice"
        ) as said:
            decide(store, decision_id="x1")
        assert "was not saved." not in str(said.value)
        assert PASSWORD not in str(said.value)
    again = decide(store, decision_id="x1")
    assert opened().decisions() == (again,)


@POSTGRES
def test_a_table_dropped_underneath_is_told(store, place):
    run(place, "DROP TABLE decisions")
    with pytest.raises(DecisionLogError, match="cannot be used .*does not exist.*its tables are there"):
        store.decisions()


@POSTGRES
def test_an_export_by_the_servers_own_means_is_the_file(store, place, tmp_path, postgres):
    """The texts in the table are those of the file, whatever reads them."""
    import psycopg

    for number in range(5):
        decide(store, f"c{number}", note=f'note {number}, "quoted"', rank=number + 1)
    with psycopg.connect(place) as connection:
        names = ", ".join(COLUMNS)
        rows = connection.execute(f"SELECT {names} FROM decisions ORDER BY seq").fetchall()
    path = tmp_path / "export.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    assert open_decisions(path).decisions() == store.decisions()
