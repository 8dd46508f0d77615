"""The command line: a thin skin over the library's functions."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pairx_core.cli_documents import card, datasets, export, models, report
from pairx_core.cli_evaluate import evaluate, rerank
from pairx_core.cli_index import index
from pairx_core.cli_pack import pack
from pairx_core.errors import PairxError
from pairx_core.version import __version__

if TYPE_CHECKING:
    from datetime import tzinfo

    from PIL import Image

    from pairx_core.catalogue import Catalogue, Photo, Problem
    from pairx_core.explain import Distance, PairExplanation, Precision
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateFilters, CandidateIndex

Command = TypeVar("Command", bound=Callable[..., Any])


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


def _format_option(command: Command) -> Command:
    return click.option("--format", "form", help="The catalogue's format. [default: found out]")(command)


def _model_options(command: Command) -> Command:
    model = click.option(
        "--model",
        default=None,
        help="“demo”, a checkpoint, or ARCHITECTURE:CHECKPOINT. [default: $PAIRX_MODEL or demo]",
    )
    checkpoint = click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        help="Weights for a timm architecture named by --model.",
    )
    return model(checkpoint(command))


def _index_options(command: Command) -> Command:
    cache = click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for embeddings. [default: $PAIRX_CACHE or the user's cache folder]",
    )
    return cache(_model_options(command))


def _filter_options(command: Command) -> Command:
    options = [
        click.option("--any-species", is_flag=True, help="Propose photos of other species too."),
        click.option("--any-flank", is_flag=True, help="Propose photos of the other flank too."),
        click.option("--known-only", is_flag=True, help="Propose photos of known individuals only."),
        click.option("--same-day", is_flag=True, help="Propose photos of the same day and site too."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@_format_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="A CSV file for what was found."
)
def check(catalogue: Path, form: str | None, out: Path | None) -> None:
    """Read CATALOGUE, say what is in it, and list what is odd, by row. Nothing is embedded."""
    from pairx_core.catalogue import CATALOGUE_FORMATS, check_catalogue
    from pairx_core.catalogue.report import with_damaged_files
    from pairx_core.outputs import files_of

    read = _read(catalogue, form)
    found = with_damaged_files(check_catalogue(read), read)
    _tell_problems(found.findings)
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
        _write(out, found.csv_text().encode("utf-8", "replace"), "report", files_of(read))


@main.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@click.argument("query_id")
@_format_option
@click.option("-k", default=5, show_default=True, help="How many candidates.")
@_filter_options
@_index_options
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
    photos = _read(catalogue, form)
    query = photos.photo(query_id)
    built = _index(photos, _load(model, checkpoint), cache)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["query_id", "candidate_id", "rank", "similarity", "identity"])
    for item in built.candidates(query, k, _filters(filters)):
        identity = item.photo.identity or "unknown"
        writer.writerow([query.id, item.photo.id, item.rank, f"{item.similarity:.4f}", identity])


@main.command()
@click.argument("query", type=click.Path(path_type=Path))
@click.argument("candidate", type=click.Path(path_type=Path))
@_model_options
@click.option("--layer", help="Layer whose cells are matched. [default: the model's recommended one]")
@click.option("--k-lines", default=20, show_default=True, help="Lines: the most relevant matches.")
@click.option(
    "--k-colors", default=10, show_default=True, help="Matches that get color maps (the slow part)."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float64", "bfloat16"]),
    default="float32",
    show_default=True,
    help="float64 is slower; bfloat16 is inexact.",
)
@click.option(
    "--distance",
    type=click.Choice(["euclidean", "cosine"]),
    default="euclidean",
    show_default=True,
    help="How cells are compared; the published method: euclidean.",
)
@click.option("--hypercolumns", is_flag=True, help="Describe cells by several stages of the model.")
@click.option("--agreement", is_flag=True, help="Prefer lines that agree with those beside them.")
@click.option("--refine-matches", is_flag=True, help="Put line ends between cells, where they match best.")
@click.option("--conserve-skips", is_flag=True, help="Conserve relevance at skip connections.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the drawing here (PNG or JPEG).")
@click.option("--json", "json_out", type=click.Path(path_type=Path), help="Write the matches here as JSON.")
def explain(
    query: Path,
    candidate: Path,
    model: str | None,
    checkpoint: Path | None,
    layer: str | None,
    k_lines: int,
    k_colors: int,
    precision: Precision,
    distance: Distance,
    hypercolumns: bool,
    agreement: bool,
    refine_matches: bool,
    conserve_skips: bool,
    out: Path | None,
    json_out: Path | None,
) -> None:
    """Explain the pair of pictures QUERY and CANDIDATE: which part matches which."""
    from pairx_core.catalogue import photo_from_file
    from pairx_core.explain import ExplanationOptions, PairExplainer, keep_freed_memory
    from pairx_core.render import render_overlay

    keep_freed_memory()  # best before the model is made

    pair = photo_from_file(query), photo_from_file(candidate)
    options = ExplanationOptions(
        precision=precision,
        distance=distance,
        descriptor="hypercolumn" if hypercolumns else "layer",
        agreement=agreement,
        refine_matches=refine_matches,
        conserve_skips=conserve_skips,
    )
    explainer = PairExplainer(_load(model, checkpoint), layer, options)
    explanation = explainer.explain(*pair, k_lines=k_lines, k_colors=k_colors)
    click.echo(
        f"similarity {explanation.similarity:.4f} (a ranking, not a verdict), layer {explanation.layer}, "
        f"{len(explanation.matches)} matches, {explanation.line_count} lines"
    )
    if explanation.departures:
        click.echo(f"not as published: {'; '.join(explanation.departures)}")
    if out is not None:
        _write(out, _as_picture(out, render_overlay(explanation)), "drawing", (query, candidate))
    if json_out is not None:
        content = _as_json(explanation).encode("utf-8", "replace")
        _write(json_out, content, "list of matches", (query, candidate))


@main.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@click.option(
    "--truth",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of truth files: score the explanations' lines as well.",
)
@click.option("--k-lines", default=20, show_default=True, help="Lines scored a pair.")
@_filter_options
@_index_options
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
    chosen = _filters(filters)
    built = _index(_read(catalogue), _load(model, checkpoint), cache)
    result = retrieval_accuracy(built, chosen)
    click.echo(f"filters: {chosen.in_words()}")
    click.echo(
        f"rank-1 {result.rank_1 / result.queries:.1%} ({result.rank_1} of {result.queries}), "
        f"top-5 {result.top_5 / result.queries:.1%} ({result.top_5} of {result.queries}); "
        f"{result.without_answer} known photos have no right answer to find"
    )
    if truth is not None:
        with _progress("explaining pairs") as progress:
            right, wrong = line_accuracy(
                built, PairExplainer(built.model), truth, filters=chosen, k_lines=k_lines, progress=progress
            )
        for label, score in (("true pairs", right), ("wrong candidates", wrong)):
            click.echo(
                f"lines on the same body point, {label}: {score.share:.1%} "
                f"({score.right} of {score.lines} lines, {score.pairs} pairs)"
            )


@main.group()
def decisions() -> None:
    """Check, merge and export decisions files."""


def _timezone_option(command: Command) -> Command:
    option = click.option(
        "--timezone",
        metavar="NAME",
        help="Time zone of times that do not say theirs, such as UTC or Africa/Nairobi.",
    )
    return option(command)


@decisions.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@_timezone_option
def check_decisions(file: Path, timezone: str | None) -> None:
    """Say whether FILE can be read as decisions, also after a spreadsheet program saved it."""
    from pairx_core.decisions.importing import read_decisions_file

    found = read_decisions_file(file, timezone=_timezone(timezone))
    reviewers = {decision.reviewer for decision in found.decisions}
    click.echo(f"{len(found.decisions)} decisions, {len(reviewers)} reviewers")
    _tell_notes(found.notes)


@decisions.command("merge")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="A decisions file, new or to add to."
)
@_timezone_option
def merge_decisions(files: tuple[Path, ...], out: Path, timezone: str | None) -> None:
    """Add the decisions in FILES to the decisions file OUT, each once; OUT's own rows stay as they are."""
    from pairx_core.decisions.merging import merge
    from pairx_core.settings import DECISIONS_NAME

    inside = next((file / DECISIONS_NAME for file in files if (file / DECISIONS_NAME).is_file()), None)
    if inside is not None:
        raise click.ClickException(f"{inside.parent} is a folder. Give the decisions file in it: {inside}")
    report = merge(files, out, timezone=_timezone(timezone))
    click.echo(str(report))
    if report.conflicts:
        raise click.ClickException("Rows in conflict were left out; see the lines marked conflict.")


