"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def catalogue_and_model(cached: str) -> Callable[[Command], Command]:
    """The options that say what to read and what to embed it with: format, model, checkpoint, cache.

    Args:
        cached: what the command keeps in the cache folder, such as "embeddings".
    """
    options = [
        click.option("--format", "form", help="The catalogue's format. [default: found out]"),
        click.option(
            "--model",
            help="“demo”, a checkpoint, or ARCHITECTURE:CHECKPOINT. [default: $PAIRX_MODEL or demo]",
        ),
        click.option(
            "--checkpoint", type=click.Path(path_type=Path), help="Weights for a timm architecture."
        ),
        click.option(
            "--cache",
            type=click.Path(path_type=Path, file_okay=False),
            help=f"Folder for {cached}. [default: $PAIRX_CACHE or the user's cache folder]",
        ),
    ]

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
