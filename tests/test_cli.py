"""The command line, as typed."""

from __future__ import annotations

import csv
import io
import json
from contextlib import ExitStack
from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from pairx_core.cli import main
from pairx_core.decisions import DecisionLog, Evidence, EvidenceLog
from pairx_core.decisions.store import open_decisions
from pairx_core.models import load_model
from pairx_core.retrieval import open_store
from pairx_core.sessions import SessionBook, SessionPair, plan_session
from pairx_core.settings import Settings
from tests.conftest import paint


@pytest.fixture
def run(tmp_path, tiny_checkpoint, monkeypatch):
    """Runs a command with the small model and a cache of its own."""
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def test_index_says_what_was_found_and_what_was_left_out(run, small_catalogue):
    (small_catalogue.parent / "b2.jpg").unlink()
    result = run("index", small_catalogue)
    assert result.exit_code == 0
    assert (
        "7 photos indexed (1 left out), 3 individuals (2 with one photo), 1 unknown; model tiny."
        in result.stdout
    )
    assert "left out" in result.stderr and "b2.jpg" in result.stderr


def test_index_shows_progress(run, small_catalogue):
    assert "embedding photos" in run("index", small_catalogue).stderr


def test_index_says_how_much_was_embedded_now_and_nothing_twice(run, small_catalogue):
    assert "embedded now: 8 photos in" in run("index", small_catalogue, "--precision", "float16").stdout
    assert "embedded now: no photos; kept in float16" in run("index", small_catalogue).stdout


def test_index_embeds_what_is_damaged_and_drops_what_is_not_in_the_catalogue(run, small_catalogue, tmp_path):
    run("index", small_catalogue)
    (vectors,) = (tmp_path / "cache" / "embeddings").glob("*/vectors-0.bin")
    with vectors.open("r+b") as file:
        file.write(b"\xff\xff")
    result = run("index", small_catalogue, "--verify")
    assert "8 embeddings, 1 damaged" in result.stdout and "embedded now: 1 photo in" in result.stdout
    lines = small_catalogue.read_text().splitlines()
    small_catalogue.write_text("\n".join(lines[:-2]) + "\n")
    (small_catalogue.parent / "a2.jpg").rename(tmp_path / "a2.jpg")
    refused = run("index", small_catalogue, "--drop-unused")
    assert refused.exit_code == 1 and "Nothing is dropped: 1 photo cannot be used now" in refused.stderr
    (tmp_path / "a2.jpg").rename(small_catalogue.parent / "a2.jpg")
    assert "dropped: 2 embeddings" in run("index", small_catalogue, "--drop-unused").stdout
    assert "embedded now: no photos" in run("index", small_catalogue).stdout


def test_index_waits_for_another_program(run, small_catalogue, tmp_path, monkeypatch):
    store = open_store(tmp_path / "cache", load_model(Settings.from_environment().model))
    said: list[str] = []

    def tell_and_let_go(message):
        def tell():
            said.append(message)
            held.close()

        return tell

    monkeypatch.setattr("pairx_core.cli_index._tell_once", tell_and_let_go)
    with ExitStack() as held:
        held.enter_context(store.writing())
        assert "embedded now: 8 photos" in run("index", small_catalogue).stdout
    assert len(said) == 1 and "waiting until it has finished" in said[0]


def test_candidates_come_as_csv(run, small_catalogue):
    result = run("candidates", small_catalogue, "a1", "-k", 2)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert {row["candidate_id"] for row in rows} <= {"a3", "b1", "c1", "u1"}


def test_candidates_filters_can_be_switched_off(run, small_catalogue):
    options = ("--any-flank", "--any-species", "--same-day", "--known-only")
    result = run("candidates", small_catalogue, "a1", "-k", 20, *options)
    found = {row["candidate_id"] for row in csv.DictReader(io.StringIO(result.stdout))}
    assert found == {"a2", "a3", "a4", "b1", "b2", "c1"}


def test_an_unknown_query_is_named(run, small_catalogue):
    result = run("candidates", small_catalogue, "zebra")
    assert result.exit_code == 1 and "zebra" in result.stderr and "Traceback" not in result.output


