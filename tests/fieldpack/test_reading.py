"""Opening a field pack: the same photos, candidates and explanations, and what is missing or damaged."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from pairx_core import PairExplainer, build_index, read_catalogue
from pairx_core.catalogue import check_catalogue, open_mask, photo_size, thumbnail
from pairx_core.catalogue.pack_catalogue import PACK_NAME, UNFINISHED_NAME, PackFiles, read_pack_file
from pairx_core.catalogue.pictures import OutsidePicture, UnusablePicture
from pairx_core.catalogue.report import with_damaged_files
from pairx_core.errors import CatalogueError, ExplanationError, ExportError, FieldPackError, PhotoError
from pairx_core.exports import resolve
from pairx_core.fieldpack import FieldPack, Wanted, open_pack, write_pack
from pairx_core.fieldpack.known import KNOWN_NAME, MOST_KNOWN_BYTES, known_pairs_in, thinned
from pairx_core.models import model_card
from pairx_core.retrieval import CandidateFilters, KnownPairs

from ..conftest import paint

FACTS = ("id", "identity", "species", "flank", "date", "site", "catalogue_path", "latitude", "longitude")


@pytest.fixture
def opened(make, folder):
    """Makes a pack and opens it."""

    def make_and_open(*queries: str, **wanted) -> FieldPack:
        make(*queries, **wanted)
        return open_pack(read_catalogue(folder))

    return make_and_open


@pytest.fixture(scope="module")
def made_once(tmp_path_factory, model) -> Path:
    """A pack of two queries that nobody changes."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("made") / "pack"
    for number, name in enumerate(("u1", "a1")):
        paint(source / f"{name}.png", number)
    catalogue = read_catalogue(source)
    index = build_index(catalogue, model)
    explainer, wanted = PairExplainer(model), Wanted(k_colors=1)
    write_pack(index, explainer, catalogue.photos, folder, catalogue=source, wanted=wanted)
    return folder


@pytest.fixture
def pack_of_two(made_once, tmp_path) -> Path:
    return shutil.copytree(made_once, tmp_path / "pack of two")


def change(folder: Path, **values) -> None:
    content = json.loads((folder / PACK_NAME).read_text(encoding="utf-8"))
    (folder / PACK_NAME).write_text(json.dumps({**content, **values}), encoding="utf-8")


def test_photos_keep_all_that_the_catalogue_says(opened, catalogue):
    for photo in opened(more=3).catalogue.photos:
        original = catalogue.photo(photo.id)
        assert [getattr(photo, name) for name in FACTS] == [getattr(original, name) for name in FACTS]


def test_candidates_are_those_of_the_index_with_their_ranks(opened, index, catalogue):
    filters = CandidateFilters()
    pack = opened("u1", "a1", k=3, filters=filters)
    assert [query.id for query in pack.index.queries] == ["u1", "a1"]
    for query in pack.index.queries:
        here = pack.index.candidates(query, 3, filters)
        there = index.candidates(catalogue.photo(query.id), 3, filters)
        assert [(one.photo.id, one.rank, one.similarity) for one in here] == [
            (one.photo.id, one.rank, one.similarity) for one in there
        ]
        photos = [one.photo for one in here]
        np.testing.assert_array_equal(
            pack.index.similarities(query, photos), [one.similarity for one in there]
        )


def test_narrower_filters_leave_ranks_as_they_were(opened, catalogue):
    pack = opened("u1", k=5, filters=CandidateFilters(same_flank=False))
    query = pack.catalogue.photo("u1")
    all_of_them = pack.index.candidates(query, 5, CandidateFilters(same_flank=False))
    left = pack.index.candidates(query, 5, CandidateFilters(same_flank=True))
    assert {one.photo.flank for one in left} == {"left"} and len(left) < len(all_of_them)
    assert {(one.photo.id, one.rank) for one in left} < {(one.photo.id, one.rank) for one in all_of_them}


def test_a_pair_that_was_not_ranked_has_no_rank_and_no_similarity(opened):
    pack = opened("u1", "a4", k=1)
    u1, a4 = pack.catalogue.photo("u1"), pack.catalogue.photo("a4")
    found = pack.index.candidate(u1, a4)
    assert (found.rank, found.score) == (0, "not ranked") and math.isnan(found.similarity)
    assert pack.index.candidates(pack.index.candidates(u1, 1)[0].photo, 5) == []


