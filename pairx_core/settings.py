"""Where things are: the catalogue, the model, the decisions file and the cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import platformdirs

from pairx_core.addresses import is_address
from pairx_core.catalogue import Catalogue
from pairx_core.errors import SettingsError
from pairx_core.project import Project, read_project

SAMPLE_CATALOGUE = Path(__file__).resolve().parents[1] / "data_samples" / "metadata.csv"
DECISIONS_NAME = "pairx_decisions.csv"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the app and the command line start with."""

    catalogue: Path  # a CSV file or a folder
    model: str  # as ``load_model`` takes it
    decisions: Path | str | None  # a file, or a database's address; None: a file beside the catalogue
    cache: Path  # a folder; made when it is first needed
    coordinators: tuple[str, ...] = ()  # who makes expert sessions, where people sign in: addresses or names
    form: str = ""  # of the catalogue; empty: found out
    checkpoint: str = ""  # of the model
    layer: str = ""  # empty: the model's recommended one
    candidates: str = ""  # a table of someone else's matcher
    input_size: str = ""  # of the model, pixels a side; empty: as its files say
    normalisation: str = ""  # by name; empty: as its files say

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Settings from PAIRX_PROJECT, PAIRX_CATALOGUE, PAIRX_MODEL, PAIRX_DECISIONS, PAIRX_CACHE, PAIRX_COORDINATORS.

        What is not set is as the project has it, or else has its default. Another catalogue than the project's has
        none of the project's format, candidates and decisions; another model none of its checkpoint and layer.

        Raises:
            SettingsError: one of them cannot be used; the message names it.
        """
        given = os.environ if environment is None else environment
        project = _project(given)
        catalogue, model = _path(given, "PAIRX_CATALOGUE"), _text(given, "PAIRX_MODEL")
        if catalogue is not None:
            project = replace(project, form="", candidates="", decisions="")
        if model:
            project = replace(project, checkpoint="", layer="", input_size="", normalisation="")
        decisions = _path_or_address(given, "PAIRX_DECISIONS") or _path_or_address(
            {"decisions": project.decisions}, "decisions"
        )
        settings = cls(
            catalogue=catalogue or (Path(project.catalogue) if project.catalogue else SAMPLE_CATALOGUE),
            model=model or project.model,
            decisions=decisions,
            cache=_path(given, "PAIRX_CACHE") or platformdirs.user_cache_path("pairx-review"),
            coordinators=_names(given, "PAIRX_COORDINATORS"),
            form=project.form,
            checkpoint=project.checkpoint,
            layer=project.layer,
            candidates=project.candidates,
            input_size=project.input_size,
            normalisation=project.normalisation,
        )
        _check_decisions(settings)
        _check_cache(settings.cache)
        return settings  # whether the catalogue is there is found out by reading it

    def decisions_for(self, catalogue: Catalogue) -> Path | str:
        """The record to use with a catalogue: the one that was set, or else a file beside the photos."""
        return self.decisions or decisions_beside(catalogue)


def decisions_beside(catalogue: Catalogue) -> Path:
    """The decisions file of a catalogue for which none was named: in the folder of its photos."""
    return decisions_beside_file(catalogue.source)


def decisions_beside_file(source: Path) -> Path:
    """The same by the catalogue's file or folder, whether it can be read or not."""
    return (source if source.is_dir() else source.parent) / DECISIONS_NAME


def _project(environment: Mapping[str, str]) -> Project:
    """The project that the environment names; without one, nothing but defaults."""
    named = _text(environment, "PAIRX_PROJECT")
    if not named:
        return Project("")
    try:
        return read_project(named)
    except SettingsError as error:
        raise SettingsError(f"PAIRX_PROJECT is “{named}”. {error}") from error


def _text(environment: Mapping[str, str], variable: str) -> str:
    return environment.get(variable, "").strip()


def _names(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(name for name in map(str.strip, _text(environment, variable).split(",")) if name)


def _path_or_address(environment: Mapping[str, str], variable: str) -> Path | str | None:
    text = _text(environment, variable)
    return text if is_address(text) else _path(environment, variable)


def _path(environment: Mapping[str, str], variable: str) -> Path | None:
    text = _text(environment, variable)
    if not text:
        return None
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(
            f"{variable} is “{text}”, but the home folder is not known. Write the whole path."
        ) from error


def _check_decisions(settings: Settings) -> None:
    path = settings.decisions
    if path is None or isinstance(path, str):
        return
    if _is_folder("PAIRX_DECISIONS", path):
        raise SettingsError(
            f"PAIRX_DECISIONS is “{path}”, which is a folder. Name a file in it, such as "
            f"{path / DECISIONS_NAME}."
        )
    if path == settings.catalogue:
        raise SettingsError(f"PAIRX_DECISIONS is “{path}”, which is the catalogue. Name another file.")
    _check_folder_above("PAIRX_DECISIONS", path)


def _check_cache(cache: Path) -> None:
    if not _is_folder("PAIRX_CACHE", cache) and cache.exists():
        raise SettingsError(f"PAIRX_CACHE is “{cache}”, which is a file. Name a folder.")
    _check_folder_above("PAIRX_CACHE", cache)


def _is_folder(variable: str, path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a name that is too long, a drive that does not answer
        raise SettingsError(
            f"{variable} is “{path}”, which cannot be used ({error.strerror}). Name another path."
        ) from error


def _check_folder_above(variable: str, path: Path) -> None:
    """Make sure that no file stands where a folder is needed."""
    existing = next(parent for parent in path.parents if parent.exists())
    if not existing.is_dir():
        raise SettingsError(
            f"{variable} is “{path}”, but “{existing}” is a file, not a folder. Name another path."
        )
