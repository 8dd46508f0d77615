"""The command line: a thin skin over the library's functions."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import click

from pairx_core.cli_decisions import decisions, sessions
from pairx_core.cli_documents import card, datasets, export, models, report
from pairx_core.cli_evaluate import evaluate, rerank
from pairx_core.cli_explain import explain
from pairx_core.cli_index import index
from pairx_core.cli_options import filter_options, format_option, index_options
from pairx_core.cli_pack import pack
from pairx_core.cli_reading import built_index, candidate_filters, chosen_model, opened_catalogue
from pairx_core.cli_telling import progress_bar, tell_problems, write_and_tell
from pairx_core.errors import PairxError
from pairx_core.version import __version__


class _Group(click.Group):
    """Shows the project's own errors as plain messages; anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PairxError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """PAIR-X Review without the screen: candidates and explanations for photographs of animals."""


@main.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@format_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="A CSV file for what was found."
)
def check(catalogue: Path, form: str | None, out: Path | None) -> None:
    """Read CATALOGUE, say what is in it, and list what is odd, by row. Nothing is embedded."""
    from pairx_core.catalogue import CATALOGUE_FORMATS, check_catalogue
    from pairx_core.catalogue.report import with_damaged_files
    from pairx_core.outputs import files_of

    read = opened_catalogue(catalogue, form)
    found = with_damaged_files(check_catalogue(read), read)
    tell_problems(found.findings)
    counts = found.summary
    flanks = ", ".join(f"{name or 'no flank'} {number:,}" for name, number in found.flanks.items())
    click.echo(f"format       {CATALOGUE_FORMATS[found.form].title}")
    click.echo(f"photos       {counts.photos:,} ({counts.left_out:,} left out)")
    click.echo(f"individuals  {counts.individuals:,} ({counts.singletons:,} with one photo)")
    click.echo(f"unknown      {counts.unknown:,} photos")
    click.echo(f"flanks       {flanks}")
    click.echo(f"boxes        {found.with_box:,} photos ({found.turned:,} turned)")
    if found.dates is not None:
        click.echo(f"dates        {found.dates[0]:%Y-%m-%d} to {found.dates[1]:%Y-%m-%d}")
    for kind, number in found.counts.items():
        click.echo(f"odd          {kind}: {number:,}")
    if out is not None:
        write_and_tell(out, found.csv_text().encode("utf-8", "replace"), "report", files_of(read))


@main.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@click.argument("query_id")
@format_option
@click.option("-k", default=5, show_default=True, help="How many candidates.")
@filter_options
@index_options("embeddings")
def candidates(
    catalogue: Path,
    query_id: str,
    form: str | None,
    k: int,
    model: str | None,
    checkpoint: Path | None,
    cache: Path | None,
    **filters: bool,
) -> None:
    """Propose the top-k candidates for the photo QUERY_ID of CATALOGUE, as CSV rows."""
    photos = opened_catalogue(catalogue, form)
    query = photos.photo(query_id)
    built = built_index(photos, chosen_model(model, checkpoint), cache)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["query_id", "candidate_id", "rank", "similarity", "identity"])
    for item in built.candidates(query, k, candidate_filters(filters)):
        identity = item.photo.identity or "unknown"
        writer.writerow([query.id, item.photo.id, item.rank, f"{item.similarity:.4f}", identity])


@main.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@click.option(
    "--truth",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of truth files: score the explanations' lines as well.",
)
@click.option("--k-lines", default=20, show_default=True, help="Lines scored a pair.")
@filter_options
@index_options("embeddings")
def accuracy(
    catalogue: Path,
    truth: Path | None,
    k_lines: int,
    model: str | None,
    checkpoint: Path | None,
    cache: Path | None,
    **filters: bool,
) -> None:
    """Measure how often the model is right on CATALOGUE's known photos, leave-one-out."""
    from pairx_core.evaluate import line_accuracy, retrieval_accuracy
    from pairx_core.explain import PairExplainer, keep_freed_memory

    keep_freed_memory()
    chosen = candidate_filters(filters)
    built = built_index(opened_catalogue(catalogue), chosen_model(model, checkpoint), cache)
    result = retrieval_accuracy(built, chosen)
    click.echo(f"filters: {chosen.in_words()}")
    click.echo(
        f"rank-1 {result.rank_1 / result.queries:.1%} ({result.rank_1} of {result.queries}), "
        f"top-5 {result.top_5 / result.queries:.1%} ({result.top_5} of {result.queries}); "
        f"{result.without_answer} known photos have no right answer to find"
    )
    if truth is not None:
        with progress_bar("explaining pairs") as progress:
            right, wrong = line_accuracy(
                built, PairExplainer(built.model), truth, filters=chosen, k_lines=k_lines, progress=progress
            )
        for label, score in (("true pairs", right), ("wrong candidates", wrong)):
            click.echo(
                f"lines on the same body point, {label}: {score.share:.1%} "
                f"({score.right} of {score.lines} lines, {score.pairs} pairs)"
            )


@main.command()
def doctor() -> None:
    """Check the installation and say what is wrong."""
    from pairx_core.doctor import check_installation

    findings = check_installation()
    for finding in findings:
        click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.what}: {finding.message}")
    if not all(finding.ok for finding in findings):
        raise click.ClickException("Something is wrong with this installation; see the lines marked BAD.")
    click.echo("All is well.")


for _command in (
    explain,
    decisions,
    sessions,
    models,
    datasets,
    export,
    card,
    report,
    index,
    evaluate,
    rerank,
    pack,
):
    main.add_command(_command)
