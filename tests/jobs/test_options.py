"""Where jobs run, as typed on the command line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pairx_core import cli_jobs, load_model
from pairx_core.catalogue import MaskPicture, Photo
from pairx_core.cli import main
from pairx_core.cli_jobs import files_for, named_model, runner_from, runner_options
from pairx_core.errors import SettingsError
from pairx_core.jobs import LocalRunner
from pairx_core.jobs.cluster import DaskRunner
from pairx_core.jobs.runner import usable_processors
from pairx_core.models.named import NamedModel
from tests.jobs import work


@click.command()
@runner_options
def double(scheduler: str | None, workers: int | None) -> None:
    with runner_from(scheduler, workers) as runner:
        click.echo(f"{type(runner).__name__} {runner.workers} {list(runner.results(work.doubled, range(3)))}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--workers", "3"], "LocalRunner 3 [0, 2, 4]"),
        (["--scheduler", "local", "--workers", "1"], "DaskRunner 1 [0, 2, 4]"),
    ],
)
def test_where_tasks_run_is_chosen(words, expected):
    assert CliRunner().invoke(double, words).stdout.splitlines() == [expected]


@pytest.mark.parametrize(("gpu", "expected"), [(True, 1), (False, usable_processors())])
def test_a_gpu_has_one_task_at_a_time(monkeypatch, gpu, expected):
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    with runner_from(None, None) as runner:
        assert runner.workers == expected


def test_a_scheduler_that_runs_is_used_and_left_running(dask):
    for _ in range(2):
        found = CliRunner().invoke(double, ["--scheduler", dask._address]).stdout
        assert found.splitlines() == ["DaskRunner 2 [0, 2, 4]"]


def test_the_number_of_another_schedulers_workers_cannot_be_chosen(dask):
    with (
        pytest.raises(SettingsError, match="--workers counts tasks on this computer"),
        runner_from("tcp://a:1", 2),
    ):
        pass


def test_a_runner_is_closed_whatever_happens(monkeypatch):
    closed = []
    monkeypatch.setattr(LocalRunner, "close", lambda runner: closed.append(runner))
    with pytest.raises(ZeroDivisionError), runner_from(None, 1) as runner:
        raise ZeroDivisionError
    assert closed == [runner]


def test_workers_are_asked_about_a_file_of_each_folder(monkeypatch, tmp_path):
    files = [tmp_path / str(number // 3) / f"{number}.jpg" for number in range(90)]
    for file in files[1:]:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    asked = []
    monkeypatch.setattr(
        DaskRunner, "at", classmethod(lambda _, __, files, tell: asked.extend(files) or LocalRunner(1))
    )
    with runner_from("tcp://a:1", None, files):
        pass
    assert asked == [files[1], *files[3::3][:15]]


def test_what_tasks_read_is_listed():
    photos = [Photo("a", Path("/p/a.jpg"), mask=MaskPicture(Path("/m/a.png"))), Photo("b", Path("/p/b.jpg"))]
    model = NamedModel("efficientnet_b0:/w/one.pth", "0")
    found = [str(path) for path in files_for(photos, model, Path("/truth"))]
    assert found[1:] == ["/w/one.pth", "/p/a.jpg", "/m/a.png", "/truth/a.png", "/p/b.jpg", "/truth/b.png"]
    assert "/p/a.jpg" in map(str, files_for(photos, NamedModel("demo", "0")))


def test_models_are_named_so_that_any_folder_will_do(monkeypatch, tmp_path, tiny_checkpoint):
    monkeypatch.chdir(tiny_checkpoint.parent)
    model = load_model("tiny.safetensors")
    named = [
        named_model(model, "tiny.safetensors", None),
        named_model(model, None, Path("tiny.safetensors")),
        named_model(model, "test_efficientnet:tiny.safetensors", None),
    ]
    monkeypatch.chdir(tmp_path)
    assert [one.load().fingerprint for one in named] == [model.fingerprint] * 3
    assert named[0].model == str(tiny_checkpoint) and named[1].checkpoint == str(tiny_checkpoint)
    assert named_model(model, "miewid", None).model == "miewid"


def test_a_cluster_that_is_not_there_is_told_by_the_command(
    small_catalogue, tiny_checkpoint, tmp_path, monkeypatch
):
    monkeypatch.setattr("pairx_core.jobs.cluster._CONNECT", 0.2)
    words = [
        "index",
        str(small_catalogue),
        "--model",
        str(tiny_checkpoint),
        "--cache",
        str(tmp_path / "cache"),
    ]
    result = CliRunner().invoke(main, [*words, "--scheduler", "tcp://127.0.0.1:1"])
    assert result.exit_code == 1
    assert "Error: The scheduler “tcp://127.0.0.1:1” cannot be reached" in result.output


def test_indexing_and_evaluating_are_typed_with_a_scheduler(dask, small_catalogue, tiny_checkpoint, tmp_path):
    of_all = [
        "--model",
        str(tiny_checkpoint),
        "--cache",
        str(tmp_path / "cache"),
        "--scheduler",
        dask._address,
    ]
    result = CliRunner().invoke(main, ["index", str(small_catalogue), *of_all])
    assert result.exit_code == 0 and "8 photos indexed" in result.output, result.output
    words = ["evaluate", str(small_catalogue), "-o", str(tmp_path / "report"), "--any-flank", "--same-day"]
    result = CliRunner().invoke(
        main, [*words, *of_all, "--methods", "pairx", "--controls", "", "--per-bin", "1"]
    )
    assert result.exit_code == 0 and "wrote" in result.output, result.output


def test_many_photos_are_not_all_looked_at(monkeypatch, tmp_path):
    (tmp_path / "a.jpg").touch()
    monkeypatch.setattr(cli_jobs, "_MOST_LOOKED_AT", 3)
    looked = []
    endless = (looked.append(1) or tmp_path / "a.jpg" for _ in iter(int, 1))
    assert cli_jobs._one_a_folder(endless) == [tmp_path / "a.jpg"] and len(looked) == 3
