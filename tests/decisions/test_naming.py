from __future__ import annotations

import pytest

from pairx_core.decisions.lines import FileLines
from pairx_core.decisions.naming import GivenNames
from pairx_core.errors import DecisionLogError


@pytest.fixture
def names(tmp_path) -> GivenNames:
    return GivenNames(FileLines(tmp_path / "names.jsonl", "names file"))


def allow(name: str) -> None:
    """Every name is free."""


def test_a_name_holds_for_its_photo_with_who_gave_it(names):
    names.give("p1", "  Wide \n Ear ", by="Ada", check=allow)
    (given,) = names.names().values()
    assert (given.photo_id, given.name, given.by) == ("p1", "Wide Ear", "Ada")


def test_a_later_name_takes_the_place_of_an_earlier_one(names):
    names.give("p1", "Wide Ear", by="Ada", check=allow)
    names.give("p1", "Notch", by="Ben", check=allow)
    assert {photo: given.name for photo, given in names.names().items()} == {"p1": "Notch"}


def test_a_name_can_be_taken_back(names):
    names.give("p1", "Wide Ear", by="Ada", check=allow)
    names.take_back("p1", by="Ada")
    assert names.names() == {}


def test_a_clash_is_refused_and_nothing_is_written(names):
    def refuse(name: str) -> None:
        raise DecisionLogError(f"“{name}” is taken")

    with pytest.raises(DecisionLogError, match="“Notch” is taken"):
        names.give("p1", " Notch", by="Ada", check=refuse)
    assert names.names() == {}


@pytest.mark.parametrize(
    ("name", "by", "said"),
    [("  ", "Ada", "1 to 80"), ("x" * 81, "Ada", "1 to 80"), ("x", " ", "your own name")],
)
def test_a_name_needs_text_and_a_giver(names, name, by, said):
    with pytest.raises(DecisionLogError, match=said):
        names.give("p1", name, by=by, check=allow)


def test_an_entry_that_is_none_of_ours_is_named(names, tmp_path):
    (tmp_path / "names.jsonl").write_text('{"photo_id": "p1"}\n', encoding="utf-8")
    with pytest.raises(DecisionLogError, match="Entry 1 of .*names.jsonl"):
        names.names()
