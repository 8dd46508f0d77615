from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from pairx_core.errors import RetrievalError
from pairx_core.retrieval import store as stores
from pairx_core.retrieval.keys import as_keys
from pairx_core.retrieval.store import EmbeddingStore, StoreAbout

ABOUT = StoreAbout("tiny", "0123456789abcdef", "as given", 3, "float32")


def keys(*numbers: int) -> np.ndarray:
    return as_keys([bytes([number]) * 32 for number in numbers])


def vectors(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3)).astype(np.float32)


def filled(folder, *batches: tuple[int, ...]) -> EmbeddingStore:
    store = EmbeddingStore(folder, ABOUT)
    with store.writing():
        for number, batch in enumerate(batches):
            store.append(keys(*batch), vectors(len(batch), number))
    return store


def test_what_was_added_is_found_by_its_key_also_later(tmp_path):
    store = filled(tmp_path, (1, 2), (3,))
    for one in (store, EmbeddingStore(tmp_path, ABOUT)):
        assert one.rows_of(keys(3, 9, 1)).tolist() == [2, -1, 0]
        expected = vectors(2, 0) / np.linalg.norm(vectors(2, 0), axis=1, keepdims=True)
        np.testing.assert_allclose(one.vectors[:2], expected, atol=1e-7)


@pytest.mark.parametrize(("precision", "bytes_each"), [("float16", 2), ("float32", 4)])
def test_numbers_take_the_bytes_that_were_asked_for(tmp_path, precision, bytes_each):
    store = EmbeddingStore(tmp_path, replace(ABOUT, precision=precision))
    with store.writing():
        store.append(keys(1, 2), vectors(2))
    assert (tmp_path / "vectors-0.bin").stat().st_size == 2 * 3 * bytes_each
    assert isinstance(store.vectors, np.memmap)


def test_keys_that_begin_alike_are_told_apart(tmp_path):
    alike = as_keys([b"same eight bytes" + bytes([number]) * 16 for number in range(4)])
    store = EmbeddingStore(tmp_path, ABOUT)
    with store.writing():
        store.append(alike[:3], vectors(3))
    assert store.rows_of(alike).tolist() == [0, 1, 2, -1]


@pytest.mark.parametrize(
    ("file", "cut"),
    [("keys-0.bin", 1), ("keys-0.bin", 36), ("vectors-0.bin", 1), ("vectors-0.bin", 12)],
)
def test_a_torn_end_is_cut_off_by_whole_rows(tmp_path, file, cut):
    filled(tmp_path, (1, 2), (3, 4))
    os.truncate(tmp_path / file, (tmp_path / file).stat().st_size - cut)
    store = EmbeddingStore(tmp_path, ABOUT)
    assert store.rows_of(keys(1, 2, 3, 4)).tolist() == [0, 1, 2, -1]
    with store.writing():
        store.append(keys(5), vectors(1))
    again = EmbeddingStore(tmp_path, ABOUT)
    assert again.rows_of(keys(1, 2, 3, 5)).tolist() == [0, 1, 2, 3]
    assert (tmp_path / "vectors-0.bin").stat().st_size == 4 * 12
    assert not len(again.damaged())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(ABOUT, fingerprint="f" * 16, model="other"), "embeddings of the model tiny"),
        (replace(ABOUT, dimensions=4), "dimensions 3, not 4"),
        (replace(ABOUT, precision="float16"), "precision float32, not float16"),
    ],
)
def test_the_embeddings_of_another_model_are_refused(tmp_path, other, said):
    filled(tmp_path, (1,))
    with pytest.raises(RetrievalError, match=said):
        EmbeddingStore(tmp_path, other)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format": 99, "version": "9.0"}', "format 99, and this version reads format 1.*version 9.0"),
        ("nonsense", "does not say what embeddings"),
        ("{}", "does not say what embeddings"),
        ('{"format": 1, "surprise": 2}', "does not say what embeddings"),
    ],
)
def test_another_version_s_store_is_refused_and_left_alone(tmp_path, content, said):
    filled(tmp_path, (1,))
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(RetrievalError, match=said):
        EmbeddingStore(tmp_path, ABOUT)
    assert (tmp_path / "store.json").read_text() == content
    assert (tmp_path / "vectors-0.bin").stat().st_size == 12


def test_a_full_disk_is_said_and_leaves_whole_rows(tmp_path, monkeypatch):
    store = filled(tmp_path, (1, 2))
    room = iter([True, False])  # for the vectors, not for their keys

    def synced(descriptor):
        if not next(room):
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, store.writing():
        patched.setattr(stores, "_synced", synced)
        with pytest.raises(RetrievalError, match="No space left on device.*What was written before is kept"):
            store.append(keys(3), vectors(1))
        assert (tmp_path / "keys-0.bin").stat().st_size == 2 * 36
        with pytest.raises(RetrievalError, match="within"):
            store.append(keys(3), vectors(1))  # not before somebody has mended the end
    with store.writing():
        store.append(keys(4), vectors(1))
    assert EmbeddingStore(tmp_path, ABOUT).rows_of(keys(1, 2, 3, 4)).tolist() == [0, 1, -1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="a file of limited size stands for the full disk")
