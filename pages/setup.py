"""Setup: open another catalogue or model, and see what was found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from pages.components import navigation, opening, saying, state, visitors
from pages.components.words import count, short_place
from pages.components.workspace import Source, Workspace
from pairx_core.addresses import without_password
from pairx_core.catalogue import Problem
from pairx_core.decisions import Decision
from pairx_core.errors import PairxError

_MOST_UNSCROLLED, _MOST_LISTED = 4, 500


def setup() -> None:
    """Draw the page."""
    state.keep_reviewer()
    visitors.everything_or_stop()
    if visitors.is_signed_in() and not visitors.current().is_coordinator:
        saying.info("Coordinators open catalogues here. PAIRX_COORDINATORS says who they are.")
        return
    left, right = st.columns([5, 6], gap="large")
    with left:
        _form(_source_or_sample())
        _follow()
        _where_decisions_go()
    with right:
        _open_now()


def _source_or_sample() -> Source:
    try:
        return opening.current_source()
    except PairxError:  # said on the right
        return Source("")


def _form(source: Source) -> None:
    with st.form("open", border=False):
        st.subheader("Open a catalogue and a model", anchor=False)
        catalogue = st.text_input(
            "Catalogue",
            source.catalogue,
            help="A CSV file in the wildlife-datasets form, a folder with a metadata.csv, a folder with one "
            "folder per individual, or a folder of photos.",
        )
        model = st.text_input(
            "Model",
            source.model,
            help="“demo”, a timm architecture such as efficientnet_b0 (with its checkpoint below), or the "
            "path of a checkpoint that names its architecture.",
        )
        checkpoint = st.text_input(
            "Checkpoint",
            source.checkpoint,
            placeholder="not needed for demo",
            help="A .safetensors or .pth file.",
        )
        with st.container(horizontal=True):
            layer = st.text_input("Layer", source.layer, placeholder="the model's recommended one")
            decisions = st.text_input(
                "Decisions",
                without_password(source.decisions),
                placeholder="pairx_decisions.csv beside the catalogue",
                help="A CSV file, or a database's address such as postgresql://user:password@server/name. When another "
                "catalogue is entered and this is left as it is, the decisions go to a file beside that catalogue.",
            )
        if st.form_submit_button("Open", type="primary", icon=":material/folder_open:"):
            wanted = (
                text.strip() for text in (catalogue, model.strip() or "demo", checkpoint, layer, decisions)
            )
            entered = Source(*wanted)
            if entered.decisions == without_password(source.decisions):
                entered = replace(entered, decisions=source.decisions)
            _begin(_with_own_decisions(entered, source))


def _with_own_decisions(wanted: Source, shown: Source) -> Source:
    """Another catalogue has its own decisions file, unless another one was entered for it."""
    moved = wanted.catalogue != shown.catalogue and wanted.decisions == shown.decisions
    return replace(wanted, decisions="") if moved else wanted


def _begin(source: Source) -> None:
    if not source.catalogue:
        saying.error("Enter the path of a catalogue: a CSV file or a folder.")
        return
    former = state.followed()
    if former is not None:
        former.cancel()
    try:
        state.follow(opening.begin_afresh(source))
    except PairxError as error:
        state.follow(None)
        saying.error(str(error))


def _follow() -> None:
    """Wait for what was asked for; a failure leaves the former catalogue open."""
    awaited = state.followed()
    if awaited is None:
        return
    opening.follow(awaited)
    state.follow(None)
    try:
        workspace = awaited.result()
    except PairxError as error:
        saying.error(f"{error} What was open before stays open.")
        return
    opening.adopt(awaited)
    photos = count(len(workspace.index.photos), "photo")
    state.tell(
        "success",
        f"Opened {workspace.catalogue.source}: {photos} ready for review. "
        f"Decisions are written to {workspace.log.location}.",
    )
    st.rerun()


def _where_decisions_go() -> None:
    st.caption(
        "Decisions are written to the decisions file: one row for each, appended and on disk before it is "
        "confirmed. Undo appends a row too; nothing is rewritten. Without a path, the file is "
        "pairx_decisions.csv beside the catalogue. Photos, catalogue and model are only read."
    )


def _open_now() -> None:
    workspace = opening.workspace_or_error()
    if workspace is None:
        return
    _tell()
    st.subheader("Open now", anchor=False)
    st.html(
        f"<table class='px-table'>{_row('Catalogue', workspace.catalogue.source)}"
        f"{_row('Model', _model(workspace))}"
        f"{_row('Decisions', workspace.log.location)}</table>"
    )
    _numbers(workspace)
    problems = [*workspace.catalogue.problems, *workspace.index.skipped, *_notes(workspace)]
    _problems("Photos left out", [one for one in problems if one.severity == "left_out"])
    _problems("Notes", [one for one in problems if one.severity == "note"])


def _tell() -> None:
    for message in state.take_messages():
        if message.kind == "success":
            saying.success(message.text)
            st.page_link("pages/review.py", label="Go to Review", icon=":material/arrow_forward:")
        elif message.kind == "error":
            saying.error(message.text)
        else:
            saying.toast(message.text)


def _model(workspace: Workspace) -> str:
    name = workspace.model.name
    return f"{name}, without explanations" if workspace.unexplained else f"{name}, layer {workspace.layer}"


def _row(name: str, value: object) -> str:
    return f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>"


def _numbers(workspace: Workspace) -> None:
    photos, individuals = workspace.index.photos, workspace.catalogue.individuals
    numbers = {
        "Photos": len(photos),
        "Individuals": len(individuals),
        "With one photo": sum(len(of_one) == 1 for of_one in individuals.values()),
        "Unknown": sum(not photo.is_known for photo in photos),
    }
    with st.container(horizontal=True, key="numbers"):
        for label, number in numbers.items():
            st.metric(label, f"{number:,}", border=True)
    species = Counter(photo.species or "not given" for photo in photos)
    st.html(
        "<div class='px-facts-line'>Species: "
        + ", ".join(f"{escape(name)} ({number:,})" for name, number in species.most_common())
        + "</div>"
    )


def _notes(workspace: Workspace) -> list[Problem]:
    """What is to be said of the model and the decisions file."""
    name = short_place(workspace.log.location)
    notes = [Problem("note", workspace.model.name, workspace.unexplained)] if workspace.unexplained else []
    record = workspace.decisions()
    if record.trouble is not None:
        notes.append(Problem("note", name, str(record.trouble)))
    strange = sum(not _is_about(workspace, row) for row in record.rows if row.decision != "undo")
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
    if not problems:
        return
    st.markdown(f"**{title}** · {len(problems):,}")
    rows = "".join(
        f"<tr><td>{escape(one.where)}</td><td>{escape(one.message)}</td></tr>"
        for one in problems[:_MOST_LISTED]
    )
    with st.container(border=True, height="content" if len(problems) <= _MOST_UNSCROLLED else 280):
        st.html(f"<table class='px-problems'>{rows}</table>")
        if len(problems) > _MOST_LISTED:
            st.caption(f"… and {len(problems) - _MOST_LISTED:,} more.")


navigation.draw(setup)
