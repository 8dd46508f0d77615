"""The command that evaluates, as typed."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from pairx_core.cli import main
from pairx_core.project import Project, read_project, write_project
from tests.conftest import torch_threads

SAMPLE = Path(__file__).parents[1] / "data_samples"
QUICK = ("--methods", "pairx,chance", "--controls", "pairx", "--per-bin", 1, "--faithful", 1, "--steady", 1)


@pytest.fixture(autouse=True)
def one_thread():
    with torch_threads(1):
        yield


@pytest.fixture
def catalogue(tmp_path):
    """Twelve photos of the sample, of four individuals."""
    with (SAMPLE / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    own = [
        [row for row in rows if row["identity"] == f"starwing_{who}"][:3] for who in ("02", "03", "05", "08")
    ]
    path = tmp_path / "catalogue" / "metadata.csv"
    (path.parent / "photos").mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != "mask"], extrasaction="ignore")
        writer.writeheader()
        for row in (one for rows_of_one in own for one in rows_of_one):
            writer.writerow(row)
            shutil.copy(SAMPLE / row["path"], path.parent / row["path"])
    return path


@pytest.fixture
def run(tmp_path, tiny_checkpoint, catalogue, monkeypatch):
    """Runs the command with a small model, into one folder."""
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))
    words = ("evaluate", catalogue, "--out", tmp_path / "report", "--any-flank", "--same-day")
    return lambda *more: CliRunner().invoke(main, [str(word) for word in (*words, *more)])


def test_evaluate_writes_a_report_and_goes_on_where_it_was(run, tmp_path):
    result = run(*QUICK, "--truth", SAMPLE / "truth", "--title", "Four starwings")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "report"
    assert result.stdout.splitlines()[-1] == f"wrote {folder / 'report.md'}"
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "report.md",
        "summary.csv",
        "pairs.csv",
        "failures.csv",
        "rows.jsonl",
        "auroc.svg",
        "lines.svg",
    }
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Four starwings") and "same place of the body" in text
    rows = (folder / "rows.jsonl").read_bytes()
    again = run(*QUICK, "--truth", SAMPLE / "truth", "--title", "Four starwings")
    count = len(rows.splitlines())
    assert f"{count} of {count} rows were there already" in again.stdout
    assert (folder / "rows.jsonl").read_bytes() == rows
    assert (folder / "report.md").read_text(encoding="utf-8") == text


def test_the_best_layer_goes_into_a_project(run, tmp_path, catalogue):
    project = write_project(Project(str(catalogue)), tmp_path)
    options = ("--layers", "--project", project, "--per-bin", 1, "--faithful", 0, "--steady", 0)
    result = run(*options, "--truth", SAMPLE / "truth")
    assert result.exit_code == 0, result.output
    layer = read_project(project).layer
    assert layer and f"best layer: {layer} (recommended without measuring: blocks.1)" in result.stdout
    assert result.stdout.splitlines()[-1] == f"wrote {project}"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--methods", "pairx,magic"), "There is no method “magic”"),
        (("--methods", " , "), "No method is named"),
        (("--layer", "no.such.layer", *QUICK), "no.such.layer"),
        (("--truth", Path(__file__).parent), "no truth files for the photos of this catalogue"),
        (("--per-bin", 0), "--per-bin"),
        (("--k-lines", 0), "--k-lines"),
        (("--steady", -1), "--steady"),
        (("--seed", -1), "--seed"),
    ],
)
def test_what_cannot_be_done_is_said(run, tmp_path, options, says):
    result = run(*options)
    assert result.exit_code != 0 and says in result.stderr and "Traceback" not in result.output
    assert not (tmp_path / "report" / "report.md").exists()


def test_another_evaluation_is_not_overwritten(run, tmp_path):
    options = ("--methods", "chance", "--controls", "", "--per-bin", 1, "--faithful", 0, "--steady", 0)
    assert run(*options).exit_code == 0
    report = (tmp_path / "report" / "report.md").read_bytes()
    result = run(*options, "--seed", 1)
    assert result.exit_code == 1 and "something else" in result.stderr
    assert (tmp_path / "report" / "report.md").read_bytes() == report
