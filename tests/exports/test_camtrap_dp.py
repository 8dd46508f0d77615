from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from frictionless import Package

from pairx_core.catalogue import Box, Catalogue, read_catalogue
from pairx_core.errors import ExportError
from pairx_core.exports.camtrap_dp import write_camtrap_dp
from pairx_core.exports.camtrap_tables import Place, deployment_ids
from pairx_core.exports.export import Export, ExportOptions
from tests.catalogue.making import save
from tests.exports.making import WHEN, kinds, made_up, named, resolved, say

PUBLISHED = json.loads(Path(__file__).with_name("published_camtrap_dp.json").read_text(encoding="utf-8"))
PLACES = {"dam": (-1.5, 36.25), "spring": (-1.75, 36.5)}


@pytest.fixture
def catalogue(small_catalogue) -> Catalogue:
    """The small catalogue with places, an upright and a turned box; its photos are 96 × 64 pixels."""
    read = read_catalogue(small_catalogue)
    photos = [replace(p, latitude=PLACES[p.site][0], longitude=PLACES[p.site][1]) for p in read.photos]
    photos[0] = replace(photos[0], box=Box(12, 8, 48, 32))
    photos[1] = replace(photos[1], box=Box(38, 12, 20, 40, math.pi / 2))
    return replace(read, photos=tuple(photos))


def files(export: Export) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(export: Export, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files(export)[f"{table}.csv"].decode(), newline="")))


def unpack(export: Export, folder: Path) -> Path:
    for name, content in files(export).items():
        (folder / name).write_bytes(content)
    return folder


def faults(folder: Path) -> list:
    """What frictionless finds wrong, by the published names, types, rules and keys instead of a download."""
    about = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    del about["profile"]  # an address of the published rules for datapackage.json
    for resource in about["resources"]:
        assert resource["schema"].endswith(f"/1.0/{resource['name']}-table-schema.json")
        resource["schema"] = PUBLISHED[resource["name"]]
    report = Package.from_descriptor(about, basepath=str(folder)).validate()
    return report.flatten(["rowNumber", "fieldName", "type", "message"])


# --- by the published rules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [None, ZoneInfo("Africa/Nairobi")])
def test_the_package_is_valid(catalogue, tmp_path, zone):
    resolution = resolved(catalogue, say("u1", "b1", "accept"), say("c1", "b2", "unsure"))
    export = write_camtrap_dp(catalogue, resolution, ExportOptions(time_zone=zone, title="Zebras"))
    assert faults(unpack(export, tmp_path)) == []


def test_the_check_finds_faults(catalogue, tmp_path):
    folder = unpack(write_camtrap_dp(catalogue, resolved(catalogue)), tmp_path)
    observations = folder / "observations.csv"
    text = observations.read_text(encoding="utf-8")
    observations.write_text(
        text.replace("animal", "beast", 1).replace("a2.jpg", "elsewhere.jpg"), encoding="utf-8"
    )
    assert {fault[2] for fault in faults(folder)} == {"constraint-error", "foreign-key"}


@pytest.mark.parametrize("table", ["deployments", "media", "observations"])
def test_columns_are_the_published_ones_in_their_order(catalogue, table):
    export = write_camtrap_dp(catalogue, resolved(catalogue))
    header = files(export)[f"{table}.csv"].decode().splitlines()[0]
    assert header.split(",") == [field["name"] for field in PUBLISHED[table]["fields"]]


def test_a_package_with_odd_names_is_valid(catalogue, tmp_path):
    photos = [
        replace(photo, site='=dam, "the old"\none' if photo.site == "dam" else photo.site)
        for photo in catalogue.photos
    ]
    catalogue = replace(catalogue, photos=tuple(photos))
    export = write_camtrap_dp(catalogue, resolved(catalogue, names=(named("u1", "@Žofie"),)))
    assert faults(unpack(export, tmp_path)) == []
    assert {row["deploymentID"] for row in rows(export, "observations")} == {
        '=dam, "the old"\none',
        "spring",
    }
    assert rows(export, "observations")[-1]["individualID"] == "@Žofie"
    assert "neutralised" not in kinds(export.notes)


# --- read again ------------------------------------------------------------------------------------------------------