def test_explain_writes_a_drawing_and_its_matches(run, tmp_path):
    pair = paint(tmp_path / "a.jpg", 1), paint(tmp_path / "b.jpg", 2, (64, 96))
    drawing, numbers = tmp_path / "overlay.png", tmp_path / "explanation.json"
    result = run(
        "explain", *pair, "--k-lines", 4, "--k-colors", 2, "--layer", "blocks.1",
        "--out", drawing, "--json", numbers,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "a ranking, not a verdict" in result.stdout
    with Image.open(drawing) as picture:
        assert picture.width > picture.height
    content = json.loads(numbers.read_text())
    assert (content["layer"], content["k_lines"]) == ("blocks.1", 4)
    relevance = [match["relevance"] for match in content["matches"]]
    assert relevance == sorted(relevance, reverse=True) and len(relevance) >= 4
    assert len(content["matches"][0]["query_xy"]) == 2


def test_explain_without_the_model_option_takes_the_environment_s(run, tmp_path):
    pair = paint(tmp_path / "a.jpg", 1), paint(tmp_path / "b.jpg", 2)
    assert "layer blocks.1" in run("explain", *pair, "--k-colors", 0).stdout


@pytest.mark.parametrize(
    ("content", "word"), [(None, "a.jpg"), (b"", "empty"), (b"not a picture at all", "a.jpg")]
)
def test_explain_names_a_picture_that_cannot_be_read(run, tmp_path, content, word):
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    result = run("explain", tmp_path / "a.jpg", paint(tmp_path / "b.jpg", 2))
    assert result.exit_code == 1
    assert word in result.stderr and "a.jpg" in result.stderr and "Traceback" not in result.output


def test_explain_names_an_output_that_cannot_be_written(run, tmp_path):
    pair = paint(tmp_path / "a.jpg", 1), paint(tmp_path / "b.jpg", 2)
    result = run("explain", *pair, "--k-colors", 0, "--out", tmp_path / "nowhere" / "x.png")
    assert result.exit_code == 1 and "x.png: the drawing cannot be written" in result.stderr


def test_explain_refuses_an_unknown_layer(run, tmp_path):
    pair = paint(tmp_path / "a.jpg", 1), paint(tmp_path / "b.jpg", 2)
    result = run("explain", *pair, "--layer", "blocks.99")
    assert result.exit_code == 1 and "no layer “blocks.99”" in result.stderr


def test_accuracy_says_what_it_counted(run, small_catalogue):
    result = run("accuracy", small_catalogue)
    assert result.exit_code == 0
    assert "filters: same species, same flank, not from the same day and site" in result.stdout
    assert "rank-1" in result.stdout and "of 3)" in result.stdout


def test_doctor_finds_nothing_wrong_here(run, small_catalogue, monkeypatch):
    monkeypatch.setenv("PAIRX_CATALOGUE", str(small_catalogue))
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "All is well." in result.stdout and "8 photos" in result.stdout


def test_doctor_names_what_is_wrong_and_goes_on(run, small_catalogue, monkeypatch, tmp_path):
    (tmp_path / "foreign.csv").write_text("name,age\nann,3\n")
    monkeypatch.setenv("PAIRX_CATALOGUE", str(small_catalogue))
    monkeypatch.setenv("PAIRX_DECISIONS", str(tmp_path / "foreign.csv"))
    monkeypatch.setenv("PAIRX_MODEL", str(tmp_path / "gone.safetensors"))
    result = run("doctor")
    assert result.exit_code == 1
    bad = [line for line in result.stdout.splitlines() if line.startswith("BAD")]
    assert len(bad) == 2 and "foreign.csv" in bad[0] and "gone.safetensors" in bad[1]


def test_every_command_has_a_help_text_and_stands_in_the_readme():
    from pathlib import Path

    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    context = click.Context(main)
    for name in main.list_commands(context):
        assert main.get_command(context, name).help
        assert f"python -m pairx_core {name}" in readme


def test_sessions_are_listed_with_their_links_and_can_be_ended(run, tmp_path):
    log = DecisionLog(tmp_path / "log.csv")
    session = plan_session(
        name="spring", coordinator="Ada", reviewers=["Ben"], pairs=[SessionPair("a", "b")], overlap=1
    )
    SessionBook(log.lines("sessions")).add(session)
    shown = run("sessions", log.path).output
    assert "spring: open, 1 pairs" in shown
    assert session.coordinator_key in shown and session.keys["Ben"] in shown
    assert "spring: closed" in run("sessions", log.path, "--close", "Spring").output


def test_sessions_that_are_not_there_are_said(run, tmp_path):
    log = DecisionLog(tmp_path / "log.csv")
    assert "no session “winter”" in run("sessions", log.path, "--close", "winter").output
    assert "no decisions file" in run("sessions", tmp_path / "gone.csv").output
    assert not (tmp_path / "gone.csv").exists()


def test_decisions_in_a_database_are_exported_as_the_file_would_hold_them(run, tmp_path):
    stores = [open_decisions(f"sqlite:///{tmp_path / 'team.db'}"), open_decisions(tmp_path / "log.csv")]
    time = datetime(2026, 3, 1, tzinfo=UTC)
    for store in stores:
        store.record(
            reviewer="Ada",
            query_id="q",
            candidate_id="c",
            decision="accept",
            note="=1",
            decision_id="d",
            decided_at=time,
        )
    run("decisions", "export", f"sqlite:///{tmp_path / 'team.db'}", "-o", tmp_path / "out.csv", "--raw")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "log.csv").read_bytes()


