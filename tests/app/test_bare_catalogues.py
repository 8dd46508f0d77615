"""Every page on a catalogue in which there is nothing, or next to nothing: it opens, and says so in plain words."""

from __future__ import annotations

import pytest

from tests.pages_of_app import page_names

from .conftest import html

NO_PHOTOS = "image_id,identity,path\n"


def everything_said(app) -> str:
    told = (*app.info, *app.warning, *app.error, *app.caption, *app.markdown)
    drawn = (one.proto.json for one in app.get("bidi_component"))
    return "\n".join([html(app), *(str(one.value) for one in told), *drawn])


def go_through_all_pages(app) -> dict[str, str]:
    """What each page says."""
    said = {}
    for name in page_names():
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, f"{name}: {app.exception[0].message}"
        said[name] = everything_said(app)
        assert said[name].strip(), name
    return said


@pytest.mark.parametrize("content", [NO_PHOTOS, ""], ids=["no rows", "no bytes"])
def test_an_empty_catalogue_is_said_on_every_page_with_the_way_to_another(open_app, tmp_path, content):
    empty = tmp_path / "metadata.csv"
    empty.write_text(content, encoding="utf-8")
    app = open_app(empty)
    said = go_through_all_pages(app)
    for name, text in said.items():
        if name not in ("session", "showcase"):  # the one asks for a link, the other tells of the sample
            assert "metadata.csv" in text, name
    app.switch_page("pages/review.py").run()
    links = [one.proto.label for one in app.get("page_link")]
    assert "Open another catalogue or model" in links


def test_a_catalogue_of_one_photo_opens_on_every_page(open_app, make_catalogue):
    said = go_through_all_pages(open_app(make_catalogue([("only", "unknown", "left", "", "")])))
    assert "there is nothing to compare it with" in said["review"]
    assert "no candidates" in said["queries"]


def test_a_catalogue_without_candidates_opens_on_every_page(open_app, make_catalogue):
    both_flanks = [("a", "unknown", "left", "", ""), ("b", "ind", "right", "", "")]
    said = go_through_all_pages(open_app(make_catalogue(both_flanks)))
    assert "No photo passes the filters for this query" in said["review"]
    assert "no candidates" in said["queries"]


def test_a_catalogue_of_known_animals_only_opens_on_every_page(open_app, make_catalogue):
    known = [(name, "ind", "left", f"2025-05-0{day}", "spring") for day, name in enumerate("abc", 1)]
    said = go_through_all_pages(open_app(make_catalogue(known)))
    assert "Query 1 of 3" in said["review"]