def test_it_reads_as_the_same_catalogue_with_new_identities(catalogue, small_catalogue):
    resolution = resolved(catalogue, say("u1", "b1", "accept"))
    folder = unpack(write_camtrap_dp(catalogue, resolution), small_catalogue.parent)
    again = read_catalogue(folder)
    assert again.form == "camtrap-dp"
    assert again.problems == ()
    for before, after in zip(catalogue.photos, again.photos, strict=True):
        expected = replace(before, identity=resolution.of(before.id).identity, flank=None, box=None)
        assert replace(after, box=None) == expected
    boxes = [photo.box for photo in again.photos]
    assert boxes[2:] == [None] * 6
    assert around(boxes[0]) == pytest.approx((12, 8, 60, 40), abs=1e-5)
    assert around(boxes[1]) == pytest.approx(
        (28, 22, 68, 42), abs=1e-5
    )  # the upright box around the turned one
    assert (again.photo("u1").identity, again.photo("u1").date) == ("bo", datetime(2025, 7, 1, 8))


def around(box: Box) -> tuple[float, float, float, float]:
    return box.around()


def test_a_package_can_be_written_from_a_package(catalogue, small_catalogue):
    folder = unpack(write_camtrap_dp(catalogue, resolved(catalogue)), small_catalogue.parent)
    first = read_catalogue(folder)
    export = write_camtrap_dp(first, resolved(first, say("u1", "c1", "accept")))
    assert "in a copy of this folder" in export.notes[0].message
    again = read_catalogue(unpack(export, folder))
    assert again.individuals.keys() == {"ann", "bo", "cy"}
    assert again.photo("u1").identity == "cy"


_MEDIA = (
    "mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileMediatype,favorite\n"
    + "".join(
        f"m{n},d1,activityDetection,2026-03-01T10:00:0{n}+02:00,{n}.jpg,true,image/jpeg,true\n"
        for n in (1, 2, 3)
    )
)
_DEPLOYED = (
    "deploymentID,latitude,longitude,deploymentStart,deploymentEnd,cameraID\n"
    "d1,-24.9,31.5,2026-01-01T00:00:00+02:00,2026-06-01T00:00:00+02:00,cam7\n"
)
_OBSERVED = (
    "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,scientificName,"
    "individualID,classificationMethod,classifiedBy,classificationProbability,ourOwn\n"
    "o1,d1,m1,e1,,,media,animal,Equus quagga,=Ann,human,Zoe,,x\n"
    "o2,d1,m2,e1,,,media,animal,Equus quagga,,machine,net,0.91,\n"
    "o3,d1,m1,e1,,,media,vehicle,,,machine,net,0.5,y\n"
)


def package(folder: Path, observed: str = _OBSERVED) -> Catalogue:
    for number in (1, 2, 3):
        save(folder / f"{number}.jpg")
    about = {
        "name": "ours",
        "resources": [{"name": n, "path": f"{n}.csv"} for n in ("deployments", "media", "observations")],
    }
    (folder / "datapackage.json").write_text(json.dumps(about))
    for name, text in (("deployments", _DEPLOYED), ("media", _MEDIA), ("observations", observed)):
        (folder / f"{name}.csv").write_text(text)
    return read_catalogue(folder)


def test_a_package_that_was_read_comes_back_with_nothing_but_identities_changed(tmp_path):
    catalogue = package(tmp_path)
    export = write_camtrap_dp(catalogue, resolved(catalogue, say("o2", "o1", "accept")))
    made = files(export)
    for name in ("datapackage.json", "deployments.csv", "media.csv"):
        assert made[name] == (tmp_path / name).read_bytes()
    before = list(csv.DictReader(io.StringIO(_OBSERVED)))
    first, second, third = rows(export, "observations")
    assert (third, first["individualID"], first["ourOwn"]) == (
        {**before[2], "classificationTimestamp": ""},
        "=Ann",
        "x",
    )
    changed = {"individualID": "=Ann", "classificationMethod": "human", "classifiedBy": "Ben"}
    changed |= {"classificationTimestamp": "2026-03-01T12:00:00Z", "classificationProbability": ""}
    assert second == before[1] | changed
    again = read_catalogue(unpack(export, tmp_path))
    assert again.photo("o2").identity == "=Ann"
    untouched = write_camtrap_dp(again, resolved(again))
    assert files(untouched) == made


