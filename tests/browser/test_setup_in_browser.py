"""Photographs set up from nothing in the app, as a table, as a folder for each individual, and as a COCO file.

The bundled sample is used; PAIRX_PHOTOS may name another folder with a wildlife-datasets metadata.csv.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pairx_core.catalogue import Catalogue, Photo, photo_size, read_catalogue

from .conftest import ROOT, Server, serving

pytestmark = pytest.mark.browser
_OF_SAMPLE = 18


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(os.environ.get("PAIRX_PHOTOS") or ROOT / "data_samples")


@pytest.fixture(scope="module")
def photos(catalogue) -> list[Photo]:
    """All of somebody's own, or known individuals of the sample that have two photos of one flank."""
    if os.environ.get("PAIRX_PHOTOS"):
        return list(catalogue.photos)
    known = [photo for photo in catalogue.photos if photo.is_known]
    return sorted(known, key=lambda photo: (photo.identity, photo.id))[:_OF_SAMPLE]


@pytest.fixture(scope="module")
def empty(herd, tiny_checkpoint, tmp_path_factory, chromium) -> Iterator[Server]:
    """The app with something else open, and a small model; somebody's own photographs get the demo model."""
    small = None if os.environ.get("PAIRX_PHOTOS") else tiny_checkpoint
    with serving(
        herd, small, tmp_path_factory.mktemp("app"), PAIRX_DECISIONS="", PAIRX_PROJECT=""
    ) as started:
        yield started


def as_table(photos: list[Photo], folder: Path) -> Path:
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", "identity", "path", "bbox", "orientation", "species"])
        for photo in photos:
            shutil.copyfile(photo.path, folder / photo.path.name)
            box = "" if photo.box is None else str(_numbers(photo))
            writer.writerow([photo.id, photo.identity, photo.path.name, box, photo.flank, photo.species])
    return folder / "metadata.csv"


def as_folders(photos: list[Photo], folder: Path) -> Path:
    for photo in photos:
        (folder / str(photo.identity)).mkdir(exist_ok=True)
        shutil.copyfile(photo.path, folder / str(photo.identity) / photo.path.name)
    return folder


def as_coco(photos: list[Photo], folder: Path) -> Path:
    images, annotations = [], []
    for number, photo in enumerate(photos, start=1):
        shutil.copyfile(photo.path, folder / photo.path.name)
        width, height = photo_size(Photo(photo.id, photo.path))
        images.append({"id": number, "file_name": photo.path.name, "width": width, "height": height})
        box = [0, 0, width, height] if photo.box is None else _numbers(photo)
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "bbox": box,
                "theta": 0.0,
                "viewpoint": photo.flank,
                "category_id": 1,
                "name": photo.identity,
            }
        )
    categories = [{"id": 1, "name": photos[0].species or "animal"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "photos.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "photos.json"


def _numbers(photo: Photo) -> list[float]:
    assert photo.box is not None
    return [photo.box.x, photo.box.y, photo.box.width, photo.box.height]


@pytest.mark.parametrize(
    ("lay_out", "title"),
    [
        (as_table, "wildlife-datasets CSV"),
        (as_folders, "A folder for each individual"),
        (as_coco, "COCO, as WildMe writes it"),
    ],
)
def test_photographs_are_set_up_checked_opened_and_reviewed(empty, page, tmp_path, photos, lay_out, title):
    place = lay_out(photos, tmp_path)
    page.goto(f"{empty.address}/setup?reviewer=Ada")
    page.get_by_text("Go to Review").wait_for(timeout=60_000)
    page.get_by_role("textbox", name="Catalogue").fill(str(place))
    page.get_by_role("button", name="Check the photos").click()
    page.get_by_text("Nothing of this is open yet").wait_for()
    table = page.locator(".px-table").first.inner_text()
    assert title in table
    assert f"{len(photos)} usable, 0 left out" in table
    page.locator("[data-testid=stFormSubmitButton] button", has_text="Open").click()
    page.get_by_text(f"{len(photos)} photos ready for review").wait_for(timeout=120_000)
    page.get_by_role("link", name="Go to Review").click()
    page.wait_for_selector(".px-legend", timeout=60_000)
    page.wait_for_timeout(500)
    page.keyboard.press("a")
    page.get_by_text("done · 1 decision").wait_for()
    with (tmp_path / "pairx_decisions.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["decision"], row["reviewer"]) == ("accept", "Ada")
    assert row["query_path"].endswith((".jpg", ".png"))
    page.get_by_role("link", name="Decisions").click()
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download metadata_updated.csv").click()
    again = tmp_path / "metadata_updated.csv"
    shutil.copyfile(download.value.path(), again)
    assert len(read_catalogue(again)) == len(photos)
