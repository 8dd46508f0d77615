"""The evidence card: everything in its place, nothing squashed, the same bytes for the same card."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pairx_core.catalogue import Box, Photo
from pairx_core.decisions import ADJUDICATED, Decision, Evidence, TickedMatch
from pairx_core.errors import DecisionLogError, ExplanationError, PhotoError
from pairx_core.render.card import Ranking, draw_card, gather_card, write_card
from pairx_core.render.card_facts import making_facts
from pairx_core.render.card_layout import PAGE, fit_pair, lay_out_card
from pairx_core.render.typesetting import AFTER_NAME, Area, draw_line

from .making import explanation

MADE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DECIDED = datetime(2026, 3, 1, 14, 20, tzinfo=UTC)
SIZES = ((300, 200), (150, 200))
WILD = [
    "משה כהן",
    "王小明 🦌",
    "x" * 4000,
    "long words " * 300,
    "two\nlines\n" * 40,
    "\u202egpj.exe",
    "Z" + "\u0301" * 200,
]
SIDE = st.integers(1, 9000)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Photo, Photo]:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(3)
    photos = []
    for name, (width, height) in zip("qc", SIZES, strict=True):
        path = folder / f"{name}.png"
        Image.fromarray(random.integers(0, 255, (height, width, 3), np.uint8)).save(path)
        photos.append(
            Photo(
                name,
                path,
                "Nala",
                date=datetime(2025, 5, 4, 3, 13),
                site="Dry River",
                catalogue_path=f"p/{name}.png",
            )
        )
    return photos[0], photos[1]


def decision(**values) -> Decision:
    row = Decision(
        "d1", DECIDED, "Anna Berg", "", "q", "c", "accept", query_identity="Nala", candidate_identity="Nala"
    )
    return replace(row, rank=2, similarity=0.75, **values)


def card(pair, **values):
    made = explanation(*SIZES, query_photo=pair[0], candidate_photo=pair[1])
    return gather_card(*pair, **{"made_at": MADE, "explanation": made, "decision": decision(), **values})


def ticks(pair, *ranks: int, said="convincing", **values) -> Evidence:
    matches = explanation(*SIZES).matches
    chosen = tuple(
        TickedMatch(
            said,
            rank,
            tuple(matches.query_cells[(rank - 1) % 6].tolist()),
            tuple(matches.candidate_cells[(rank - 1) % 6].tolist()),
            (0.0, 0.0),
            (0.0, 0.0),
            1 / rank,
            float(rank),
        )
        for rank in ranks
    )
    made = Evidence("d1", "Anna Berg", "q", "c", "made by hand", "0", "blocks.1", chosen, DECIDED)
    return replace(made, **values)


def layout_of(one, sizes=SIZES):
    return lay_out_card(one, *sizes, {"q": "0123456789abcdef", "c": "fedcba9876543210"})


def said_on(layout) -> str:
    return "\n".join(" ".join(line.text for line in cell.lines) for cell in layout.cells)


def pixels(one) -> np.ndarray:
    return np.asarray(draw_card(one), np.int16)


def assert_all_in_place(layout):
    page = Area(0, 0, *PAGE)
    areas = [cell.area for cell in layout.cells if cell.lines] + [panel.area for panel in layout.panels]
    areas += [swatch.area for swatch in layout.swatches]
    assert all(page.holds(area) for area in areas)
    assert not [(a, b) for i, a in enumerate(areas) for b in areas[:i] if a.overlaps(b)]
    assert all(cell.area.holds(line.area) for cell in layout.cells for line in cell.lines)
    assert all(panel.area.holds(side) for panel in layout.panels for side in (panel.query, panel.candidate))
    assert not any(panel.query.overlaps(panel.candidate) for panel in layout.panels)


def test_the_page_is_a4_landscape_at_200_dpi(pair):
    assert draw_card(card(pair)).size == (round(297 / 25.4 * 200), round(210 / 25.4 * 200))


@pytest.mark.parametrize("tag", ["", ADJUDICATED])
@pytest.mark.parametrize("wild", WILD)
def test_texts_of_any_script_and_length_stay_in_their_places(pair, wild, tag):
    query, candidate = (
        replace(photo, identity=wild, site=wild, flank=wild, species=wild, catalogue_path=wild)
        for photo in pair
    )
    query = replace(query, id=wild)
    said = decision(
        reviewer=wild, session=wild, confidence=wild, note=wild, tags=(wild, tag), query_id=wild, model=wild
    )
    said = replace(said, decision_id=wild, overlay_shown=(wild,), query_identity="another one")
    made = replace(explanation(*SIZES), model=wild, layer=wild, preprocessing=wild, model_fingerprint=wild)
    one = gather_card(
        query,
        candidate,
        made_at=MADE,
        explanation=made,
        decision=said,
        standing=wild,
        filters=wild,
        catalogue=wild,
    )
    layout = lay_out_card(one, *SIZES, {wild: "0123456789abcdef", "c": "fedcba9876543210"})
    assert_all_in_place(layout)
    labels = ("Session", "Note", "Similarity", "Catalogue", "Filters", "Apart", "SHA-256")
    assert all(f"\n{label}\n" in f"\n{said_on(layout)}\n" for label in labels)
    assert "2026-03-01 14:20 UTC, blind: no" in said_on(layout)


TABLE = "made by hand; ranked by scores.csv"


def making(one) -> dict[str, str]:
    return {label: text.replace(AFTER_NAME, "") for label, text, _ in making_facts(one)}


def test_the_score_of_another_matcher_is_told_apart_from_the_models_similarity(pair):
    row = replace(decision(model=TABLE, layer="blocks.1"), similarity=92.5, rank=3)
    for ranking in (None, Ranking("scores.csv", "92.5", 3)):
        one = card(pair, decision=row, ranking=ranking, standing="above 9 of 10 same pairs")
        assert making(one)["Ranked by"] == "scores.csv: score 92.5, rank 3"
        assert making(one)["Similarity"] == "0.5000, of the model"
        assert (one.similarity, one.rank, one.model) == (0.5, None, "made by hand")
        assert "Made with" not in said_on(layout_of(one))
        assert_all_in_place(layout_of(one))
    assert "Ranked by" not in making(card(pair))


def test_what_a_matcher_does_not_say_is_not_made_up(pair):
    bare = gather_card(*pair, made_at=MADE, decision=decision(model=TABLE))
    assert (bare.model, bare.similarity) == ("made by hand", None)
    assert making(bare)["Ranked by"] == "scores.csv: score 0.75, rank 2"
    assert making(bare)["Similarity"] == "not known, of the model"
    turned = gather_card(*pair[::-1], made_at=MADE, decision=decision(model=TABLE))
    assert making(turned)["Ranked by"] == "scores.csv: score not known, rank not known"


def test_a_decision_on_another_ranking_says_so(pair):
    row = decision(model="made by hand", layer="blocks.1")
    one = card(pair, decision=row, ranking=Ranking("s.csv", "9", 1))
    assert "Made with" in said_on(layout_of(one))
    assert one.rank is None


@pytest.mark.parametrize("wild", WILD)
def test_a_matcher_of_any_name_stays_in_its_place(pair, wild):
    row = decision(model=f"{wild}; ranked by {wild}", note=wild)
    assert_all_in_place(layout_of(card(pair, decision=row, standing=wild, filters=wild, catalogue=wild)))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 12, 13, 14, 15, 40])
def test_ticked_matches_stay_in_their_places_and_are_all_counted(pair, count):
    layout = layout_of(card(pair, evidence=ticks(pair, *range(1, count + 1))))
    assert_all_in_place(layout)
    text = said_on(layout)
    listed = len(re.findall(r"^✓ \d+\*?$", text, re.MULTILINE))
    more = re.search(r"… and (\d+) more", text)
    assert listed + (int(more[1]) if more else 0) == count
    assert len(layout.swatches) == min(count, 6)


@settings(max_examples=300, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.booleans())
@example(9000, 1, 300, 200, True)
@example(1, 9000, 9000, 1, False)
@example(9000, 1, 9000, 1, True)
def test_photos_keep_their_aspects_to_a_pixel(width, height, other_width, other_height, is_centered):
    area = Area(60, 176, 2219, 524)
    places = fit_pair((width, height), (other_width, other_height), area, is_centered=is_centered)
    for place, (wide, tall) in zip(places, ((width, height), (other_width, other_height)), strict=True):
        assert area.holds(place)
        off_by = abs(place.width - place.height * wide / tall), abs(place.height - place.width * tall / wide)
        assert min(off_by) <= 1
    assert not places[0].overlaps(places[1])


def test_photos_of_usual_shapes_share_a_height_and_fill_it():
    query, candidate = fit_pair((300, 200), (150, 200), Area(0, 0, 2000, 400))
    assert (query.width, query.height) == (600, 400)
    assert (candidate.width, candidate.height) == (300, 400)


def test_a_panorama_does_not_make_the_other_photo_tiny(pair):
    layout = layout_of(card(pair), ((5000, 1), (150, 200)))
    assert_all_in_place(layout)
    main = layout.panels[0]
    assert main.query.height == 1
    assert main.candidate.height == main.area.height


def test_a_panorama_of_one_pixel_is_drawn(pair, tmp_path):
    Image.new("RGB", (5000, 1), (200, 10, 10)).save(tmp_path / "q.png")
    query = replace(pair[0], path=tmp_path / "q.png")
    one = gather_card(query, pair[1], made_at=MADE, explanation=explanation((5000, 1), SIZES[1]))
    assert draw_card(one).size == PAGE


def test_the_photos_are_drawn_bare_as_well(pair):
    one = card(pair)
    layout = layout_of(one)
    bare = next(panel for panel in layout.panels if panel.kind == "bare")
    page = draw_card(one)
    for photo, place in zip(pair, (bare.query, bare.candidate), strict=True):
        with Image.open(photo.path) as picture:
            own = picture.resize((place.width, place.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        assert page.crop((place.left, place.top, place.right, place.bottom)).tobytes() == own.tobytes()


@pytest.mark.parametrize("kind", ["lines", "heat_map", "color_maps"])
def test_each_panel_lays_something_on_the_photos(pair, kind):
    one = card(pair)
    place = next(panel.query for panel in layout_of(one).panels if panel.kind == kind)
    drawn = draw_card(one).crop((place.left, place.top, place.right, place.bottom))
    with Image.open(pair[0].path) as picture:
        own = picture.resize((place.width, place.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    assert np.abs(np.asarray(drawn, np.int16) - np.asarray(own, np.int16)).max() > 50


def test_an_end_point_lies_where_the_match_is(pair, tmp_path):
    grey = []
    for photo, size in zip(pair, SIZES, strict=True):
        path = tmp_path / f"{photo.id}.png"
        Image.new("RGB", size, (128, 128, 128)).save(path)
        grey.append(replace(photo, path=path))
    made = explanation(*SIZES, matches=1, query_photo=grey[0], candidate_photo=grey[1])
    one = gather_card(*grey, made_at=MADE, explanation=made)
    main = layout_of(one).panels[0]
    page = np.asarray(draw_card(one), np.int16)
    for xy, place, size in (
        (made.matches.query_xy[0], main.query, SIZES[0]),
        (made.matches.candidate_xy[0], main.candidate, SIZES[1]),
    ):
        x = place.left + xy[0] * place.width / size[0]
        y = place.top + xy[1] * place.height / size[1]
        around = page[round(y) - 14 : round(y) + 14, round(x) - 14 : round(x) + 14]
        assert np.abs(around - (255, 177, 0)).sum(axis=2).min() < 60


def test_the_same_card_gives_the_same_bytes(pair, tmp_path):
    for ending in (".png", ".pdf"):
        for name in "ab":
            write_card(card(pair), tmp_path / f"{name}{ending}")
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": None},
        {"decision": decision(blind=True)},
        {"decision": decision(note="a scar")},
        {"k_lines": 2},
        {"k_lines": 0},
        {"explanation": None},
        {"standing": "more similar than all known different pairs"},
        {"made_at": MADE + timedelta(minutes=1)},
    ],
)
def test_what_changes_on_the_card_changes_pixels(pair, changes):
    assert np.abs(pixels(card(pair)) - pixels(card(pair, **changes))).max() > 50


def test_lines_taken_away_only_change_the_main_panel(pair):
    one, other = card(pair), card(pair, k_lines=2)
    changed = np.argwhere(np.abs(pixels(one) - pixels(other)).sum(axis=2))
    main, caption = layout_of(one).panels[0].area, Area(60, 142, 2219, 28)
    lower, right = changed.max(axis=0)
    assert caption.top <= changed[:, 0].min()
    assert lower < main.bottom
    assert right < main.right


def test_the_decision_is_said_in_plain_words(pair):
    text = said_on(layout_of(card(pair)))
    assert "✓ Accepted as the same individual" in text
    assert "by Anna Berg\u200e, 2026-03-01 14:20 UTC, blind: no" in text
    assert "0.7500, rank 2" in text
    assert "same day, distance on the ground not known" in text
    assert "Similarity is a ranking, not a verdict." in text


def test_an_adjudication_is_called_one(pair):
    text = said_on(layout_of(card(pair, decision=decision(tags=(ADJUDICATED,)))))
    assert "✓ Accepted as the same individual" in text
    assert "adjudicated by Anna Berg\u200e, 2026-03-01" in text


def test_a_time_elsewhere_is_told_in_utc(pair):
    local = DECIDED.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert "2026-03-01 14:20 UTC" in said_on(layout_of(card(pair, decision=decision(decided_at=local))))


def test_days_and_kilometres_lie_between_the_photos(pair):
    query = replace(pair[0], latitude=0.0, longitude=0.0)
    candidate = replace(
        pair[1], latitude=0.0, longitude=1.0, date=datetime(2025, 6, 17), box=Box(1, 2, 30, 40)
    )
    text = said_on(layout_of(gather_card(query, candidate, made_at=MADE)))
    assert "44 days, 111 km" in text
    assert "box 30 × 40 px at 1, 2" in text


def test_an_identity_that_has_changed_since_is_told(pair):
    text = said_on(layout_of(card(pair, decision=decision(query_identity=""))))
    assert text.count("Nala\u200e (then: unknown\u200e)") == 1


def test_a_decision_the_other_way_round_gives_no_rank(pair):
    turned = decision(query_id="c", candidate_id="q")
    text = said_on(layout_of(card(pair, decision=turned)))
    assert "rank not known" in text
    assert "0.5000" in text  # the explanation's own similarity


def test_a_similarity_of_another_model_is_not_given_as_this_ones(pair):
    other = card(pair, decision=decision(model="another", layer="blocks.7"))
    text = said_on(layout_of(other))
    assert "0.5000, rank not known" in text
    assert "model another, layer blocks.7" in text
    assert "Made with" not in said_on(
        layout_of(card(pair, decision=decision(model="made by hand", layer="blocks.1")))
    )


def test_matches_ticked_the_other_way_round_find_their_lines(pair):
    straight = ticks(pair, 1, 3)
    turned = replace(
        straight,
        query_id="c",
        candidate_id="q",
        ticked=tuple(
            replace(one, query_cell=one.candidate_cell, candidate_cell=one.query_cell)
            for one in straight.ticked
        ),
    )
    assert card(pair, evidence=turned).ticked == card(pair, evidence=straight).ticked


def test_matches_ticked_elsewhere_are_not_taken_for_lines(pair):
    one = card(pair, evidence=ticks(pair, 1, layer="blocks.2"))
    layout = layout_of(one)
    assert layout.swatches == ()
    assert "✓ 1*" in said_on(layout)
    assert "ticked on another drawing:\nlayer blocks.2, model" in said_on(layout)


def test_no_explanation_gives_its_reason_and_larger_photos(pair):
    layout = layout_of(card(pair, explanation=None, no_explanation="the model is not here any more"))
    assert_all_in_place(layout)
    assert "No explanation is shown: the model is not here any more" in said_on(layout)
    assert [panel.kind for panel in layout.panels] == ["bare"]
    assert layout.panels[0].query.height > layout_of(card(pair)).panels[0].query.height


def test_an_explanation_without_matches_or_color_maps_is_drawn(pair):
    made = explanation(*SIZES, matches=0)
    one = card(pair, explanation=made)
    assert draw_card(one).size == PAGE
    assert "No match is drawn; the explanation has 0." in said_on(layout_of(one))
    assert "color_maps" not in [panel.kind for panel in layout_of(one).panels]


def test_a_missing_photo_is_named(pair, tmp_path):
    gone = replace(pair[1], path=tmp_path / "gone.jpg")
    with pytest.raises(PhotoError, match="gone.jpg"):
        draw_card(gather_card(pair[0], gone, made_at=MADE))


def test_a_photo_that_changed_since_is_refused(pair):
    made = explanation((301, 200), SIZES[1])
    with pytest.raises(ExplanationError, match="q.png: the query photo has changed"):
        draw_card(card(pair, explanation=made))


def test_what_belongs_to_other_photos_is_refused(pair):
    with pytest.raises(ExplanationError, match="explanation's query is c"):
        card(pair, explanation=explanation(*SIZES, query_photo=pair[1], candidate_photo=pair[0]))
    with pytest.raises(DecisionLogError, match="is on q and x"):
        card(pair, decision=decision(candidate_id="x"))
    with pytest.raises(DecisionLogError, match="not the one on the card"):
        card(pair, evidence=ticks(pair, 1, decision_id="d2"))
    with pytest.raises(DecisionLogError, match="no time zone"):
        card(pair, made_at=datetime(2026, 3, 2))


@pytest.mark.parametrize("name", ["card.jpg", "card", "no folder/card.png", "a folder.pdf"])
def test_a_place_where_it_cannot_be_written_is_named(pair, tmp_path, name):
    (tmp_path / "a folder.pdf").mkdir()
    with pytest.raises(ExplanationError, match=name):
        write_card(card(pair), tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*")] == ["a folder.pdf"]


def test_a_png_says_what_it_shows_in_any_script(pair, tmp_path):
    write_card(card(pair, decision=decision(reviewer="王小明", note="\ud800 🦌")), tmp_path / "card.PNG")
    with Image.open(tmp_path / "card.PNG") as picture:
        assert picture.text["Author"] == "王小明"
        assert "🦌" in picture.text["Subject"]
        assert picture.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_a_pdf_is_one_a4_page_with_the_cards_own_date(pair, tmp_path):
    write_card(card(pair), tmp_path / "card.pdf")
    content = (tmp_path / "card.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", content)
    assert (float(box[1]), float(box[2])) == pytest.approx((297 / 25.4 * 72, 210 / 25.4 * 72), abs=0.3)
    assert content.count(b"/Type /Page\n") == 1
    assert re.findall(rb"D:(\d{14})", content) == [b"20260302090000"] * 2


def test_drawing_a_line_draws_nothing_beside_it(pair):
    cell = layout_of(card(pair)).cells[0]
    page = Image.new("RGB", PAGE, (255, 255, 255))
    for line in cell.lines:
        draw_line(page, line, (0, 0, 0))
    inked = np.argwhere(np.asarray(page.convert("L")) < 255)
    assert inked[:, 0].min() >= cell.area.top
    assert inked[:, 0].max() < cell.area.bottom
    assert inked[:, 1].max() < cell.area.right
