"""What a repository says of itself: licences, how to cite it, checks before a commit, what a package of it holds."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from pairx_core.version import __version__

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))
SIDE_FILES = (".evidence.jsonl", ".sessions.jsonl", ".names.jsonl")  # of a record
SAMPLE = ("metadata.csv", "demo_model.safetensors", "showcase.story.toml")
_CFF = {  # the fields of Citation File Format 1.2.0 that may be used, by the object
    "root": {
        *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers"),
        *("keywords", "license", "license-url", "message", "preferred-citation", "references", "repository"),
        *("repository-artifact", "repository-code", "title", "type", "url", "version"),
    },
    "reference": {"type", "title", "authors", "year", "url", "identifiers", "doi", "journal", "publisher"},
    "author": {"family-names", "given-names", "name", "orcid", "affiliation", "website"},
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    return script("third_party_licenses")


def script(name: str) -> ModuleType:
    """A program in .ci."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def pinned(file: Path) -> dict[str, str]:
    """The packages that a file asks for, and at which version."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s#]+)", file.read_text(encoding="utf-8"), re.M)
    return dict(lines)


def test_what_the_app_writes_beside_the_sample_is_not_committed(tmp_path):
    """And what belongs to the sample is."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(read(".gitignore"))
    record = [f"pairx_decisions{ending}" for ending in (".csv", ".csv.lock", *SIDE_FILES)]
    written = [f"data_samples/{name}" for name in (*record, "pairx.toml", "Who_is_this.story.toml")]
    ours = sorted(
        path.relative_to(ROOT).as_posix() for path in (ROOT / "data_samples").iterdir() if path.name in SAMPLE
    )
    assert len(ours) == len(SAMPLE)
    asked = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", *written, *ours], capture_output=True, text=True, check=True
    )
    assert asked.stdout.splitlines() == written


def test_every_requirement_is_pinned_and_says_what_it_is_for():
    for file in REQUIREMENTS:
        for line in file.read_text(encoding="utf-8").splitlines():
            is_package = bool(line) and not line.startswith(("#", "-r "))
            assert not is_package or "==" in line, f"{file.name}: {line}"
            assert not is_package or file.name == "requirements-field.txt" or "#" in line, (
                f"{file.name}: {line}"
            )


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_every_requirement_is_among_the_third_party_licences_with_its_version(file):
    listed = read("THIRD_PARTY_LICENSES.md")
    for name, version in pinned(file).items():
        row = re.search(
            rf"^\| {re.escape(name)} \| {re.escape(version)} \| (?P<licence>[^|]+) \|", listed, re.M
        )
        assert row, f"{name} {version}: run make licences"
        assert row["licence"].strip()


def test_third_party_licences_are_what_the_installed_packages_state(licences):
    assert licences.document() == read("THIRD_PARTY_LICENSES.md"), "run make licences"


def test_a_package_that_is_not_installed_must_have_its_licence_in_the_requirements_file(licences):
    unknown = licences.Requirement("no-such-package", "1", "for something (MIT)")
    assert licences.licence(unknown) == "MIT"
    with pytest.raises(SystemExit, match="does not say it"):
        licences.licence(licences.Requirement("no-such-package", "1", "for something"))


def test_the_citation_file_has_the_form_that_it_says():
    cited = yaml.safe_load(read("CITATION.cff"))
    assert cited["cff-version"] == "1.2.0"
    assert cited.keys() <= _CFF["root"]
    assert {"authors", "cff-version", "message", "title"} <= cited.keys()
    assert (cited["type"], cited["license"], cited["version"]) == ("software", "MIT", __version__)
    paper = cited["preferred-citation"]
    assert paper.keys() <= _CFF["reference"]
    assert {"authors", "title", "type"} <= paper.keys()
    for author in (*cited["authors"], *paper["authors"]):
        assert author.keys() <= _CFF["author"]
        assert ("name" in author) != ("family-names" in author)
    assert [one["family-names"] for one in paper["authors"]] == [
        "Shrack",
        "Haucke",
        "Salaün",
        "Subramonian",
        "Beery",
    ]
    assert paper["identifiers"] == [{"type": "other", "value": "arXiv:2503.22881"}]
    assert paper["url"].endswith("2503.22881")


def test_checks_before_a_commit_are_the_programs_of_the_environment():
    """So that their versions stand in requirements-dev.txt alone, and nothing is fetched."""
    config = yaml.safe_load(read(".pre-commit-config.yaml"))
    development = pinned(ROOT / "requirements-dev.txt")
    assert "pre-commit" in development
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    programs = set()
    for hook in hooks:
        assert hook["language"] == "system"
        assert "additional_dependencies" not in hook
        programs.add(hook["entry"].split()[0])
    assert programs == {".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/python"}
    lint = read("Makefile").partition("\nlint:")[2].partition("\n\n")[0]
    assert "ruff check ." in lint and "ruff format --check ." in lint and "mypy" in lint
    assert {"ruff", "mypy"} <= development.keys()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.py", "x = 1\n", None),
        ("a.py", "x = 1", "line end"),
        ("a.py", "x = 1\n\n", "line end"),
        ("a.toml", "a = [\n", "cannot be parsed"),
        ("a.yaml", "a: [1\n", "cannot be parsed"),
        ("a.json", "{\n", "cannot be parsed"),
        ("a.bin", 500_001 * "x", "500,001 bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name, content, says):
    (tmp_path / name).write_text(content, encoding="utf-8")
    command = [sys.executable, ROOT / ".ci" / "check_files.py", tmp_path / name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, bool(run.stdout)) == ((0, False) if says is None else (1, True))
    assert (says or "") in run.stdout


def test_the_package_says_that_it_is_typed_and_takes_that_along():
    project = tomllib.loads(read("pyproject.toml"))
    taken = project["tool"]["setuptools"]["package-data"]["pairx_core"]
    found = {path for pattern in taken for path in (ROOT / "pairx_core").glob(pattern)}
    assert ROOT / "pairx_core" / "py.typed" in found
    assert ROOT / "pairx_core" / "render" / "fonts" / "DejaVuSans.ttf" in found
    assert project["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "pairx_core.version.__version__"


def test_the_licence_is_mit():
    assert read("LICENSE").startswith("MIT License")
    assert tomllib.loads(read("pyproject.toml"))["project"]["license"] == "MIT"
