"""The pair viewer under a hand: zoom, layers, matches. Each test looks at what the page itself shows."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import explained, moved_from, paint, place, serving
from .test_review_in_browser import decide, enter, rows, wait_for_rows

pytestmark = pytest.mark.browser


@pytest.fixture
def looking(server, page, request):
    """A page with an explained pair, for a reviewer of the test's own."""
    enter(page, server, request.node.name[:40])
    explained(page)
    return page


def matrix(page, pane: str) -> list[float]:
    """The CSS matrix by which a pane shows its photo."""
    style = page.locator(f"[data-pane={pane}] .plane").evaluate("plane => plane.style.transform")
    return [float(number) for number in re.findall(r"-?[\d.]+", style)]


def scale(page, pane: str) -> float:
    a, b, *_ = matrix(page, pane)
    return (a * a + b * b) ** 0.5


def center(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def shown_matches(page) -> list[int]:
    return page.locator(".marks g").evaluate_all(
        "all => all.filter(g => getComputedStyle(g).display !== 'none')"
        ".map(g => Number(g.dataset.match)).sort((a, b) => a - b)"
    )


def seen(page, selector: str) -> bool:
    """Whether anything of a layer is visible."""
    return page.locator(selector).first.evaluate(
        """element => {
            const style = getComputedStyle(element);
            return style.display !== "none" && style.visibility !== "hidden" && Number(style.opacity) > 0;
        }"""
    )


def lit(page, canvas: str) -> int:
    """How many pixels of a canvas are not transparent."""
    return page.locator(canvas).evaluate(
        """canvas => {
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let count = 0;
            for (let at = 3; at < data.length; at += 4) count += data[at] > 0;
            return count;
        }"""
    )


def alone(page) -> str:
    return page.locator(".viewer").get_attribute("data-alone")


def hover(page, match: int) -> None:
    page.mouse.move(*center(page, f"g[data-match='{match}'] .ring"))


def away(page) -> None:
    page.mouse.move(5, 5)


def test_zoom_is_linked_stays_under_the_cursor_and_survives_the_next_candidate(looking):
    page = looking
    before = {pane: matrix(page, pane) for pane in ("query", "candidate")}
    box = page.locator("[data-pane=query]").bounding_box()
    at = (box["width"] * 0.3, box["height"] * 0.6)
    page.mouse.move(box["x"] + at[0], box["y"] + at[1])
    page.mouse.wheel(0, -500)
    page.wait_for_timeout(100)
    after = {pane: matrix(page, pane) for pane in ("query", "candidate")}
    for pane in before:
        assert after[pane][0] / before[pane][0] == pytest.approx(2.2255, rel=0.01)  # e^0.8
    for at_axis, origin in ((0, 4), (1, 5)):  # what was under the cursor still is
        (m0, m1) = before["query"], after["query"]
        photo = (at[at_axis] - m0[origin]) / m0[0]
        assert photo * m1[0] + m1[origin] == pytest.approx(at[at_axis], abs=1.5)
    page.keyboard.press("3")
    page.wait_for_selector(".st-key-candidate-3 .px-chosen")
    explained(page)
    assert matrix(page, "query") == pytest.approx(after["query"], rel=1e-4)
    assert scale(page, "candidate") == pytest.approx(abs(after["candidate"][0]), rel=0.01)
    decide(page, "None of these")  # another query begins afresh
    assert scale(page, "query") == pytest.approx(before["query"][0], rel=0.01)


def test_unlinked_photos_move_one_by_one(looking):
    page = looking
    page.keyboard.press("y")
    before = matrix(page, "query"), matrix(page, "candidate")
    x, y = center(page, "[data-pane=candidate]")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 25, steps=4)
    page.mouse.up()
    moved = matrix(page, "candidate")
    assert (moved[4] - before[1][4], moved[5] - before[1][5]) == pytest.approx((60, 25), abs=1)
    assert matrix(page, "query") == before[0]
    page.keyboard.press("y")
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert scale(page, "query") > before[0][0] * 1.2


