from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pairx_core.catalogue import read_catalogue
from pairx_core.errors import ExportError
from pairx_core.exports.camtrapr import write_camtrapr
from pairx_core.exports.export import ExportOptions
from tests.exports.making import kinds, made_up, named, resolved, say


def rows(export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.content.decode(), newline="")))


def test_the_table_is_that_of_camtrapr(small_catalogue):
    catalogue = read_catalogue(small_catalogue)
    export = write_camtrapr(catalogue, resolved(catalogue, say("u1", "b1", "accept")))
    assert export.content.decode() == (
        "Station,Species,Individual,DateTimeOriginal,Date,Time,delta.time.secs,delta.time.mins,delta.time.hours,"
        "delta.time.days,Directory,FileName\n"
        "dam,bushbuck,ann,2025-06-09 17:00:00,2025-06-09,17:00:00,0,0,0,0,.,a3.jpg\n"
        "dam,bushbuck,ann,2025-06-10 17:00:00,2025-06-10,17:00:00,86400,1440,24,1,.,a4.jpg\n"
        "dam,bushbuck,bo,2025-05-03 08:00:00,2025-05-03,08:00:00,0,0,0,0,.,b2.jpg\n"
        "dam,bushbuck,cy,2025-05-04 08:00:00,2025-05-04,08:00:00,0,0,0,0,.,c1.jpg\n"
        "spring,bushbuck,ann,2025-05-01 08:00:00,2025-05-01,08:00:00,0,0,0,0,.,a1.jpg\n"
        "spring,bushbuck,ann,2025-05-01 08:00:02,2025-05-01,08:00:02,2,0,0,0,.,a2.jpg\n"
        "spring,bushbuck,bo,2025-05-02 08:00:00,2025-05-02,08:00:00,0,0,0,0,.,b1.jpg\n"
        "spring,bushbuck,bo,2025-07-01 08:00:00,2025-07-01,08:00:00,5184000,86400,1440,60,.,u1.jpg\n"
    )
    assert export.left_out == ()


def test_differences_are_rounded_one_from_the_other():
    start = datetime(2025, 5, 1, 8)
    catalogue = made_up(a="ann", b="ann")
    one, other = catalogue.photos
    catalogue = replace(
        catalogue,
        photos=(replace(one, date=start), replace(other, date=start + timedelta(hours=30, seconds=100))),
    )
    (row,) = rows(write_camtrapr(catalogue, resolved(catalogue)))[1:]
    deltas = {name: row[f"delta.time.{name}"] for name in ("secs", "mins", "hours", "days")}
    assert deltas == {"secs": "108100", "mins": "1801.7", "hours": "30", "days": "1.2"}


def test_photos_that_are_not_records_are_listed_by_the_reason():
    catalogue = made_up(a="ann", u=None, d="ann", s="ann", n="ann")
    changes = {"d": {"date": None}, "s": {"site": None}, "n": {"species": None}}
    catalogue = replace(
        catalogue, photos=tuple(replace(p, **changes.get(p.id, {})) for p in catalogue.photos)
    )
    export = write_camtrapr(catalogue, resolved(catalogue))
    assert [row["FileName"] for row in rows(export)] == ["a.jpg"]
    assert {one.kind: one.photo_ids for one in export.left_out} == {
        "no_identity": ("u",),
        "no_date": ("d",),
        "no_site": ("s",),
        "no_species": ("n",),
    }
    named_species = write_camtrapr(
        catalogue, resolved(catalogue), ExportOptions(scientific_names={"": "Equus zebra"})
    )
    assert {row["FileName"]: row["Species"] for row in rows(named_species)} == {
        "a.jpg": "Equus quagga",
        "n.jpg": "Equus zebra",
    }


def test_contradicted_photos_are_not_records():
    catalogue = made_up(a="ann", u=None, v=None)
    resolution = resolved(
        catalogue, say("a", "u", "accept"), say("u", "v", "accept"), say("a", "v", "reject")
    )
    export = write_camtrapr(catalogue, resolution)
    assert [row["FileName"] for row in rows(export)] == ["a.jpg"]
    assert export.left_out[0].photo_ids == ("u", "v")


def test_names_stay_what_they_are():
    catalogue = made_up(u=None)
    export = write_camtrapr(catalogue, resolved(catalogue, names=(named("u", "@SUM(1)"),)))
    assert rows(export)[0]["Individual"] == "@SUM(1)"
    assert "neutralised" not in kinds(export.notes)


def test_a_day_without_a_time_is_noted():
    catalogue = made_up(a="ann")
    catalogue = replace(catalogue, photos=(replace(catalogue.photos[0], date=datetime(2025, 5, 1)),))
    export = write_camtrapr(catalogue, resolved(catalogue))
    assert rows(export)[0]["Time"] == "00:00:00"
    assert "midnight" in kinds(export.notes)


def test_a_catalogue_without_known_individuals_is_refused():
    catalogue = made_up(u=None)
    with pytest.raises(ExportError, match="the individual is not known"):
        write_camtrapr(catalogue, resolved(catalogue))
