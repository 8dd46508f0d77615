"""The sidebar: who reviews, what, how far, and which photos may be proposed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.components import opening, query_filters, state, visitors
from pages.components.query_status import DISAGREED
from pages.components.room import ALL_PHOTOS, TO_IDENTIFY, Work
from pages.components.roster import Queries, Wanted
from pages.components.saying import plain
from pages.components.words import count, short_place
from pages.components.worklist import ALL_LOOKED_AT, QueryFilters, VerdictsOf, Worklist
from pages.components.workspace import GIVEN_FILTERS, K, Record, Workspace
from pairx_core.decisions.exporting import csv_bytes
from pairx_core.retrieval import CandidateFilters
from pairx_core.settings import DECISIONS_NAME


def review_controls(workspace: Workspace) -> Work:
    """Draw the controls of the Review page and say what they amount to."""
    with st.sidebar:
        opening.tell_of_another()
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
    name = visitors.type_name(
        "Reviewer", help="Each decision carries this name; each reviewer has their own list."
    )
    if not name:
        st.caption("Type your name before you decide: each decision carries it.")
    return name


def _progress(work: Work) -> None:
    total, done = len(work.worklist.queries), work.worklist.done_count
    decisions = count(len(work.standing), "decision")
    about = "" if work.worklist.by_record is None else "about "
    st.progress(
        done / total if total else 0.0, text=f"{about}{done:,} of {total:,} queries done · {decisions}"
    )
    if about:
        st.caption(
            f"Of more than {ALL_LOOKED_AT:,} photos, not all candidates are looked at to count: a query is taken for "
            f"done once one of its candidates is accepted, or {K} are decided on."
        )


def _queries(workspace: Workspace) -> str:
    wanted = state.arriving_at()
    if wanted is not None and wanted in workspace.catalogue and workspace.catalogue.photo(wanted).is_known:
        state.choose_queries(ALL_PHOTOS)  # among those to identify it would not be found
    unknown = workspace.roster.has_unknown
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
        defaults, ending = GIVEN_FILTERS, "_given"
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
    number = workspace.left_out
    return f"  \n{count(number, 'photo')} left out: see Setup" if number else ""


def _work(
    workspace: Workspace, reviewer: str, queries: Queries, wanted: QueryFilters, filters: CandidateFilters
) -> Work:
    record = workspace.decisions()
    stands = workspace.stands(record)
    standing = stands.of(reviewer)
    worklist = Worklist(
        queries=queries,
        decided=VerdictsOf(standing.by_query),
        candidates_of=lambda query: workspace.candidates(query, filters),
        identity_of=lambda photo_id: workspace.catalogue.photo(photo_id).identity,
        filters=wanted,
        disagreed=frozenset(query for query, _ in stands.disagreed)
        if DISAGREED in wanted.standings
        else frozenset(),
        by_record=workspace.by_record(reviewer, standing) if len(workspace.roster) > ALL_LOOKED_AT else None,
        first_similarities=lambda: _first_similarities(workspace, filters),
        prepare=lambda ahead: workspace.prepare_from(ahead, filters),
    )
    others = {name: one for name, one in stands.by_reviewer.items() if name != reviewer}
    return Work(
        workspace,
        reviewer,
        filters,
        worklist,
        Record(stands.rows, record.trouble),
        standing,
        others if state.others_shown() else {},
        standing.last_undoable,
    )


def _first_similarities(workspace: Workspace, filters: CandidateFilters) -> npt.NDArray[np.float32]:
    with st.spinner("Looking at the first candidates of all queries, once …"):
        return workspace.first_similarities(filters)


def _photos(workspace: Workspace, which: str) -> Queries:
    return workspace.roster.queries(Wanted(to_identify=which == TO_IDENTIFY))
