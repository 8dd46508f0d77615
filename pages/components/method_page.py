"""The Method page below its head: the step, the photos in cells, the chosen cell, and what a line means."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import method_viewer, method_words
from pages.components.method_making import SIDES, MethodPair
from pages.components.method_viewer import View
from pages.components.method_viewer.contents import Layer, small_picture
from pages.components.method_words import COLORS, FEATURES, MATCHES, RELEVANCE, STEPS
from pages.components.room import Room
from pages.components.state import method as method_state
from pages.components.state.method import Place
from pages.components.words import file_name, identity
from pairx_core.catalogue import Photo
from pairx_core.explain.steps import CellLook, PairSteps, other
from pairx_core.retrieval import Candidate

_STRENGTH = "strength"
_CHANNELS = 6  # that are offered
_MOST_LINES, _AT_FIRST = 100, 20
_NO_CELL = (0, 0)


def show(pair: MethodPair, room: Room, candidate: Candidate) -> None:
    """Draw it for a pair whose steps are made."""
    step = _step()
    place = _place(pair, step)
    look = pair.steps.look(*place)
    said = st.container()  # above the photos, but it depends on what is chosen beside them
    left, right = st.columns([2, 1], gap="medium")
    with right:
        layer, lines = _control(step, pair, look)
        _cell(step, pair, look)
    said.markdown(method_words.of_step(step, pair, lines))
    labels = _label("Query", room.query), _label("Candidate", candidate.photo)
    with left:
        method_viewer.mount(method_viewer.contents(_view(step, pair, labels, look, layer, lines)))
        if step == FEATURES and pair.steps.maps is not None:
            _channels(pair.steps)
    _limits(pair)


def _step() -> str:
    """Which step is looked at."""
    step = st.segmented_control(
        "Step",
        list(STEPS),
        default=FEATURES,
        format_func=STEPS.__getitem__,
        required=True,
        label_visibility="collapsed",
        key=method_state.STEP,
        persist_state="session",
        width="stretch",
    )
    return step or FEATURES


def _place(pair: MethodPair, step: str) -> Place:
    """The cell that is looked at: the chosen one, or else the first match's; color maps are of matches alone."""
    steps = pair.steps
    first = steps.matched_cells("query")[:1].tolist()
    begin: Place = ("query", (first[0][0], first[0][1]) if first else _NO_CELL)
    side, (column, row) = method_state.chosen(pair.key) or begin
    columns, rows = steps.grid(side)
    place: Place = (side, (min(max(column, 0), columns - 1), min(max(row, 0), rows - 1)))
    if step == COLORS:
        match = steps.look(*place).match
        if match is None or match >= len(pair.tints):
            place = begin
    method_state.choose(pair.key, *place)
    return place


def _control(step: str, pair: MethodPair, look: CellLook) -> tuple[Layer | None, int]:
    """What is laid over the photos, and how many lines are drawn."""
    steps = pair.steps
    if step == FEATURES:
        return _feature_layer(pair), 0
    if step == RELEVANCE:
        both = steps.relevance("query"), steps.relevance("candidate")
        return Layer(both, "inferno", "mattered least", "mattered most on its photo"), 0
    if step == COLORS:
        return None, 0
    number = _lines(len(steps.explanation.matches))
    if steps.maps is None:
        return None, number
    wanted = st.toggle(
        "Shade cells by likeness to A",
        key=method_state.LIKENESS,
        persist_state="session",
        help="Shade the other photo's cells by how similar their numbers are to those of the chosen cell.",
    )
    return _likeness(steps, look) if wanted else None, number


def _feature_layer(pair: MethodPair) -> Layer | None:
    steps = pair.steps
    channels = steps.telling_channels(_CHANNELS)
    if steps.maps is None or not channels:
        return None
    shown = st.segmented_control(
        "Shown",
        [_STRENGTH, *map(str, channels)],
        default=_STRENGTH,
        format_func=lambda one: "All" if one == _STRENGTH else str(int(one) + 1),
        required=True,
        key=method_state.key_of_shown(pair.key),
        help="The strength is the length of a cell's numbers taken as one arrow: how much it responds at all. The "
        "numbers beside it are the channels that differ most from cell to cell.",
    )
    if shown in (None, _STRENGTH):
        both = steps.strength("query"), steps.strength("candidate")
        return Layer(both, "viridis", "weak", "strong", is_common=True)
    channel = int(shown)
    values = steps.maps.query[channel], steps.maps.candidate[channel]
    return Layer(values, "viridis", "low", f"high in channel {channel + 1}", is_common=True)


def _lines(matches: int) -> int:
    """How many matches are drawn."""
    most = min(_MOST_LINES, matches)
    if most < 2:
        return most
    method_state.keep_lines_within(most)
    return st.slider(
        "Lines",
        1,
        most,
        min(_AT_FIRST, most),
        key=method_state.LINES,
        help="The most relevant matches first.",
    )


