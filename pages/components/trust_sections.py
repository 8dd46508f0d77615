"""The parts of the Trust page below the measuring: what is known, and this pair beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import zip_longest

import streamlit as st

from pages.components import saying, state, trust_charts, trust_pair, trust_words
from pages.components.trust_drawing import by_method, missing, titles
from pages.components.trust_figures import PLAUSIBILITY, SIMILARITY, score_names
from pages.components.trust_measuring import Desk, Standing, desks
from pages.components.trust_pair import Ids, Pair
from pages.components.words import file_name
from pairx_core.errors import PairxError
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.trust import TrustStudy

_REFERENCES = 3  # of each kind
_LOOK_SECONDS = 0.7
_AT_FIRST = ("pairx", "nearest", "gradcam", "sift")
METHODS_FIELD = "trust_methods"  # key of the field that chooses methods


def title(text: str) -> None:
    """The title of a part of the page."""
    st.html(f'<div class="px-head"><span class="px-title">{escape(text)}</span></div>')


def distributions(standing: Standing, study: TrustStudy, pair: Pair | None, row: PairRow | None) -> None:
    """One score of right pairs against wrong ones, with where this pair lies."""
    names = score_names(study)
    chosen = st.selectbox(
        "What to compare",
        list(names),
        label_visibility="collapsed",
        format_func=lambda name: names[name].capitalize(),
        key="trust_score",
        help="Plausibility puts all measures of an explanation into one: it is learned from the known pairs, and "
        "judged on animals that it was not learned from. The others are its parts.",
    )
    found = standing.separation(chosen)
    if found is not None:
        st.markdown("  \n".join(trust_words.separates(found, chosen)))
    here = None if pair is None else _here(study, chosen, pair, row)
    trust_charts.distribution(study, chosen, names[chosen], here)


def _here(study: TrustStudy, score: str, pair: Pair, row: PairRow | None) -> float | None:
    if score == SIMILARITY:
        return pair.similarity
    if row is None:
        return None
    return study.plausibility_of(row.measures) if score == PLAUSIBILITY else row.measures.get(score)


def this_pair(desk: Desk, study: TrustStudy, pair: Pair | None) -> None:
    """The pair last open on Review: its picture, and what known pairs say of it."""
    if pair is None:
        saying.info("No pair is open. Open one on Review; here it is then shown beside known pairs.")
        st.page_link("pages/review.py", label="Go to Review", icon=":material/compare:")
        return
    _picture(desk, pair.ids)
    names = f"{file_name(pair.query)} and {file_name(pair.candidate)}"
    row = trust_pair.row_of(desk, pair)
    if isinstance(row, PairxError):
        saying.warning(f"Nothing can be said of {names}. {row}")
    elif row is None:
        st.caption(f"Measuring {saying.plain(names)} …")
    else:
        st.markdown(f"**{trust_words.looks_like(study, pair.similarity, row)}**")
        st.caption(
            "  \n".join([saying.plain(names), *trust_words.pair_in_words(study, pair.similarity, row)])
        )


def references(desk: Desk, study: TrustStudy, pair: Pair) -> None:
    """Known pairs as similar as this one, of the same animal left and of different animals right."""
    kinds = chosen_references(desk, study, pair)
    for column, kind, rows in zip(
        st.columns(2, gap="medium"), ("The same animal", "Different animals"), kinds, strict=True
    ):
        column.markdown(f"**{kind}**")
        if not rows:
            column.caption("No other known pair of this kind has been measured.")
    for both in zip_longest(*kinds):
        for column, row in zip(st.columns(2, gap="medium"), both, strict=True):
            if row is not None:
                with column:
                    _picture(desk, (row.query_id, row.candidate_id))
                    st.caption(_caption(study, row))


def chosen_references(
    desk: Desk, study: TrustStudy, pair: Pair
) -> tuple[Sequence[PairRow], Sequence[PairRow]]:
    """Known pairs to look at beside this one, of its species where there are some: of the same animal, of different."""
    catalogue, species = desk.subject.workspace.catalogue, pair.query.species
    measured = {name for row in study.rows for name in (row.query_id, row.candidate_id) if name in catalogue}
    others = {
        name
        for name in measured
        if species is not None and catalogue.photo(name).species not in (None, species)
    }
    own = study.references(pair.similarity, _REFERENCES, leave_out=frozenset(pair.ids) | others)
    of_all = study.references(pair.similarity, _REFERENCES, leave_out=frozenset(pair.ids))
    return own[0] or of_all[0], own[1] or of_all[1]


def make(desk: Desk, study: TrustStudy, pair: Pair) -> None:
    """Have made what the page shows of the pair; while something is to come, look for it now and then."""
    rows = [row for rows in chosen_references(desk, study, pair) for row in rows]
    drawn: list[Ids] = [pair.ids, *((row.query_id, row.candidate_id) for row in rows)]
    wanted = {("row", *pair.ids): lambda: trust_pair.measures(desk, pair)}
    wanted |= {("drawing", *ids): lambda ids=ids: trust_pair.drawing(desk, ids) for ids in drawn}
    if desk.want(f"trust:{state.session()}", wanted):
        ready = _ready(desk, wanted)
        st.fragment(_look, run_every=_LOOK_SECONDS)(desk, list(wanted), ready)


def _look(desk: Desk, keys: Sequence[tuple[str, ...]], ready: int) -> None:
    if _ready(desk, keys) > ready:
        st.rerun()


def _ready(desk: Desk, keys: Sequence[tuple[str, ...]] | dict[tuple[str, ...], object]) -> int:
    return sum(desk.result(*key) is not None for key in keys)


def _picture(desk: Desk, ids: Ids) -> None:
    drawn = desk.result("drawing", *ids)
    if isinstance(drawn, bytes):
        photos = desk.subject.workspace.catalogue
        query, candidate = (file_name(photos.photo(one)) for one in ids)
        st.image(
            drawn, width="stretch", alt=f"The explanation of {query} and {candidate}: matches joined by lines"
        )
    elif isinstance(drawn, PairxError):
        saying.warning(str(drawn))
    else:
        st.skeleton(height=150)


def _caption(study: TrustStudy, row: PairRow) -> str:
    who = (
        f"same animal ({row.query_identity})"
        if row.same
        else f"different animals ({row.query_identity}, {row.candidate_identity})"
    )
    plausibility = trust_words.signed(float(study.plausibility[study.rows.index(row)]))
    return f"{saying.plain(who)} · similarity {row.similarity:.2f} · plausibility {plausibility}"


def other_methods(desk: Desk, pair: Pair) -> None:
    """What other ways to explain show of the pair, side by side."""
    names = titles()
    chosen = st.multiselect(
        "Methods",
        list(names),
        default=[name for name in _AT_FIRST if name in names],
        format_func=lambda name: names[name],
        key=METHODS_FIELD,
    )
    if lacking := missing():
        st.caption(f"{saying.plain(', '.join(lacking))}: needs `pip install -r requirements-evaluate.txt`.")
    if st.button("Draw them", icon=":material/draw:", key="trust_draw"):
        _draw(desk, pair, chosen, names)
    drawn = [(name, desk.result("method", name, *pair.ids)) for name in chosen]
    made = [(name, picture) for name, picture in drawn if isinstance(picture, bytes)]
    for start in range(0, len(made), 2):
        for column, (name, picture) in zip(
            st.columns(2, gap="medium"), made[start : start + 2], strict=False
        ):
            column.image(picture, width="stretch", alt=f"The pair as {names[name]} explains it")
            column.caption(saying.plain(names[name]))


def _draw(desk: Desk, pair: Pair, chosen: Sequence[str], names: dict[str, str]) -> None:
    space = desk.subject.workspace
    for name in chosen:
        if desk.result("method", name, *pair.ids) is not None:
            continue
        with st.spinner(f"{names[name]} …"), desks().one_method:
            try:
                picture = by_method(name, space.model, space.layer, pair.query, pair.candidate)
            except PairxError as error:
                saying.error(f"{names[name]}: {error}")
            else:
                desk.put(("method", name, *pair.ids), picture)


def order_and_words(study: TrustStudy) -> None:
    """Whether re-ranking would help, and how well the words hold."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Would another order of candidates help?**")
        st.markdown(trust_words.reranking(study.reranking))
        with st.expander("What is this"):
            st.markdown(
                "Rank-1 is the share of photographs whose first candidate shows the right animal. Candidates are "
                "ordered by the model's similarity, and for comparison by similarity and plausibility together. Each "
                "animal's photographs are ordered by what was learned from other animals (cross-validated), and the "
                "range is a 95 % interval over animals. Where it reaches below 0, the gain may be chance. Candidates "
                "on Review stay in the order of similarity."
            )
    with right:
        st.markdown("**How well do these words hold?**")
        st.markdown(trust_words.quality(study.quality))
        with st.expander("What is this"):
            st.markdown(
                "Of known pairs for which the estimate is 80 %, about 80 in 100 should be the same animal; how far "
                "the estimates are from that on average is the first number. The Brier score is the mean squared "
                "distance of the estimate from what is true, 0 for a perfect one; for one that always says 50 % it is "
                "0.250. Both are measured on animals that the estimate was not learned from.\n\n"
                "Known pairs are first candidates of animals that are in the catalogue. A new animal has no right "
                "candidate: for it, “the same animal” is said too often."
            )
