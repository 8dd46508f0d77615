from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairx_core.catalogue import Box, MaskPicture, Photo, Segmentation
from pairx_core.errors import ExplanationError
from pairx_core.explain import PairExplanation, Scenery, SideScenery, scenery
from pairx_core.frames import PhotoFrame
from tests.render.making import explanation as made_by_hand
from tests.render.making import matches_between

GRID = (8, 6)  # columns, rows
INPUT = (64, 48)


def explanation(
    query_relevance: np.ndarray | None = None,
    cells: list[tuple[int, int]] | None = None,
    size: tuple[int, int] = (80, 60),
    k_lines: int = 20,
) -> PairExplanation:
    """Lines from these cells of a query of this (width, height) to the same cells of a candidate of 160 × 60."""
    places = np.array(cells if cells is not None else [(0, 0)], np.int64).reshape(-1, 2)
    frames = PhotoFrame(size, INPUT), PhotoFrame((160, 60), INPUT)
    even = np.ones(GRID[::-1])
    return replace(
        made_by_hand(),
        matches=matches_between(places, places, frames, GRID),
        query_relevance=even if query_relevance is None else query_relevance,
        candidate_relevance=even,
        query_color_maps=np.zeros((0, 48, 64), np.float32),
        candidate_color_maps=np.zeros((0, 48, 64), np.float32),
        query_frame=frames[0],
        candidate_frame=frames[1],
        k_lines=k_lines,
        k_colors=0,
    )


def animal(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (80, 60)) -> np.ndarray:
    mask = np.zeros(size[::-1], bool)
    mask[top:bottom, left:right] = True
    return mask


def of_query(made: PairExplanation, mask: np.ndarray) -> SideScenery:
    found = scenery(made, mask, None).query
    assert found is not None
    return found


def test_each_cell_counts_by_its_relevance_and_the_share_of_its_area_outside():
    relevance = np.zeros(GRID[::-1])
    relevance[0, 0], relevance[2, 3] = 3.0, 1.0  # 10 × 10 pixels from (0, 0), and from (30, 20)
    mask = animal(0, 0, 5, 10)  # half of the first cell, nothing of the other
    assert of_query(explanation(relevance), mask).relevance_outside == pytest.approx((3 * 0.5 + 1) / 4)


@pytest.mark.parametrize("size", [(80, 60), (83, 61), (5, 7), (801, 333)])
def test_the_share_is_that_of_counting_fine_points_whatever_the_photo_s_size(size):
    random = np.random.default_rng(3)
    relevance = random.random(GRID[::-1])
    mask = random.random(size[::-1]) < 0.3
    fine = 8  # points a pixel and axis, in 8 × 6 cells: every point lies in one cell and one pixel
    shares = np.zeros(GRID[::-1])
    xs, ys = (
        (np.arange(n * cells * fine) + 0.5) / (cells * fine) for n, cells in zip(size, GRID, strict=True)
    )
    for row in range(GRID[1]):
        for column in range(GRID[0]):
            across = xs[column * size[0] * fine : (column + 1) * size[0] * fine].astype(int)
            down = ys[row * size[1] * fine : (row + 1) * size[1] * fine].astype(int)
            shares[row, column] = 1 - mask[np.ix_(down, across)].mean()
    expected = (relevance * shares).sum() / relevance.sum()
    found = of_query(explanation(relevance, size=size), mask).relevance_outside
    assert found == pytest.approx(expected, abs=1e-5)


def test_all_on_the_animal_or_nothing_of_it():
    assert of_query(explanation(), animal(0, 0, 80, 60)).relevance_outside == 0
    assert of_query(explanation(), animal(0, 0, 0, 0)).relevance_outside == 1
    assert of_query(explanation(), animal(0, 0, 0, 0)).lines_outside == 1


def test_without_any_relevance_nothing_is_accused():
    assert of_query(explanation(np.zeros(GRID[::-1]), []), animal(0, 0, 0, 0)) == SideScenery(0.0, 0, 0)
    assert scenery(explanation(np.zeros(GRID[::-1]), []), animal(0, 0, 1, 1), None).warning is None