def test_an_event_of_two_individuals_stays_as_it_was(tmp_path):
    span = "2026-03-01T10:00:01+02:00,2026-03-01T10:00:02+02:00"
    header = "observationID,deploymentID,mediaID,eventStart,eventEnd,observationType,individualID\n"
    catalogue = package(tmp_path, f"{header}o1,d1,,{span},animal,\no3,d1,m3,,,animal,Ann\n")
    both = write_camtrap_dp(
        catalogue, resolved(catalogue, say("o1/m1", "o3", "accept"), say("o1/m2", "o3", "accept"))
    )
    assert rows(both, "observations")[0]["individualID"] == "Ann"
    one = write_camtrap_dp(catalogue, resolved(catalogue, say("o1/m1", "o3", "accept")))
    assert rows(one, "observations")[0]["individualID"] == ""
    (note,) = (note for note in one.notes if note.kind == "event_identities")
    assert note.photo_ids == ("o1/m1", "o1/m2")


def test_observations_that_changed_meanwhile_are_not_filled(tmp_path):
    catalogue = package(tmp_path)
    resolution = resolved(catalogue, say("o2", "o1", "accept"))
    lines = _OBSERVED.splitlines(keepends=True)
    (tmp_path / "observations.csv").write_text("".join([lines[0], lines[2], lines[1]]))
    with pytest.raises(ExportError, match="changed since it was read"):
        write_camtrap_dp(catalogue, resolution)


# --- who, when, what -------------------------------------------------------------------------------------------------


def test_who_decided_and_when_is_written_with_a_time_zone(catalogue):
    resolution = resolved(catalogue, say("u1", "b1", "accept", "Ben"), say("u1", "b1", "accept", "Cleo"))
    by_id = {
        row["observationID"]: row for row in rows(write_camtrap_dp(catalogue, resolution), "observations")
    }
    names = ("individualID", "classificationMethod", "classifiedBy", "classificationTimestamp")
    assert [by_id["u1"][name] for name in names] == ["bo", "human", "Ben | Cleo", "2026-03-01T12:00:00Z"]
    assert [by_id["a1"][name] for name in names] == ["ann", "", "", ""]  # nobody says how the catalogue knows


def test_a_turned_box_is_said_to_be_turned(catalogue):
    export = write_camtrap_dp(catalogue, resolved(catalogue))
    upright, turned, none, *_ = rows(export, "observations")
    box = [float(upright[name]) for name in ("bboxX", "bboxY", "bboxWidth", "bboxHeight")]
    assert box == [0.125, 0.125, 0.5, 0.5]
    assert "turned by 1.5708 radians" in turned["observationComments"]
    assert none["bboxX"] == none["bboxWidth"] == ""
    (note,) = (one for one in export.notes if one.kind == "turned_box")
    assert note.photo_ids == ("a2",)


def test_what_is_open_is_a_comment(catalogue):
    export = write_camtrap_dp(catalogue, resolved(catalogue, say("u1", "b1", "unsure")))
    last = rows(export, "observations")[-1]
    assert last["individualID"] == ""
    assert "“b1” and “u1” show one individual is unsure" in last["observationComments"]


def test_times_are_local_where_the_zone_is_known(catalogue):
    options = ExportOptions(time_zone=ZoneInfo("Africa/Nairobi"))
    export = write_camtrap_dp(catalogue, resolved(catalogue), options)
    assert rows(export, "media")[0]["timestamp"] == "2025-05-01T08:00:00+03:00"
    assert rows(export, "deployments")[0]["timestampIssues"] == ""
    assert "time_zone" not in kinds(export.notes)


def test_an_unknown_time_zone_is_said_to_be_unknown(catalogue):
    export = write_camtrap_dp(catalogue, resolved(catalogue))
    assert rows(export, "media")[0]["timestamp"] == "2025-05-01T08:00:00Z"
    dam = rows(export, "deployments")[0]
    assert (dam["timestampIssues"], dam["deploymentStart"]) == ("true", "2025-05-03T08:00:00Z")
    assert "time zone is not known" in dam["deploymentComments"]
    assert "time_zone" in kinds(export.notes)


