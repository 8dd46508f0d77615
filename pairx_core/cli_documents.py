"""Commands that hand something on: a model's card, identities for other programs, evidence cards and reports."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from pairx_core.cli_options import file_option, format_option
from pairx_core.cli_reading import existing_record

if TYPE_CHECKING:
    from pairx_core.catalogue import Catalogue, Photo
    from pairx_core.decisions import Decision, Evidence
    from pairx_core.models import EmbeddingModel
    from pairx_core.project import Project
    from pairx_core.render.card import Ranking

_OUT = file_option("The file to write.")
_FORMATS_OUT = ("wildlife-datasets", "wildbook", "camtrap-dp", "camtrapr")


@click.command()
@click.argument("name", required=False)
def models(name: str | None) -> None:
    """List the models that are known by name, or show the card of the model NAME (downloading it if need be)."""
    from pairx_core.models import KNOWN_MODELS, load_model, model_card

    if name is None:
        for known in KNOWN_MODELS.values():
            click.echo(f"{known.name:24} {known.repository:36} {known.about}")
        return
    card = model_card(load_model(name))
    click.echo(
        f"name         {card.name}\nsource       {card.source}\nlicence      {card.licence or 'not stated'}"
    )
    click.echo(f"size         {card.weights / 1e6:,.1f} million weights, {card.megabytes:,.0f} MB")
    click.echo(f"input        {card.input}\nembedding    {card.dimensions:,} numbers")
    for layer in card.layers:
        mark = "  (recommended)" if layer.path == card.recommended_layer else ""
        click.echo(f"layer        {layer.path}: {layer.grid_size[0]} × {layer.grid_size[1]} cells{mark}")
    for text in card.assumed:
        click.echo(f"assumed      {text}")


@click.command()
@click.argument("name", required=False)
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--download", is_flag=True, help="Fetch it first.")
def datasets(name: str | None, folder: Path | None, download: bool) -> None:
    """List the public data sets, or make the set NAME in FOLDER a catalogue (wildlife-datasets package)."""
    from pairx_core.datasets import open_public_dataset, public_datasets

    if name is None:
        for one in public_datasets():
            size = f"{one.photos or '?'} photos, {one.individuals or '?'} individuals"
            click.echo(f"{one.name:32} {one.animals:28} {size:36} {one.licence or 'licence not stated'}")
        return
    if folder is None:
        raise click.ClickException(f"Give the folder of {name}, as in: datasets {name} ~/photos/{name}")
    click.echo(f"wrote {open_public_dataset(name, folder, download=download)}")


@click.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@click.argument("log")
@click.option("--for", "name", type=click.Choice(_FORMATS_OUT), required=True, help="The program.")
@_OUT
@format_option
@click.option("--submitter", default="", help="Wildbook: whose encounters they are.")
@click.option("--time-zone", default="", help="Camtrap DP: of the cameras, such as Africa/Johannesburg.")
@click.option("--title", default="", help="Camtrap DP: of the project.")
@click.option(
    "--species", multiple=True, help="A scientific name: “plains zebra=Equus quagga”. May be given again."
)
@click.option(
    "--raw", is_flag=True, help="wildlife-datasets: without protection from spreadsheets' formulas."
)
def export(
    catalogue: Path,
    log: str,
    name: str,
    out: Path,
    form: str | None,
    submitter: str,
    time_zone: str,
    title: str,
    species: tuple[str, ...],
    raw: bool,
) -> None:
    """Write who is on CATALOGUE's photos by the decisions in LOG (a file or a database's address), for a program."""
    from pairx_core.catalogue import read_catalogue
    from pairx_core.decisions.naming import GivenNames
    from pairx_core.decisions.settling_pairs import settle
    from pairx_core.exports import EXPORTS, ExportOptions, resolve
    from pairx_core.outputs import files_of, write_output

    photos, store = read_catalogue(catalogue, form), existing_record(log)
    resolution = resolve(photos, settle(store.decisions()), GivenNames(store.lines("names")).names())
    options = ExportOptions(
        submitter=submitter,
        title=title,
        time_zone=_zone(time_zone),
        scientific_names=_names(species),
        neutralise=not raw,
    )
    made = EXPORTS[name].write(photos, resolution, options)
    for label, findings in (
        ("open", resolution.left_open),
        ("left out", made.left_out),
        ("note", made.notes),
    ):
        for finding in findings:
            click.echo(f"{label:9} {finding}", err=True)
    write_output(out, made.content, what="export", sources=(*files_of(photos), *_record_files(log)))
    click.echo(f"wrote {out}")


@click.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@click.argument("query_id")
@click.argument("candidate_id")
@_OUT
@format_option
@click.option("--log", help="The decisions: a file or a database's address. The latest on the pair is shown.")
@click.option("--model", help="As in the other commands. [default: the project's, $PAIRX_MODEL or demo]")
@click.option("--checkpoint", help="Weights of a timm architecture.")
@click.option("--layer", help="Layer whose cells are matched. [default: the model's recommended one]")
@click.option("--input-size", help="Pixels a side. [default: as the model's files say]")
@click.option("--normalisation", help="imagenet, half or clip. [default: as the model's files say]")
@click.option("--candidates", help="The table of another matcher, whose score and rank the card tells.")
def card(
    catalogue: Path, query_id: str, candidate_id: str, out: Path, log: str | None, **given: str | None
) -> None:
    """Write the evidence card of a pair, one page, as PNG or PDF.

    CATALOGUE may be a project file (pairx.toml), which says the model, the candidates and the decisions too.
    """
    from datetime import UTC, datetime

    from pairx_core.catalogue import read_catalogue
    from pairx_core.explain import PairExplainer
    from pairx_core.outputs import files_of, refuse_output
    from pairx_core.render.card import gather_card, write_card

    chosen = _chosen(catalogue, given)
    log = log or chosen.decisions or None
    photos = read_catalogue(chosen.catalogue, chosen.form or None)
    refuse_output(out, (*files_of(photos), *_record_files(log), *_record_files(chosen.candidates or None)))
    query, candidate = photos.photo(query_id), photos.photo(candidate_id)
    decision, evidence = _decided(log, query.id, candidate.id)
    ranking, standing = _ranking(chosen.candidates, photos, query, candidate)
    explainer = PairExplainer(_model(chosen), chosen.layer or None)
    made = gather_card(
        query,
        candidate,
        made_at=datetime.now(UTC),
        explanation=explainer.explain(query, candidate, k_lines=20, k_colors=10),
        decision=decision,
        evidence=evidence,
        ranking=ranking,
        standing=standing,
        catalogue=photos.source.name,
    )
    write_card(made, out)
    click.echo(f"wrote {out}")


@click.command()
@click.argument("log")
@click.argument("session")
@_OUT
@click.option("--catalogue", type=click.Path(path_type=Path), help="For the pictures of the pairs.")
def report(log: str, session: str, out: Path, catalogue: Path | None) -> None:
    """Write the report of the expert session SESSION (its name or id) in LOG as one HTML file."""
    from pairx_core.catalogue import read_catalogue
    from pairx_core.outputs import files_of, refuse_output
    from pairx_core.render.report import write_session_report
    from pairx_core.sessions import SessionBook

    store = existing_record(log)
    made = SessionBook(store.lines("sessions")).sessions()
    chosen = next((one for one in made if session in (one.name, one.session_id)), None)
    if chosen is None:
        names = ", ".join(f"“{one.name}”" for one in made) or "none"
        raise click.ClickException(f"{log} has no session “{session}”. There are: {names}.")
    photos = None if catalogue is None else read_catalogue(catalogue)
    refuse_output(out, (*(() if photos is None else files_of(photos)), *_record_files(log)))
    write_session_report(out, chosen, store.decisions(), evidence=store.evidence.all(), catalogue=photos)
    click.echo(f"wrote {out}")


def _chosen(catalogue: Path, given: dict[str, str | None]) -> Project:
    """What a card is made of: what was given, or else the project, or else what the environment says of the model."""
    from dataclasses import asdict, fields, replace

    from pairx_core.project import Project, read_project
    from pairx_core.settings import Settings

    if catalogue.suffix.casefold() == ".toml":
        base = read_project(catalogue)
    else:
        settings = Settings.from_environment()
        said = {field.name: getattr(settings, field.name, "") for field in fields(Project)}
        base = Project(**said | {"catalogue": str(catalogue), "form": "", "decisions": "", "name": ""})
        if settings.catalogue != catalogue.absolute():
            base = replace(base, candidates="")
    if given.get("model"):
        base = replace(base, checkpoint="", layer="", input_size="", normalisation="")
    return Project(**asdict(base) | {name: value for name, value in given.items() if value})


def _model(chosen: Project) -> EmbeddingModel:
    from pairx_core.models import load_model

    if chosen.input_size and not (chosen.input_size.isdecimal() and len(chosen.input_size) <= 4):
        raise click.ClickException(
            f"The input size “{chosen.input_size}” is not a number of pixels, such as 440."
        )
    return load_model(
        chosen.model,
        checkpoint=chosen.checkpoint or None,
        input_size=int(chosen.input_size) if chosen.input_size else None,
        normalisation=chosen.normalisation or None,
    )


def _decided(log: str | None, query_id: str, candidate_id: str) -> tuple[Decision | None, Evidence | None]:
    """The latest decision that stands on a pair, and what was ticked with it."""
    from pairx_core.decisions.standing import standing_by_reviewer

    if log is None:
        return None, None
    store, pair = existing_record(log), (query_id, candidate_id)
    standing = standing_by_reviewer(store.decisions()).values()
    on_pair = [of_one[pair] for of_one in standing if pair in of_one]
    decision = max(on_pair, key=lambda row: row.decided_at, default=None)
    return decision, None if decision is None else store.evidence.of(decision.decision_id)


def _ranking(table: str, photos: Catalogue, query: Photo, candidate: Photo) -> tuple[Ranking | None, str]:
    """How another matcher ranked the candidate, and where its score stands; None: the model ranks."""
    from pairx_core.render.card import Ranking
    from pairx_core.retrieval import read_candidates

    if not table:
        return None, ""
    given = read_candidates(table, photos)
    found = given.candidate(query, candidate)
    is_scored = math.isfinite(found.similarity)
    ranking = Ranking(given.source.name, found.score, found.rank if is_scored else None)
    return ranking, given.known_pairs().in_words(found.similarity) if is_scored else ""


def _record_files(log: str | None) -> list[Path]:
    """The files that hold a record; a database on a server has none."""
    from pairx_core.addresses import is_address

    return [] if log is None or is_address(log) else [Path(log)]


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.ClickException(
            f"There is no time zone “{name}”. Write it as Africa/Johannesburg."
        ) from None


def _names(species: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in species]
    wrong = next((text for text, (_, sign, _) in zip(species, pairs, strict=True) if not sign), None)
    if wrong is not None:
        raise click.ClickException(
            f"“{wrong}” is no scientific name of a species. Write plains zebra=Equus quagga."
        )
    return {name.strip(): scientific.strip() for name, _, scientific in pairs}