def test_fit_and_one_to_one(looking):
    page = looking
    fitting = matrix(page, "query")
    page.keyboard.press("e")
    assert scale(page, "query") == pytest.approx(1, abs=0.01)
    assert scale(page, "candidate") == pytest.approx(1, abs=0.01)
    page.keyboard.press("+")
    assert scale(page, "query") > 1.3
    page.keyboard.press("f")
    assert matrix(page, "query") == fitting


def test_turning_and_mirroring_change_one_photo_and_its_points(looking):
    page = looking
    fitting, other = matrix(page, "candidate"), matrix(page, "query")
    ring = center(page, "g[data-match='0'] .ring >> nth=1")
    page.keyboard.press("v")
    a, *_ = mirrored = matrix(page, "candidate")
    assert a == pytest.approx(-fitting[0])
    assert matrix(page, "query") == other
    box = page.locator("[data-pane=candidate]").bounding_box()
    now = center(page, "g[data-match='0'] .ring >> nth=1")
    middle = box["x"] + box["width"] / 2
    assert now[0] - middle == pytest.approx(middle - ring[0], abs=1.5)
    page.keyboard.press("g")
    turned = matrix(page, "candidate")
    assert abs(turned[0]) < 1e-6 and abs(turned[1]) > 0
    assert mirrored != turned
    page.keyboard.press("Shift+V")
    assert matrix(page, "query")[0] == pytest.approx(-other[0])


@pytest.mark.parametrize(
    ("key", "layer", "is_on"),
    [
        ("l", "g[data-match='0'] .line", True),
        ("p", "g[data-match='0'] .ring", True),
        ("h", "[data-pane=query] canvas.heat", True),
        ("m", "[data-pane=query] canvas.colors", False),
        ("b", "g[data-match='0']", True),
    ],
)
def test_each_layer_has_its_key(looking, key, layer, is_on):
    page = looking
    assert seen(page, layer) is is_on
    page.keyboard.press(key)
    assert seen(page, layer) is not is_on
    page.keyboard.press(key)
    assert seen(page, layer) is is_on


