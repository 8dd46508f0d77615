"""What was found: the steps from photographs to review, with what each of them found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

from pages.components.listing import listed
from pages.components.words import count, short_place
from pages.components.workspace import Workspace
from pairx_core.catalogue import CATALOGUE_FORMATS, CatalogueReport, Problem, folded
from pairx_core.decisions import Decision
from pairx_core.fieldpack import FieldPack
from pairx_core.models import ModelCard

_MOST_SPECIES = 50  # named on the page


def opened(workspace: Workspace) -> None:
    """Draw what is open, step by step."""
    _steps(workspace)
    _numbers(workspace)
    with st.expander("Photographs: the report", icon=":material/fact_check:"):
        report_in_full(workspace.report)
    with st.expander("Model: the card", icon=":material/id_card:"):
        _card(workspace.card, workspace.unexplained)
    findings = [*workspace.report.findings, *workspace.index.skipped, *_notes(workspace)]
    _problems("Photos left out", [one for one in findings if one.severity == "left_out"])
    _problems("Notes", [one for one in folded(findings) if one.severity == "note"])


def checked(report: CatalogueReport, pack: FieldPack | None = None) -> None:
    """Draw what was found in a catalogue, or a field pack, that is not open yet."""
    of_pack = [] if pack is None else [("Made", _made(pack)), ("Queries", _in_pack(pack))]
    st.html(_table([*of_pack, *_report_rows(report)]))
    report_in_full(report, is_whole=False)
    _problems("Photos left out", [one for one in report.findings if one.severity == "left_out"])
    _problems("Notes", [one for one in folded(report.findings) if one.severity == "note"])


def report_in_full(report: CatalogueReport, *, is_whole: bool = True) -> None:
    """The counts of a report, and all of it as a table to download."""
    if is_whole:
        st.html(_table(_report_rows(report)))
    if not report.findings:
        st.caption("Nothing is missing, double or odd.")
        return
    st.html(_table([(kind or "other", f"{number:,}") for kind, number in report.counts.items()]))
    st.download_button(
        "Download the report (CSV)",
        data=lambda: report.csv_text().encode("utf-8-sig"),
        file_name=f"{report.source.stem}_report.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"report-{report.source}",
    )


def _steps(workspace: Workspace) -> None:
    report, card, left_out = workspace.report, workspace.card, workspace.left_out
    decided = len(workspace.decisions().rows)
    rows = [
        ("Photographs", f"{workspace.catalogue.source} ({CATALOGUE_FORMATS[report.form].title})"),
        ("Check", f"{count(left_out, 'photo')} left out, {count(_odd(report), 'note')}"),
        ("Model", f"{card.name}, {_explained(workspace)}"),
        ("Candidates", _proposed(workspace)),
        ("Decisions", f"{workspace.log.location} ({count(decided, 'row')})"),
    ]
    if workspace.pack is not None:
        rows.insert(1, ("Made", _made(workspace.pack)))
    ticked = "".join(
        f"<tr><th><span class='px-done' aria-hidden='true'>✓</span> {escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in rows
    )
    st.html(f"<table class='px-table'>{ticked}</table>")
    st.page_link("pages/review.py", label="Go to Review", icon=":material/arrow_forward:")


def _proposed(workspace: Workspace) -> str:
    """Where candidates come from, and for how many queries."""
    by = f"by {workspace.ranked_by}: " if workspace.ranked_by else ""
    if workspace.pack is not None:
        return f"{by}{_in_pack(workspace.pack)}"
    if by:
        return f"{by}{count(len(workspace.roster.photos), 'query', 'queries')}"
    return (
        f"{count(len(workspace.index.photos), 'photo')} ready to be compared. {workspace.index.note}".rstrip(
            ". "
        )
    )


def _in_pack(pack: FieldPack) -> str:
    """How much there is to review in a field pack."""
    queries = count(len(pack.index.queries), "query", "queries")
    return f"{queries}, {count(pack.pairs, 'pair')}; filters: {pack.index.filters.in_words()}"


def _made(pack: FieldPack) -> str:
    """When a field pack was made, and of what."""
    made = f"{pack.made_at.day} {pack.made_at:%b %Y, %H:%M} UTC"
    return (
        f"{made}, of {pack.made_of} ({count(pack.photos_there, 'photo')}), by PAIR-X Review {pack.app_version}. The "
        "model is not here: nothing is computed"
    )


def _odd(report: CatalogueReport) -> int:
    return sum(one.severity == "note" for one in report.findings)


def _explained(workspace: Workspace) -> str:
    missing = 0 if workspace.pack is None else len(workspace.pack.unexplained)
    without = f"; {count(missing, 'pair')} without explanation" if missing else ""
    return "without explanations" if workspace.unexplained else f"layer {workspace.layer}{without}"


def _report_rows(report: CatalogueReport) -> list[tuple[str, str]]:
    found = report.summary
    flanks = ", ".join(f"{name or 'not given'} {number:,}" for name, number in report.flanks.items())
    rows = [
        ("Format", CATALOGUE_FORMATS[report.form].title),
        ("Photos", f"{found.photos:,} usable, {found.left_out:,} left out"),
        ("Individuals", f"{found.individuals:,}, of these {found.singletons:,} with one photo"),
        ("Unknown", count(found.unknown, "photo")),
        ("Flanks", flanks),
        ("Sites", f"{report.sites:,}"),
        ("Boxes", f"{report.with_box:,}, of these {report.turned:,} turned; masks {report.with_mask:,}"),
    ]
    if report.dates is not None:
        first, last = report.dates
        rows.append(("Dates", f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"))
    return rows


def _card(card: ModelCard, unexplained: str) -> None:
    grids = ", ".join(f"{layer.path} ({layer.grid_size[0]} × {layer.grid_size[1]})" for layer in card.layers)
    rows = [
        ("Source", card.source),
        ("Licence", card.licence or "not stated: see its source before you publish or share"),
        ("Size", f"{card.weights / 1e6:,.1f} million weights, {card.megabytes:,.0f} MB"),
        ("Input", card.input),
        ("Describes a photo by", f"{card.dimensions:,} numbers (its embedding)"),
        ("Recommended layer", card.recommended_layer or "none"),
        ("Layers", grids or "none that can be explained"),
        ("Fingerprint", card.fingerprint),
    ]
    rows += [("Assumed", text) for text in card.assumed]
    rows += [("Explanations", unexplained)] if unexplained else []
    st.html(_table(rows))


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table class='px-table'>{cells}</table>"


def _numbers(workspace: Workspace) -> None:
    photos, found = workspace.all_photos, workspace.report.summary
    numbers = {
        "Photos": len(photos),
        "Individuals": found.individuals,
        "With one photo": found.singletons,
        "Unknown": len(photos) - photos.known_count,
    }
    with st.container(horizontal=True, key="numbers"):
        for label, number in numbers.items():
            st.metric(label, f"{number:,}", border=True)
    species = list(photos.counts("species", photos.queries().places).items())
    listed = [f"{escape(name or 'not given')} ({number:,})" for name, number in species[:_MOST_SPECIES]]
    if len(species) > _MOST_SPECIES:
        listed.append(f"and {len(species) - _MOST_SPECIES:,} more")
    st.html(f"<div class='px-facts-line'>Species: {', '.join(listed)}</div>")


def _notes(workspace: Workspace) -> list[Problem]:
    """What is to be said of the model and the decisions file."""
    name = short_place(workspace.log.location)
    notes = [Problem("note", workspace.model.name, workspace.unexplained)] if workspace.unexplained else []
    notes += [Problem("note", workspace.model.name, text) for text in workspace.card.assumed]
    notes += [] if workspace.pack is None else _not_in_pack(workspace.pack)
    record = workspace.decisions()
    if record.trouble is not None:
        notes.append(Problem("note", name, str(record.trouble)))
    strange = _strange(
        (workspace.log.location, len(record.rows), str(workspace.catalogue.source)), record.rows, workspace
    )
    if strange:
        notes.append(
            Problem(
                "note",
                name,
                f"{count(strange, 'decision')} in this file {'is' if strange == 1 else 'are'} about photos that "
                "are not in this catalogue. Is it the right decisions file?",
            )
        )
    return [*notes, *_damaged(workspace)]


@st.cache_resource(show_spinner=False, max_entries=4)
def _strange(key: tuple[str, int, str], _rows: Sequence[Decision], _workspace: Workspace) -> int:
    """How many decisions are about other photos; a record only grows, so that its length says which it is."""
    return sum(not _is_about(_workspace, row) for row in _rows if row.decision != "undo")


def _not_in_pack(pack: FieldPack) -> list[Problem]:
    """What a field pack could not take along when it was made."""
    photos = [Problem("note", "not taken along when the pack was made", text) for text in pack.notes]
    return photos + [Problem("note", "pair without explanation", text) for text in pack.unexplained]


def _is_about(workspace: Workspace, decision: Decision) -> bool:
    """Whether a decision is about photos of the catalogue, by id and, where it says so, by path."""
    catalogue = workspace.catalogue
    photos = (
        (decision.query_id, decision.query_path),
        (decision.candidate_id, decision.candidate_path),
    )
    return all(
        name in catalogue and path in ("", catalogue.photo(name).catalogue_path) for name, path in photos
    )


def _damaged(workspace: Workspace) -> list[Problem]:
    """Rows of the decisions file that cannot be read; they stay in it."""
    name = short_place(workspace.log.location)
    return [
        Problem("note", f"{name}, row {row.row}", f"This decision cannot be read: {row.reason}")
        for row in workspace.log.damaged
    ]


def _problems(title: str, problems: Sequence[Problem]) -> None:
    listed(title, [(one.where, one.message) for one in problems], ": see the report")
