"""The embedding job: stopped, killed, shared, and fed with photos that change under its hands."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairx_core import CatalogueError, build_index, read_catalogue
from pairx_core.errors import RetrievalError
from pairx_core.jobs import LocalRunner
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.named import NamedModel
from pairx_core.retrieval import IndexOptions, embedding, open_store
from pairx_core.retrieval.digests import DigestCache, FileDigest
from tests.conftest import paint


@pytest.fixture
def embedded(monkeypatch) -> list[str]:
    """The photos that went through a model, by id, in their order."""
    seen: list[str] = []
    embed = embedding.PhotoEmbedder.embed

    def watched(self, task):
        seen.extend(photo.id for photo in task.photos)
        return embed(self, task)

    monkeypatch.setattr(embedding.PhotoEmbedder, "embed", watched)
    return seen


def files_in(folder: Path) -> dict[str, bytes]:
    (place,) = (folder / "embeddings").iterdir()
    return {path.name: path.read_bytes() for path in place.iterdir() if path.suffix in (".bin", ".json")}


def test_nothing_is_embedded_twice(catalogue, model, tmp_path, embedded):
    first = build_index(catalogue, model, cache_dir=tmp_path)
    second = build_index(catalogue, model, cache_dir=tmp_path)
    assert sorted(embedded) == sorted(photo.id for photo in catalogue.photos)
    query = catalogue.photos[0]
    assert first.candidates(query, 7) == second.candidates(query, 7)


def test_embeddings_are_the_model_s_whether_kept_or_not(catalogue, model, tmp_path):
    expected = model.embed(catalogue.photos)
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    for cache in (None, tmp_path):
        index = build_index(catalogue, model, cache_dir=cache)
        np.testing.assert_allclose(index.vectors.at(np.arange(8)), expected, atol=1e-5)


def test_in_half_precision_candidates_stay_and_take_half_the_room(catalogue, model, tmp_path):
    whole = build_index(catalogue, model, cache_dir=tmp_path / "whole")
    half = build_index(
        catalogue, model, cache_dir=tmp_path / "half", options=IndexOptions(precision="float16")
    )
    for query in catalogue.photos:
        ranked = [one.candidates(query, 3) for one in (whole, half)]
        assert [one.photo.id for one in ranked[0]] == [one.photo.id for one in ranked[1]]
        np.testing.assert_allclose(
            *([one.similarity for one in candidates] for candidates in ranked), atol=2e-3
        )
    sizes = [len(files_in(tmp_path / name)["vectors-0.bin"]) for name in ("whole", "half")]
    assert sizes[0] == 2 * sizes[1]


def test_an_index_in_half_precision_is_found_again_without_being_named(catalogue, model, tmp_path, embedded):
    build_index(catalogue, model, cache_dir=tmp_path, options=IndexOptions(precision="float16"))
    assert build_index(catalogue, model, cache_dir=tmp_path).vectors.precision == "float16"
    assert len(embedded) == 8


def test_a_photo_that_was_added_cropped_anew_or_replaced_is_embedded_and_no_other(
    small_catalogue, model, tmp_path, embedded
):
    build_index(read_catalogue(small_catalogue), model, cache_dir=tmp_path)
    del embedded[:]
    folder = small_catalogue.parent
    paint(folder / "a1.jpg", 1234)  # replaced
    paint(folder / "new.jpg", 77)
    text = small_catalogue.read_text().replace("species\n", "species,bbox\n")
    lines = [f"{line}," for line in text.splitlines()[1:]]
    lines = [line[:-1] + ',"[5, 5, 40, 40]"' if line.startswith("a2,") else line for line in lines]
    small_catalogue.write_text(
        "\n".join([text.splitlines()[0], *lines, "new,bo,new.jpg,left,,dam,bushbuck,"]) + "\n"
    )
    index = build_index(read_catalogue(small_catalogue), model, cache_dir=tmp_path)
    assert sorted(embedded) == ["a1", "a2", "new"]
    assert len(index) == 9


def test_a_photo_that_left_the_catalogue_is_no_candidate_any_more(small_catalogue, model, tmp_path, embedded):
    build_index(read_catalogue(small_catalogue), model, cache_dir=tmp_path)
    lines = [line for line in small_catalogue.read_text().splitlines() if not line.startswith("a3,")]
    small_catalogue.write_text("\n".join(lines) + "\n")
    catalogue = read_catalogue(small_catalogue)
    index = build_index(catalogue, model, cache_dir=tmp_path)
    assert len(embedded) == 8 and len(index) == 7
    assert "a3" not in {one.photo.id for one in index.candidates(catalogue.photos[0], 100)}


def test_photos_that_are_the_same_to_the_model_are_embedded_once(small_catalogue, model, tmp_path, embedded):
    shutil.copy(small_catalogue.parent / "a1.jpg", small_catalogue.parent / "copy.jpg")
    with small_catalogue.open("a", encoding="utf-8") as file:
        file.write("copy,bo,copy.jpg,left,,dam,bushbuck\nagain,bo,sub/../a1.jpg,left,,dam,bushbuck\n")
    index = build_index(read_catalogue(small_catalogue), model, cache_dir=tmp_path)
    assert len(embedded) == 8 and len(index) == 10


def test_an_interrupted_job_goes_on_where_it_stopped(catalogue, model, tmp_path, embedded, monkeypatch):
    monkeypatch.setattr(embedding, "_A_TASK", 1)

    def stop_at(done: int, total: int) -> None:
        if done == 3:
            raise InterruptedError

    options = IndexOptions(runner=LocalRunner(1))
    with pytest.raises(InterruptedError):
        build_index(catalogue, model, cache_dir=tmp_path, progress=stop_at, options=options)
    kept = len(open_store(tmp_path, model))
    assert kept == 3
    build_index(catalogue, model, cache_dir=tmp_path, options=options)
    again = [photo for photo in embedded if embedded.count(photo) > 1]
    assert not set(again) & {photo.id for photo in catalogue.photos[:kept]}


_JOB = """
import sys
from pathlib import Path
from pairx_core import build_index, load_model, read_catalogue
from pairx_core.jobs import LocalRunner
from pairx_core.retrieval import IndexOptions, embedding
embedding._A_TASK = 2