def test_bare_photos_show_nothing_else_and_come_back_with_the_layers(looking):
    page = looking
    page.keyboard.press("m")
    page.keyboard.press("b")
    layers = ("canvas.heat", "canvas.colors")
    assert not any(
        seen(page, f"[data-pane={pane}] {one}") for pane in ("query", "candidate") for one in layers
    )
    assert shown_matches(page) == []
    assert page.locator("[data-act=bare]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("b")
    assert seen(page, "[data-pane=query] canvas.colors") and shown_matches(page)


def test_the_layers_on_screen_are_recorded_with_the_decision(server, looking):
    page = looking
    page.keyboard.press("h")
    page.keyboard.press("m")
    decide(page, "Reject")
    page.keyboard.press("b")
    decide(page, "Reject")
    assert [row["overlay_shown"] for row in rows(server, page)] == ["lines|points|color_maps", "none"]


def test_the_choice_of_layers_outlives_the_page(looking):
    page = looking
    page.keyboard.press("h")
    page.reload()
    explained(page)
    assert not seen(page, "[data-pane=query] canvas.heat")
    assert page.locator("[data-layer=heat_map]").get_attribute("aria-pressed") == "false"


def test_hovering_leaves_one_match_and_its_two_color_maps(looking):
    page = looking
    everything = shown_matches(page)
    assert len(everything) > 3
    hover(page, 1)
    assert alone(page) == "1" and shown_matches(page) == [1]
    assert not seen(page, "[data-pane=query] canvas.heat")
    for pane in ("query", "candidate"):
        assert seen(page, f"[data-pane={pane}] canvas.colors")
        assert lit(page, f"[data-pane={pane}] canvas.colors") > 0
    tooltip = page.locator(".tooltip")
    assert re.search(
        r"Match 2 of \d+: relevance [\d.e-]+ \(\d+ % of the first\), distance", tooltip.inner_text()
    )
    away(page)
    assert shown_matches(page) == everything and alone(page) == ""
    assert not tooltip.is_visible()


def test_a_click_holds_a_match_and_escape_lets_go(looking):
    page = looking
    hover(page, 0)
    page.mouse.click(*center(page, "g[data-match='0'] .ring"))
    away(page)
    assert shown_matches(page) == [0]
    page.keyboard.press("Escape")
    assert len(shown_matches(page)) > 1


def test_arrows_step_through_the_matches_by_relevance_and_both_photos_go_there(looking):
    page = looking
    everything = shown_matches(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    assert shown_matches(page) == [1]
    for nth, pane in enumerate(("query", "candidate")):
        ring, middle = (
            center(page, f"g[data-match='1'] .ring >> nth={nth}"),
            center(page, f"[data-pane={pane}]"),
        )
        assert ring == pytest.approx(middle, abs=2)
    assert "Match 2 of" in page.locator(".said").inner_text()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(400)
    assert shown_matches(page) == [everything[-1]]


def test_sliders_redraw_without_asking_the_server(server, looking):
    page = looking
    page.keyboard.press("d")
    _count_messages_once_all_is_fetched(page)
    slider = page.locator("input[name=k_lines]")
    slider.evaluate("input => { input.value = 3; input.dispatchEvent(new Event('input', {bubbles: true})); }")
    assert shown_matches(page) == [0, 1, 2]
    page.locator("input[name='opacity.heat_map']").evaluate(
        "input => { input.value = 0.25; input.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    heat = page.locator("[data-pane=query] canvas.heat")
    assert heat.evaluate("canvas => canvas.style.opacity") == "0.25"
    page.locator("[data-pane=candidate] input[name=brightness]").evaluate(
        "input => { input.value = 1.5; input.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    light = page.locator("[data-pane=candidate] .photo").evaluate("photo => photo.style.filter")
    assert "brightness(1.5)" in light
    page.wait_for_timeout(300)
    assert page.evaluate("window.sentMessages") == 0
    page.get_by_role("button", name="As it was").click()
    assert len(shown_matches(page)) > 3


def _count_messages_once_all_is_fetched(page) -> None:
    """``window.sentMessages``: what the page asked the server for, from the time on that nothing was pending."""
    page.evaluate(
        """() => {
            window.sentMessages = 0;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (...all) { window.sentMessages += 1; return send.apply(this, all); };
        }"""
    )
    sent = -1
    while sent != (sent := page.evaluate("window.sentMessages")):
        page.wait_for_timeout(1500)
    page.evaluate("window.sentMessages = 0")


def test_blinking_shows_one_photo_after_the_other_in_one_place(looking):
    page = looking
    half = page.locator("[data-pane=query]").bounding_box()["width"]
    page.keyboard.press("k")
    seen_panes = set()
    for _ in range(40):
        seen_panes.add(
            page.locator(".pane:not(.blinked-out):not([data-pane=third])").get_attribute("data-pane")
        )
        page.wait_for_timeout(50)
    assert seen_panes == {"query", "candidate"}
    assert page.locator("[data-pane=query]").bounding_box()["width"] > 1.9 * half
    page.keyboard.press("k")
    assert page.locator(".blinked-out").count() == 0


def test_swapping_puts_the_query_on_the_right(looking):
    page = looking
    page.keyboard.press("w")
    assert center(page, "[data-pane=query]")[0] > center(page, "[data-pane=candidate]")[0]


def test_three_up_shows_the_runner_up_beside_the_query(looking):
    page = looking
    page.keyboard.press("j")
    third = page.locator("[data-pane=third] .photo img")
    third.wait_for()
    assert center(page, "[data-pane=third]")[0] < center(page, "[data-pane=query]")[0]
    assert "2nd" in page.locator("[data-pane=third] .label").inner_text()


def test_keys_typed_into_a_field_do_nothing_to_the_view(looking):
    page = looking
    before = matrix(page, "query"), shown_matches(page)
    note = page.get_by_label("Note", exact=True)
    note.click()
    note.press_sequentially("plhmbovgkjwey+-dts")
    assert (matrix(page, "query"), shown_matches(page)) == before
    assert page.locator(".panel").is_hidden()


def test_a_finger_zooms_and_moves(server, chromium, request):
    context = chromium.new_context(viewport={"width": 1024, "height": 768}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    try:
        enter(page, server, request.node.name)
        explained(page)
        before = scale(page, "query")
        x, y = center(page, "[data-pane=query]")
        pinch(context.new_cdp_session(page), x, y, 40, 120)
        assert scale(page, "query") == pytest.approx(3 * before, rel=0.1)
        assert scale(page, "candidate") > 2 * before
    finally:
        context.close()


def pinch(session, x: float, y: float, apart: float, until: float) -> None:
    """Two fingers move away from each other."""
    steps = 8
    for step in range(steps + 1):
        reach = apart + (until - apart) * step / steps
        points = [{"x": x - reach / 2, "y": y, "id": 1}, {"x": x + reach / 2, "y": y, "id": 2}]
        kind = "touchStart" if step == 0 else "touchMove"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_twenty_queries_by_keyboard_alone(chromium, page, tiny_checkpoint, tmp_path):
    lines = ["image_id,identity,path"]
    for number in range(24):
        paint(tmp_path / f"photo{number}.jpg", number)
        lines.append(f"photo{number},ind{number // 2},photo{number}.jpg")
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with serving(tmp_path, tiny_checkpoint, tmp_path) as server:
        page.goto(f"{server.address}/?reviewer=keys&queries=All+photos")
        explained(page)
        seen = []
        for count in range(1, 21):
            page.wait_for_timeout(400)  # longer than the guard against held keys
            seen.append(place(page))
            page.keyboard.press("ArrowDown")
            page.keyboard.press("t")
            page.keyboard.press("Escape")
            page.keyboard.press("a")
            page.wait_for_function(
                "query => new URL(location).searchParams.get('query') !== query", arg=seen[-1][0]
            )
            explained(page)
            assert len(rows(server, page)) == count
        assert len({query for query, _ in seen}) == 20
        assert [(row["query_id"], row["candidate_id"]) for row in rows(server, page)] == seen
        assert len(evidence_lines(server)) == 20


def test_the_next_pair_shows_with_the_press_and_nothing_else_is_decided_until_it_is_saved(server, looking):
    page = looking
    before = reject_while_the_page_is_held(page)
    shown = page.locator(".viewer").get_attribute("data-candidate")
    assert shown != before[1] and "Saving" in page.locator(".waiting").inner_text()
    for key in "axnu012":
        page.keyboard.press(key)
    moved_from(page, before)
    explained(page)
    assert place(page)[1] == shown
    page.wait_for_timeout(800)
    assert [row["candidate_id"] for row in rows(server, page)] == [before[1]]


def test_an_undo_pressed_before_the_page_has_followed_takes_back_the_decision_just_made(server, looking):
    page = looking
    decide(page, "Reject")
    before = reject_while_the_page_is_held(page)
    page.keyboard.press("z")
    page.keyboard.press("z")
    wait_for_rows(server, page, 3)
    explained(page)
    assert place(page) == before
    written = rows(server, page)
    assert [row["decision"] for row in written] == ["reject", "reject", "undo"]
    assert written[2]["supersedes"] == written[1]["decision_id"]


def test_a_decision_that_is_not_taken_brings_the_pair_back(server, looking):
    page = looking
    wait_until_foreseen(page)
    page.get_by_role("textbox", name="Reviewer").fill("")
    page.get_by_role("textbox", name="Reviewer").press("Enter")
    explained(page)
    wait_until_foreseen(page)
    page.wait_for_timeout(400)
    before = place(page)
    page.get_by_role("button", name="Reject").click()
    page.get_by_text("Enter your name").wait_for()
    explained(page)
    assert page.locator(".viewer").get_attribute("data-candidate") == before[1] == place(page)[1]


# The page hears of keys half a second late, as over a slow line.
def reject_while_the_page_is_held(page) -> tuple[str, str]:
    """Rejects a pair, which the page hears of late; the pair."""
    wait_until_foreseen(page)
    before = place(page)
    page.evaluate(HOLD_THE_PAGE)
    page.wait_for_timeout(400)
    page.keyboard.press("x")
    page.wait_for_selector(".viewer[data-foreseen=yes]")
    return before


HOLD_THE_PAGE = """() => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) { setTimeout(() => send.call(this, data), 500); };
}"""


def test_a_key_of_another_alphabet_makes_one_decision_however_long_it_is_held(server, looking):
    wait_until_foreseen(looking)
    looking.evaluate(
        """async () => {
            const key = { key: "ч", code: "KeyX", keyCode: 88, bubbles: true, composed: true, cancelable: true };
            const press = (repeat) => document.body.dispatchEvent(new KeyboardEvent("keydown", { ...key, repeat }));
            press(false);
            for (let number = 0; number < 40; number += 1) {
                await new Promise((go) => setTimeout(go, 40));
                press(true);
            }
        }"""
    )
    wait_for_rows(server, looking, 1)
    explained(looking)
    assert [row["decision"] for row in rows(server, looking)] == ["reject"]


def test_a_decision_counts_while_another_key_is_still_down(server, looking):
    wait_until_foreseen(looking)
    looking.keyboard.down("t")
    looking.keyboard.press("a")
    looking.keyboard.up("t")
    wait_for_rows(server, looking, 1)
    assert [row["decision"] for row in rows(server, looking)] == ["accept"]


def test_a_decisions_key_with_shift_does_nothing(server, looking):
    wait_until_foreseen(looking)
    before = place(looking)
    looking.keyboard.press("Shift+A")
    looking.wait_for_timeout(400)
    assert looking.locator(".viewer").get_attribute("data-foreseen") == ""
    assert (place(looking), rows(server, looking)) == (before, [])


def wait_until_foreseen(page) -> None:
    """Waits until the viewer has what comes after a decision."""
    explained(page)
    page.wait_for_function(
        """() => [...document.querySelectorAll(".st-key-pair *")].some(one =>
            one.shadowRoot?.querySelector(".viewer[data-ready=yes]"))"""
    )


def test_ticks_are_stored_with_the_decision_and_come_back_with_the_pair(server, looking):
    page = looking
    page.keyboard.press("ArrowDown")
    page.keyboard.press("t")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    assert said(page) == {0: "convincing", 1: "misleading"}
    assert "✓" in page.locator("g[data-match='0'] .number").first.text_content()
    first = place(page)
    decide(page, "Reject")
    assert said(page) == {}
    (row,) = rows(server, page)
    kept = json.loads(evidence_lines(server)[-1])
    assert kept["decision_id"] == row["decision_id"]
    assert [(one["rank"], one["said"]) for one in kept["ticked"]] == [(1, "convincing"), (2, "misleading")]
    page.goto(
        f"{server.address}/?reviewer={row['reviewer']}&queries=All+photos&query={first[0]}&candidate={first[1]}"
    )
    explained(page)
    assert place(page) == first
    assert said(page) == {0: "convincing", 1: "misleading"}


def test_an_undone_decision_gives_its_ticks_back(server, looking):
    page = looking
    page.keyboard.press("ArrowDown")
    page.keyboard.press("t")
    page.keyboard.press("Escape")
    first = place(page)
    decide(page, "Reject")
    page.keyboard.press("z")
    page.wait_for_function(
        "candidate => new URL(location).searchParams.get('candidate') === candidate", arg=first[1]
    )
    explained(page)
    assert said(page) == {0: "convincing"}


def said(page) -> dict[int, str]:
    ticked = page.locator(".marks g").evaluate_all(
        "all => all.map(g => [Number(g.dataset.match), g.dataset.said])"
    )
    return {match: word for match, word in ticked if word}


def evidence_lines(server) -> list[str]:
    return server.decisions.with_suffix(".evidence.jsonl").read_text(encoding="utf-8").splitlines()


def test_a_match_is_held_stepped_and_ticked_by_pointer_alone(server, looking):
    page = looking
    bar = page.locator(".match-bar")
    assert bar.is_hidden()
    page.mouse.click(*center(page, "g[data-match='0'] .ring"))
    bar.get_by_text("Match 1 of").wait_for()
    bar.get_by_role("button", name="Next match").click()
    assert alone(page) == "1"
    convincing = bar.get_by_role("button", name="Convincing")
    convincing.click()
    assert convincing.get_attribute("aria-pressed") == "true"
    assert page.locator("g[data-match='1']").get_attribute("data-said") == "convincing"
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Unsure").click()
    wait_for_rows(server, page, 1)
    decision = rows(server, page)[0]["decision_id"]
    evidence = server.decisions.with_name("decisions.evidence.jsonl").read_text(encoding="utf-8")
    assert any(decision in line and "convincing" in line for line in evidence.splitlines())


def test_keys_still_work_after_a_box_was_ticked(server, looking):
    page = looking
    page.locator("label").filter(has_text="Known individuals only").click()
    explained(page)
    assert page.evaluate("document.activeElement.type") == "checkbox"
    page.keyboard.press("b")
    assert not seen(page, ".marks g:first-child .line") or page.locator(".viewer[data-bare]").count()
    page.keyboard.press("b")
    page.keyboard.press("2")
    explained(page)
    page.wait_for_function("document.querySelector('.st-key-candidate-2 .px-chosen')")
    page.wait_for_timeout(400)
    page.keyboard.press("x")
    wait_for_rows(server, page, 1)
    assert rows(server, page)[0]["decision"] == "reject"


def test_escape_leaves_the_note_and_its_keys_mean_the_page_again(server, looking):
    page = looking
    note = page.get_by_role("textbox", name="Note")
    note.fill("torn ear")
    page.keyboard.press("x")
    assert note.input_value() == "torn earx"
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    page.wait_for_timeout(600)
    page.keyboard.press("x")
    wait_for_rows(server, page, 1)
    assert (rows(server, page)[0]["decision"], rows(server, page)[0]["note"]) == ("reject", "torn ear")


def test_who_decides_by_tab_and_enter_keeps_their_place(server, looking):
    page = looking
    wait_until_foreseen(page)
    page.wait_for_timeout(400)
    page.locator(".st-key-buttons [class*='st-key-reject-'] button").focus()
    page.keyboard.press("Enter")
    wait_for_rows(server, page, 1)
    explained(page)
    page.wait_for_function("document.activeElement.closest?.('[class*=\"st-key-reject-\"]')", timeout=5000)


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (1280, 720)])
def test_the_facts_of_both_photos_are_above_the_bar(looking, size):
    page = looking
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(900)
    bar = page.locator("[data-testid=stBottomBlockContainer]").bounding_box()
    facts = page.locator(".px-facts").bounding_box()
    assert facts["y"] + facts["height"] <= bar["y"]


def test_what_a_screen_reader_hears_of_layers_and_candidates(looking):
    page = looking
    assert page.get_by_role("button", name="Lines", exact=True).get_attribute("aria-keyshortcuts") == "L"
    card = page.get_by_role("button", name=re.compile("^Show 1st candidate: .+, open, on the screen"))
    assert card.count() == 1
