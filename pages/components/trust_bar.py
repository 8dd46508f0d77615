"""What was measured, and measuring it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import streamlit as st

from pages.components import listing, opening, resources, saying
from pages.components.trust_measuring import Desk, Standing, Subject, desks
from pages.components.trust_words import too_few, until_measured
from pages.components.words import count
from pages.components.workspace import Workspace
from pairx_core.decisions.exporting import neutralise_cell
from pairx_core.errors import PairxError
from pairx_core.evaluate.trust import FEWEST_OF_A_KIND, FEWEST_PAIRS, MOST_QUERIES, K
from pairx_core.retrieval import CandidateFilters
from pairx_core.settings import Settings

_FEWEST = 12  # photographs: with five candidates each, as many pairs as a study needs
_LOOK_SECONDS = 1.0
_COLUMNS = (
    "query_id",
    "candidate_id",
    "query_identity",
    "candidate_identity",
    "same",
    "similarity",
    "plausibility",
)
PHOTOGRAPHS = "trust_photographs"  # key of the field that says how many


def show(workspace: Workspace, filters: CandidateFilters) -> Desk | None:
    """How far it is, with what starts and stops it; None: there is nothing to measure."""
    known = workspace.all_photos.known_count
    if known < 2:
        saying.info("There are no two photographs of known animals here, so nothing can be measured.")
        return None
    cache, worker = Settings.from_environment().cache, resources.worker()
    former = desks().measured(Subject(workspace, filters), cache)
    left, right = st.columns([1, 3], gap="medium", vertical_alignment="bottom")
    most = left.number_input(
        "Photographs of known animals",
        min_value=min(_FEWEST, known),
        max_value=known,
        value=min(MOST_QUERIES if former is None else former.subject.most, known),
        key=PHOTOGRAPHS,
        help=f"Drawn at random. Each is compared with its first {K} known candidates.",
    )
    desk = desks().of(Subject(workspace, filters, most), cache, lambda: worker.is_busy)
    if not desk.measuring.goes_on:
        opening.follow(desk.measuring)
    standing = desk.standing
    is_done = standing is not None and standing.is_complete and not desk.is_measuring
    with right:
        if is_done:
            _measured(desk, standing)
        else:
            _action(desk)
    if standing is not None and standing.rows and not is_done:
        _measured(desk, standing)
    _trouble(desk)
    return desk


def _action(desk: Desk) -> None:
    """Progress and a way to stop, or a way to begin."""
    if desk.is_measuring:
        progress, stop = st.columns([4, 1], gap="small", vertical_alignment="bottom")
        with progress:
            st.fragment(_progress, run_every=_LOOK_SECONDS)(desk, desk.standing)
        stop.button("Stop", on_click=desk.stop, icon=":material/stop:", width="stretch", key="trust_stop")
        return
    standing = desk.standing
    if standing is None:  # looking it up failed
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        begun = bool(standing.rows)
        label = "Go on measuring" if begun else "Measure this catalogue"
        st.button(
            label, type="primary", on_click=desk.measure, icon=":material/play_arrow:", key="trust_measure"
        )
        left = standing.total - len(standing.rows)
        st.caption(
            f"{count(left, 'pair')} {'are left' if begun else 'to explain'}. Reviewing goes on meanwhile, and comes "
            "first; what is measured is kept."
        )


def _progress(desk: Desk, seen: Standing | None) -> None:
    """Run again and again; the whole page once there is more to show."""
    measuring = desk.measuring
    if not desk.is_measuring or desk.standing is not seen:
        st.rerun()
    if not measuring.total:
        st.progress(0.0, text=f"{measuring.stage} …")
        return
    left = f", {until_measured(measuring.seconds_left)}" if measuring.stage.startswith("Measuring") else ""
    st.progress(
        measuring.fraction, text=f"{measuring.stage}: {measuring.done:,} of {measuring.total:,}{left}"
    )


def _trouble(desk: Desk) -> None:
    """What went wrong, and whether there are too few pairs."""
    measuring, standing = desk.measuring, desk.standing
    if measuring.finished and measuring.error is not None and not measuring.was_stopped:
        try:
            measuring.result()
        except PairxError as error:
            saying.error(str(error))
    if desk.is_measuring and desk.study is None:
        st.caption(
            f"The first figures come after {FEWEST_PAIRS} pairs, with {FEWEST_OF_A_KIND} of the same animal and as "
            "many of different ones among them."
        )
    if standing is None:
        return
    if standing.study is None and standing.is_complete:
        saying.info(too_few(len(standing.rows), sum(row.same for row in standing.rows)))
    failed = [(f"{one.query_id} – {one.candidate_id}", one.message) for one in standing.failures]
    listing.listed("Pairs that could not be measured", failed)


def _measured(desk: Desk, standing: Standing) -> None:
    """Who was measured, and the rows to take away."""
    words, rows = st.columns([4, 1], gap="small", vertical_alignment="bottom")
    words.caption(_in_words(desk, standing))
    rows.download_button(
        "Rows (CSV)",
        data=lambda: rows_csv(standing),
        file_name="pairx_known_pairs.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
        key="trust_rows",
    )


def _in_words(desk: Desk, standing: Standing) -> str:
    """Who was measured, with what, and when."""
    space, rows = desk.subject.workspace, standing.rows
    animals = {name for row in rows for name in (row.query_identity, row.candidate_identity)}
    when = standing.measured_at
    parts = [
        f"{count(len(rows), 'pair')} measured" + ("" if standing.is_complete else f" of {standing.total:,}"),
        f"{sum(row.same for row in rows):,} of the same animal",
        count(len(animals), "individual"),
        f"model {saying.plain(space.model.name)}, layer {saying.plain(space.layer)}",
        f"filters: {desk.subject.filters.in_words()}",
        "" if when is None else f"{when.day} {when:%b %Y}",
    ]
    return " · ".join(part for part in parts if part)


def rows_csv(standing: Standing) -> bytes:
    """The known pairs with their measures as a table, safe for spreadsheet programs."""
    measures = sorted({name for row in standing.rows for name in row.measures})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, *measures])
    writer.writerows(_cells(standing, measures))
    return out.getvalue().encode("utf-8-sig")


def _cells(standing: Standing, measures: list[str]) -> Iterator[list[object]]:
    study = standing.study
    for place, row in enumerate(standing.rows):
        names = row.query_id, row.candidate_id, row.query_identity, row.candidate_identity
        plausible = "" if study is None else float(study.plausibility[place])
        values = [row.measures.get(name, "") for name in measures]
        yield [
            *map(neutralise_cell, names),
            "true" if row.same else "false",
            row.similarity,
            plausible,
            *values,
        ]
