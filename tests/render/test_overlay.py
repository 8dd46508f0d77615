"""render_overlay: sizes, layers, places, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageChops

from pairx_core.catalogue import photo_from_file
from pairx_core.errors import ExplanationError, PhotoError
from pairx_core.render import render_overlay, render_pair
from pairx_core.render.palettes import match_color

from .making import explanation, photo_picture

QUERY, CANDIDATE = photo_picture((300, 200), 90), photo_picture((150, 200), 160)


def drawn(made=None, **options) -> Image.Image:
    options = {"query_image": QUERY, "candidate_image": CANDIDATE, "height": 400, **options}
    return render_overlay(made or explanation(), **options)


def differs(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


def test_photos_keep_their_aspects_at_one_height():
    assert drawn(gap=10).size == (600 + 10 + 300, 400)


def test_a_wide_pair_is_made_smaller_not_squashed():
    width, height = drawn(max_width=455, gap=5).size
    assert width <= 455
    assert (width - 5) / height == pytest.approx(300 / 200 + 150 / 200, rel=0.02)


def test_stacked_draws_the_pair_twice():
    one, stacked = drawn(gap=10), drawn(gap=10, layout="stacked")
    assert stacked.size == (one.width, 2 * 400 + 10)
    lines_and_heat = drawn(gap=10, color_maps=False)
    assert not differs(stacked.crop((0, 0, one.width, 400)), lines_and_heat)


@pytest.mark.parametrize("layer", ["lines", "heat_map", "color_maps"])
def test_each_layer_changes_the_picture_and_comes_off(layer):
    assert differs(drawn(), drawn(**{layer: False}))


def test_without_layers_the_bare_photos_remain():
    bare = drawn(lines=False, heat_map=False, color_maps=False)
    assert not differs(bare, render_pair(QUERY, CANDIDATE, height=400))


@pytest.mark.parametrize("opacity", ["line_opacity", "heat_opacity", "color_opacity", "dimming"])
def test_opacity_runs_down_to_nothing(opacity):
    assert differs(drawn(**{opacity: 0.0}), drawn(**{opacity: 1.0}))


def test_at_no_opacity_a_layer_is_not_seen():
    nothing = drawn(line_opacity=0.0, heat_opacity=0.0, color_opacity=0.0, dimming=0.0)
    assert not differs(nothing, render_pair(QUERY, CANDIDATE, height=400))


def test_the_same_arguments_give_the_same_bytes():
    assert drawn().tobytes() == drawn().tobytes()


def test_fewer_lines_and_color_maps_need_no_new_explanation():
    made = explanation()
    none = drawn(made, k_lines=0, k_colors=0, heat_map=False)
    assert not differs(none, render_pair(QUERY, CANDIDATE, height=400))
    assert differs(drawn(made, k_lines=1), drawn(made, k_lines=2))
    assert differs(drawn(made, k_colors=1), drawn(made, k_colors=2))
    assert not differs(drawn(made, k_lines=6), drawn(made, k_lines=600))


def test_end_points_lie_at_the_centers_of_their_cells():
    made = explanation(matches=1)
    picture = np.asarray(drawn(made, heat_map=False, color_maps=False, gap=10, number_size=30), np.int16)
    scale = 400 / 200
    for (column, row), left, width in (
        (made.matches.query_cells[0], 0, 300),
        (made.matches.candidate_cells[0], 610, 150),
    ):
        x = left + (column + 0.5) / 8 * width * scale
        y = (row + 0.5) / 8 * 200 * scale
        ring = picture[[round(y - 9.4), round(y + 9.4) - 1], round(x)]  # above and below, on the ring
        assert np.abs(ring - match_color(0)).max() < 40


def test_relevance_is_hot_where_it_is_high():
    relevance = np.zeros((8, 8))
    relevance[1, 6] = 1  # row 1, column 6
    made = replace(explanation(), query_relevance=relevance)
    picture = np.asarray(drawn(made, lines=False, color_maps=False), np.int16)[:, :600]
    changed = np.abs(picture - 90).sum(axis=2)
    y, x = np.unravel_index(changed.argmax(), changed.shape)
    assert (int(x) * 8 // 600, int(y) * 8 // 400) == (6, 1)


@pytest.mark.parametrize("relevance", [np.zeros((8, 8)), np.full((8, 8), np.nan), np.ones((8, 8))])
def test_relevance_without_differences_draws_no_heat(relevance):
    made = replace(explanation(), query_relevance=relevance, candidate_relevance=relevance)
    assert not differs(drawn(made, lines=False, color_maps=False), render_pair(QUERY, CANDIDATE, height=400))


def test_color_maps_of_nothing_only_dim():
    empty = np.zeros((2, 64, 64), np.float32)
    made = replace(explanation(), query_color_maps=empty, candidate_color_maps=empty)
    assert not differs(
        drawn(made, lines=False, heat_map=False, dimming=0.0), render_pair(QUERY, CANDIDATE, height=400)
    )


def test_an_explanation_without_matches_is_drawn():
    assert drawn(explanation(matches=0)).size == drawn().size


def test_a_picture_may_be_smaller_than_the_photo_but_not_of_another_shape():
    assert drawn(query_image=QUERY.resize((90, 60))).size == drawn().size
    with pytest.raises(ExplanationError, match="proportions"):
        drawn(query_image=QUERY.resize((60, 60)))


def test_tensors_need_a_picture_to_draw_on():
    with pytest.raises(ExplanationError, match="query_image"):
        render_overlay(explanation())


def test_photos_are_read_from_their_files(tmp_path):
    photos = [photo_file(tmp_path / "q.png", QUERY), photo_file(tmp_path / "c.png", CANDIDATE)]
    made = explanation(query_photo=photos[0], candidate_photo=photos[1])
    assert not differs(render_overlay(made, height=400), drawn(made))


def test_a_photo_that_is_gone_is_named(tmp_path):
    photos = [photo_file(tmp_path / "q.png", QUERY), photo_file(tmp_path / "c.png", CANDIDATE)]
    (tmp_path / "c.png").unlink()
    with pytest.raises(PhotoError, match="c.png"):
        render_overlay(explanation(query_photo=photos[0], candidate_photo=photos[1]))


def test_a_photo_that_changed_since_is_refused(tmp_path):
    photos = [
        photo_file(tmp_path / "q.png", QUERY.resize((60, 40))),
        photo_file(tmp_path / "c.png", CANDIDATE),
    ]
    with pytest.raises(ExplanationError, match="q.png: the query photo has changed"):
        render_overlay(explanation(query_photo=photos[0], candidate_photo=photos[1]))


def photo_file(path, picture):
    picture.save(path)
    return photo_from_file(path)
