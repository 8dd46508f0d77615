"""Identities for other programs: what is open, what cannot be written, and the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from pages.components import saying, state
from pages.components.listing import listed
from pages.components.record import Summary
from pages.components.words import count
from pages.components.workspace import Workspace
from pairx_core.decisions.naming import GivenName
from pairx_core.errors import ExportError, PairxError
from pairx_core.exports import EXPORTS, ExportOptions, Finding, Resolution
from pairx_core.exports.export import SCIENTIFIC_NAME

_MOST_SPECIES = 30


def show(workspace: Workspace, summary: Summary) -> None:
    """Draw what is left open, and make a file."""
    try:
        given = workspace.names.names()
        with st.spinner("Working out who is on each photo …"):
            resolution = summary.resolution(given)
    except PairxError as error:
        saying.error(str(error))
        return
    changed = resolution.changed
    st.markdown(
        f"By the decisions, **{count(changed, 'photo')}** of {len(resolution.photos):,} "
        f"{'has' if changed == 1 else 'have'} another identity than in the catalogue. The catalogue itself is never "
        "changed."
    )
    _findings("Left open by the decisions", resolution.left_open)
    name = st.selectbox(
        "For",
        list(EXPORTS),
        format_func=lambda one: EXPORTS[one].title,
        help="What a photo's identity is after the decisions, in the form that another program reads.",
    )
    st.caption(f"Makes {EXPORTS[name].what}.")
    with st.form("export", border=False):
        options = _options(workspace, name)
        makes = st.form_submit_button("Make the file", icon=":material/output:")
    made_of = _made_of(summary, given, options)
    if makes:
        _make(workspace, resolution, name, options, made_of)
    _download(_key(workspace, name), made_of)


def _key(workspace: Workspace, name: str) -> str:
    """A short name of what is open and of the format: a file of anything else is not offered."""
    return f"{workspace.source.token} {workspace.catalogue.source} {workspace.log.location} {name}"


def _made_of(summary: Summary, given: Mapping[str, GivenName], options: Mapping[str, str]) -> str:
    """A short name of what goes into a file besides the catalogue: the record, given names, what was entered."""
    last = summary.rows[-1].decision_id if summary.rows else ""
    names = sorted((photo_id, one.name) for photo_id, one in given.items())
    parts = (len(summary.rows), last, names, sorted(options.items()))
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _options(workspace: Workspace, name: str) -> Mapping[str, str]:
    """What the catalogue and its decisions do not say."""
    entered: dict[str, str] = {}
    if name == "wildlife-datasets" and not st.checkbox(
        "Safe for spreadsheets",
        value=True,
        help="Text that a spreadsheet would run as a formula gets an apostrophe in front. Opened here, it is taken "
        "away again; switch it off for other programs.",
    ):
        entered["raw"] = "true"
    if name == "wildbook":
        entered["submitter"] = st.text_input(
            "Submitter", help="The Wildbook user that the encounters belong to."
        )
    if name == "camtrap-dp":
        entered["time_zone"] = st.text_input(
            "Time zone of the cameras",
            placeholder="not known",
            help="As Africa/Johannesburg or Europe/Berlin.",
        )
        entered["title"] = st.text_input("Title of the project")
    if name in ("wildbook", "camtrap-dp"):
        for species in _unscientific(workspace):
            entered[f"species:{species}"] = st.text_input(
                f"Scientific name of {saying.plain(species) or 'photos without a species'}",
                placeholder="such as Equus quagga",
            )
    return entered


def _unscientific(workspace: Workspace) -> list[str]:
    """The species that are not written as scientific names, as the catalogue calls them."""
    found = workspace.report.summary
    names = {*found.species, *([""] if sum(found.species.values()) < found.photos else [])}
    return sorted(name for name in names if not SCIENTIFIC_NAME.fullmatch(name))[:_MOST_SPECIES]


def _make(
    workspace: Workspace, resolution: Resolution, name: str, entered: Mapping[str, str], made_of: str
) -> None:
    state.forget_export()
    try:
        export = EXPORTS[name].write(workspace.catalogue, resolution, _as_options(entered))
    except PairxError as error:
        saying.error(str(error))
        return
    state.keep_export(_key(workspace, name), export, made_of)


def _as_options(entered: Mapping[str, str]) -> ExportOptions:
    zone = entered.get("time_zone", "").strip()
    try:
        time_zone = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExportError(f"There is no time zone “{zone}”. Write it as Africa/Johannesburg.") from None
    species = {
        name.partition(":")[2]: value.strip()
        for name, value in entered.items()
        if name.startswith("species:") and value.strip()
    }
    return ExportOptions(
        submitter=entered.get("submitter", "").strip(),
        title=entered.get("title", "").strip(),
        time_zone=time_zone,
        scientific_names=species,
        neutralise="raw" not in entered,
    )


def _download(key: str, made_of: str) -> None:
    made = state.kept_export(key)
    if made is None:
        return
    export, made_before_of = made
    if made_before_of != made_of:
        saying.warning(
            "Decisions, names or what is entered above changed since this file was made. Make it again."
        )
    st.download_button(
        f"Download {export.file_name}",
        data=export.content,
        file_name=export.file_name,
        mime=export.mime,
        icon=":material/download:",
        on_click="ignore",
        type="primary",
    )
    _findings("Not in the file", export.left_out)
    _findings("To know about the file", export.notes)


def _findings(title: str, findings: Sequence[Finding]) -> None:
    listed(title, [(_photos(one), str(one)) for one in findings])


def _photos(finding: Finding) -> str:
    shown = ", ".join(finding.photo_ids[:3])
    return shown + (f" and {len(finding.photo_ids) - 3:,} more" if len(finding.photo_ids) > 3 else "")
