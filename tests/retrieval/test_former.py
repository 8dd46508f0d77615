"""The cache file of earlier versions goes; a file that is somebody else's stays."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from pairx_core.retrieval.digests import DigestCache

FORMER = """
CREATE TABLE embedding (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE digest (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
"""


def database(path, schema):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)
    return path


def test_opening_the_cache_removes_an_earlier_versions_embeddings_and_nothing_else(tmp_path):
    former = database(tmp_path / "embeddings.sqlite", FORMER)
    others = [database(tmp_path / name, FORMER) for name in ("embeddings2.sqlite", "my embeddings.sqlite")]
    DigestCache(tmp_path)
    assert not former.exists()
    assert all(path.exists() for path in (*others, tmp_path / "digests.sqlite"))


@pytest.mark.parametrize(
    "schema", [f"{FORMER} CREATE TABLE notes (text TEXT);", "CREATE TABLE embedding (x);", ""]
)
def test_a_database_of_that_name_with_other_tables_stays(tmp_path, schema):
    other = database(tmp_path / "embeddings.sqlite", schema)
    DigestCache(tmp_path)
    assert other.exists()


def test_what_is_no_database_stays(tmp_path):
    (tmp_path / "embeddings.sqlite").write_text("my own notes")
    DigestCache(tmp_path)
    assert (tmp_path / "embeddings.sqlite").read_text() == "my own notes"