def test_a_disk_that_takes_a_part_only_leaves_whole_rows(tmp_path):
    script = f"""
        import resource
        from tests.retrieval.test_store import *
        from pathlib import Path
        store = filled(Path({str(tmp_path)!r}), (1, 2))
        import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            with store.writing():
                store.append(keys(*range(10, 30)), vectors(20))
        except RetrievalError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert "embeddings cannot be kept there" in run.stdout
    store = EmbeddingStore(tmp_path, ABOUT)
    assert store.rows_of(keys(1, 2, 10)).tolist() == [0, 1, -1]
    with store.writing():
        store.append(keys(3), vectors(1))
    assert (tmp_path / "vectors-0.bin").stat().st_size == 3 * 12
    assert EmbeddingStore(tmp_path, ABOUT).rows_of(keys(1, 2, 3)).tolist() == [0, 1, 2]


def test_a_second_writer_is_refused_by_name_or_waits(tmp_path):
    store, other = filled(tmp_path, (1,)), EmbeddingStore(tmp_path, ABOUT)
    with store.writing():
        with (
            pytest.raises(RetrievalError, match=f"another program \\(process {os.getpid()}\\) is writing"),
            other.writing(),
        ):
            pass
        store.append(keys(2), vectors(1))
        waited = []

        def give_up_after_two():
            waited.append(1)
            if len(waited) == 2:
                raise InterruptedError

        with pytest.raises(InterruptedError), other.writing(give_up_after_two):
            pass
    with other.writing():
        assert other.rows_of(keys(2)).tolist() == [1]  # what the first one wrote


def test_a_reader_sees_what_was_written_once_it_looks_again(tmp_path):
    reader = EmbeddingStore(tmp_path, ABOUT)
    filled(tmp_path, (1, 2))
    assert len(reader) == 0
    reader.refresh()
    assert reader.rows_of(keys(2)).tolist() == [1]


def test_rows_that_are_not_wanted_any_more_are_dropped_and_open_readers_go_on(tmp_path):
    store = filled(tmp_path, (1, 2), (3, 4))
    reader, before = EmbeddingStore(tmp_path, ABOUT), np.array(store.vectors)
    with store.writing():
        assert store.keep_only(keys(4, 2, 9)) == 2
    assert store.rows_of(keys(1, 2, 3, 4)).tolist() == [-1, 0, -1, 1]
    np.testing.assert_array_equal(store.vectors, before[[1, 3]])
    np.testing.assert_array_equal(reader.vectors, before)
    reader.refresh()
    np.testing.assert_array_equal(reader.vectors, before[[1, 3]])
    assert sorted(path.name for path in tmp_path.glob("*.bin")) == ["keys-1.bin", "vectors-1.bin"]


def test_what_killed_writers_left_is_cleared_away(tmp_path):
    store = filled(tmp_path, (1, 2))
    for name in ("vectors-7.bin", "keys-7.bin", f"store.json.{'0a' * 16}", f"approximate.faiss.{'0a' * 16}"):
        (tmp_path / name).write_bytes(b"left")
    (tmp_path / "notes.txt").write_text("the user's own")
    with store.writing():
        store.append(keys(3), vectors(1))
    left = {path.name for path in tmp_path.iterdir()} - {"store.lock", "store.writer"}
    assert left == {"store.json", "vectors-0.bin", "keys-0.bin", "notes.txt"}


def test_a_reader_that_meets_a_change_of_generation_looks_again(tmp_path, monkeypatch):
    store = filled(tmp_path, (1, 2, 3))
    reader = EmbeddingStore(tmp_path, ABOUT)
    read_about, is_first = stores._read_about, iter([True])

    def dropped_meanwhile(folder):
        found = read_about(folder)
        if next(is_first, False):
            with store.writing():
                store.drop(np.asarray([0]))
        return found

    monkeypatch.setattr(stores, "_read_about", dropped_meanwhile)
    reader.refresh()
    assert reader.rows_of(keys(1, 2, 3)).tolist() == [-1, 0, 1]


def test_what_was_added_just_now_is_not_dropped_with_the_rest(tmp_path):
    store = filled(tmp_path, (1, 2))
    with store.writing():
        store.append(keys(3), vectors(1))
        assert store.keep_only(keys(1, 3)) == 1
    assert store.rows_of(keys(1, 2, 3)).tolist() == [0, -1, 1]


def test_bytes_that_changed_on_the_disk_are_found_and_can_be_dropped(tmp_path):
    store = filled(tmp_path, (1, 2, 3))
    with (tmp_path / "vectors-0.bin").open("r+b") as file:
        file.seek(12 + 5)
        file.write(b"\xff")
    store = EmbeddingStore(tmp_path, ABOUT)
    assert store.damaged().tolist() == [1]
    with store.writing():
        store.drop(store.damaged())
    assert store.rows_of(keys(1, 2, 3)).tolist() == [0, -1, 1]


def test_nothing_is_added_outside_of_writing(tmp_path):
    with pytest.raises(RetrievalError, match="within"):
        EmbeddingStore(tmp_path, ABOUT).append(keys(1), vectors(1))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RetrievalError, match="PAIRX_CACHE"):
        EmbeddingStore(tmp_path / "file", ABOUT)


def test_the_folder_says_what_made_it(tmp_path):
    filled(tmp_path, (1,))
    about = json.loads((tmp_path / "store.json").read_text())
    assert about["model"] == "tiny" and about["preprocessing"] == "as given" and about["format"] == 1