def test_an_end_whose_cell_shows_the_outline_is_not_outside():
    ends = [(2, 2), (3, 2), (4, 2), (7, 5)]  # cells that begin at x 20, 30, 40, 70
    assert of_query(explanation(cells=ends), animal(0, 0, 31, 60)).lines_outside == 2
    assert of_query(explanation(cells=ends), animal(0, 0, 30, 60)).lines_outside == 3


def test_half_a_cell_is_measured_in_the_photo_s_own_aspect():
    made = explanation(cells=[(3, 2)])  # in the candidate, cells are 20 × 10 pixels; its end is at (70, 25)
    wide = (160, 60)
    for mask, outside in (
        (animal(0, 0, 61, 60, wide), 0),
        (animal(0, 0, 60, 60, wide), 1),
        (animal(0, 0, 160, 21, wide), 0),
        (animal(0, 0, 160, 20, wide), 1),
    ):
        found = scenery(made, None, mask).candidate
        assert found is not None and found.lines_outside == outside


def test_only_the_lines_that_are_drawn_count():
    made = explanation(cells=[(0, 0), (1, 0), (7, 5), (6, 5)], k_lines=2)
    found = of_query(made, animal(60, 40, 80, 60))
    assert (found.lines_outside, found.line_count) == (2, 2)


def test_a_side_without_a_mask_is_not_known():
    found = scenery(explanation(), None, animal(0, 0, 160, 60, (160, 60)))
    assert found.query is None and found.candidate is not None
    assert scenery(explanation(), None, None) == Scenery(None, None)
    assert Scenery(None, None).sides == () and Scenery(None, None).warning is None


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(
        ExplanationError, match="mask of the candidate is 80 × 60 pixels, but its photo is 160 × 60"
    ):
        scenery(explanation(), None, animal(0, 0, 80, 60))


@pytest.mark.parametrize(
    ("evidence", "is_likely"),
    [
        (SideScenery(0.54, 7, 20), False),  # the most of the bundled sample
        (SideScenery(0.61, 0, 20), True),
        (SideScenery(0.2, 9, 20), False),
        (SideScenery(0.2, 10, 20), True),
        (SideScenery(0.2, 1, 2), True),
        (SideScenery(0.2, 0, 0), False),
    ],
)
def test_most_of_the_relevance_or_half_of_the_lines_outside_look_like_scenery(evidence, is_likely):
    assert evidence.is_likely == is_likely
    assert Scenery(evidence, None).sides == (("query",) if is_likely else ())


def test_the_warning_says_where_and_how_much():
    query, candidate = SideScenery(0.713, 13, 20), SideScenery(0.65, 1, 20)
    assert Scenery(query, candidate).warning == (
        "The model may have compared the scenery: on the query, 13 of 20 lines end outside the animal, and 71 % of the "
        "relevance lies there; on the candidate, 1 of 20 lines ends outside the animal, and 65 % of the relevance lies "
        "there. Judge by the animal's own marks."
    )
    assert "candidate" not in (Scenery(query, SideScenery(0.1, 0, 20)).warning or "")


def test_evidence_moved_off_the_animal_is_found_out():
    """The same marks on the animal and, in another pair, on a rock beside it."""
    random = np.random.default_rng(0)
    mask = animal(0, 0, 40, 60)
    on, off = (np.zeros(GRID[::-1]) for _ in range(2))
    on[:, :4], off[:, 4:] = random.random((2, 6, 4))
    cells = [(column, row) for column in range(4) for row in range(5)]
    beside = [(column + 4, row) for column, row in cells]
    assert scenery(explanation(on, cells), mask, None).sides == ()
    assert scenery(explanation(off, beside), mask, None).sides == ("query",)


def test_a_saved_explanation_still_says_where_the_masks_are(tmp_path):
    photos = [
        Photo("a", Path("/photos/a.jpg"), box=Box(1, 2, 3, 4), mask=MaskPicture(Path("/photos/masks/a.png"))),
        Photo("b", Path("/photos/b.jpg"), mask=Segmentation("[[1, 1, 9, 1, 9, 9]]")),
        Photo("c", Path("/photos/c.jpg")),
    ]
    for query, candidate in (photos[:2], photos[1:]):
        made = replace(explanation(), query_photo=query, candidate_photo=candidate)
        made.save(tmp_path / "pair.npz")
        loaded = PairExplanation.load(tmp_path / "pair.npz")
        assert (loaded.query_photo, loaded.candidate_photo) == (query, candidate)
