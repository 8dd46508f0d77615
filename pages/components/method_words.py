"""What the Method page says, in plain words. Plain functions that return Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from pages.components.method_making import MethodPair
from pages.components.saying import plain
from pages.components.words import count, ordinal
from pairx_core.explain.steps import Cell, CellLook, PairSteps, Side, other

FEATURES, RELEVANCE, MATCHES, COLORS = "features", "relevance", "matches", "colors"
STEPS = {
    FEATURES: "1 Feature maps",
    RELEVANCE: "2 Relevance",
    MATCHES: "3 Mutual matches",
    COLORS: "4 Color maps",
}
NO_MAPS = (
    "A field pack holds explanations, but no model: the feature maps, and the nearest cells of cells without a match, "
    "cannot be shown here. Relevance, matches and color maps can. For all of it, open the catalogue itself, where the "
    "model is."
)


def made_by(pair: MethodPair) -> str:
    """What was explained, and by what."""
    made, steps = pair.steps.explanation, pair.steps
    parts = [
        f"similarity {made.similarity:.2f}",
        f"model {made.model}",
        f"layer {made.layer}",
        _sizes(steps),
        *made.departures,
    ]
    return " · ".join(parts)


def _sizes(steps: PairSteps) -> str:
    """From the photo to the cells."""
    frame, (columns, rows) = steps.frame("query"), steps.grid("query")
    numbers = "" if steps.maps is None else f" of {steps.maps.channels} numbers"
    return (
        f"{_size(frame.photo_size)} pixels → model input {_size(frame.input_size)} → {columns} × {rows} "
        f"cells{numbers}"
    )


def of_step(step: str, pair: MethodPair, lines: int) -> str:
    """What a step does, on this pair."""
    steps = pair.steps
    if step == FEATURES:
        return _features(steps)
    if step == RELEVANCE:
        return _relevance(steps)
    return _matches(steps, lines) if step == MATCHES else _colors(pair)


def _features(steps: PairSteps) -> str:
    if steps.maps is None:
        return NO_MAPS
    columns, rows = steps.grid("query")
    return (
        f"Each photo goes through the model by itself. At the layer **{plain(steps.explanation.layer)}** it has become "
        f"a grid of {columns} × {rows} **cells**, and {steps.maps.channels} numbers (channels) describe each of them. "
        "What a channel stands for nobody has chosen: the model has learned it."
    )


def _relevance(steps: PairSteps) -> str:
    made = steps.explanation
    by = (
        "by AttnLRP, because the paper's own rules do not fit this model"
        if made.rules == "AttnLRP"
        else "by layer-wise relevance propagation, LRP"
    )
    return (
        f"The similarity of the two photos, **{made.similarity:.2f}**, is sent back through the model to this layer "
        f"({by}). The brighter a cell, the more it mattered for the similarity, compared with the others of its photo. "
        "Whether it spoke for it or against it is not told."
    )


def _matches(steps: PairSteps, lines: int) -> str:
    found, (columns, rows) = len(steps.explanation.matches), steps.grid("query")
    cells = columns * rows
    return (
        "A cell's **nearest** is the cell of the other photo with the most similar numbers. Where two cells are each "
        f"other's nearest, they are a **match** (dots): {found:,} here. {cells - found:,} of the query's {cells:,} "
        f"cells have none. The product of both cells' relevance orders them; the first {min(lines, found)} are drawn "
        "as lines."
    )


def _colors(pair: MethodPair) -> str:
    if not pair.tints:
        return "There are no color maps of this pair."
    return (
        f"For the first {count(len(pair.tints), 'match', 'matches')}, what the cell responds to is sent back to the "
        "pixels: the **color map** is what the model looked at there, drawn brighter than on Review. It reaches beyond "
        "the cell, because a cell sums up its surroundings."
    )


def of_cell(pair: MethodPair, look: CellLook) -> Sequence[str]:
    """What is known of the chosen cell, a line each."""
    steps, here = pair.steps, look.side
    lines = [f"**Chosen cell (A): {place(look.cell)} of the {here}**, {_pixels(steps, here, look.cell)}"]
    columns, rows = steps.grid(here)
    rank = "" if look.relevance_rank == 1 else f"{ordinal(look.relevance_rank)} "
    relevance = f"Relevance {look.relevance:.3g}, the {rank}greatest of {columns * rows:,} cells"
    strength = "" if look.strength is None else f" · strength {look.strength:.3g}"
    lines.append(relevance + strength)
    lines.append(there_and_back(look, len(steps.explanation.matches)))
    if look.match is not None and look.match < len(pair.tints):
        shares = [f"{100 * tint.share:.0f} %" for tint in pair.tints[look.match]]
        lines.append(
            f"Of its color maps, {shares[0]} lies within the cell itself on the query and {shares[1]} on the candidate"
        )
    elif look.match is not None and pair.tints:
        lines.append(f"Color maps are made for the first {count(len(pair.tints), 'match', 'matches')} alone")
    return lines


def there_and_back(look: CellLook, matches: int) -> str:
    """Which cell is nearest on the other photo, which is nearest to that one, and so whether they match."""
    if look.nearest is None or look.back is None:
        return "**No match.** Which cell is nearest is not in the field pack"
    there = f"Its nearest on the {other(look.side)} (B): {place(look.nearest)}"
    there += "" if look.distance is None else f", distance {look.distance:.3g}"
    if look.match is not None:
        agree = f"They agree: **match {look.match + 1}** of {matches:,}"
        return f"{there}. Nearest to B on the {look.side}: A again. {agree}"
    return f"{there}. Nearest to B on the {look.side}: {place(look.back)} (C), not A. They do not agree: **no match**"


def place(cell: Cell) -> str:
    """A cell as people count."""
    return f"column {cell[0] + 1}, row {cell[1] + 1}"


def _pixels(steps: PairSteps, side: Side, cell: Cell) -> str:
    width, height = steps.cell_size(side)
    left, top = cell[0] * width, cell[1] * height
    across, down = f"{left:.0f} to {left + width:.0f}", f"{top:.0f} to {top + height:.0f}"
    return f"pixels {across} across and {down} down of the cropped photo"


def means(pair: MethodPair) -> Sequence[str]:
    """What a line does mean."""
    made = pair.steps.explanation
    return [
        "The model describes the two places alike: of all cells of the other photo, each is the other's nearest.",
        f"Both mattered for the similarity, {made.similarity:.2f}. Line 1 is the one where the product of both "
        "relevances is greatest.",
        "So it says where to look: go there on Review, switch the layers off, and compare the marks themselves.",
    ]


def means_not(pair: MethodPair) -> Sequence[str]:
    """What a line does not mean."""
    query, candidate = (_cell_size(pair.steps, side) for side in ("query", "candidate"))
    copies = ", as the field pack has them" if pair.steps.maps is None else ""
    return [
        f"**A measured point.** A line ends in the middle of a cell, which is {query} pixels of this query and "
        f"{candidate} of this candidate{copies}.",
        "**The same animal.** Wrong candidates have lines too. On the bundled drawn animals, 73.0 % of the lines join "
        "the same point of the body in right pairs, and 29.3 % in the best wrong candidates (demo model, within 5 % of "
        "the body's length); on drawn animals that nobody had looked at, 53 % in pairs of the same animal.",
        "**A place on the animal.** A model may look at the background. Lines beside the animal are a reason for "
        "doubt.",
        "**That nothing differs.** Where two animals differ, there is simply no line; what is missing has to be looked "
        "for.",
    ]


def how_made(pair: MethodPair) -> Sequence[str]:
    """What else the picture depends on."""
    made = pair.steps.explanation
    lines = [
        f"The layer is {plain(made.layer)}. An earlier one has smaller cells that know edges and spots; a later one "
        "has larger cells that know parts of the body. Other layers give other matches.",
    ]
    if made.rules == "AttnLRP":
        lines.append(
            "The paper's method is for convolutional networks of the usual kind. Here relevance travels by AttnLRP "
            "(Achtibat et al. 2024)."
        )
    elif made.options.conserve_skips:
        lines.append(
            "Relevance is conserved at skip connections, where the published method counts it twice."
        )
    else:
        lines.append(
            "At every skip connection, relevance counts twice. The published method does so; it is kept."
        )
    lines.append(
        "Relevance is sensitive to rounding: the order of matches of nearly equal relevance can differ between "
        "computers. The color maps are steady."
    )
    if beyond := [words for words in made.departures if "AttnLRP" not in words]:
        lines.append(f"Not as published: {plain(', '.join(beyond))}.")
    return lines


def _cell_size(steps: PairSteps, side: Side) -> str:
    width, height = steps.cell_size(side)
    return f"{width:.0f} × {height:.0f}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
