"""From every format in, reviewed, and out again: the same individuals."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
from openpyxl import load_workbook

from pairx_core.catalogue import Catalogue, read_catalogue
from pairx_core.decisions import DecisionLog
from pairx_core.decisions.settling_pairs import settle
from pairx_core.errors import ExportError
from pairx_core.exports import EXPORTS, Export, ExportOptions, Resolution, resolve
from tests.catalogue.making import FORMS, make_catalogue


@pytest.fixture(params=FORMS)
def reviewed(request, tmp_path) -> tuple[Catalogue, Resolution]:
    """Ann, Bo and an unknown animal, which a reviewer has found to be Ann."""
    catalogue = read_catalogue(make_catalogue(tmp_path, request.param))
    assert catalogue.form == request.param
    (unknown,) = (photo for photo in catalogue.photos if not photo.is_known)
    (ann,) = catalogue.individuals["Ann"]
    log = DecisionLog(tmp_path / "pairx_decisions.csv")
    log.record(
        reviewer="Ada",
        query_id=unknown.id,
        candidate_id=ann.id,
        decision="accept",
        query_path=unknown.catalogue_path,
        candidate_path=ann.catalogue_path,
    )
    return catalogue, resolve(catalogue, settle(log.decisions()))


def individuals(catalogue: Catalogue) -> dict[str, set[str]]:
    """The names of the files that show each individual."""
    return {name: {photo.path.name for photo in photos} for name, photos in catalogue.individuals.items()}


def written(name: str, reviewed: tuple[Catalogue, Resolution], **options: object) -> Export:
    return EXPORTS[name].write(*reviewed, ExportOptions(**options))


def test_wildlife_datasets(reviewed):
    catalogue, resolution = reviewed
    folder = catalogue.source if catalogue.source.is_dir() else catalogue.source.parent
    export = written("wildlife-datasets", reviewed)
    assert not export.left_out
    (folder / export.file_name).write_bytes(export.content)
    again = read_catalogue(folder / export.file_name)
    assert individuals(again) == {"Ann": {"1.jpg", "3.jpg"}, "Bo": {"2.jpg"}}
    assert not [one for one in again.problems if one.severity == "left_out"]
    for photo in catalogue.photos:
        kept = again.photo(photo.id)
        assert (kept.date, kept.flank, kept.species, kept.site) == (
            photo.date,
            photo.flank,
            photo.species,
            photo.site,
        )
        assert (kept.box is None) == (photo.box is None)
    found = resolution.photos[next(photo.id for photo in catalogue.photos if not photo.is_known)]
    assert (found.decided_by, found.identity) == (("Ada",), "Ann")
    assert isinstance(found.decided_at, datetime)


def test_camtrap_dp(reviewed, tmp_path):
    catalogue, _ = reviewed
    try:
        export = written("camtrap-dp", reviewed)
    except ExportError as refused:  # no date, or no coordinates, which the format needs
        assert catalogue.form != "camtrap-dp"
        assert "latitude and longitude" in str(refused) or "date" in str(refused)
        return
    folder = catalogue.source if catalogue.source.is_dir() else catalogue.source.parent
    zipfile.ZipFile(io.BytesIO(export.content)).extractall(folder)
    again = read_catalogue(folder, "camtrap-dp")
    left_out = {photo_id for finding in export.left_out for photo_id in finding.photo_ids}
    expected = {photo.path.name for photo in catalogue.photos if photo.id not in left_out}
    assert {name for names in individuals(again).values() for name in names} <= expected
    assert individuals(again)["Ann"] == {"1.jpg", "3.jpg"} & expected


def test_wildbook_and_camtrapr(reviewed):
    for name in ("wildbook", "camtrapr"):
        try:
            export = written(name, reviewed)
        except ExportError as refused:
            assert "left out" in str(refused)
            continue
        if name == "wildbook":
            sheet = load_workbook(io.BytesIO(export.content)).active
            header, *rows = sheet.iter_rows(values_only=True)
            at = header.index("MarkedIndividual.individualID")
            names = {row[at] for row in rows}
        else:
            lines = export.content.decode().splitlines()
            names = {line.split(",")[2].strip('"') for line in lines[1:]}
        assert names <= {"Ann", "Bo", None}
        assert "Ann" in names
