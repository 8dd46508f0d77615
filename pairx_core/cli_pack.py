"""The command that makes a field pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_jobs import files_for, named_model, runner_from, runner_options
from pairx_core.cli_options import catalogue_and_model, filter_options, folder_option, layer_option
from pairx_core.cli_reading import built_index, candidate_filters, chosen_model, opened_catalogue
from pairx_core.cli_telling import Telling, going_on_later

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pairx_core.catalogue import Catalogue, Photo
    from pairx_core.fieldpack import PackReport
    from pairx_core.retrieval import CandidateIndex

UNKNOWN, ALL = "unknown", "all"
_MOST_CANDIDATES = 5  # as many as the Review page shows
_LARGEST_LIST = 64 << 20  # bytes of a file with ids


@click.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@folder_option("The pack's folder.")
@click.option(
    "--queries",
    default=UNKNOWN,
    show_default=True,
    help="“unknown” (photos of unknown individuals), “all”, ids separated by commas, or a file with an id a line.",
)
@click.option(
    "-k", type=click.IntRange(1, _MOST_CANDIDATES), default=5, show_default=True, help="Candidates a query."
)
@filter_options
@click.option(
    "--longest-side", default=2048, show_default=True, help="Of a photo, in pixels; larger ones are reduced."
)
@click.option(
    "--k-colors", default=10, show_default=True, help="Matches with color maps: the slow and large part."
)
@click.option("--more", default=3, show_default=True, help="Further photos of each candidate's individual.")
@layer_option
@catalogue_and_model("embeddings and explanations")
@runner_options
def pack(
    catalogue: Path,
    out: Path,
    queries: str,
    k: int,
    longest_side: int,
    k_colors: int,
    more: int,
    form: str | None,
    model: str | None,
    checkpoint: Path | None,
    layer: str | None,
    cache: Path | None,
    scheduler: str | None,
    workers: int | None,
    **flags: bool,
) -> None:
    """Put candidates of CATALOGUE and their explanations into a folder that opens without the model.

    It opens like a catalogue, also where PyTorch is not installed. A run that was stopped goes on where it was.
    """
    from pairx_core.explain import ExplanationCache, PairExplainer, keep_freed_memory
    from pairx_core.fieldpack import Wanted, write_pack
    from pairx_core.fieldpack.files import refuse_others_files
    from pairx_core.settings import Settings

    keep_freed_memory()  # best before the model is made
    refuse_others_files(out)  # before the long part
    photos = opened_catalogue(catalogue, form)
    chosen = _chosen(photos, queries)
    index = built_index(photos, chosen_model(model, checkpoint), cache)
    explainer = PairExplainer(
        index.model, layer, cache=ExplanationCache(cache or Settings.from_environment().cache)
    )
    wanted = Wanted(k, candidate_filters(flags), k_colors=k_colors, longest_side=longest_side, more=more)
    named = named_model(index.model, model, checkpoint) if scheduler else None
    with (
        runner_from(scheduler, workers, files_for(photos.photos, named)) as runner,
        going_on_later("What was explained"),
    ):
        report = write_pack(
            *(index, explainer, _indexed(chosen, index), out),
            catalogue=photos.source,
            wanted=wanted,
            named=named,
            runner=runner,
            tell=Telling(),
        )
    _say(report)


def _chosen(photos: Catalogue, queries: str) -> Sequence[Photo]:
    """The queries that were asked for."""
    if queries == ALL:
        return photos.photos
    if queries == UNKNOWN:
        unknown = tuple(photo for photo in photos.photos if not photo.is_known)
        if not unknown:
            raise click.ClickException(
                f"{photos.source} has no photo of an unknown individual. Give --queries all, or the queries' ids."
            )
        return unknown
    return tuple(photos.photo(name) for name in _ids(queries))


def _ids(queries: str) -> list[str]:
    """The ids in a file, one a line, or between commas."""
    text = queries.replace(",", "\n")
    try:
        if Path(queries).is_file():
            if Path(queries).stat().st_size > _LARGEST_LIST:
                raise click.ClickException(f"{queries} is too large for a list of ids.")
            text = Path(queries).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise click.ClickException(f"{queries} is no text with an id a line (UTF-8).") from None
    except (OSError, ValueError):  # too long for a path, or not one: it is ids
        pass
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _indexed(chosen: Sequence[Photo], index: CandidateIndex) -> list[Photo]:
    """The queries that could be embedded; the others are told."""
    for photo in chosen:
        if photo not in index:
            click.echo(f"left out  {photo.id}: it could not be embedded", err=True)
    return [photo for photo in chosen if photo in index]


def _say(report: PackReport) -> None:
    for words in (*report.notes, *report.unexplained):
        click.echo(f"note  {words}", err=True)
    explained = report.pairs - len(report.unexplained)
    if report.explained:
        click.echo(
            f"explained {report.explained:,} pairs ({report.there_already:,} were there already), "
            f"{report.pairs_an_hour:,.0f} an hour"
        )
    else:
        click.echo(f"all {report.there_already:,} pairs were explained already")
    each = report.explanation_bytes / max(explained, 1) / 1000
    whole = report.total_bytes / max(report.pairs, 1) / 1000
    click.echo(
        f"{report.queries:,} queries, {report.pairs:,} pairs; {report.total_bytes / 1e6:,.1f} MB, "
        f"{whole:,.0f} kB a pair with its photos ({each:,.0f} kB of them the explanation)"
    )
    click.echo(f"wrote {report.folder}")
