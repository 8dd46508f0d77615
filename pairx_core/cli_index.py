"""The command that embeds a catalogue: here or on a cluster, resumed where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_jobs import files_for, named_model, runner_from, runner_options
from pairx_core.cli_options import catalogue_and_model
from pairx_core.cli_reading import chosen_model, opened_catalogue
from pairx_core.cli_telling import Telling, going_on_later, progress_bar, tell_problems

if TYPE_CHECKING:
    from pairx_core.catalogue import Catalogue
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateIndex, EmbeddingStore
    from pairx_core.retrieval.store import Precision


_WAITING = "Another program is embedding into the same folder: waiting until it has finished."


@click.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@catalogue_and_model("embeddings")
@click.option(
    "--precision",
    type=click.Choice(["float32", "float16"]),
    help="Of embeddings on the disk; float16 takes half the room. [default: as it is there, or float32]",
)
@click.option("--verify", is_flag=True, help="First read all that is kept, and embed again what is damaged.")
@click.option(
    "--drop-unused",
    is_flag=True,
    help="Afterwards drop all embeddings but CATALOGUE's, also those of other catalogues.",
)
@click.option(
    "--approximate/--exact",
    default=None,
    help="Afterwards make an approximate index (needs requirements-large.txt), or remove it.",
)
@runner_options
def index(
    catalogue: Path,
    form: str | None,
    model: str | None,
    checkpoint: Path | None,
    cache: Path | None,
    precision: Precision | None,
    verify: bool,
    drop_unused: bool,
    approximate: bool | None,
    scheduler: str | None,
    workers: int | None,
) -> None:
    """Read CATALOGUE (a file or a folder), say what was found, and embed its photos. Stopped, it goes on later."""
    from pairx_core.retrieval import IndexOptions, build_index, open_store
    from pairx_core.settings import Settings

    photos = opened_catalogue(catalogue, form)
    loaded = chosen_model(model, checkpoint)
    folder = cache or Settings.from_environment().cache
    if verify:
        _verify(open_store(folder, loaded, precision))
    before, begun = len(open_store(folder, loaded, precision)), time.monotonic()
    named = named_model(loaded, model, checkpoint) if scheduler else None
    with (
        runner_from(scheduler, workers, files_for(photos.photos, named)) as runner,
        going_on_later("What was embedded"),
    ):
        telling = Telling()
        options = IndexOptions(
            precision=precision,
            runner=runner if scheduler or workers else None,
            named=named,
            looking=partial(telling, "looking into files"),
            waiting=_tell_once(_WAITING),
        )
        built = build_index(
            photos, loaded, cache_dir=folder, progress=partial(telling, "embedding photos"), options=options
        )
    tell_problems([*photos.problems, *built.skipped])
    _tell_counts(photos, built)
    fresh = len(open_store(folder, loaded, precision)) - before
    click.echo(f"embedded now: {_speed(fresh, time.monotonic() - begun)}; kept in {built.vectors.precision}")
    if drop_unused:
        _refuse_to_drop(photos, built)
        _drop(open_store(folder, loaded, precision), photos, loaded, folder)
    if approximate is not None:
        _approximate(open_store(folder, loaded, precision), is_wanted=approximate)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _speed(photos: int, seconds: float) -> str:
    return (
        f"{_count(photos, 'photo')} in {seconds:.1f} s ({photos / seconds:.1f} a second)"
        if photos
        else "no photos"
    )


def _tell_once(message: str) -> Callable[[], None]:
    said: list[str] = []

    def tell() -> None:
        if not said:
            said.append(message)
            click.echo(message, err=True)

    return tell


def _tell_counts(photos: Catalogue, built: CandidateIndex) -> None:
    counts = photos.summary()
    missing = counts.left_out + len(built.skipped)
    left_out = f" ({missing:,} left out)" if missing else ""
    click.echo(
        f"{_count(len(built), 'photo')} indexed{left_out}, {_count(counts.individuals, 'individual')} "
        f"({counts.singletons:,} with one photo), "
        f"{counts.unknown:,} unknown; model {built.model.name}."
    )
    if built.note:
        click.echo(f"note  {built.note}", err=True)


def _verify(store: EmbeddingStore) -> None:
    damaged = store.damaged()
    then = ", which are made again now" if len(damaged) else ""
    click.echo(f"verified: {_count(len(store), 'embedding')}, {len(damaged):,} damaged{then}")
    if len(damaged):
        with store.writing():
            store.drop(damaged)


def _refuse_to_drop(photos: Catalogue, built: CandidateIndex) -> None:
    """Photos that cannot be read now may have embeddings, which nobody can tell from unused ones."""
    problems = [*(one for one in photos.problems if one.severity == "left_out"), *built.skipped]
    if problems:
        raise click.ClickException(
            f"Nothing is dropped: {_count(len(problems), 'photo')} cannot be used now, and embeddings would be lost. "
            f"The first: {problems[0]} Bring them back, or take them out of the catalogue; then run this again."
        )


def _drop(store: EmbeddingStore, photos: Catalogue, model: EmbeddingModel, folder: Path) -> None:
    from pairx_core.retrieval.building import keys_of

    with store.writing():
        gone = store.keep_only(keys_of(photos, model, folder))
    click.echo(f"dropped: {_count(gone, 'embedding')} of photos that are not in {photos.source}")


def _approximate(store: EmbeddingStore, *, is_wanted: bool) -> None:
    from pairx_core.retrieval.approximate import ApproximateIndex

    if not is_wanted:
        ApproximateIndex.remove(store.folder)
        click.echo("candidates are searched exactly")
        return
    with store.writing(), progress_bar("sorting embeddings") as progress:
        about = ApproximateIndex.make(store, progress=progress).about
    click.echo(
        f"approximate index: {about.rows:,} embeddings in {about.lists:,} lists, {about.probes} of them looked into; "
        f"{about.recall:.1%} of the exact first five found"
    )