def test_known_pairs_say_the_same_as_in_the_catalogue_under_the_packs_filters_only(opened, index):
    pack = opened("u1")
    here, there = pack.index.known_pairs(CandidateFilters()), index.known_pairs(CandidateFilters())
    np.testing.assert_array_equal(here.same, there.same)
    np.testing.assert_array_equal(here.different, there.different)
    assert (here.same_in_all, here.different_in_all) == (there.same_in_all, there.different_in_all)
    assert len(pack.index.known_pairs(CandidateFilters(same_flank=False)).same) == 0


def test_an_explanation_is_that_of_the_model_in_the_copys_pixels(opened, explainer, catalogue):
    pack = opened("u1", k=1, longest_side=256)  # larger than the photos: nothing is reduced
    query = pack.catalogue.photo("u1")
    candidate = pack.index.candidates(query, 1)[0].photo
    made = pack.explainer.explain(query, candidate, k_lines=5, k_colors=1)
    original = explainer.explain(catalogue.photo("u1"), catalogue.photo(candidate.id), 20, 2)
    np.testing.assert_array_equal(made.matches.query_xy, original.matches.query_xy)
    assert (made.k_lines, made.k_colors, len(made.query_color_maps)) == (5, 1, 1)
    assert (made.query_photo, made.candidate_photo) == (query, candidate)
    assert (pack.explainer.layer, pack.explainer.departures) == (explainer.layer, explainer.departures)
    assert pack.explainer.options == explainer.options
    assert (pack.model.name, pack.model.fingerprint) == (explainer.model.name, explainer.model.fingerprint)
    assert list(pack.explainer.stages(query, candidate))[-1].similarity == original.similarity


def test_places_on_a_reduced_photo_are_scaled_and_can_be_scaled_back(
    make, folder, catalogue, explainer, monkeypatch
):
    monkeypatch.setattr("pairx_core.fieldpack.selection.Wanted.__post_init__", lambda wanted: None)
    make("u1", k=1, longest_side=48)
    pack = open_pack(read_catalogue(folder))
    query = pack.catalogue.photo("u1")
    candidate = pack.index.candidates(query, 1)[0].photo
    assert photo_size(query) == (48, 32) and photo_size(catalogue.photo("u1")) == (96, 64)
    made = pack.explainer.explain(query, candidate)
    original = explainer.explain(catalogue.photo("u1"), catalogue.photo(candidate.id))
    assert made.query_frame.photo_size == (48, 32)
    np.testing.assert_allclose(made.matches.query_xy * 2, original.matches.query_xy, rtol=1e-5)
    np.testing.assert_allclose(
        made.matches.candidate_xy * pack.to_original(candidate), original.matches.candidate_xy, rtol=1e-5
    )
    assert pack.to_original(query) == (2.0, 2.0)


def test_what_is_known_of_the_model_and_the_making_is_there(opened, model):
    pack = opened()
    assert pack.card == model_card(model)
    assert (pack.made_of, pack.photos_there, pack.pairs) == ("catalogue/metadata.csv", 8, 4)
    assert pack.made_at.tzinfo is not None and pack.notes == () and pack.unexplained == ()


def test_thumbnails_come_from_the_pack(opened, monkeypatch):
    photo = opened().catalogue.photo("u1")
    monkeypatch.setattr(
        "pairx_core.catalogue.opening.open_photo", lambda photo: pytest.fail("the photo was read")
    )
    assert thumbnail(photo, (90, 60)).size == (90, 60)


def test_a_thumbnail_that_is_damaged_or_too_small_is_made_of_the_photo(opened):
    photo = opened().catalogue.photo("u1")
    assert thumbnail(photo, (900, 600)).size == photo_size(photo)
    photo.thumbnail.write_bytes(b"damaged")
    assert thumbnail(photo, (48, 48)).size == (48, 32)


def test_another_pair_than_those_of_the_pack_is_said_to_be_one(opened):
    pack = opened("u1", "a4", k=1)
    with pytest.raises(ExplanationError, match="this is another pair"):
        pack.explainer.explain(pack.catalogue.photo("u1"), pack.catalogue.photo("a4"))


@pytest.mark.parametrize("damage", ["deleted", "cut short", "changed"])
def test_an_explanation_file_that_is_not_whole_is_named_and_the_rest_opens(make, folder, damage):
    make()
    (name, *_) = sorted(path.name for path in folder.glob("explanations/*"))
    broken = folder / "explanations" / name
    content = broken.read_bytes()
    if damage == "deleted":
        broken.unlink()
    else:
        broken.write_bytes(content[:50] if damage == "cut short" else content[:-1] + bytes([content[-1] ^ 1]))
    catalogue = read_catalogue(folder)
    if damage != "changed":  # whose size is right: found when it is read
        (note,) = catalogue.problems
        assert name in note.message and "Copy the whole folder again" in note.message
    pack = open_pack(catalogue)
    errors = []
    for query in pack.index.queries:
        for one in pack.index.candidates(query):
            try:
                pack.explainer.explain(query, one.photo)
            except ExplanationError as error:
                errors.append(str(error))
    assert len(errors) == 1 and name in errors[0] and "Copy" in errors[0]


