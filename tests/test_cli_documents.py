"""The commands that hand something on."""

from __future__ import annotations

import csv
import sqlite3

import pytest
from click.testing import CliRunner

from pairx_core.cli import main
from pairx_core.decisions import DecisionLog
from pairx_core.project import Project, write_project
from pairx_core.render.card import Ranking
from pairx_core.sessions import SessionBook, SessionPair, plan_session
from tests.conftest import paint


@pytest.fixture
def run(monkeypatch, tiny_checkpoint, tmp_path):
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))
    return lambda *arguments: CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path):
    """Ann, Bo and an unknown animal that Ada took for Ann."""
    for number in range(3):
        paint(tmp_path / f"p{number}.png", number)
    (tmp_path / "metadata.csv").write_text(
        "image_id,identity,path,species,orientation\np0,Ann,p0.png,Equus quagga,left\np1,Bo,p1.png,Equus quagga,left\n"
        "p2,unknown,p2.png,Equus quagga,left\n"
    )
    log = DecisionLog(tmp_path / "log.csv")
    log.record(reviewer="Ada", query_id="p2", candidate_id="p0", decision="accept")
    session = plan_session(
        name="spring", coordinator="Ada", reviewers=["Ben"], pairs=[SessionPair("p2", "p0")], overlap=1
    )
    SessionBook(log.lines("sessions")).add(session)
    return tmp_path


def test_identities_are_written_for_a_program(run, folder):
    result = run("export", folder, folder / "log.csv", "--for", "wildlife-datasets", "-o", folder / "new.csv")
    assert result.exit_code == 0, result.output
    with (folder / "new.csv").open(newline="", encoding="utf-8") as file:
        assert {row["image_id"]: row["identity"] for row in csv.DictReader(file)} == {
            "p0": "Ann",
            "p1": "Bo",
            "p2": "Ann",
        }


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--for", "camtrap-dp"), "None of the photos can be written"),
        (("--for", "camtrap-dp", "--time-zone", "Mars/Olympus"), "no time zone"),
        (("--for", "wildbook", "--species", "zebra"), "no scientific name"),
    ],
)
def test_what_cannot_be_written_is_said(run, folder, more, message):
    result = run("export", folder, folder / "log.csv", *more, "-o", folder / "out")
    assert result.exit_code == 1 and message in result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize("ending", [".png", ".pdf"])
def test_a_card_is_written(run, folder, ending):
    out = folder / f"card{ending}"
    result = run("card", folder, "p2", "p0", "--log", folder / "log.csv", "-o", out)
    assert result.exit_code == 0, result.output
    assert out.read_bytes()[:4] in (b"\x89PNG", b"%PDF")


def test_a_card_takes_the_table_and_the_model_of_a_project(run, folder, tiny_checkpoint, monkeypatch):
    (folder / "scores.csv").write_text("query_id,candidate_id,score\np2,p1,17\np2,p0,92\n")
    project = Project(
        str(folder / "metadata.csv"),
        model=str(tiny_checkpoint),
        candidates=str(folder / "scores.csv"),
        decisions=str(folder / "log.csv"),
        input_size="64",
        normalisation="half",
    )
    made = []
    monkeypatch.setattr("pairx_core.render.card.write_card", lambda card, out: made.append(card))
    file = write_project(project, folder / "work" / "pairx.toml")
    assert run("card", file, "p2", "p0", "-o", folder / "card.png").exit_code == 0
    options = ("--candidates", folder / "scores.csv", "--input-size", 96, "--normalisation", "clip")
    assert run("card", folder, "p2", "p1", *options, "-o", folder / "card.png").exit_code == 0
    assert [(one.ranking, one.decision is None) for one in made] == [
        (Ranking("scores.csv", "92", 1), False),
        (Ranking("scores.csv", "17", 2), True),
    ]
    assert "64×64" in made[0].preprocessing and "mean 0.5, 0.5, 0.5" in made[0].preprocessing
    assert "96×96" in made[1].preprocessing and "mean 0.481" in made[1].preprocessing
    wrong = run("card", folder, "p2", "p1", "--input-size", "big", "-o", folder / "card.png")
    assert "not a number of pixels" in wrong.stderr
    kept = run("card", file, "p2", "p0", "-o", folder / "scores.csv")
    assert "would be overwritten" in kept.stderr


def test_a_report_is_written_and_a_session_that_is_not_there_said(run, folder):
    out = folder / "report.html"
    assert run("report", folder / "log.csv", "spring", "--catalogue", folder, "-o", out).exit_code == 0
    assert "spring" in out.read_text(encoding="utf-8")
    assert "There are: “spring”" in run("report", folder / "log.csv", "autumn", "-o", out).stderr


def test_a_log_that_is_not_there_is_not_made(run, folder):
    result = run("export", folder, folder / "gone.csv", "--for", "camtrapr", "-o", folder / "out.csv")
    assert "no decisions file" in result.stderr
    assert not (folder / "gone.csv").exists()


def test_a_catalogue_is_checked(run, folder):
    with (folder / "metadata.csv").open("a") as file:
        file.write("p9,Ann,gone.png,Equus quagga,left\n")
    result = run("check", folder, "-o", folder / "report.csv")
    assert result.exit_code == 0
    assert "wildlife-datasets CSV" in result.stdout and "missing file: 1" in result.stdout
    with (folder / "report.csv").open(newline="", encoding="utf-8") as file:
        assert [row["row"] for row in csv.DictReader(file) if row["kind"] == "missing file"] == ["5"]
    assert "no format “nonsense”" in run("check", folder, "--format", "nonsense").stderr


def test_models_are_listed_and_shown(run, tiny_checkpoint):
    assert "megadescriptor-t-224" in run("models").stdout
    shown = run("models", tiny_checkpoint).stdout
    assert "blocks.1" in shown and "(recommended)" in shown and "not stated" in shown


@pytest.mark.parametrize("name", ["log.csv", "log.sessions.jsonl", "metadata.csv", "p0.png", "other.csv"])
@pytest.mark.parametrize("command", ["export", "report", "check"])
def test_nothing_takes_the_place_of_a_record_or_a_catalogue(run, folder, command, name):
    DecisionLog(folder / "other.csv")
    before = (folder / name).read_bytes()
    log, out = folder / "log.csv", ("-o", folder / name)
    arguments = {
        "export": ("export", folder, log, "--for", "wildlife-datasets", *out),
        "report": ("report", log, "spring", "--catalogue", folder, *out),
        "check": ("check", folder, *out),
    }
    result = run(*arguments[command])
    assert result.exit_code == 1 and "would be overwritten. Choose another file" in result.stderr
    assert (folder / name).read_bytes() == before


def test_a_link_to_the_record_or_a_database_is_not_written_either(run, folder):
    (folder / "link.csv").symlink_to(folder / "log.csv")
    sqlite3.connect(folder / "team.db").execute("create table one (x)")
    for name in ("link.csv", "team.db"):
        before = (folder / name).read_bytes()
        result = run("export", folder, folder / "log.csv", "--for", "wildlife-datasets", "-o", folder / name)
        assert "Choose another file" in result.stderr
        assert (folder / name).read_bytes() == before


def test_a_former_export_is_replaced_as_a_whole(run, folder):
    out = folder / "out" / "new.csv"
    out.parent.mkdir()
    for _ in range(2):
        result = run("export", folder, folder / "log.csv", "--for", "wildlife-datasets", "-o", out)
        assert result.exit_code == 0, result.output
    assert [one.name for one in out.parent.iterdir()] == ["new.csv"]
