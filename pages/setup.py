"""Setup: open another catalogue or model, and see what was found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from pages.components import opening, state
from pages.components.words import count
from pages.components.workspace import Source, Workspace
from pairx_core.catalogue import Problem
from pairx_core.errors import PairxError

_MOST_UNSCROLLED, _MOST_LISTED = 4, 500


def setup() -> None:
    """Draw the page."""
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
                "Decisions file", source.decisions, placeholder="pairx_decisions.csv beside the catalogue"
            )
        if st.form_submit_button("Open", type="primary", icon=":material/folder_open:"):
            _begin(
                Source(*(text.strip() for text in (catalogue, model or "demo", checkpoint, layer, decisions)))
            )


def _begin(source: Source) -> None:
    if not source.catalogue:
        st.error("Enter the path of a catalogue: a CSV file or a folder.")
        return
    state.follow(opening.begin_afresh(source))


def _follow() -> None:
    """Wait for what was asked for; a failure leaves the former catalogue open."""
    awaited = state.followed()
    if awaited is None:
        return
    opening.follow(awaited)
    state.follow(None)
    try:
        workspace = opening.result(awaited)
    except PairxError as error:
        st.error(f"{error} What was open before stays open.")
        return
    opening.adopt(awaited)
    photos = count(len(workspace.index.photos), "photo")
    state.tell("success", f"Opened {workspace.catalogue.source}: {photos} ready for review.")
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
    for message in state.take_messages():
        st.success(message.text, icon=":material/check:")
        st.page_link("pages/review.py", label="Go to Review", icon=":material/arrow_forward:")
    st.subheader("Open now", anchor=False)
    st.html(
        f"<table class='px-table'>{_row('Catalogue', workspace.catalogue.source)}"
        f"{_row('Model', f'{workspace.model.name}, layer {workspace.explainer.layer}')}"
        f"{_row('Decisions', workspace.log.path)}</table>"
    )
    _numbers(workspace)
    problems = [*workspace.catalogue.problems, *workspace.index.skipped, *_damaged(workspace)]
    _problems("Photos left out", [one for one in problems if one.severity == "left_out"])
    _problems("Notes", [one for one in problems if one.severity == "note"])


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


def _damaged(workspace: Workspace) -> list[Problem]:
    """Rows of the decisions file that cannot be read; they stay in it."""
    name = workspace.log.path.name
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


setup()
