"""The command that makes a field pack, as typed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pairx_core import read_catalogue
from pairx_core.cli import main
from pairx_core.cli_telling import Telling
from pairx_core.fieldpack import open_pack

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pack"


@pytest.fixture
def run(tmp_path, tiny_checkpoint, small_catalogue, folder, monkeypatch):
    """Runs the command with a small model, into one folder."""
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))
    words = ("pack", small_catalogue, "-o", folder, "--k-colors", 1)
    return lambda *more: CliRunner().invoke(main, [str(word) for word in (*words, *more)])


def queries(folder) -> list[str]:
    return [query.id for query in open_pack(read_catalogue(folder)).index.queries]


def test_photos_of_unknown_individuals_are_the_queries_unless_others_are_named(run, folder):
    result = run("-k", 2)
    assert result.exit_code == 0, result.output
    assert queries(folder) == ["u1"]
    assert "explained 2 pairs (0 were there already)" in result.stdout and "an hour" in result.stdout
    assert "1 queries, 2 pairs;" in result.stdout and "kB a pair" in result.stdout
    assert result.stdout.splitlines()[-1] == f"wrote {folder}"
    assert "explaining pairs: 2 of 2" in result.stderr
    again = run("-k", 2)
    assert "all 2 pairs were explained already" in again.stdout


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("a1, u1", ["a1", "u1"]),
        ("all", ["a1", "a2", "a3", "a4", "b1", "b2", "c1", "u1"]),
        ("FILE", ["b1", "a1"]),
    ],
)
def test_queries_are_named_by_ids_all_at_once_or_in_a_file(run, folder, tmp_path, named, found):
    (tmp_path / "ids.txt").write_text("\ufeffb1\n\n  a1 \nb1\n", encoding="utf-8")
    result = run("--queries", named.replace("FILE", str(tmp_path / "ids.txt")), "-k", 1, "--more", 0)
    assert result.exit_code == 0, result.output
    assert queries(folder) == found


def test_filters_and_sizes_are_as_chosen(run, folder):
    result = run("--any-flank", "--same-day", "--known-only", "--any-species", "--longest-side", 500, "-k", 1)
    assert result.exit_code == 0, result.output
    wanted = json.loads((folder / "pack.json").read_text(encoding="utf-8"))["wanted"]
    assert set(wanted["filters"].items()) == {
        ("same_species", False),
        ("same_flank", False),
        ("known_identity_only", True),
        ("exclude_same_day_and_site", False),
    }
    assert (wanted["longest_side"], wanted["k_colors"]) == (500, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queries", "nobody"), "no photo has the id “nobody”"),
        (("-k", 9), "1<=x<=5"),
        (("--longest-side", 5), "longest_side is 5"),
        (("--layer", "blocks.99"), "no layer “blocks.99”"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run, folder, words, said):
    result = run(*words)
    assert result.exit_code != 0 and said in result.output and "Traceback" not in result.output
    assert not (folder / "pack.json").exists()


def test_without_unknown_individuals_the_way_out_is_told(run, small_catalogue):
    text = small_catalogue.read_text(encoding="utf-8").replace("unknown", "dee")
    small_catalogue.write_text(text, encoding="utf-8")
    result = run()
    assert result.exit_code == 1 and "--queries all" in result.output


def test_a_folder_with_something_else_is_refused_before_the_long_part(run, folder):
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    result = run()
    assert result.exit_code == 1 and "notes.txt" in result.output and "embedding" not in result.output


def test_the_time_left_is_told_from_what_this_run_did(monkeypatch, capsys):
    clock = [100.0]
    monkeypatch.setattr("pairx_core.cli_telling.time.monotonic", lambda: clock[0])
    tell = Telling()
    tell("explaining pairs", 50, 250)  # were there already
    for done in (51, 60):
        clock[0] += 36.0 if done == 60 else 0.5
        tell("explaining pairs", done, 250)
    said = capsys.readouterr().err.splitlines()
    assert said == ["explaining pairs: 60 of 250, 986 an hour, 12 min left"]