def _likeness(steps: PairSteps, look: CellLook) -> Layer | None:
    """The other photo's cells by how near their numbers are to the chosen cell's."""
    far = steps.distances_from(look.side, look.cell)
    if far is None:
        return None
    near = -far
    values = (near, None) if other(look.side) == "query" else (None, near)
    return Layer(values, "viridis", "unlike A", "like A")


def _view(
    step: str,
    pair: MethodPair,
    labels: tuple[str, str],
    look: CellLook,
    layer: Layer | None,
    lines: int,
) -> View:
    has_tint = step == COLORS and look.match is not None and look.match < len(pair.tints)
    return View(
        pair=pair,
        labels=labels,
        chosen=(look.side, look.cell),
        layer=layer,
        lines=lines,
        rings=len(pair.tints) if step == COLORS else 0,
        has_dots=step == MATCHES,
        has_path=step in (MATCHES, COLORS),
        tinted=look.match if has_tint else None,
        is_dim=has_tint,
        snaps=step == COLORS,
    )


def _label(role: str, photo: Photo) -> str:
    return f"{role} · {identity(photo)} · {file_name(photo)}"


def _channels(steps: PairSteps) -> None:
    """The channels that differ most, on both photos, as small pictures."""
    figures = "".join(_figure(steps, channel) for channel in steps.telling_channels(_CHANNELS))
    st.html(f'<div class="px-channels">{figures}</div>')


def _figure(steps: PairSteps, channel: int) -> str:
    maps = [steps.features(side) for side in SIDES]
    values = [one[channel] for one in maps if one is not None]
    low, high = min(float(one.min()) for one in values), max(float(one.max()) for one in values)
    pictures = "".join(
        f'<img src="{small_picture(one, low, high)}" alt="on the {side}" '
        f'style="aspect-ratio: {" / ".join(map(str, steps.frame(side).photo_size))}">'
        for side, one in zip(SIDES, values, strict=True)
    )
    return f"<figure><div>{pictures}</div><figcaption>channel {channel + 1}</figcaption></figure>"


def _cell(step: str, pair: MethodPair, look: CellLook) -> None:
    """What is known of the chosen cell, and fields that choose another one by keyboard."""
    st.markdown("\n\n".join(f":small[{line}]" for line in method_words.of_cell(pair, look)))
    method_state.fill_fields((look.side, look.cell), look.match)
    _fields(step, pair, look)
    st.caption("Point at a cell, click one, or use the arrow keys on a photo.")


def _fields(step: str, pair: MethodPair, look: CellLook) -> None:
    steps = pair.steps
    matches = len(pair.tints) if step == COLORS else len(steps.explanation.matches)
    with st.container(key="method-fields"):  # in a narrow window, two rows of two
        photo, column, row, match = st.columns([5, 3, 3, 3], gap="xsmall", vertical_alignment="bottom")
    is_of_match = step == COLORS
    columns, rows = steps.grid(look.side)
    photo.selectbox(
        "Cell of the",
        SIDES,
        key=method_state.PHOTO,
        on_change=_go_to_photo,
        args=(pair, look),
    )
    ask = {"on_change": _go_to_cell, "args": (pair,), "disabled": is_of_match, "min_value": 1, "step": 1}
    column.number_input("Column", max_value=columns, key=method_state.COLUMN, **ask)
    row.number_input("Row", max_value=rows, key=method_state.ROW, **ask)
    match.number_input(
        "Match",
        min_value=1,
        max_value=max(1, matches),
        step=1,
        key=method_state.MATCH,
        placeholder="none",
        disabled=not matches,
        on_change=_go_to_match,
        args=(pair,),
        help="Choose a cell by the number of its match: 1 is the most relevant.",
    )


def _go_to_photo(pair: MethodPair, look: CellLook) -> None:
    """Go where the chosen cell's way leads; where that is not known, to the same place on the other photo."""
    side, cell = method_state.typed_place()
    if side != look.side:
        columns, rows = pair.steps.grid(side)
        cell = look.nearest or (min(cell[0], columns - 1), min(cell[1], rows - 1))
    method_state.choose(pair.key, side, cell)


def _go_to_cell(pair: MethodPair) -> None:
    method_state.choose(pair.key, *method_state.typed_place())


def _go_to_match(pair: MethodPair) -> None:
    match, (side, _) = method_state.typed_match(), method_state.typed_place()
    if match is not None:
        column, row = pair.steps.matched_cells(side)[match].tolist()
        method_state.choose(pair.key, side, (column, row))


def _limits(pair: MethodPair) -> None:
    """What a line does and does not mean."""
    st.space("small")
    st.html(
        '<div class="px-head"><span class="px-title">What a line means, and what it does not</span></div>'
    )
    left, right = st.columns(2, gap="large")
    with left:
        _list("What it means", method_words.means(pair))
        _list("What else the picture depends on", method_words.how_made(pair))
    with right:
        _list("What it does not mean", method_words.means_not(pair))
        st.page_link("pages/trust.py", label="How far to trust it, measured", icon=":material/verified:")


def _list(title: str, lines: Sequence[str]) -> None:
    st.markdown("\n".join([f"**{title}**", "", *(f"- {line}" for line in lines)]))