def test_a_half_copied_pack_opens_without_what_is_missing_and_names_it(make, folder):
    make()
    first, *rest = sorted(folder.glob("photos/*/*.jpg"))
    first.write_bytes(first.read_bytes()[:100])
    shutil.rmtree(rest[-1].parent)
    catalogue = read_catalogue(folder)
    left_out = [one for one in catalogue.problems if one.severity == "left_out"]
    assert len(left_out) == 2 and len(catalogue) == len(rest) - 1
    assert first.relative_to(folder).as_posix() in left_out[0].message
    assert "100 bytes instead of" in left_out[0].message
    pack = open_pack(catalogue)
    assert all(
        one.photo in pack.index for query in pack.index.queries for one in pack.index.candidates(query)
    )
    assert {one.kind for one in check_catalogue(catalogue).findings} >= {"field pack that is not whole"}


def test_a_mask_that_is_missing_is_said_and_its_photo_used_without(make, folder, catalogue, monkeypatch):
    from pairx_core.catalogue import Segmentation

    segmentation = Segmentation("[[10, 10, 80, 10, 80, 50, 10, 50]]")
    object.__setattr__(catalogue.photo("u1"), "mask", segmentation)
    make("u1", k=1)
    photo = read_catalogue(folder).photo("u1")
    assert 0.3 < open_mask(photo).mean() < 0.6
    photo.mask.path.unlink()
    again = read_catalogue(folder)
    assert again.photo("u1").mask is None and "the mask of “u1”" in again.problems[0].message


def test_a_newer_version_is_refused_with_what_to_do(make, folder):
    make()
    change(folder, schema=2, app_version="9.9.9")
    with pytest.raises(CatalogueError, match=r"newer version of PAIR-X Review \(9.9.9.*Install that version"):
        read_catalogue(folder)


def test_a_pack_that_is_being_written_is_said_to_be_unfinished(folder):
    folder.mkdir(parents=True)
    (folder / UNFINISHED_NAME).write_text("{}\n")
    with pytest.raises(CatalogueError, match="not finished"):
        read_catalogue(folder)


@pytest.mark.parametrize(
    "damage",
    [
        {"photos": [{"id": "u1"}]},
        {"photos": None},
        {"files": {"a": 7}},
        {"files": []},
        {"files": {"a": [math.inf, ""]}},
    ],
)
def test_a_damaged_description_is_said(make, folder, damage):
    make("u1", k=1)
    change(folder, **damage)
    with pytest.raises(CatalogueError, match=r"pack\.json is damaged"):
        read_catalogue(folder)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"identity": ["x"]}, "identity is ['x']"),
        ({"identity": 5}, "identity is 5"),
        ({"species": {}}, "species is {}"),
        ({"site": "\ud800"}, "site is"),
        ({"id": ""}, "id is empty"),
        ({"id": "a1"}, "the id is another photo's as well"),
        ({"path": None}, "path is None"),
        ({"box": [0, 0, math.nan, 5]}, "box is nan"),
        ({"box": [0, 0, 10, 0]}, "box is [0, 0, 10, 0]"),
        ({"box": [0, 0, 10**400, 5]}, "box is 1000"),
        ({"box": "x"}, "box is x"),
        ({"date": "2026-01-01T00:00:00+02:00"}, "date is 2026-01-01T00:00:00+02:00"),
        ({"date": 5}, "date is 5"),
        ({"latitude": math.inf, "longitude": 5}, "latitude is inf"),
        ({"latitude": 5, "longitude": None}, "half a place"),
        ({"file": "nowhere.jpg"}, "is not among the files"),
        ({"file": "photos/00000"}, "is not among the files"),
    ],
)
def test_a_photo_of_which_something_odd_is_said_is_left_out_with_the_reason(pack_of_two, odd, said):
    content = read_pack_file(pack_of_two)
    (entry,) = (one for one in content["photos"] if one["id"] == "u1")
    content["photos"].remove(entry)
    change(pack_of_two, photos=[*content["photos"], entry | odd])
    catalogue = read_catalogue(pack_of_two)
    assert "u1" not in catalogue and len(catalogue) == len(content["photos"])
    (problem,) = catalogue.problems
    assert problem.severity == "left_out" and said in problem.message
    assert check_catalogue(catalogue).summary.left_out == 1