def test_every_command_on_decisions_has_a_help_text_and_stands_in_its_document():
    from pathlib import Path

    document = (Path(__file__).resolve().parents[1] / "docs" / "decisions.md").read_text(encoding="utf-8")
    context = click.Context(main)
    group = main.get_command(context, "decisions")
    assert group.list_commands(context) == ["check", "export", "merge"]
    for name in group.list_commands(context):
        assert group.get_command(context, name).help
        assert f"python -m pairx_core decisions {name}" in document


@pytest.fixture
def decisions_file(tmp_path):
    """A record with two decisions, one of them with ticked matches."""
    log = DecisionLog(tmp_path / "log.csv")
    first = log.record(reviewer="Ann", query_id="q", candidate_id="c1", decision="accept", note="=1+1")
    log.record(reviewer="Bo", query_id="q", candidate_id="c2", decision="reject")
    ticks = Evidence(first.decision_id, "Ann", "q", "c1", "m", "f", "l", (), datetime(2026, 3, 1, tzinfo=UTC))
    EvidenceLog(log.path).record(ticks)
    return log.path


def test_decisions_are_exported_checked_and_merged(run, decisions_file, tmp_path):
    result = run("decisions", "export", decisions_file, "-o", tmp_path / "out.csv")
    assert result.exit_code == 0 and "wrote 2 decisions to" in result.stdout
    assert "'=1+1" in (tmp_path / "out.csv").read_text("utf-8-sig")
    assert "2 decisions, 2 reviewers" in run("decisions", "check", tmp_path / "out.csv").stdout
    result = run("decisions", "merge", tmp_path / "out.csv", decisions_file, "-o", tmp_path / "all.csv")
    assert result.exit_code == 0
    assert "2 decisions added, 2 already there, 0 conflicts, ticked matches of 1 added" in result.stdout
    run("decisions", "export", tmp_path / "all.csv", "-o", tmp_path / "raw.csv", "--raw")
    assert (tmp_path / "raw.csv").read_bytes() == decisions_file.read_bytes()


def test_decisions_in_conflict_are_told_and_fail(run, decisions_file, tmp_path):
    (tmp_path / "other.csv").write_bytes(decisions_file.read_bytes().replace(b"reject", b"unsure"))
    result = run("decisions", "merge", decisions_file, tmp_path / "other.csv", "-o", tmp_path / "all.csv")
    assert result.exit_code == 1
    assert "decision is “reject”, not “unsure”" in result.stdout and "Traceback" not in result.output


def test_times_of_decisions_without_a_zone_need_one(run, tmp_path):
    path = tmp_path / "saved.csv"
    path.write_text(
        "decision_id;decided_at;reviewer;query_id;candidate_id;decision\na;01.03.26 9:15;Ann;q;c;accept\n"
    )
    result = run("decisions", "check", path)
    assert result.exit_code == 1 and "row 2: decided_at “01.03.26 9:15” does not say" in result.stderr
    result = run("decisions", "check", path, "--timezone", "UTC")
    assert "1 decisions, 1 reviewers" in result.stdout and "note  decided_at was read as" in result.stderr
    assert "is no time zone" in run("decisions", "check", path, "--timezone", "Atlantis").stderr