def step(done, total):
    print(done, flush=True)

model = load_model(sys.argv[2])
build_index(read_catalogue(sys.argv[1]), model, cache_dir=Path(sys.argv[3]), progress=step,
            options=IndexOptions(runner=LocalRunner(2)))
"""


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> Path:
    """Sixty photos, two of them damaged."""
    folder = tmp_path_factory.mktemp("crops")
    lines = ["image_id,identity,path"]
    for number in range(60):
        paint(folder / f"p{number}.jpg", number)
        lines.append(f"p{number},unknown,p{number}.jpg")
    for number in (7, 31):
        broken = folder / f"p{number}.jpg"
        broken.write_bytes(broken.read_bytes()[:-400])
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "metadata.csv"


def test_killed_three_times_at_random_and_resumed_it_is_the_same_to_the_byte(
    crops, tiny_checkpoint, tmp_path
):
    """``make bench`` does the same ten times over."""
    command = [sys.executable, "-c", _JOB, str(crops), str(tiny_checkpoint)]
    subprocess.run([*command, str(tmp_path / "straight")], check=True, capture_output=True)
    chance = random.Random(5)
    for _ in range(3):
        killed = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.PIPE)
        wait_for = chance.randrange(5, 50)
        while int(killed.stdout.readline() or 60) < wait_for:
            pass
        killed.kill()
        killed.communicate()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    assert files_in(tmp_path / "killed") == files_in(tmp_path / "straight")


def test_a_photo_replaced_while_it_is_embedded_is_left_out_and_said(catalogue, model, tmp_path, monkeypatch):
    open_photo = embedding.open_photo

    def replaced_meanwhile(photo):
        picture = open_photo(photo)
        if photo.id == "b1":
            paint(photo.path, 4321, size=(90, 70))
        return picture

    monkeypatch.setattr(embedding, "open_photo", replaced_meanwhile)
    index = build_index(catalogue, model, cache_dir=tmp_path)
    assert [str(problem).count("was replaced while") for problem in index.skipped] == [1]
    monkeypatch.setattr(embedding, "open_photo", open_photo)
    again = build_index(catalogue, model, cache_dir=tmp_path)
    assert len(again) == 8
    expected = model.embed([catalogue.photo("b1")])[0]
    found = again.vectors.at(np.asarray([again.photos.index(catalogue.photo("b1"))]))[0]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)


def test_two_indexers_on_one_folder_one_is_refused_or_waits(catalogue, model, tmp_path, embedded):
    store, other = open_store(tmp_path, model), IndexOptions()
    with store.writing(), pytest.raises(RetrievalError, match="another program.*is writing"):
        build_index(catalogue, model, cache_dir=tmp_path, options=other)
    waiting = threading.Event()
    options = IndexOptions(waiting=waiting.set)
    built = []
    with store.writing():
        thread = threading.Thread(
            target=lambda: built.append(build_index(catalogue, model, cache_dir=tmp_path, options=options))
        )
        thread.start()
        assert waiting.wait(20)
    thread.join(30)
    assert len(built) == 1 and len(embedded) == 8


def test_the_index_of_another_version_is_refused_and_left_alone(catalogue, model, tmp_path):
    build_index(catalogue, model, cache_dir=tmp_path)
    (about,) = (tmp_path / "embeddings").glob("*/store.json")
    about.write_text(about.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(RetrievalError, match="format 2, and this version reads format 1"):
        build_index(catalogue, model, cache_dir=tmp_path)


def test_another_model_s_embeddings_are_never_taken(catalogue, model, tmp_path, embedded):
    build_index(catalogue, model, cache_dir=tmp_path)
    (place,) = (tmp_path / "embeddings").iterdir()
    other = model.with_preprocessing(replace(model.preprocessing, input_size=(48, 48)))
    build_index(catalogue, other, cache_dir=tmp_path)
    assert len(embedded) == 16
    place.rename(tmp_path / "moved")
    shutil.rmtree(tmp_path / "embeddings" / f"{other.fingerprint}-float32")
    (tmp_path / "moved").rename(tmp_path / "embeddings" / f"{other.fingerprint}-float32")  # by hand
    with pytest.raises(RetrievalError, match="which is not the model that is asked for"):
        build_index(catalogue, other, cache_dir=tmp_path)


def test_a_model_on_other_computers_must_be_the_same_one(tiny_checkpoint, catalogue, model, tmp_path):
    other = NamedModel(str(tiny_checkpoint), "0" * 16)
    options = IndexOptions(runner=LocalRunner(1), named=other)
    with pytest.raises(Exception, match="another one here"):
        build_index(catalogue, model, cache_dir=tmp_path, options=options)
    assert isinstance(NamedModel(str(tiny_checkpoint), model.fingerprint).load(), EmbeddingModel)


def test_embeddings_do_not_depend_on_how_many_are_made_at_once(catalogue, model, tmp_path, monkeypatch):
    found = []
    for workers, at_once in ((1, 1), (2, 3), (4, 8)):
        monkeypatch.setattr(embedding, "_A_TASK", at_once)
        folder = tmp_path / f"{workers}-{at_once}"
        build_index(catalogue, model, cache_dir=folder, options=IndexOptions(runner=LocalRunner(workers)))
        found.append(files_in(folder)["vectors-0.bin"])
    assert found[0] == found[1] == found[2]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_said(catalogue, model, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RetrievalError, match="PAIRX_CACHE"):
            build_index(catalogue, model, cache_dir=tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_damaged_digests_are_refused_by_name(catalogue, model, tmp_path):
    (tmp_path / "digests.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(RetrievalError, match=r"digests.sqlite: the cache cannot be used"):
        build_index(catalogue, model, cache_dir=tmp_path)


def test_a_catalogue_of_broken_photos_is_refused_also_where_embeddings_are_kept(catalogue, model, tmp_path):
    for photo in catalogue.photos:
        photo.path.write_bytes(photo.path.read_bytes()[:300])
    with pytest.raises(CatalogueError, match="not one photo"):
        build_index(catalogue, model, cache_dir=tmp_path)


def test_too_little_memory_is_met_with_halves_and_then_said(catalogue, model, monkeypatch):
    embedder = embedding.PhotoEmbedder(model)
    embedder._most = 8
    task = embedding.EmbeddingTask(catalogue.photos[:3], ())
    inputs = [model.preprocess([embedding.open_photo(photo)]) for photo in task.photos]
    embed_inputs = embedder._model.embed_inputs
    sizes = []

    def needs_much(some):
        sizes.append(len(some))
        if len(some) > 1:
            raise RuntimeError("[enforce fail] not enough memory: you tried to allocate")
        return embed_inputs(some)

    monkeypatch.setattr(embedder._model, "embed_inputs", needs_much)
    assert embedder._embedded(inputs).shape[0] == 3
    assert sizes == [3, 1, 2, 1, 1]


def test_half_precision_is_made_from_what_is_there_in_full(catalogue, model, tmp_path, embedded):
    whole = build_index(catalogue, model, cache_dir=tmp_path)
    half = build_index(catalogue, model, cache_dir=tmp_path, options=IndexOptions(precision="float16"))
    assert len(embedded) == 8
    np.testing.assert_allclose(half.vectors.at(np.arange(8)), whole.vectors.at(np.arange(8)), atol=1e-3)


def test_an_index_that_was_hardly_begun_in_half_precision_is_not_preferred(
    catalogue, model, tmp_path, embedded
):
    build_index(catalogue, model, cache_dir=tmp_path)
    open_store(tmp_path, model, "float16")
    assert build_index(catalogue, model, cache_dir=tmp_path).vectors.precision == "float32"
    assert len(embedded) == 8


def test_with_a_photo_that_cannot_be_read_nobody_waits_for_others(small_catalogue, model, tmp_path):
    broken = small_catalogue.parent / "b1.jpg"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-400])
    catalogue = read_catalogue(small_catalogue)
    build_index(catalogue, model, cache_dir=tmp_path)
    with open_store(tmp_path, model).writing():  # another catalogue is being embedded
        index = build_index(catalogue, model, cache_dir=tmp_path)
    assert len(index) == 7 and "b1.jpg" in str(index.skipped[0])
    broken.write_bytes(whole)
    assert len(build_index(read_catalogue(small_catalogue), model, cache_dir=tmp_path)) == 8


def test_embeddings_begun_with_other_packages_are_used_and_that_is_said(catalogue, model, tmp_path):
    assert build_index(catalogue, model, cache_dir=tmp_path).note == ""
    (about,) = (tmp_path / "embeddings").glob("*/store.json")
    about.write_text(re.sub("torch [0-9.]+", "torch 1.0.0", about.read_text()))
    note = build_index(catalogue, model, cache_dir=tmp_path).note
    assert "begun with torch 1.0.0" in note and "Last digits may differ" in note


def test_files_are_counted_while_they_are_read(catalogue, model, tmp_path):
    seen = []
    options = IndexOptions(looking=lambda *step: seen.append(step))
    build_index(catalogue, model, cache_dir=tmp_path, options=options)
    assert seen[0] == (0, 8) and seen[-1] == (8, 8)


def test_a_name_that_is_no_text_has_its_digest_remembered_too(tmp_path):
    cache, path = DigestCache(tmp_path), Path(os.fsdecode(b"/photos/caf\xe9.jpg"))
    cache.put({path: FileDigest(1, 2, "abc")})
    assert cache.get([path, Path("/photos/other.jpg")]) == {path: FileDigest(1, 2, "abc")}