@pytest.mark.parametrize(
    "damage",
    [
        {"queries": [{}]},
        {"model": {}},
        {"wanted": {}},
        {"made_at": "yesterday"},
        {"counts": {"pairs": math.inf}},
    ],
)
def test_damaged_candidates_and_facts_are_said(pack_of_two, damage):
    change(pack_of_two, **damage)
    with pytest.raises(CatalogueError, match=r"pack\.json is damaged"):
        open_pack(read_catalogue(pack_of_two))


@pytest.mark.parametrize(
    "odd", [{"rank": math.inf}, {"rank": -1}, {"similarity": math.inf}, {"similarity": 0.5, "score": "good"}]
)
def test_a_candidate_of_which_something_odd_is_said_is_damage(pack_of_two, odd):
    queries = read_pack_file(pack_of_two)["queries"]
    queries[0]["candidates"][0] |= odd
    change(pack_of_two, queries=queries)
    with pytest.raises(CatalogueError, match=r"pack\.json is damaged"):
        open_pack(read_catalogue(pack_of_two))


@pytest.mark.parametrize("size", ["ab", [96], [96.5, 64], [0, 64], None])
def test_a_size_that_no_photo_has_is_damage(pack_of_two, size):
    photos = read_pack_file(pack_of_two)["photos"]
    photos[0]["size"] = size
    change(pack_of_two, photos=photos)
    with pytest.raises(CatalogueError, match=r"pack\.json is damaged"):
        open_pack(read_catalogue(pack_of_two))


def put_known_pairs(folder: Path, content: bytes, sha: str | None = None) -> None:
    """Other known pairs, with the checksum that they have, or another one."""
    (folder / KNOWN_NAME).write_bytes(content)
    stated = [len(content), sha or hashlib.sha256(content).hexdigest()]
    change(folder, files=read_pack_file(folder)["files"] | {KNOWN_NAME: stated})


def test_known_pairs_that_are_not_as_they_were_written_are_no_yardstick(pack_of_two):
    values = np.linspace(0, 1, 50, dtype=np.float32)
    content = thinned(KnownPairs(values, values, 50, 50))
    for sha, expected in ((None, 50), ("0" * 64, 0)):
        put_known_pairs(pack_of_two, content, sha)
        pack = open_pack(read_catalogue(pack_of_two))
        assert len(pack.index.known_pairs(pack.index.filters).same) == expected


@pytest.mark.parametrize(
    "arrays",
    [
        {"same": np.zeros(3 << 20, np.float32)},  # some kilobytes, packed
        {"same": np.asarray([0.5, math.nan], np.float32)},
        {"same": np.zeros((5, 5), np.float32)},
        {"same": np.asarray(["a"])},
        {"totals": np.asarray([-1, 5])},
        {"totals": np.asarray([math.inf, 5])},
    ],
)
def test_known_pairs_that_cannot_be_are_said_to_be_damaged(arrays):
    values = np.linspace(0, 1, 50, dtype=np.float32)
    content = io.BytesIO()
    whole = {"same": values, "different": values, "totals": np.asarray([50, 50]), **arrays}
    np.savez_compressed(content, **whole)
    with pytest.raises(FieldPackError, match="damaged"):
        known_pairs_in(content.getvalue())


def test_a_file_larger_than_such_a_file_can_be_is_not_read(pack_of_two, monkeypatch):
    put_known_pairs(pack_of_two, b"x" * (2 << 20))
    opened = open_pack(read_catalogue(pack_of_two))
    files = PackFiles.of(pack_of_two, read_pack_file(pack_of_two))
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    with pytest.raises(UnusablePicture, match="more than such a file can have"):
        files.read(KNOWN_NAME, MOST_KNOWN_BYTES)
    assert len(opened.index.known_pairs(opened.index.filters).same) == 0


def test_what_is_no_pack_is_not_taken_for_one(folder, tmp_path):
    folder.mkdir(parents=True)
    (folder / PACK_NAME).write_text('{"format": "of something else"}')
    with pytest.raises(CatalogueError, match="no pictures"):
        read_catalogue(folder)
    with pytest.raises(CatalogueError, match="not of a field pack"):
        read_pack_file(folder)


def test_no_file_outside_the_folder_is_opened(make, folder, tmp_path):
    make("u1", k=1)
    content = json.loads((folder / PACK_NAME).read_text(encoding="utf-8"))
    secret = tmp_path / "secret.jpg"
    shutil.copy(next(folder.glob("photos/*/*.jpg")), secret)
    content["photos"][0]["file"] = "../../secret.jpg"
    content["files"]["../../secret.jpg"] = [secret.stat().st_size, ""]
    change(folder, **content)
    catalogue = read_catalogue(folder)
    assert content["photos"][0]["id"] not in catalogue
    assert "leads outside the folder" in catalogue.problems[0].message


