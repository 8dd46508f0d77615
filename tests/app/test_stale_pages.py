"""Pages that are out of date, names that change, and what must not cross over."""

from __future__ import annotations

import pytest

from pairx_core.decisions import EvidenceLog
from tests.app.conftest import explained, html, pair, press, rows, viewer


def tick(app, match: int = 0, said: str = "convincing"):
    """As the viewer tells it: for who reviews now."""
    name = viewer(app)["pair"]
    reviewer = app.text_input(key="reviewer").value
    app.session_state["ticks"] = {f"{name} {reviewer}": {match: said}}
    return app.run()


@pytest.mark.parametrize("what", ["Reject", "None of these"])
def test_a_tab_that_is_out_of_date_overwrites_nothing(open_app, herd, decisions, what):
    one, other = explained(open_app(herd)), explained(open_app(herd))
    assert pair(one) == pair(other)
    press(one, "Accept")
    press(other, what)
    assert "in another tab" in other.error[0].value
    assert [row["decision"] for row in rows(decisions)] == ["accept"]
    press(other, "Reject")  # now the page shows what stands: a second thought
    assert rows(decisions)[-1]["supersedes"] or rows(decisions)[-1]["candidate_id"] != pair(one)[1]


def test_a_name_typed_with_the_press_decides_nothing_under_the_former_one(open_app, herd, decisions):
    app = explained(open_app(herd))
    app.text_input(key="reviewer").set_value("Ben")
    press(app, "Reject")  # the field's change and the click arrive together
    assert "has just changed" in app.error[0].value
    assert rows(decisions) == []
    press(app, "Reject")
    assert rows(decisions)[0]["reviewer"] == "Ben"


def test_one_reviewers_ticks_are_not_the_next_ones(open_app, herd, decisions):
    app = tick(explained(open_app(herd)))
    assert viewer(app)["ticks"] == [[0, "convincing"]]
    app.text_input(key="reviewer").set_value("Ben").run()
    assert viewer(app)["ticks"] == []
    press(app, "Reject")
    assert EvidenceLog(decisions).all() == ()


def test_ticks_outlast_a_second_thought_that_comes_before_the_explanation(open_app, herd, decisions):
    app = tick(explained(open_app(herd)))
    press(app, "Accept")
    press(app, "Undo")
    app.session_state["shown"] = ("", None)  # the explanation is not drawn yet
    app.session_state["ticks"] = {}
    press(app, "Unsure")
    last = rows(decisions)[-1]
    kept = EvidenceLog(decisions).of(last["decision_id"])
    assert [match.rank for match in kept.ticked] == [1]


def test_a_photo_that_vanished_beside_the_pair_takes_nothing_down(open_app, herd, decisions):
    app = explained(open_app(herd))
    here = pair(app)
    for photo in herd.parent.glob("k*.jpg"):
        if photo.stem not in here:
            photo.unlink()
    press(app, "Reject")
    assert not app.exception
    assert len(rows(decisions)) == 1


def test_the_note_on_the_pair_comes_back_with_the_undo_of_none_of_these(open_app, herd):
    app = explained(open_app(herd))
    here, name = pair(app), viewer(app)["pair"]
    app.text_input(key=f"note:{name}").set_value("torn ear").run()
    press(app, "None of these")
    press(app, "Undo")
    assert pair(app) == here
    assert app.text_input(key=f"note:{name}").value == "torn ear"


def test_a_link_to_a_photo_that_is_not_here_says_so(open_app, herd):
    app = open_app(herd, query="nobody", candidate="gone")
    assert "not in this catalogue" in app.toast[0].value
    assert "Query 1 of 2" in html(app)
