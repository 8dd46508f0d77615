"""The commands about a record: its decisions and its expert sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_reading import existing_record

if TYPE_CHECKING:
    from datetime import tzinfo


@click.group()
def decisions() -> None:
    """Check, merge and export decisions files."""


_timezone_option = click.option(
    "--timezone",
    metavar="NAME",
    help="Time zone of times that do not say theirs, such as UTC or Africa/Nairobi.",
)


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


@click.command()
@click.argument("log")
@click.option(
    "--close", metavar="NAME", help="End the session of this name: nothing of it is hidden any more."
)
def sessions(log: str, close: str | None) -> None:
    """List the expert sessions of LOG, a decisions file or a database's address, with the ends of their links."""
    from pairx_core.sessions import SessionBook

    book = SessionBook(existing_record(log).lines("sessions"))
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


def _timezone(name: str | None) -> tzinfo | None:
    from pairx_core.decisions.importing import timezone_named

    return None if name is None else timezone_named(name)


def _tell_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"note  {note}", err=True)
