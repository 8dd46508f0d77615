"""Making a field pack: what is in it, going on after a stop, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from pairx_core import PairExplainer, build_index, load_model, read_catalogue
from pairx_core.catalogue.pack_catalogue import PACK_NAME, UNFINISHED_NAME
from pairx_core.errors import CatalogueError, ExplanationError, FieldPackError
from pairx_core.fieldpack import NamedExplainer, Wanted, explain_pair, files, write_pack
from pairx_core.fieldpack.compact import packed
from pairx_core.fieldpack.explaining import PairTask
from pairx_core.fieldpack.selection import select
from pairx_core.models import NamedModel
from pairx_core.retrieval import CandidateFilters, GivenCandidates
from pairx_core.retrieval.given import GivenScore
from pairx_core.retrieval.vectors import PhotoVectors


class Stopped(Exception):
    """The run was stopped."""


class Counting(PairExplainer):
    """Counts what it explains, and fails where it is told to."""

    def __init__(self, model, *, fails_on: tuple[str, ...] = ()) -> None:
        super().__init__(model)
        self.explained: list[tuple[str, str]] = []
        self.fails_on = fails_on

    def explain(self, query, candidate, k_lines=20, k_colors=10):
        self.explained.append((query.id, candidate.id))
        if candidate.id in self.fails_on:
            raise ExplanationError("The photo is blank.")
        return super().explain(query, candidate, k_lines, k_colors)


def content_of(folder: Path) -> dict:
    return json.loads((folder / PACK_NAME).read_text(encoding="utf-8"))


def files_of(folder: Path) -> dict[str, bytes]:
    """All files but pack.json, which tells the time, and the lock."""
    beside = (PACK_NAME, "pack.lock")
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in beside)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_pack_holds_what_it_says_and_nothing_else(make, folder, model):
    report = make()
    content = content_of(folder)
    assert set(files_of(folder)) == set(content["files"])
    assert (report.queries, report.pairs, report.explained, report.there_already) == (2, 4, 4, 0)
    assert content["counts"]["explained"] == 4 and content["counts"]["photos"] == len(content["photos"])
    assert (content["model"]["name"], content["model"]["fingerprint"]) == (model.name, model.fingerprint)
    assert (content["schema"], content["layer"]) == (1, "blocks.1")
    assert report.total_bytes == sum(map(len, files_of(folder).values()))
    assert report.pairs_an_hour > 0 and report.explanation_bytes > 0


def test_further_photos_of_the_candidates_individuals_come_along_if_wanted(make, index, catalogue, folder):
    filters = CandidateFilters(same_flank=True)
    make("u1", k=1, filters=filters, more=0)
    (few,) = content_of(folder)["queries"]
    (first,) = few["candidates"]
    assert few["others"] == []
    shutil.rmtree(folder)
    make("u1", k=1, filters=filters, more=2)
    (more,) = content_of(folder)["queries"]
    identity = catalogue.photo(first["photo"]).identity
    others = [photo.id for photo in catalogue.individuals[identity] if photo.id != first["photo"]]
    assert {one["photo"] for one in more["others"]} <= set(others)
    assert len(more["others"]) == min(2, len(others))
    for one in more["others"]:
        ranked = index.candidate(catalogue.photo("u1"), catalogue.photo(one["photo"]), filters)
        assert (one["rank"], one["similarity"], one["score"]) == (0, ranked.similarity, "")


def test_the_embeddings_are_gone_through_once_for_all_queries(make, catalogue, monkeypatch):
    passes: list[int] = []
    blocks = PhotoVectors.blocks
    monkeypatch.setattr(
        PhotoVectors, "blocks", lambda vectors, *which: passes.append(1) or blocks(vectors, *which)
    )
    monkeypatch.setattr("pairx_core.fieldpack.writing._Run.keep_known_pairs", lambda run, index: None)
    make(*(photo.id for photo in catalogue.photos), k=1, more=3, filters=CandidateFilters(same_flank=False))
    assert len(passes) == 1


def test_photos_that_a_table_ranked_keep_its_rank_and_score(catalogue):
    scores = {"u1": {f"a{n}": GivenScore(n / 10, f"{n}0 %") for n in (3, 2, 1)}}
    given = GivenCandidates(catalogue.photos, scores, source=Path("scores.csv"))
    (listing,) = select(given, [catalogue.photo("u1")], Wanted(k=1, more=3))
    assert [(one.photo.id, one.rank, one.score) for one in listing.candidates] == [("a3", 1, "30 %")]
    assert {(one.photo.id, one.rank, one.score) for one in listing.others} >= {("a2", 2, "20 %")}


def test_known_pairs_come_along_however_many_photos_are_known(make, index, folder):
    index.photos *= 3_000
    make("u1", k=1)
    assert "known_pairs.npz" in content_of(folder)["files"]


@pytest.mark.parametrize("stop_after", [1, 9, 13])
def test_a_run_that_is_stopped_goes_on_and_explains_nothing_twice(
    make, model, folder, tmp_path, monkeypatch, stop_after
):
    written = files.put_file
    left = [stop_after]

    def stop(*arguments):
        if not left[0]:
            raise Stopped
        left[0] -= 1
        return written(*arguments)

    monkeypatch.setattr("pairx_core.fieldpack.writing.put_file", stop)
    first = Counting(model)
    with pytest.raises(Stopped):
        make(explainer=first)
    assert not (folder / PACK_NAME).exists()
    with pytest.raises(CatalogueError, match="not finished"):
        read_catalogue(folder)
    kept = len(list(folder.glob("explanations/*")))
    left[0] = 1000
    second = Counting(model)
    report = make(explainer=second)
    assert report.there_already == kept
    assert len(second.explained) == 4 - kept
    make(into=tmp_path / "in one go")
    assert files_of(folder) == files_of(tmp_path / "in one go")


def test_what_was_written_when_the_power_went_counts_only_as_far_as_it_is_whole(
    make, model, folder, monkeypatch
):
    monkeypatch.setattr(
        "pairx_core.fieldpack.writing._Run.finish", lambda run: (_ for _ in ()).throw(Stopped)
    )
    with pytest.raises(Stopped):
        make()
    monkeypatch.undo()
    journal = folder / UNFINISHED_NAME
    whole = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(whole[:-2]) + whole[-2][:20])  # a torn line, and one that is lost
    next(iter(sorted(folder.glob("explanations/*")))).write_bytes(b"")  # and a file
    again = Counting(model)
    report = make(explainer=again)
    assert (report.there_already, len(again.explained)) == (1, 3)
    assert not journal.exists()


def test_a_finished_pack_is_left_as_it_is_and_what_went_missing_is_made_again(make, model, folder):
    make()
    before, written = files_of(folder), (folder / PACK_NAME).stat().st_mtime_ns
    again = Counting(model)
    assert make(explainer=again).there_already == 4
    assert again.explained == [] and (folder / PACK_NAME).stat().st_mtime_ns == written
    lost = sorted(folder.glob("explanations/*"))[0]
    lost.unlink()
    shutil.rmtree(folder / "photos" / "00001")
    report = make(explainer=again)
    assert (report.there_already, len(again.explained)) == (3, 1)
    assert files_of(folder) == before


def test_mending_a_finished_pack_can_be_stopped_as_well(make, model, folder, monkeypatch):
    make()
    before = files_of(folder)
    for lost in sorted(folder.glob("explanations/*"))[:3]:
        lost.unlink()
    (folder / "photos" / "00000" / f".{uuid4().hex}.part").write_bytes(b"half a file that a kill left")
    written, left = files.put_file, [1]

    def stop(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return written(*arguments)

    monkeypatch.setattr("pairx_core.fieldpack.writing.put_file", stop)
    with pytest.raises(Stopped):
        make()
    assert len(read_catalogue(folder)) == content_of(folder)["counts"]["photos"]  # it opens meanwhile
    monkeypatch.undo()
    again = Counting(model)
    assert make(explainer=again).there_already == 2 and len(again.explained) == 2
    assert files_of(folder) == before


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {"k": 1},
            "made with other numbers or filters .candidates a query: 2 in the folder, 1 asked for now",
        ),
        ({"longest_side": 300}, "pixels on the longest side: 2048 in the folder, 300 asked for now"),
        ({"filters": CandidateFilters(same_flank=False)}, "other numbers or filters .the filters differ"),
    ],
)
def test_a_folder_with_a_pack_of_something_else_is_refused_by_name(make, folder, other, words):
    make()
    before = files_of(folder)
    with pytest.raises(FieldPackError, match=words) as refused:
        make(**other)
    assert str(folder) in str(refused.value)
    assert files_of(folder) == before


def test_other_queries_another_layer_and_another_model_are_refused(make, model, folder, tiny_checkpoint):
    make()
    with pytest.raises(FieldPackError, match="another selection of photos"):
        make("u1")
    with pytest.raises(FieldPackError, match="about another layer"):
        make(explainer=PairExplainer(model, "blocks.0"))
    half = load_model(str(tiny_checkpoint), normalisation="half")
    with pytest.raises(
        FieldPackError, match=rf"another model \({model.name}, fingerprint {model.fingerprint}"
    ):
        make(explainer=PairExplainer(half))


def test_a_photo_that_was_replaced_between_two_runs_is_noticed(
    make, index, catalogue, folder, explainer, monkeypatch
):
    monkeypatch.setattr(
        "pairx_core.fieldpack.writing._Run.finish", lambda run: (_ for _ in ()).throw(Stopped)
    )
    with pytest.raises(Stopped):
        make("u1")
    monkeypatch.undo()
    Image.new("RGB", (96, 64), (9, 9, 9)).save(catalogue.photo("u1").path)
    with pytest.raises(FieldPackError, match="another selection of photos"):
        make("u1")


def test_a_folder_that_holds_something_else_is_refused_by_name(make, folder):
    folder.mkdir(parents=True)
    (folder / "thesis.docx").write_text("years of work")
    with pytest.raises(FieldPackError, match="thesis.docx"):
        make()
    assert [path.name for path in folder.iterdir()] == ["thesis.docx"]


def test_a_file_in_the_place_of_the_folder_is_refused(make, tmp_path):
    (tmp_path / "pack").write_text("")
    with pytest.raises(FieldPackError, match="cannot be used for a field pack"):
        make(into=tmp_path / "pack")


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_is_at_work(make, folder):
    with files.alone_in(folder), pytest.raises(FieldPackError, match="Another run"):
        make()
    make()


def test_a_run_that_waited_for_the_lock_has_it_for_itself(folder):
    fcntl = pytest.importorskip("fcntl")
    with files.alone_in(folder):
        waiting = (folder / "pack.lock").open("r+b")
    with waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(FieldPackError, match="Another run"), files.alone_in(folder):
            pass


def test_only_drafts_of_packs_are_taken_away(folder):
    ours, others = folder / "photos" / f".{uuid4().hex}.part", folder / "photos" / ".film.mp4.part"
    ours.parent.mkdir(parents=True)
    ours.write_bytes(b"")
    others.write_bytes(b"")
    files.remove_drafts(folder)
    assert not ours.exists() and others.exists()


def test_a_full_disk_is_said_and_leaves_nothing_that_looks_whole(make, folder, monkeypatch):
    written, room = Path.open, [7]

    def opened(path, mode="r", *arguments, **named):
        if ".part" in path.name and "w" in mode:
            room[0] -= 1
            if room[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written(path, mode, *arguments, **named)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(FieldPackError, match=r"No space left on device.*Make room"):
        make()
    assert not (folder / PACK_NAME).exists()
    assert not list(folder.rglob("*.part"))
    monkeypatch.undo()
    assert make().pairs == 4


def test_a_pair_that_cannot_be_explained_is_kept_said_and_tried_again(make, model, folder):
    report = make("u1", explainer=Counting(model, fails_on=("a1", "a2", "a3", "b1", "c1")))
    assert report.explained == 0
    assert len(report.unexplained) == 2 and "The photo is blank." in report.unexplained[0]
    (query,) = content_of(folder)["queries"]
    assert all(pair["explanation"] is None and "blank" in pair["unexplained"] for pair in query["candidates"])
    again = make("u1")
    assert (again.explained, again.unexplained) == (2, ())
    (query,) = content_of(folder)["queries"]
    assert all(pair["explanation"] for pair in query["candidates"])


def test_a_query_without_candidates_is_in_the_pack(small_catalogue, model, explainer, folder):
    text = small_catalogue.read_text(encoding="utf-8").replace("u1.jpg,left", "u1.jpg,up")
    small_catalogue.write_text(text, encoding="utf-8")
    catalogue = read_catalogue(small_catalogue)
    index = build_index(catalogue, model)
    queries = [catalogue.photo("u1"), catalogue.photo("a4")]
    report = write_pack(
        index, explainer, queries, folder, catalogue=small_catalogue, wanted=Wanted(k_colors=0)
    )
    assert (report.queries, report.pairs) == (2, 1)
    alone, other = content_of(folder)["queries"]
    assert (alone["query"], alone["candidates"]) == ("u1", [])
    assert [one["photo"] for one in other["candidates"]] == ["b2"]


def test_a_photo_whose_file_is_gone_is_left_out_with_its_pairs_and_said(make, index, catalogue, folder):
    first, second = index.candidates(catalogue.photo("u1"), 2, CandidateFilters())
    first.photo.path.unlink()
    report = make("u1")
    assert report.pairs == 1 and first.photo.path.name in report.notes[0]
    (query,) = content_of(folder)["queries"]
    assert [(one["photo"], one["rank"]) for one in query["candidates"]] == [(second.photo.id, 2)]
    catalogue.photo("u1").path.unlink()
    with pytest.raises(FieldPackError, match="None of the queries can be read"):
        make("u1")


def test_ids_of_every_kind_and_two_photos_of_one_name_are_told_apart(tmp_path, model, explainer, folder):
    source = tmp_path / "odd"
    lines = ["image_id,identity,path,bbox"]
    ids = ["a/b\\c", "zèbre 1", "x" * 300, "..", "a?b*c", "d|e"]
    for number, name in enumerate(ids):
        (source / str(number)).mkdir(parents=True)
        Image.effect_noise((96, 64), 40 + number).convert("RGB").save(source / str(number) / "IMG_1.png")
        lines.append(f'"{name}",who{number % 2},{number}/IMG_1.png,"[4, 4, 80, 50]"')
    (source / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    catalogue = read_catalogue(source)
    index = build_index(catalogue, model)
    write_pack(index, explainer, catalogue.photos, folder, catalogue=source, wanted=Wanted(k=5, k_colors=0))
    again = read_catalogue(folder)
    assert {photo.id: photo.catalogue_path for photo in again.photos} == {
        photo.id: photo.catalogue_path for photo in catalogue.photos
    }
    assert len({photo.path for photo in again.photos}) == len(ids)
    assert {photo.path.name for photo in again.photos} == {"IMG_1.jpg"}


def test_nothing_to_review_and_numbers_that_cannot_be_are_refused(make, index, explainer, catalogue, folder):
    with pytest.raises(FieldPackError, match="No query"):
        write_pack(index, explainer, [], folder, catalogue="x")
    with pytest.raises(FieldPackError, match="not in the index"):
        write_pack(index, explainer, [replace(catalogue.photo("u1"), id="other")], folder, catalogue="x")
    with pytest.raises(FieldPackError, match="longest_side is 10"):
        Wanted(longest_side=10)


def test_a_task_gives_the_same_bytes_by_a_named_model_as_by_the_loaded_one(
    explainer, catalogue, tiny_checkpoint, model
):
    task = PairTask(catalogue.photo("u1"), catalogue.photo("a1"), 20, 2)
    named = NamedExplainer(
        NamedModel(str(tiny_checkpoint), model.fingerprint), explainer.layers, explainer.options
    )
    assert explain_pair(named, task) == explain_pair(explainer, task)
    assert explain_pair(explainer, task) == packed(explainer.explain(task.query, task.candidate, 20, 2))


def test_what_is_being_done_is_told_with_numbers(make):
    told: list[tuple[str, int, int]] = []
    make(tell=lambda *said: told.append(said))
    assert {what for what, _, _ in told} == {
        "finding candidates",
        "comparing further photos",
        "copying photos",
        "explaining pairs",
    }
    assert told[-1] == ("explaining pairs", 4, 4)
