"""The sidebar: who reviews, what, how far, and which photos may be proposed."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components import query_filters, state, visitors
from pages.components.room import ALL_PHOTOS, TO_IDENTIFY, Work
from pages.components.saying import plain
from pages.components.words import count, short_place
from pages.components.worklist import DISAGREED, QueryFilters, Worklist
from pages.components.workspace import Record, Workspace
from pairx_core.catalogue import Photo
from pairx_core.decisions import disagreements, standing_by_reviewer
from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.exporting import csv_bytes
from pairx_core.retrieval import CandidateFilters
from pairx_core.settings import DECISIONS_NAME


def review_controls(workspace: Workspace) -> Work:
    """Draw the controls of the Review page and say what they amount to."""
    with st.sidebar:
        reviewer = _reviewer()
        progress = st.container()
        which = _queries(workspace)
        queries = _photos(workspace, which)
        wanted = query_filters.choose(
            queries, others_shown=state.others_shown(), by_similarity=not workspace.ranked_by
        )
        filters = _filters(workspace)
        _options()
        _facts(workspace)
    work = _work(workspace, reviewer, queries, wanted, filters)
    with progress:
        _progress(work)
    return work


def _reviewer() -> str:
    if visitors.signing_in():
        return visitors.signed_in()
    name = st.text_input(
        "Reviewer",
        value=state.default_reviewer(),
        key="reviewer",
        bind="query-params",
        max_chars=80,
        help="Each decision carries this name; each reviewer has their own list.",
    )
    return tidy_name(name or "")  # as the decisions file has it


def _progress(work: Work) -> None:
    total, done = len(work.worklist.queries), work.worklist.done_count()
    decisions = count(len(work.worklist.verdicts), "decision")
    st.progress(done / total if total else 0.0, text=f"{done:,} of {total:,} queries done · {decisions}")


def _queries(workspace: Workspace) -> str:
    wanted = state.arriving_at()
    if wanted is not None and wanted in workspace.catalogue and workspace.catalogue.photo(wanted).is_known:
        state.choose_queries(ALL_PHOTOS)  # among those to identify it would not be found
    unknown = any(not photo.is_known for photo in workspace.queries)
    default = TO_IDENTIFY if unknown and workspace.pack is None else ALL_PHOTOS  # a pack's were chosen
    which = st.segmented_control(
        "Queries",
        [TO_IDENTIFY, ALL_PHOTOS],
        default=default,
        required=True,
        key="queries",
        bind="query-params",
        width="stretch",
    )
    return which or default


def _filters(workspace: Workspace) -> CandidateFilters:
    """Which photos may be proposed; of someone else's candidates all, unless the reviewer wants fewer."""
    said = "Which photos may be proposed. What a photo does not say excludes nothing."
    defaults, ending = CandidateFilters(), ""  # what was chosen for the one is not meant for the other
    if workspace.pack is not None:
        defaults, ending = workspace.pack.index.filters, "_pack"
        said += " The field pack was made with these filters: switching one off brings no more candidates."
    elif workspace.ranked_by:
        defaults, ending = CandidateFilters(False, False, False, False), "_given"
    st.markdown(":small[Candidates]", help=said)
    with st.container(gap="xsmall"):
        return CandidateFilters(
            same_species=_box("Same species", defaults.same_species, f"same_species{ending}"),
            same_flank=_box("Same flank", defaults.same_flank, f"same_flank{ending}"),
            known_identity_only=_box(
                "Known individuals only", defaults.known_identity_only, f"known_only{ending}"
            ),
            exclude_same_day_and_site=_box(
                "Not the same day and site", defaults.exclude_same_day_and_site, f"other_encounter{ending}"
            ),
        )


def _box(label: str, value: bool, key: str) -> bool:
    return st.checkbox(label, value, key=key, bind="query-params")


def _options() -> None:
    with st.popover("Options", icon=":material/settings:", width="stretch"):
        st.toggle(
            "Go on by itself",
            value=True,
            key="advance",
            persist_state="session",
            help="After a decision, bring up what is open next. Off: stay, and go on with the keys.",
        )
        st.toggle(
            "Show other reviewers' decisions",
            key="others",
            persist_state="session",
            help="Off: what others decided does not sway you.",
        )


def _facts(workspace: Workspace) -> None:
    catalogue, place = workspace.catalogue, workspace.log.location
    layer = "" if workspace.explainer is None else f", layer {plain(workspace.explainer.layer)}"
    st.caption(
        f"{'Catalogue' if workspace.pack is None else 'Field pack'} "
        f"**{plain(catalogue.source.parent.name)}/{plain(catalogue.source.name)}** · "
        f"{count(len(workspace.index.photos), 'photo')}, "
        f"{count(len(catalogue.individuals), 'individual')}{_left_out(workspace)}  \n"
        f"{_ranked_by(workspace)}Model **{plain(workspace.model.name)}**{layer}  \n"
        f"Decisions in **{plain(short_place(place))}**",
        help=f"Catalogue: {plain(str(catalogue.source))}\n\nDecisions: {plain(place)}",
    )
    st.download_button(
        "Download decisions (CSV)",
        data=lambda: csv_bytes(workspace.log.decisions(), neutralise=False),
        file_name=DECISIONS_NAME,
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )


def _ranked_by(workspace: Workspace) -> str:
    return f"Candidates of **{plain(workspace.ranked_by)}**  \n" if workspace.ranked_by else ""


def _left_out(workspace: Workspace) -> str:
    problems = (*workspace.catalogue.problems, *workspace.index.skipped)
    number = sum(problem.severity == "left_out" for problem in problems)
    return f"  \n{count(number, 'photo')} left out: see Setup" if number else ""


def _work(
    workspace: Workspace,
    reviewer: str,
    queries: tuple[Photo, ...],
    wanted: QueryFilters,
    filters: CandidateFilters,
) -> Work:
    record = _of_this_catalogue(workspace)
    by_reviewer = standing_by_reviewer(record.rows)
    standing = by_reviewer.pop(reviewer, {})
    worklist = Worklist(
        queries=queries,
        verdicts={pair: row.decision for pair, row in standing.items()},
        candidates_of=lambda query: workspace.candidates(query, filters),
        identity_of=lambda photo_id: workspace.catalogue.photo(photo_id).identity,
        filters=wanted,
        disagreed=frozenset(query for query, _ in disagreements(record.rows))
        if DISAGREED in wanted.standings
        else frozenset(),
    )
    others = by_reviewer if state.others_shown() else {}
    return Work(workspace, reviewer, filters, worklist, record, standing, others)


def _of_this_catalogue(workspace: Workspace) -> Record:
    """The decisions on this catalogue's photos; a file may hold those of other catalogues too."""
    record, catalogue = workspace.decisions(), workspace.catalogue
    rows = (row for row in record.rows if row.query_id in catalogue and row.candidate_id in catalogue)
    return replace(record, rows=tuple(rows))


def _photos(workspace: Workspace, which: str) -> tuple[Photo, ...]:
    photos = workspace.queries
    return tuple(photo for photo in photos if not photo.is_known) if which == TO_IDENTIFY else photos
