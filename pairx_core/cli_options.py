"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

format_option = click.option("--format", "form", help="The catalogue's format. [default: found out]")
layer_option = click.option(
    "--layer", help="Layer whose cells are matched. [default: the model's recommended one]"
)
_MODEL = click.option(
    "--model", help="“demo”, a checkpoint, or ARCHITECTURE:CHECKPOINT. [default: $PAIRX_MODEL or demo]"
)
_CHECKPOINT = click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights for a timm architecture named by --model.",
)


def file_option(text: str) -> Callable[[Command], Command]:
    """The option that names the file to write, with its help text."""
    return click.option(
        "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help=text
    )


def folder_option(text: str) -> Callable[[Command], Command]:
    """The option that names the folder to write, with its help text."""
    return click.option(
        "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help=text
    )


def model_options(command: Command) -> Command:
    """The options that name a model."""
    return _MODEL(_CHECKPOINT(command))


def index_options(cached: str) -> Callable[[Command], Command]:
    """The options that say what photos are embedded with, and where that is kept: model, checkpoint, cache.

    Args:
        cached: what the command keeps in the cache folder, such as "embeddings".
    """
    cache = click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help=f"Folder for {cached}. [default: $PAIRX_CACHE or the user's cache folder]",
    )
    return lambda command: model_options(cache(command))


def catalogue_and_model(cached: str) -> Callable[[Command], Command]:
    """The options that say what to read and what to embed it with: format, model, checkpoint, cache.

    Args:
        cached: what the command keeps in the cache folder, such as "embeddings".
    """
    return lambda command: format_option(index_options(cached)(command))


def filter_options(command: Command) -> Command:
    """The options that say which photos are candidates."""
    return all_of(
        click.option("--any-species", is_flag=True, help="Candidates of other species too."),
        click.option("--any-flank", is_flag=True, help="Candidates of the other flank too."),
        click.option("--known-only", is_flag=True, help="Candidates of known individuals only."),
        click.option("--same-day", is_flag=True, help="Candidates of the same day and site too."),
    )(command)


def all_of(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; help lists them in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