def test_deployments_are_sites_at_their_places():
    places = [
        Place("dam", 1, 2),
        Place("dam", 1, 3),
        Place("dam (2)", 0, 0),
        Place(None, -1, 2),
        Place("dam", 1, 2),
    ]
    assert deployment_ids(places) == {
        Place(None, -1, 2): "at -1, 2",
        Place("dam", 1, 2): "dam",
        Place("dam", 1, 3): "dam (2)",
        Place("dam (2)", 0, 0): "dam (2) (2)",
    }


def test_animals_on_one_file_share_a_medium(catalogue, small_catalogue):
    first, second, *rest = catalogue.photos
    second = replace(second, path=first.path, date=first.date, box=Box(60, 40, 20, 20))
    catalogue = replace(catalogue, photos=(first, second, *rest))
    export = write_camtrap_dp(catalogue, resolved(catalogue))
    assert len(rows(export, "media")) == 7
    again = read_catalogue(unpack(export, small_catalogue.parent))
    assert [photo.id for photo in again.photos] == [photo.id for photo in catalogue.photos]


def test_nothing_required_is_invented():
    catalogue = made_up(a="ann", d="ann", p="ann", t="ann", x="ann", m="ann")
    changes = {
        "d": {"date": None},
        "p": {"latitude": None, "longitude": None},
        "t": {"path": Path("/nowhere/t.pict")},
        "x": {"path": Path("/nowhere/~x.jpg")},
        "m": {"path": Path("/nowhere/a.jpg"), "site": "spring"},
    }
    catalogue = replace(
        catalogue, photos=tuple(replace(p, **changes.get(p.id, {})) for p in catalogue.photos)
    )
    export = write_camtrap_dp(catalogue, resolved(catalogue))
    assert [row["observationID"] for row in rows(export, "observations")] == ["a"]
    assert {one.kind: one.photo_ids for one in export.left_out} == {
        "no_date": ("d",),
        "no_place": ("p",),
        "file_type": ("t",),
        "file_path": ("x",),
        "differing_media": ("m",),
    }


def test_a_box_of_a_file_that_is_gone_is_not_written():
    catalogue = made_up(a="ann")
    catalogue = replace(catalogue, photos=(replace(catalogue.photos[0], box=Box(1, 2, 3, 4)),))
    export = write_camtrap_dp(catalogue, resolved(catalogue))
    assert rows(export, "observations")[0]["bboxX"] == ""
    assert "box_not_written" in kinds(export.notes)


def test_a_catalogue_without_places_is_refused_with_the_reason(small_catalogue):
    catalogue = read_catalogue(small_catalogue)
    with pytest.raises(ExportError, match="8 photos left out: there is no latitude and longitude"):
        write_camtrap_dp(catalogue, resolved(catalogue))


def test_the_description_says_what_is_known_and_asks_for_the_rest(catalogue):
    made = datetime(2026, 4, 1, tzinfo=UTC)
    resolution = resolved(catalogue, say("u1", "b1", "accept", "Ben"))
    export = write_camtrap_dp(catalogue, resolution, ExportOptions(title="Zebras", created=made))
    about = json.loads(files(export)["datapackage.json"])
    assert about["created"] == "2026-04-01T00:00:00Z"
    assert about["contributors"] == [{"title": "Ben", "role": "contributor"}]
    assert about["project"] == {"title": "Zebras", "individualAnimals": True, "observationLevel": ["media"]}
    assert about["temporal"] == {"start": "2025-05-01", "end": "2025-07-01"}
    assert about["taxonomic"] == [{"scientificName": "bushbuck"}]
    corners = [[36.25, -1.75], [36.5, -1.75], [36.5, -1.5], [36.25, -1.5], [36.25, -1.75]]
    assert about["spatial"] == {"type": "Polygon", "coordinates": [corners]}
    (note,) = (one for one in export.notes if one.kind == "package_details")
    assert "add to datapackage.json: project.samplingDesign, project.captureMethod." in note.message


def test_the_same_inputs_give_the_same_bytes(catalogue):
    options = ExportOptions(created=WHEN)
    once, again = (write_camtrap_dp(catalogue, resolved(catalogue), options) for _ in range(2))
    assert once == again
