"""An explanation as few bytes: what is drawn of it stays, and damage is said."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from pairx_core.errors import ExplanationError
from pairx_core.explain import ExplanationOptions, PairExplanation
from pairx_core.fieldpack.compact import MOST_EXPLANATION_BYTES, packed, packed_reason, reason_in, unpacked
from pairx_core.render import color_sheet, heat_levels


@pytest.fixture
def explanation(explainer, catalogue) -> PairExplanation:
    return explainer.explain(catalogue.photo("a1"), catalogue.photo("a3"), k_lines=7, k_colors=3)


def test_matches_come_back_to_the_last_digit(explanation):
    back = unpacked(packed(explanation))
    for name in ("query_cells", "candidate_cells", "query_xy", "candidate_xy", "relevance", "distance"):
        before, after = getattr(explanation.matches, name), getattr(back.matches, name)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)


def test_all_but_arrays_and_photos_comes_back_as_it_was(explanation):
    back = unpacked(packed(explanation))
    for name in (
        "similarity",
        "layer",
        "k_lines",
        "k_colors",
        "options",
        "rules",
        "model",
        "model_fingerprint",
    ):
        assert getattr(back, name) == getattr(explanation, name)
    assert (back.query_frame, back.candidate_frame) == (explanation.query_frame, explanation.candidate_frame)
    assert back.departures == explanation.departures
    assert back.query_photo is None and back.candidate_photo is None


def test_options_with_an_input_size_come_back(explanation):
    options = ExplanationOptions(input_size=(64, 96), distance="cosine")
    assert unpacked(packed(replace(explanation, options=options))).options == options


def test_what_is_drawn_stays_to_one_level(explanation):
    back = unpacked(packed(explanation))
    for side in ("query", "candidate"):
        before, after = (getattr(one, f"{side}_color_maps") for one in (explanation, back))
        assert before.shape == after.shape and before.any()
        drawn = [np.asarray(color_sheet(maps).picture, np.int16) for maps in (before, after)]
        assert np.abs(drawn[0] - drawn[1]).max() <= 1
        levels = [heat_levels(getattr(one, f"{side}_relevance")).astype(int) for one in (explanation, back)]
        assert np.abs(levels[0] - levels[1]).max() <= 1


def test_maps_of_nothing_and_of_what_is_no_number_are_kept_as_nothing(explanation):
    odd = explanation.query_color_maps.copy()
    odd[0] = 0
    odd[1, 0, 0] = np.nan
    odd[2] = -1
    back = unpacked(packed(replace(explanation, query_color_maps=odd)))
    assert not back.query_color_maps[[0, 2]].any()
    assert np.isfinite(back.query_color_maps).all() and back.query_color_maps[1].any()


def test_an_explanation_without_color_maps_comes_back(explanation):
    none = np.zeros((0, 96, 96), np.float32)
    back = unpacked(packed(replace(explanation, query_color_maps=none, candidate_color_maps=none)))
    assert back.query_color_maps.shape == (0, 96, 96)


def test_the_same_explanation_gives_the_same_bytes(explanation):
    assert packed(explanation) == packed(explanation)


def test_a_map_takes_at_most_a_byte_for_each_pixel_of_its_window(explanation):
    maps = np.zeros((2, 320, 320), np.float32)
    maps[:, 50:150, 200:300] = np.random.default_rng(0).random((2, 100, 100))
    without = replace(explanation, query_color_maps=maps[:0])
    more = len(packed(replace(explanation, query_color_maps=maps))) - len(packed(without))
    assert more < 2 * 100 * 100 * 1.02


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: b"x" * 99]
)
def test_what_is_not_whole_is_said(explanation, damage):
    with pytest.raises(ExplanationError, match="no whole explanation"):
        unpacked(damage(packed(explanation)))


def changed(explanation: PairExplanation, header: dict, **arrays) -> bytes:
    """A compact explanation in which something else stands."""
    with np.load(io.BytesIO(packed(explanation))) as file:
        whole = dict(file)
    said = json.loads(whole["header"].tobytes()) | header
    whole["header"] = np.frombuffer(json.dumps(said).encode(), np.uint8)
    content = io.BytesIO()
    np.savez_compressed(content, **{**whole, **arrays})
    return content.getvalue()


def frame(*size: int) -> dict:
    return {"query_frame": {"photo_size": [96, 64], "input_size": list(size)}}


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        (frame(10**7, 10**7), {}),
        (frame(4096, 10**12), {}),
        (
            frame(4096, 4096),
            {"query_peaks": np.ones(5, np.float32), "query_windows": np.zeros((5, 4), np.int16)},
        ),
        (
            frame(1, 1),
            {"query_peaks": np.ones(300, np.float32), "query_windows": np.zeros((300, 4), np.int16)},
        ),
        (frame(96), {}),
        (frame(0, 96), {}),
        ({"query_frame": {"photo_size": ["a", 5], "input_size": [96, 96]}}, {}),
        ({"similarity": "high"}, {}),
        ({"layer": None}, {}),
        ({"rules": "other"}, {}),
        ({}, {"match_relevance": np.ones((3, 3))}),
        ({}, {"distance": np.ones(1)}),
        ({}, {"query_xy": np.asarray([["a", "b"]])}),
        ({}, {"candidate_relevance": np.ones(5, np.float32)}),
        ({}, {"more": np.zeros(MOST_EXPLANATION_BYTES, np.uint8)}),  # 160 kB, packed
    ],
)
def test_what_somebody_made_too_large_or_of_another_kind_is_refused(explanation, header, arrays):
    content = changed(explanation, header, **arrays)
    with pytest.raises(ExplanationError, match="no whole explanation"):
        unpacked(content)
    assert unpacked(changed(explanation, {})).layer == explanation.layer


def test_what_would_not_be_read_again_is_not_written(explanation):
    with pytest.raises(ExplanationError, match="choose fewer color maps"):
        packed(replace(explanation, query_color_maps=np.zeros((257, 96, 96), np.float32)))


def test_a_reason_takes_the_place_of_an_explanation(explanation):
    assert reason_in(packed_reason("The photo is blank.")) == "The photo is blank."
    assert reason_in(packed(explanation)) is None