@decisions.command("export")
@click.argument("log")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--raw", is_flag=True, help="As the store writes them, without protection from formulas.")
@_timezone_option
def export_decisions(log: str, out: Path, raw: bool, timezone: str | None) -> None:
    """Write the decisions in LOG to a CSV file that is safe to open in a spreadsheet program.

    LOG is a decisions file, or the address of a database.
    """
    from pairx_core.addresses import is_address
    from pairx_core.decisions import EvidenceLog
    from pairx_core.decisions.exporting import export_csv
    from pairx_core.decisions.merging import read_source
    from pairx_core.decisions.store import open_decisions

    if is_address(log):
        store = open_decisions(log)
        rows, evidence = store.decisions(), store.evidence
    else:
        found = read_source(Path(log), timezone=_timezone(timezone))
        rows, evidence = found.decisions, EvidenceLog(log)
        _tell_notes(found.notes)
    export_csv(rows, out, neutralise=not raw, evidence=evidence)
    click.echo(f"wrote {len(rows)} decisions to {out}")


@main.command()
@click.argument("log")
@click.option(
    "--close", metavar="NAME", help="End the session of this name: nothing of it is hidden any more."
)
def sessions(log: str, close: str | None) -> None:
    """List the expert sessions of LOG, a decisions file or a database's address, with the ends of their links."""
    from pairx_core.addresses import is_address
    from pairx_core.decisions.store import open_decisions
    from pairx_core.sessions import SessionBook

    if not is_address(log) and not Path(log).is_file():
        raise click.ClickException(f"There is no decisions file {log}.")
    book = SessionBook(open_decisions(log).lines("sessions"))
    if close is not None:
        found = next((one for one in book.sessions() if one.name.casefold() == close.casefold()), None)
        if found is None:
            raise click.ClickException(f"There is no session “{close}” in {log}.")
        book.close(found, by="command line")
    for session in book.sessions():
        click.echo(f"{session.name}: {'open' if session.is_open else 'closed'}, {len(session.pairs)} pairs")
        click.echo(f"  coordinator {session.coordinator}: sessions?coordinate={session.coordinator_key}")
        for reviewer, key in session.keys.items():
            click.echo(f"  reviewer {reviewer}: ?review={key}")


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