@pytest.mark.parametrize("name", ["//server/share/x.jpg", r"\\server\share\x.jpg", "C:/x.jpg", "/x.jpg"])
def test_a_name_that_is_no_place_in_the_folder_is_refused_before_it_is_looked_up(
    make, folder, monkeypatch, name
):
    make("u1", k=1)
    asked: list[str] = []
    realpath = os.path.realpath
    monkeypatch.setattr(
        os.path, "realpath", lambda path, **how: asked.append(str(path)) or realpath(path, **how)
    )
    files = PackFiles.of(folder, {"files": {name: [7, ""]}})
    asked.clear()
    with pytest.raises(OutsidePicture, match="leads outside"):
        files.whole(name)
    assert asked == []


def test_a_pack_behind_a_link_opens(make, folder, tmp_path):
    make("u1", k=1)
    link = tmp_path / "drive"
    link.symlink_to(folder.parent, target_is_directory=True)
    catalogue = read_catalogue(link / folder.name)
    assert catalogue.problems == ()
    pack = open_pack(catalogue)
    query = pack.catalogue.photo("u1")
    assert pack.explainer.explain(query, pack.index.candidates(query)[0].photo).matches


def test_a_file_whose_accents_the_disk_spells_otherwise_is_found(make, folder):
    make("u1", k=1)
    content = json.loads((folder / PACK_NAME).read_text(encoding="utf-8"))
    (entry,) = (one for one in content["photos"] if one["id"] == "u1")
    name = entry["file"].replace("u1", unicodedata.normalize("NFC", "zèbre"))
    (folder / entry["file"]).rename(folder / unicodedata.normalize("NFD", name))
    content["files"][name] = content["files"].pop(entry["file"])
    entry["file"] = name
    change(folder, **content)
    catalogue = read_catalogue(folder)
    assert catalogue.problems == ()
    assert photo_size(catalogue.photo("u1")) == (96, 64)


def test_a_check_reads_all_files_and_names_what_is_damaged(make, folder):
    make("u1", k=1)
    catalogue = read_catalogue(folder)
    told: list[tuple[int, int]] = []
    report = check_catalogue(catalogue)
    assert with_damaged_files(report, catalogue, lambda *said: told.append(said)).findings == report.findings
    assert told[-1][0] == told[-1][1] > 5
    broken = sorted(folder.glob("photos/*/*.jpg"))[0]
    broken.write_bytes(broken.read_bytes()[:-1] + b"x")
    (finding,) = with_damaged_files(report, catalogue).findings
    assert broken.relative_to(folder).as_posix() in finding.message and "is damaged" in finding.message


def test_the_pack_is_found_by_its_folder_its_file_and_its_format(make, folder):
    make("u1", k=1)
    for source, form in ((folder, None), (folder / PACK_NAME, None), (folder, "field-pack")):
        catalogue = read_catalogue(source, form)
        assert (catalogue.form, catalogue.source) == ("field-pack", folder)
    with pytest.raises(CatalogueError, match="no catalogue of this kind"):
        read_catalogue(folder / "photos", "field-pack")


def test_opening_changes_nothing_in_the_folder(opened, folder):
    pack = opened()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    read_catalogue(folder)
    for query in pack.index.queries:
        for one in pack.index.candidates(query):
            pack.explainer.explain(query, one.photo)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_who_is_who_is_not_written_from_a_pack(opened):
    with pytest.raises(ExportError, match="is a field pack"):
        resolve(opened().catalogue, {})


def test_a_photo_that_is_gone_later_is_said(opened):
    pack = opened("u1", k=1)
    query = pack.catalogue.photo("u1")
    candidate = pack.index.candidates(query)[0].photo
    candidate.path.unlink()
    with pytest.raises(PhotoError, match=candidate.path.name):
        pack.explainer.explain(query, candidate)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"garbage", "cut"])
def test_a_copy_whose_description_was_lost_on_the_way_is_not_taken_for_a_folder_of_photos(
    pack_of_two, content
):
    file = pack_of_two / PACK_NAME
    whole = file.read_bytes()
    file.unlink()
    if content is not None:
        file.write_bytes(whole[: len(whole) // 2] if content == "cut" else content)
    for form in (None, "field-pack"):
        with pytest.raises(CatalogueError, match="(?i)copy the whole folder again|is not of a field pack"):
            read_catalogue(pack_of_two, form)
