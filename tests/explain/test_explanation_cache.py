"""The cache on disk: bounded, shared, and never wrong."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pairx_core import ExplanationCache, ExplanationOptions, SettingsError
from pairx_core.explain import explainer as explainer_module
from pairx_core.explain.trace import Trace
from tests.explain.tiny_models import explainer_of, tiny_inputs, tiny_net


def explain(folder: Path, seed: int = 0, **options):
    explainer = explainer_of(tiny_net(seed), cache=ExplanationCache(folder), **options)
    return explainer.explain_tensors(*tiny_inputs(), k_colors=3)


def bytes_of(explanation) -> list[bytes]:
    arrays = (
        explanation.matches.query_xy,
        explanation.matches.relevance,
        explanation.matches.distance,
        explanation.query_relevance,
        explanation.query_color_maps,
        explanation.candidate_color_maps,
    )
    return [np.ascontiguousarray(array).tobytes() for array in arrays] + [
        explanation.similarity.hex().encode()
    ]


@pytest.fixture
def no_computing(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this was to come from the cache")

    def start() -> None:
        monkeypatch.setattr(explainer_module.RelevanceModel, "__init__", refuse)

    return start


def test_what_was_kept_comes_back(tmp_path):
    cache = ExplanationCache(tmp_path)
    cache.put({"a": b"one", "b": b""})
    assert ExplanationCache(tmp_path).get(["a", "b", "c"]) == {"a": b"one", "b": b""}
    assert cache.nbytes == 3


def test_an_explained_pair_comes_from_the_cache_to_the_byte(tmp_path, no_computing):
    first = explain(tmp_path)
    no_computing()
    assert bytes_of(explain(tmp_path)) == bytes_of(first)


def test_color_maps_of_a_query_serve_its_other_candidates(tmp_path, monkeypatch):
    query, first, second = tiny_inputs(3)
    explainer = explainer_of(tiny_net(), cache=ExplanationCache(tmp_path))
    explainer.explain_tensors(query, first, k_colors=40)
    asked = []
    original = Trace.color_map
    monkeypatch.setattr(
        Trace, "color_map", lambda self, layer, *cell: asked.append(cell) or original(self, layer, *cell)
    )
    other = explainer.explain_tensors(query, second, k_colors=40)
    alone = explainer_of(tiny_net()).explain_tensors(query, second, k_colors=40)
    assert bytes_of(other) == bytes_of(alone)
    assert len(asked) - 2 * len(alone.query_color_maps) < len(alone.query_color_maps) * 2


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"layer": "blocks.0"},
        {"options": ExplanationOptions(channel_reduction="sum_of_abs")},
        {"options": ExplanationOptions(distance="cosine")},
        {"options": ExplanationOptions(precision="float64")},
    ],
)
def test_another_model_layer_or_option_never_gets_these_results(tmp_path, change):
    explain(tmp_path)
    with_cache = explain(tmp_path, **change)
    (tmp_path / "other").mkdir()
    assert bytes_of(with_cache) == bytes_of(explain(tmp_path / "other", **change))


def test_changed_code_never_gets_these_results(tmp_path, monkeypatch, no_computing):
    explain(tmp_path)
    monkeypatch.setattr(explainer_module, "engine_fingerprint", lambda: "changed")
    no_computing()
    with pytest.raises(AssertionError, match="was to come"):
        explain(tmp_path)


def test_a_changed_photo_never_gets_these_results(tmp_path):
    explainer = explainer_of(tiny_net(), cache=ExplanationCache(tmp_path))
    query, candidate = tiny_inputs()
    before = explainer.explain_tensors(query, candidate, k_colors=1)
    after = explainer.explain_tensors(query + 0.01, candidate, k_colors=1)
    assert before.similarity != after.similarity


def test_corrupt_entries_are_computed_again(tmp_path):
    first = explain(tmp_path)
    with sqlite3.connect(tmp_path / "explanations.sqlite") as connection:
        for rowid, content in connection.execute("SELECT rowid, content FROM entry").fetchall():
            spoilt = content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 255]) + b"x"
            connection.execute("UPDATE entry SET content = ? WHERE rowid = ?", (spoilt, rowid))
    assert bytes_of(explain(tmp_path)) == bytes_of(first)
    assert bytes_of(explain(tmp_path)) == bytes_of(first)


@pytest.mark.parametrize("damage", ["text", "cut", "holes"])
def test_a_damaged_file_is_begun_anew(tmp_path, damage, caplog):
    first = explain(tmp_path)
    path = tmp_path / "explanations.sqlite"
    content = path.read_bytes()
    if damage == "text":
        path.write_bytes(b"no database at all" * 400)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 3])
    else:
        path.write_bytes(content[:100] + os.urandom(len(content) - 100))
    assert bytes_of(explain(tmp_path)) == bytes_of(first)
    assert bytes_of(explain(tmp_path)) == bytes_of(first)
    assert "begun anew" in caplog.text


def test_the_cache_stays_within_its_limit_and_keeps_what_was_used_last(tmp_path):
    cache = ExplanationCache(tmp_path, limit=10_000)
    for number in range(30):
        cache.put({str(number): bytes(1000)})
        cache.get(["0"])
    assert cache.nbytes <= 11_000
    assert set(cache.get(["0", "29", "1"])) == {"0", "29"}


def test_a_full_disk_does_not_stop_an_explanation(tmp_path, monkeypatch, caplog):
    def full(self, entries):
        raise SettingsError("explanations.sqlite: no room")

    monkeypatch.setattr(ExplanationCache, "put", full)
    assert len(explain(tmp_path).query_color_maps) == 3
    assert "no room" in caplog.text


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="PAIRX_CACHE"):
        ExplanationCache(tmp_path / "file" / "cache")


def test_many_threads_share_a_cache(tmp_path):
    cache = ExplanationCache(tmp_path)

    def work(number: int) -> bool:
        cache.put({f"{number}": bytes([number]) * 500})
        return cache.get([f"{number}"]) == {f"{number}": bytes([number]) * 500}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))


def _in_a_process(folder: Path, start: int) -> int:
    cache = ExplanationCache(folder, limit=40_000)
    for number in range(start, start + 20):
        cache.put({f"{number}": bytes([number]) * 1000})
    found = cache.get([f"{number}" for number in range(80)])
    return sum(content != bytes([int(key)]) * 1000 for key, content in found.items())


def test_several_processes_share_a_cache(tmp_path):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        wrong = list(pool.map(_in_a_process, [tmp_path] * 3, (0, 20, 40)))
    assert wrong == [0, 0, 0]
    assert ExplanationCache(tmp_path).nbytes <= 45_000
