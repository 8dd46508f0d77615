"""Commands that hand something on: a model's card, identities for other programs, evidence cards and reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

if TYPE_CHECKING:
    from pairx_core.decisions.store import DecisionStore

_OUT = click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
_FORMAT = click.option("--format", "form", help="The catalogue's format. [default: found out]")
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
@_FORMAT
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

    photos, store = read_catalogue(catalogue, form), _store(log)
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
@_FORMAT
@click.option("--log", help="The decisions: a file or a database's address. The latest on the pair is shown.")
@click.option("--model", default=None, help="As in the other commands. [default: $PAIRX_MODEL or demo]")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights of a timm architecture.")
@click.option("--layer", help="Layer whose cells are matched. [default: the model's recommended one]")
def card(
    catalogue: Path,
    query_id: str,
    candidate_id: str,
    out: Path,
    form: str | None,
    log: str | None,
    model: str | None,
    checkpoint: Path | None,
    layer: str | None,
) -> None:
    """Write the evidence card of a pair, one page, as PNG or PDF."""
    from datetime import UTC, datetime

    from pairx_core.catalogue import read_catalogue
    from pairx_core.decisions.standing import standing_by_reviewer
    from pairx_core.explain import PairExplainer
    from pairx_core.models import load_model
    from pairx_core.outputs import files_of, refuse_output
    from pairx_core.render.card import gather_card, write_card
    from pairx_core.settings import Settings

    photos = read_catalogue(catalogue, form)
    refuse_output(out, (*files_of(photos), *_record_files(log)))
    query, candidate = photos.photo(query_id), photos.photo(candidate_id)
    decision = evidence = None
    if log is not None:
        store = _store(log)
        standing = standing_by_reviewer(store.decisions()).values()
        on_pair = [
            of_one[query.id, candidate.id] for of_one in standing if (query.id, candidate.id) in of_one
        ]
        decision = max(on_pair, key=lambda row: row.decided_at, default=None)
        evidence = None if decision is None else store.evidence.of(decision.decision_id)
    loaded = load_model(model or Settings.from_environment().model, checkpoint=checkpoint)
    made = gather_card(
        query,
        candidate,
        made_at=datetime.now(UTC),
        explanation=PairExplainer(loaded, layer).explain(query, candidate, k_lines=20, k_colors=10),
        decision=decision,
        evidence=evidence,
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

    store = _store(log)
    made = SessionBook(store.lines("sessions")).sessions()
    chosen = next((one for one in made if session in (one.name, one.session_id)), None)
    if chosen is None:
        names = ", ".join(f"“{one.name}”" for one in made) or "none"
        raise click.ClickException(f"{log} has no session “{session}”. There are: {names}.")
    photos = None if catalogue is None else read_catalogue(catalogue)
    refuse_output(out, (*(() if photos is None else files_of(photos)), *_record_files(log)))
    write_session_report(out, chosen, store.decisions(), evidence=store.evidence.all(), catalogue=photos)
    click.echo(f"wrote {out}")


def _store(log: str) -> DecisionStore:
    """The record, which has to be there already."""
    from pairx_core.addresses import is_address
    from pairx_core.decisions.store import open_decisions

    if not is_address(log) and not Path(log).is_file():
        raise click.ClickException(f"There is no decisions file {log}.")
    return open_decisions(log)


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
