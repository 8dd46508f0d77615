"""overlay_figure: what pointing at a match tells."""

from __future__ import annotations

import pytest

from pairx_core.render import overlay_figure

from .making import explanation, photo_picture

PICTURES = {"query_image": photo_picture((300, 200), 90), "candidate_image": photo_picture((150, 200), 160)}


def test_each_match_is_a_trace_with_its_rank_relevance_and_distance():
    made = explanation()
    figure = overlay_figure(made, **PICTURES, height=400, gap=10)
    assert [trace.name for trace in figure.data] == ["6", "5", "4", "3", "2", "1"]
    first = figure.data[-1]
    assert first.customdata[0] == pytest.approx((1, made.matches.relevance[0], made.matches.distance[0]))
    assert first.x[0] == pytest.approx(made.matches.query_xy[0, 0] * 2)
    assert first.x[1] == pytest.approx(made.matches.candidate_xy[0, 0] * 2 + 610)
    assert "rank" in first.hovertemplate
    assert len(figure.layout.images) == 1
    assert figure.layout.images[0].sizex == figure.layout.width == 910


def test_lines_come_off_and_the_figure_is_the_same_each_time():
    made = explanation()
    assert len(overlay_figure(made, **PICTURES, lines=False).data) == 0
    assert len(overlay_figure(made, **PICTURES, k_lines=2).data) == 2
    assert overlay_figure(made, **PICTURES).to_json() == overlay_figure(made, **PICTURES).to_json()