main.add_command(models)
main.add_command(datasets)
main.add_command(export)
main.add_command(card)
main.add_command(report)
main.add_command(index)
main.add_command(evaluate)
main.add_command(rerank)
main.add_command(pack)


def _timezone(name: str | None) -> tzinfo | None:
    from pairx_core.decisions.importing import timezone_named

    return None if name is None else timezone_named(name)


def _tell_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"note  {note}", err=True)


def _read(path: Path, form: str | None = None) -> Catalogue:
    from pairx_core.catalogue import read_catalogue

    return read_catalogue(path, form)


def _load(model: str | None, checkpoint: Path | None) -> EmbeddingModel:
    from pairx_core.models import load_model
    from pairx_core.settings import Settings

    return load_model(model or Settings.from_environment().model, checkpoint=checkpoint)


def _index(catalogue: Catalogue, model: EmbeddingModel, cache: Path | None) -> CandidateIndex:
    from pairx_core.retrieval import build_index
    from pairx_core.settings import Settings

    folder = cache or Settings.from_environment().cache
    with _progress("embedding photos") as progress:
        return build_index(catalogue, model, cache_dir=folder, progress=progress)


def _filters(flags: dict[str, bool]) -> CandidateFilters:
    from pairx_core.retrieval import CandidateFilters

    return CandidateFilters(
        same_species=not flags["any_species"],
        same_flank=not flags["any_flank"],
        known_identity_only=flags["known_only"],
        exclude_same_day_and_site=not flags["same_day"],
    )


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal (on standard error) that takes (done, total)."""
    with click.progressbar(length=1, label=label, show_pos=True, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show


def _tell_problems(problems: Iterable[Problem]) -> None:
    from pairx_core.catalogue import folded

    for problem in folded(problems):
        click.echo(f"{'left out' if problem.severity == 'left_out' else 'note'}  {problem}", err=True)


def _write(path: Path, content: bytes, what: str, sources: Iterable[Path]) -> None:
    from pairx_core.outputs import write_output

    write_output(path, content, what=what, sources=sources)
    click.echo(f"wrote {path}")


def _as_picture(path: Path, drawing: Image.Image) -> bytes:
    """The drawing in the form that the file's ending names."""
    from PIL import Image

    form = Image.registered_extensions().get(path.suffix.lower())
    if form is None:
        raise click.ClickException(f"{path}: no picture ends like that. Write .png or .jpg.")
    made = BytesIO()
    try:
        drawing.save(made, form)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(f"{path}: cannot be written as {form} ({error}). Write .png.") from None
    return made.getvalue()


def _as_json(explanation: PairExplanation) -> str:
    """The explanation without its maps, for other programs."""
    matches = explanation.matches
    rows = zip(
        matches.query_cells.tolist(),
        matches.candidate_cells.tolist(),
        matches.query_xy.tolist(),
        matches.candidate_xy.tolist(),
        matches.relevance.tolist(),
        matches.distance.tolist(),
        strict=True,
    )
    names = ("query_cell", "candidate_cell", "query_xy", "candidate_xy", "relevance", "distance")
    content = {
        "similarity": explanation.similarity,
        "model": explanation.model,
        "model_fingerprint": explanation.model_fingerprint,
        "preprocessing": explanation.preprocessing,
        "layer": explanation.layer,
        "options": asdict(explanation.options),
        "rules": explanation.rules,
        "departures": list(explanation.departures),
        "k_lines": explanation.k_lines,
        "version": explanation.version,
        "query": _name(explanation.query_photo),
        "candidate": _name(explanation.candidate_photo),
        "matches": [dict(zip(names, row, strict=True)) for row in rows],
    }
    return json.dumps(content, indent=2) + "\n"


def _name(photo: Photo | None) -> str | None:
    return None if photo is None else str(photo.path)
