from __future__ import annotations

from tests.benchmarks.decisions import under_fire


def test_no_acknowledged_decision_is_lost_when_writers_are_killed(place, tmp_path):
    fire = under_fire(place, tmp_path, processes=4, each=60, kills=3)
    assert fire.reader_failures == []
    assert fire.lost == []
    assert fire.torn == []
    assert fire.saved == fire.acknowledged == 240
    assert fire.kills == 3
    assert fire.looks > 10
