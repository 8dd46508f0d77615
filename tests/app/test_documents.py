"""The evidence card of a pair on Review, and exports on Decisions."""

from __future__ import annotations

from .conftest import html, press, rows


def test_the_card_of_the_pair_on_the_screen_is_made(open_app, herd):
    app = open_app(herd)
    assert not [one for one in app.get("download_button") if "card" in one.proto.label]
    press(app, "Make the card")
    labels = [one.proto.label for one in app.get("download_button")]
    assert "Download the card (PDF)" in labels and "Download the card (PNG)" in labels
    _, files = app.session_state["made_card"]
    assert files[".png"].startswith(b"\x89PNG") and files[".pdf"].startswith(b"%PDF")
    press(app, "Reject")  # another pair: its card is not made yet
    assert not [one for one in app.get("download_button") if "card" in one.proto.label]


def test_a_photo_that_is_gone_is_said_instead_of_a_card(open_app, herd):
    app = open_app(herd)
    (herd.parent / f"{app.query_params['query']}.jpg").unlink()
    press(app, "Make the card")
    assert any("does not exist" in one.value or "missing" in one.value for one in app.error)


def test_what_is_open_is_listed_beside_the_file(open_app, herd, decisions):
    app = open_app(herd)
    press(app, "Unsure")
    assert rows(decisions)[0]["decision"] == "unsure"
    app.switch_page("pages/decisions.py").run()
    app.segmented_control(key="shown_part").set_value("Export").run()
    assert "Left open by the decisions" in "".join(one.value for one in app.markdown)
    assert "unsure" in html(app).casefold()
    app.selectbox[0].set_value("camtrap-dp").run()
    press(app, "Make the file")
    assert any("latitude and longitude" in one.value for one in app.error)


def test_a_time_zone_that_is_none_is_said(open_app, herd):
    app = open_app(herd)
    press(app, "Accept")
    app.switch_page("pages/decisions.py").run()
    app.segmented_control(key="shown_part").set_value("Export").run()
    app.selectbox[0].set_value("camtrap-dp").run()
    next(one for one in app.text_input if one.label.startswith("Time zone")).set_value("Moon/Base")
    press(app, "Make the file")
    assert any("Moon/Base" in one.value for one in app.error)
