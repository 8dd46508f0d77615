"""What commands that do many like tasks share: where the tasks run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_options import Command, all_of
from pairx_core.errors import SettingsError

if TYPE_CHECKING:
    from pairx_core.catalogue import Photo
    from pairx_core.jobs import Runner
    from pairx_core.models import EmbeddingModel
    from pairx_core.models.named import NamedModel

LOCAL = "local"
_MOST_FILES = 16  # that workers are asked about: one a folder finds a share that is not mounted
_MOST_LOOKED_AT = 2_000  # to find them: of a million photos, nobody waits for the last


def runner_options(command: Command) -> Command:
    """The options that say where tasks run: ``scheduler`` and ``workers``, for :func:`runner_from`."""
    return all_of(
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="A Dask scheduler, such as tcp://10.0.0.5:8786, whose workers do the work; “local”: Dask workers on "
            "this computer. [default: this process]",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            help="Tasks at a time on this computer. [default: one a processor, or one on a GPU]",
        ),
    )(command)


@contextmanager
def runner_from(scheduler: str | None, workers: int | None, files: Iterable[Path] = ()) -> Iterator[Runner]:
    """What runs tasks, as chosen; closed at the end.

    Args:
        scheduler: as ``--scheduler`` takes it.
        workers: as ``--workers`` takes it.
        files: what tasks will read, such as the photos and the model's checkpoint; a cluster's workers must see them.

    Raises:
        SettingsError: the options do not go together.
        ClusterError: the cluster cannot be used.
    """
    runner = _runner(scheduler, workers, files)
    try:
        yield runner
    finally:
        runner.close()


def named_model(model: EmbeddingModel, name: str | None, checkpoint: Path | None) -> NamedModel:
    """The model that a command loaded, as data for a cluster's workers.

    Args:
        model: what was loaded.
        name: as ``--model`` takes it.
        checkpoint: as ``--checkpoint`` takes it.
    """
    from pairx_core.models.named import NamedModel
    from pairx_core.settings import Settings

    return NamedModel.of(model, name or Settings.from_environment().model, checkpoint)


def files_for(photos: Iterable[Photo], model: NamedModel | None, truth: Path | None = None) -> Iterator[Path]:
    """What tasks about some photos may read, for :func:`runner_from`: pictures, masks, truth, the model's files."""
    from pairx_core.catalogue.photo import MaskPicture
    from pairx_core.evaluate.truth import truth_path

    if model is not None:
        yield from (
            Path(name) for name in (model.checkpoint, model.model, model.model.partition(":")[2]) if name
        )
    for photo in photos:
        yield photo.path
        if isinstance(photo.mask, MaskPicture):
            yield photo.mask.path
        if truth is not None:
            yield truth_path(photo, truth)


def _runner(scheduler: str | None, workers: int | None, files: Iterable[Path]) -> Runner:
    if scheduler is None:
        from pairx_core.jobs import LocalRunner

        return LocalRunner(workers or _usual())
    from pairx_core.jobs.cluster import DaskRunner

    _tell("starting workers ..." if scheduler == LOCAL else f"reaching {scheduler} ...")
    if scheduler == LOCAL:
        return DaskRunner.on_this_computer(workers or _usual(), files=_one_a_folder(files), tell=_tell)
    if workers is not None:
        raise SettingsError(
            "--workers counts tasks on this computer; a scheduler's workers are started beside it. Leave it out."
        )
    return DaskRunner.at(scheduler, files=_one_a_folder(files), tell=_tell)


def _usual() -> int:
    """Tasks at a time on this computer: one a processor; one where a GPU computes, whose memory each would take."""
    import torch

    from pairx_core.jobs.runner import usable_processors

    return 1 if torch.cuda.is_available() else usable_processors()


def _one_a_folder(files: Iterable[Path]) -> list[Path]:
    """A file of each of the first folders, as far as they are there."""
    found: dict[Path, Path] = {}
    for file in filter(Path.is_file, islice(files, _MOST_LOOKED_AT)):
        found.setdefault(file.parent, file)
        if len(found) == _MOST_FILES:
            break
    return list(found.values())


def _tell(message: str) -> None:
    click.echo(message, err=True)
