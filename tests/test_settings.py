from __future__ import annotations

from pathlib import Path

import pytest

from pairx_core.addresses import without_password
from pairx_core.catalogue import Catalogue
from pairx_core.errors import SettingsError
from pairx_core.project import Project, write_project
from pairx_core.settings import SAMPLE_CATALOGUE, Settings


def refusal(**environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    return str(caught.value)


@pytest.mark.parametrize(
    "environment", [{}, {"PAIRX_CATALOGUE": "", "PAIRX_MODEL": "  ", "PAIRX_DECISIONS": ""}]
)
def test_without_variables_the_sample_and_the_demo_model_are_used(environment):
    settings = Settings.from_environment(environment)
    assert settings.catalogue == SAMPLE_CATALOGUE
    assert settings.catalogue.parts[-2:] == ("data_samples", "metadata.csv")
    assert settings.model == "demo"
    assert settings.decisions is None
    assert settings.cache.is_absolute()
    assert "pairx-review" in str(settings.cache)


def test_variables_are_taken_over(tmp_path):
    settings = Settings.from_environment(
        {
            "PAIRX_CATALOGUE": str(tmp_path),
            "PAIRX_MODEL": "resnet50:weights.safetensors",
            "PAIRX_DECISIONS": str(tmp_path / "new" / "mine.csv"),
            "PAIRX_CACHE": str(tmp_path / "cache"),
        }
    )
    assert settings == Settings(
        tmp_path, "resnet50:weights.safetensors", tmp_path / "new" / "mine.csv", tmp_path / "cache"
    )


def test_the_process_environment_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))
    assert Settings.from_environment().cache == tmp_path / "cache"


def test_relative_and_home_paths_become_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings.from_environment({"PAIRX_CACHE": "~/cache", "PAIRX_DECISIONS": "mine.csv"})
    assert (settings.cache, settings.decisions) == (tmp_path / "cache", tmp_path / "mine.csv")


def test_bad_values_name_their_variable(tmp_path):
    file = tmp_path / "file.csv"
    file.touch()
    assert "PAIRX_DECISIONS is" in refusal(PAIRX_DECISIONS=str(tmp_path))
    assert "is a file, not a folder" in refusal(PAIRX_DECISIONS=str(file / "mine.csv"))
    assert "which is the catalogue" in refusal(PAIRX_DECISIONS=str(file), PAIRX_CATALOGUE=str(file))
    assert "PAIRX_CACHE is" in refusal(PAIRX_CACHE=str(file))
    assert "PAIRX_CACHE is" in refusal(PAIRX_CACHE=str(file / "cache"))


def test_names_that_are_too_long_name_their_variable(tmp_path):
    name = str(tmp_path / ("long" * 200))
    assert "PAIRX_DECISIONS is" in refusal(PAIRX_DECISIONS=name)
    assert "PAIRX_CACHE is" in refusal(PAIRX_CACHE=name)


def test_a_catalogue_that_is_not_there_is_left_to_its_reader(tmp_path):
    settings = Settings.from_environment({"PAIRX_CATALOGUE": str(tmp_path / "gone.csv")})
    assert settings.catalogue == tmp_path / "gone.csv"


def test_decisions_lie_beside_the_catalogue_unless_set(tmp_path):
    table = tmp_path / "metadata.csv"
    table.touch()
    default = Settings.from_environment({})
    for source in (table, tmp_path):
        assert default.decisions_for(Catalogue(source, ())) == tmp_path / "pairx_decisions.csv"
    chosen = Settings.from_environment({"PAIRX_DECISIONS": str(tmp_path / "mine.csv")})
    assert chosen.decisions_for(Catalogue(table, ())) == Path(tmp_path / "mine.csv")


def test_a_databases_address_is_left_as_it_is():
    address = "postgresql://ada:s3cret@server.example.org:5432/nyala"
    assert Settings.from_environment({"PAIRX_DECISIONS": f" {address} "}).decisions == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ada:s3cret@server:5432/nyala", "postgresql://ada:***@server:5432/nyala"),
        (
            "postgresql://server/nyala?user=ada&password=s3cret",
            "postgresql://server/nyala?user=ada&password=***",
        ),
        ("sqlite:////data/nyala.db", "sqlite:////data/nyala.db"),
        ("postgresql://ada@server/nyala", "postgresql://ada@server/nyala"),
        ("/data/nyala.csv", "/data/nyala.csv"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert without_password(address) == shown


def test_coordinators_are_named_one_after_the_other():
    given = Settings.from_environment({"PAIRX_COORDINATORS": " ada@example.org, ,Zoe "})
    assert given.coordinators == ("ada@example.org", "Zoe")
    assert Settings.from_environment({}).coordinators == ()


@pytest.fixture
def project(tmp_path):
    write_project(
        Project(
            str(tmp_path / "photos"),
            form="coco",
            model="efficientnet_b0",
            checkpoint=str(tmp_path / "w.pth"),
            layer="blocks.3",
            candidates=str(tmp_path / "scores.csv"),
            decisions=str(tmp_path / "d.csv"),
        ),
        tmp_path,
    )
    return tmp_path


def test_a_project_says_everything(project):
    found = Settings.from_environment({"PAIRX_PROJECT": str(project)})
    assert found.catalogue == project / "photos"
    assert found.decisions == project / "d.csv"
    assert (found.form, found.model, found.layer) == ("coco", "efficientnet_b0", "blocks.3")
    assert (found.checkpoint, found.candidates) == (str(project / "w.pth"), str(project / "scores.csv"))


def test_what_is_set_by_itself_goes_before_the_project(project, tmp_path):
    given = {"PAIRX_PROJECT": str(project), "PAIRX_CATALOGUE": str(tmp_path / "other")}
    found = Settings.from_environment(given)
    assert (found.catalogue, found.model) == (tmp_path / "other", "efficientnet_b0")
    assert (found.form, found.candidates, found.decisions) == ("", "", None)
    found = Settings.from_environment({"PAIRX_PROJECT": str(project), "PAIRX_MODEL": "demo"})
    assert (found.model, found.checkpoint, found.layer) == ("demo", "", "")
    found = Settings.from_environment({"PAIRX_PROJECT": str(project), "PAIRX_DECISIONS": "sqlite:///x.db"})
    assert found.decisions == "sqlite:///x.db" and found.form == "coco"


def test_a_project_that_cannot_be_read_is_named_with_its_variable(tmp_path):
    with pytest.raises(SettingsError, match="PAIRX_PROJECT is .* There is no project file"):
        Settings.from_environment({"PAIRX_PROJECT": str(tmp_path / "none.toml")})
