"""The command that embeds a catalogue: here or on a cluster, resumed where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_jobs import files_for, named_model, runner_from, runner_options
from pairx_core.cli_options import catalogue_and_model

if TYPE_CHECKING:
    from pairx_core.catalogue import Catalogue
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateIndex, EmbeddingStore
    from pairx_core.retrieval.store import Precision


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
    "--drop-unused", is_flag=True, help="Afterwards drop the embeddings of photos not in CATALOGUE."
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
    from pairx_core import cli
    from pairx_core.retrieval import IndexOptions, build_index, open_store
    from pairx_core.settings import Settings

    photos = cli._read(catalogue, form)
    loaded = cli._load(model, checkpoint)
    folder = cache or Settings.from_environment().cache
    if verify:
        _verify(open_store(folder, loaded, precision))
    before, begun = len(open_store(folder, loaded, precision)), time.monotonic()
    named = named_model(loaded, model, checkpoint) if scheduler else None
    with (
        runner_from(scheduler, workers, files_for(photos.photos, named)) as runner,
        _bars() as bar,
    ):
        options = IndexOptions(
            precision=precision,
            runner=runner if scheduler or workers else None,
            named=named,
            looking=bar("looking into files"),
            waiting=_tell_once(
                "Another program is embedding into the same folder: waiting until it has finished."
            ),
        )
        built = build_index(
            photos, loaded, cache_dir=folder, progress=bar("embedding photos"), options=options
        )
    cli._tell_problems([*photos.problems, *built.skipped])
    _tell_counts(photos, built)
    fresh = len(open_store(folder, loaded, precision)) - before
    click.echo(f"embedded now: {_speed(fresh, time.monotonic() - begun)}; kept in {built.vectors.precision}")
    if built.note:
        click.echo(f"note  {built.note}", err=True)
    if drop_unused:
        _refuse_to_drop(photos, built)
        _drop(open_store(folder, loaded, precision), photos, loaded, folder)
    if approximate is not None:
        _approximate(open_store(folder, loaded, precision), is_wanted=approximate)


@contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Progress bars on the terminal, by what they say: one ends where another begins."""
    from pairx_core import cli

    with ExitStack() as stack:
        shown: list[tuple[str, Callable[[int, int], None]]] = []

        def bar(label: str) -> Callable[[int, int], None]:
            def tell(done: int, total: int) -> None:
                if not shown or shown[-1][0] != label:
                    stack.close()
                    shown.append((label, stack.enter_context(cli._progress(label))))
                shown[-1][1](done, total)

            return tell

        yield bar


def _speed(photos: int, seconds: float) -> str:
    return (
        f"{photos:,} photos in {seconds:.1f} s ({photos / seconds:.1f} a second)" if photos else "no photos"
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
    click.echo(
        f"{len(built):,} photos indexed, {counts.individuals:,} individuals ({counts.singletons:,} with one photo), "
        f"{counts.unknown:,} unknown; model {built.model.name}."
    )


def _verify(store: EmbeddingStore) -> None:
    damaged = store.damaged()
    click.echo(f"verified: {len(store):,} embeddings, {len(damaged):,} damaged")
    if len(damaged):
        with store.writing():
            store.drop(damaged)


def _refuse_to_drop(photos: Catalogue, built: CandidateIndex) -> None:
    """Photos that cannot be read now may have embeddings, which nobody can tell from unused ones."""
    problems = [*(one for one in photos.problems if one.severity == "left_out"), *built.skipped]
    if problems:
        raise click.ClickException(
            f"Nothing is dropped: {len(problems):,} photos cannot be used now, and their embeddings would be lost. The "
            f"first: {problems[0]} Bring them back, or take them out of the catalogue; then run this again."
        )


def _drop(store: EmbeddingStore, photos: Catalogue, model: EmbeddingModel, folder: Path) -> None:
    from pairx_core.retrieval.building import keys_of

    with store.writing():
        gone = store.keep_only(keys_of(photos, model, folder))
    click.echo(f"dropped: {gone:,} embeddings of photos that are not in {photos.source}")


def _approximate(store: EmbeddingStore, *, is_wanted: bool) -> None:
    from pairx_core import cli
    from pairx_core.retrieval.approximate import ApproximateIndex

    if not is_wanted:
        ApproximateIndex.remove(store.folder)
        click.echo("candidates are searched exactly")
        return
    with store.writing(), cli._progress("sorting embeddings") as progress:
        about = ApproximateIndex.make(store, progress=progress).about
    click.echo(
        f"approximate index: {about.rows:,} embeddings in {about.lists:,} lists, {about.probes} of them looked into; "
        f"{about.recall:.1%} of the exact first five found"
    )
