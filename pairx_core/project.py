"""A project file: everything that was chosen for one piece of work, to open it again in one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from pairx_core.addresses import is_address, without_password
from pairx_core.errors import SettingsError
from pairx_core.paths import tidy_path
from pairx_core.toml_files import read_toml_file
from pairx_core.whole_files import whole_file

PROJECT_NAME = "pairx.toml"
_VERSION = 1
_LONGEST = 1 << 20  # bytes; a project file has some hundred
_TABLES = {  # table -> key in the file -> field
    "catalogue": {"path": "catalogue", "format": "form"},
    "model": {
        "name": "model",
        "checkpoint": "checkpoint",
        "layer": "layer",
        "input_size": "input_size",
        "normalisation": "normalisation",
    },
    "candidates": {"table": "candidates"},
    "decisions": {"path": "decisions"},
}
_PATHS = ("catalogue", "checkpoint", "candidates", "decisions")


@dataclass(frozen=True, slots=True)
class Project:
    """What to open: paths are absolute, or as they are understood where they are used; empty: the default."""

    catalogue: str
    form: str = ""  # of the catalogue; empty: found out
    model: str = "demo"
    checkpoint: str = ""
    layer: str = ""
    candidates: str = ""  # a table of someone else's matcher; empty: our own retrieval
    decisions: str = ""  # a file or a database's address
    name: str = ""  # for the list of projects
    input_size: str = ""  # of the model, pixels a side; empty: as its files say
    normalisation: str = ""  # by name; empty: as its files say


def read_project(path: str | Path) -> Project:
    """Read a project file, or the ``pairx.toml`` in a folder.

    Relative paths in it are taken from its own folder, so that a project can be moved with its photos.

    Raises:
        SettingsError: it cannot be read, is not a project file, or an entry is unknown or of a wrong kind.
    """
    file = _project_file(path)
    table = read_toml_file(file, what="project file", longest=_LONGEST, error=SettingsError)
    version = table.pop("version", _VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version > _VERSION:
        raise SettingsError(
            f"{file}: version is “{version}”, but this PAIR-X Review reads up to {_VERSION}. Install a newer one."
        )
    found: dict[str, str] = {"name": _text(file, "name", table.pop("name", ""))}
    for name, content in table.items():
        keys = _TABLES.get(name)
        if keys is None:
            raise SettingsError(f"{file}: there is no entry [{name}]. There are: {', '.join(_TABLES)}.")
        if not isinstance(content, dict):
            first = next(iter(keys))
            raise SettingsError(
                f'{file}: “{name}” stands alone. Write [{name}] and under it {first} = "...".'
            )
        for key, value in content.items():
            if key not in keys:
                raise SettingsError(f"{file}: [{name}] has no “{key}”. It has: {', '.join(keys)}.")
            found[keys[key]] = _text(file, f"{name}.{key}", value)
    if not found.get("catalogue"):
        raise SettingsError(f'{file}: it names no catalogue. Write [catalogue] and under it path = "...".')
    return _with_absolute_paths(Project(**{key: value for key, value in found.items() if value}), file.parent)


def write_project(project: Project, path: str | Path) -> Path:
    """Write a project file; one that is there is replaced as a whole.

    Paths are made whole, relative ones from the folder that the program runs in; those below the project's folder are
    then written relative to that. A database's password is never written.

    Returns:
        The file's absolute path.

    Raises:
        SettingsError: it cannot be written, or what is there is not a project file.
    """
    file = _project_file(path)
    if file.suffix != ".toml":
        raise SettingsError(f"{file}: a project file's name ends in .toml, such as {PROJECT_NAME}.")
    if file.exists():
        read_project(file)  # anything else is not ours to replace
    portable = _with_relative_paths(_with_absolute_paths(project), file.parent)
    table: dict[str, Any] = {"version": _VERSION}
    if project.name:
        table["name"] = project.name
    for name, keys in _TABLES.items():
        content: dict[str, Any] = {
            key: value for key, field in keys.items() if (value := getattr(portable, field))
        }
        if str(content.get("input_size", "")).isdecimal():
            content["input_size"] = int(content["input_size"])
        if content:
            table[name] = content
    _replace(file, tomli_w.dumps(table))
    return file


def has_password(project: Project) -> bool:
    """Whether the record's address carries a password, which a project file leaves out."""
    return is_address(project.decisions) and without_password(project.decisions) != project.decisions


def _project_file(path: str | Path) -> Path:
    text = str(path).strip().strip("\"'")
    if not text:
        raise SettingsError(f"No project was named. Give the path of a {PROJECT_NAME}.")
    file = tidy_path(text, SettingsError)
    try:
        return file / PROJECT_NAME if file.is_dir() else file
    except OSError as error:
        raise SettingsError(f"{file}: this path cannot be used ({error.strerror}).") from error


def _text(file: Path, name: str, value: object) -> str:
    if name == "model.input_size" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise SettingsError(f"{file}: {name} is {value!r}; a text in quotation marks is needed.")
    return value.strip()


def _with_absolute_paths(project: Project, folder: Path | None = None) -> Project:
    """The project with whole paths; relative ones start from a folder, or from the one that the program runs in."""

    def absolute(text: str) -> str:
        return text if not text or is_address(text) else str(tidy_path(text, SettingsError, folder=folder))

    changes = {name: absolute(getattr(project, name)) for name in _PATHS}
    model = project.model.strip("\"' ")
    architecture, colon, weights = model.rpartition(":")
    if _is_path(model) or (folder is None and _is_here(model)):
        changes["model"] = absolute(model)
    elif folder is None and len(architecture) > 1 and _is_here(weights):
        changes["model"] = f"{architecture}{colon}{absolute(weights)}"
    return replace(project, **changes)


def _with_relative_paths(project: Project, folder: Path) -> Project:
    def relative(text: str) -> str:
        if is_address(text):
            return without_password(text)
        path = Path(text)
        is_below = bool(text) and path.is_absolute() and path.is_relative_to(folder)
        return (path.relative_to(folder).as_posix() or ".") if is_below else text

    changes = {name: relative(getattr(project, name)) for name in _PATHS}
    if _is_path(project.model):
        changes["model"] = _dotted(relative(project.model))
    return replace(project, **changes)


def _is_path(model: str) -> bool:
    """Whether a model is named by a path, relative ones beginning with a dot: “BVRA/MegaDescriptor” is none."""
    return model.startswith(("/", "./", "../", "~", ".\\", "..\\")) or Path(model).is_absolute()


def _is_here(model: str) -> bool:
    """Whether a model is a file or a folder by a relative path without a dot in front."""
    if not model or is_address(model):
        return False
    try:
        return Path(model).exists()
    except (OSError, ValueError):
        return False


def _dotted(path: str) -> str:
    return path if Path(path).is_absolute() else f"./{path}"


def _replace(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as fresh:
            fresh.write(text.encode())
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written ({error.strerror}). Choose a folder in which you may write."
        ) from error
