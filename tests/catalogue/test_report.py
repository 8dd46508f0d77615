"""What is found in a catalogue before anything is computed."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from pairx_core.catalogue import CatalogueReport, check_catalogue, read_catalogue
from pairx_core.catalogue.report import (
    ALIKE_NAMES,
    DUPLICATE,
    MANY_BOXES,
    ODD_DATE,
    ODD_FLANK,
    SMALL,
    TWO_NAMES,
)
from tests.catalogue.making import FORMS, make_catalogue, save, write_csv


def picture(seed: int, size: tuple[int, int] = (120, 90)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.fixture
def folder(tmp_path):
    """Three different pictures; d.jpg is a copy of a.jpg."""
    for seed, name in enumerate("abc"):
        save(tmp_path / f"{name}.png", picture(seed))
    shutil.copyfile(tmp_path / "a.png", tmp_path / "d.png")
    return tmp_path


def report(folder, header: str, *rows: str) -> CatalogueReport:
    write_csv(folder, [header, *rows])
    return check_catalogue(read_catalogue(folder))


def of_kind(found: CatalogueReport, kind: str) -> list[str]:
    return [f"{one.photo_id}: {one.message}" for one in found.findings if one.kind == kind]


def test_the_numbers(folder):
    found = report(
        folder,
        "image_id,identity,path,bbox,theta,date,orientation,species,site",
        '1,Ann,a.png,"[0,0,80,80]",0.2,2026-03-01,left,nyala,dam',
        '2,Ann,b.png,"[0,0,80,80]",,2025-03-01,right,nyala,hill',
        "3,unknown,c.png,,,,left,kudu,dam",
    )
    assert (found.summary.photos, found.summary.individuals, found.summary.unknown) == (3, 1, 1)
    assert (found.with_box, found.turned, found.with_mask, found.sites) == (2, 1, 0, 2)
    assert found.flanks == {"left": 2, "right": 1}
    assert found.dates == (datetime(2025, 3, 1), datetime(2026, 3, 1))
    assert found.form == "wildlife-datasets"
    assert not found.findings


def test_copies_are_found_by_their_bytes(folder):
    found = report(
        folder, "image_id,identity,path", "1,Ann,a.png", "2,Bo,b.png", "3,Ann,c.png", "4,Ann,d.png"
    )
    assert of_kind(found, DUPLICATE) == ["4: It is the same picture as “1” (a.png). Keep one of them."]
    other = report(folder, "image_id,identity,path", "1,Ann,a.png", "4,Bo,d.png")
    assert "said to be “Ann”; here it is “Bo”" in of_kind(other, TWO_NAMES)[0]


def test_two_animals_on_one_picture_are_no_copies_and_two_nearly_equal_boxes_are(folder):
    found = report(
        folder,
        "image_id,identity,path,bbox",
        '1,Ann,a.png,"[0,0,60,80]"',
        '2,Bo,a.png,"[55,0,65,80]"',
        '3,Bo,a.png,"[55,0,64,80]"',
    )
    assert [text[:2] for text in of_kind(found, DUPLICATE)] == ["3:"]


def test_each_later_copy_is_one_finding_however_many_there_are(folder):
    rows = [f"{n},Ann,a.png" for n in range(1, 201)]
    found = report(folder, "image_id,identity,path", *rows)
    assert len(of_kind(found, DUPLICATE)) == 199
    assert [one.row for one in found.findings] == list(range(3, 202))


def test_two_names_on_one_part_of_a_picture_ask_for_boxes(folder):
    box = '"[0,0,100,80]"'
    header = "image_id,identity,path,bbox"
    found = report(folder, header, f"1,unknown,a.png,{box}", f"2,Ann,a.png,{box}", f"3,Bo,a.png,{box}")
    (said,) = of_kind(found, TWO_NAMES)
    assert said.startswith("3:") and "said to be “Ann”; here it is “Bo”" in said
    assert "give each a box" in said


def test_where_a_picture_has_more_boxes_than_are_compared_that_is_said(folder):
    rows = [f'{n},i{n},a.png,"[{2 * n},0,1,90]"' for n in range(51)]
    found = report(folder, "image_id,identity,path,bbox", *rows)
    assert len(of_kind(found, MANY_BOXES)) == 1


def test_every_finding_has_its_row_photo_and_file(folder):
    found = report(
        folder,
        "image_id,identity,path,orientation,bbox",
        "1,Ann,a.png,sideways,",
        "2,Ann,gone.png,,",
        '3,Ann,b.png,,"[500,500,9,9]"',
        '4,Ann,c.png,,"[0,0,500,80]"',
    )
    rows = list(csv.DictReader(io.StringIO(found.csv_text(), newline="")))
    assert {(row["row"], row["photo_id"], row["file"]) for row in rows} == {
        ("2", "1", "a.png"),
        ("3", "2", "gone.png"),
        ("4", "3", "b.png"),
        ("5", "4", "c.png"),
    }


def test_names_flanks_dates_and_small_animals_that_are_odd(folder):
    found = report(
        folder,
        "image_id,identity,path,orientation,date,bbox",
        "1,Ann,a.png,left,1066-10-14,",
        "2,ann ,b.png,Front-Left,2150-01-01,",
        '3,An n,c.png,sideways,2020-01-01,"[0,0,50,90]"',
    )
    assert of_kind(found, ALIKE_NAMES)[0].count("look alike") == 1
    assert len(of_kind(found, ALIKE_NAMES)) == 2
    assert [text[:2] for text in of_kind(found, ODD_FLANK)] == ["3:"]
    assert [text[:2] for text in of_kind(found, ODD_DATE)] == ["1:", "2:"]
    assert "50 × 90 pixels" in of_kind(found, SMALL)[0]


def test_what_the_reader_found_is_counted_by_kind_and_told_by_row(folder):
    found = report(
        folder,
        "image_id,identity,path,bbox",
        "1,Ann,a.png,",
        "2,Ann,gone.png,",
        "3,Ann,../elsewhere.png,",
        '4,Ann,b.png,"[500,500,9,9]"',
        '5,Ann,c.png,"[0,0,500,80]"',
        "1,Ann,c.png,",
    )
    assert found.counts == {
        "missing file": 1,
        "path outside the folder": 1,
        "box outside the picture": 1,
        "image_id used twice": 1,
        "box beyond the picture": 1,
    }
    rows = list(csv.DictReader(io.StringIO(found.csv_text(), newline="")))
    assert [(row["row"], row["kind"]) for row in rows][:2] == [
        ("3", "missing file"),
        ("4", "path outside the folder"),
    ]
    assert rows[0]["severity"] == "left_out"
    assert "gone.png" in rows[0]["message"]


def test_the_table_holds_no_formula(folder):
    found = report(folder, "image_id,identity,path,orientation", "=1+1,Ann,a.png,@sum")
    (row,) = csv.DictReader(io.StringIO(found.csv_text(), newline=""))
    assert row["photo_id"] == "'=1+1"


def test_progress_counts_the_files_that_are_compared(folder):
    write_csv(folder, ["image_id,path", "1,a.png", "2,d.png"])
    told = []
    check_catalogue(read_catalogue(folder), lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("form", FORMS)
def test_every_format_is_reported_on(tmp_path, form):
    found = check_catalogue(read_catalogue(make_catalogue(tmp_path, form)))
    assert (found.form, found.summary.photos, found.summary.individuals) == (form, 3, 2)
    assert found.counts[SMALL] == 3
    assert not of_kind(found, DUPLICATE) + of_kind(found, TWO_NAMES)


def test_boxes_of_one_picture_are_compared_as_by_a_plain_loop(folder):
    """More boxes than are kept, so that many are compared together, against a loop over pairs."""
    random = np.random.default_rng(5)
    corners = random.integers(0, 40, (400, 2)).tolist()
    sizes = random.integers(20, 60, (400, 2)).tolist()
    boxes = [(x, y, min(w, 120 - x), min(h, 90 - y)) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
    names = [("Ann", "Bo", "unknown")[number % 3] for number in range(400)]
    rows = [f'{n},{name},a.png,"{list(box)}"' for n, (name, box) in enumerate(zip(names, boxes, strict=True))]
    found = report(folder, "image_id,identity,path,bbox", *rows)
    kept: list[int] = []
    expected: dict[str, set[str]] = {TWO_NAMES: set(), DUPLICATE: set()}
    for number, name in enumerate(names):
        same = [one for one in kept if shared(boxes[one], boxes[number]) >= 0.9]
        others = [one for one in same if "unknown" not in (name, names[one]) and names[one] != name]
        if same:
            expected[TWO_NAMES if others else DUPLICATE].add(str(number))
        if len(kept) <= 50 and not any(names[one] == name for one in same):
            kept.append(number)
    for kind, ids in expected.items():
        assert {one.photo_id for one in found.findings if one.kind == kind} == ids
    assert found.counts[MANY_BOXES] == 1


def shared(one, other) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0, across) * max(0, down)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def test_of_very_many_findings_of_a_kind_some_are_listed_and_all_counted(folder, monkeypatch):
    monkeypatch.setattr("pairx_core.catalogue.report._MOST_OF_A_KIND", 3)
    rows = [f"{number},Ann,a.png,1801-01-01,left" for number in range(8)]
    found = report(folder, "image_id,identity,path,date,orientation", *rows)
    assert len(of_kind(found, ODD_DATE)) == 3
    assert (found.counts[ODD_DATE], found.unlisted[ODD_DATE]) == (8, 5)
    assert "5 more photos of this kind are not listed." in found.csv_text()
