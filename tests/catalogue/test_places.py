"""Where photos were taken, and how far apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pairx_core.catalogue import Photo, kilometres_apart, read_catalogue


def at(latitude: float | None, longitude: float | None) -> Photo:
    return Photo(id="p", path=Path("p.jpg"), latitude=latitude, longitude=longitude)


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        (at(0, 0), at(0, 0), 0),
        (at(0, 0), at(0, 1), 111.195),
        (at(90, 0), at(-90, 77), 20015.1),
        (at(0, 179.5), at(0, -179.5), 111.195),
        (at(51.5007, -0.1246), at(40.6892, -74.0445), 5574.8),  # Big Ben to the Statue of Liberty
    ],
)
def test_the_distance_is_that_of_a_great_circle(one, other, kilometres):
    assert kilometres_apart(one, other) == pytest.approx(kilometres, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("unknown", [at(None, None), at(1.0, None)])
def test_without_a_place_there_is_no_distance(unknown):
    assert kilometres_apart(unknown, at(0, 0)) is None


@pytest.mark.parametrize(
    "columns",
    [
        "latitude,longitude",
        "decimalLatitude,decimalLongitude",
        "gps_lat_captured,gps_lon_captured",
        "lat,lon",
    ],
)
def test_places_are_read_under_the_names_that_systems_use(tmp_path, columns):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text(
        f"image_id,path,{columns}\na,a.png,-24.9948,31.5969\n", encoding="utf-8"
    )
    (photo,) = read_catalogue(tmp_path / "metadata.csv").photos
    assert (photo.latitude, photo.longitude) == (-24.9948, 31.5969)


@pytest.mark.parametrize("place", ["91,0", "0,181", "north,east", "nan,nan", "5,"])
def test_a_place_that_is_none_leaves_the_photo_usable(tmp_path, place):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text(
        f"image_id,path,latitude,longitude\na,a.png,{place}\n", encoding="utf-8"
    )
    catalogue = read_catalogue(tmp_path / "metadata.csv")
    (photo,) = catalogue.photos
    assert photo.latitude is photo.longitude is None
    noted = [problem for problem in catalogue.problems if "latitude" in problem.message]
    assert len(noted) == (0 if place in ("nan,nan", "5,") else 1)
    assert all("row 2" in problem.where for problem in noted)
