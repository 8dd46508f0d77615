"""The tables of a Camtrap DP package, version 1.0: their columns, and their rows for photos.

The format is described at https://camtrap-dp.tdwg.org.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath

from pairx_core.catalogue.opening import photo_size
from pairx_core.catalogue.photo import Box, Photo
from pairx_core.exports.csv_files import Row, runs_in_spreadsheet
from pairx_core.exports.export import ExportOptions
from pairx_core.exports.findings import FindingKind, LeftOut
from pairx_core.exports.places import Folder
from pairx_core.exports.resolution import Resolution, ResolvedPhoto
from pairx_core.exports.species import species_name

DEPLOYMENTS = ("deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty",
               "deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay",
               "cameraHeight", "cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance", "timestampIssues",
               "baitUse", "featureType", "habitat", "deploymentGroups", "deploymentTags",
               "deploymentComments")  # fmt: skip
MEDIA = ("mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName",
         "fileMediatype", "exifData", "favorite", "mediaComments")  # fmt: skip
OBSERVATIONS = ("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
                "observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior",
                "individualID", "individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX",
                "bboxY", "bboxWidth", "bboxHeight", "classificationMethod", "classifiedBy",
                "classificationTimestamp", "classificationProbability", "observationTags",
                "observationComments")  # fmt: skip
_MEDIATYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg", ".jfif": "image/jpeg",
               ".mpo": "image/jpeg", ".png": "image/png", ".tif": "image/tiff", ".tiff": "image/tiff",
               ".webp": "image/webp", ".bmp": "image/bmp", ".gif": "image/gif"}  # fmt: skip
_FILE_PATH = re.compile(r"(?=^[^./~])(^((?!\.{2}).)*$).*")  # what the format allows
_DIGITS = 9  # of a share: some millionths of a pixel
_TURNED = "The box is the upright one around a box turned by {:g} radians."
_TIMES = "deploymentStart and deploymentEnd are the times of the first and the last photo."
_NO_ZONE = "Times are local; the time zone is not known."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment is."""

    site: str | None
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Capture:
    """A photo that the package can hold."""

    photo: Photo
    path: str  # as media.csv writes it
    time: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Shares:
    """An upright box in shares of the picture, 0 to 1."""

    x: float
    y: float
    width: float
    height: float


def captures(
    photos: Iterable[Photo], folder: Folder, options: ExportOptions, left_out: LeftOut
) -> list[Capture]:
    """The photos that the package can hold; the others are noted as left out."""
    taken: list[Capture] = []
    of_file: dict[str, Capture] = {}
    for photo in photos:
        capture = _capture(photo, folder, options)
        if not isinstance(capture, Capture):
            left_out.add(capture, photo.id)
            continue
        first = of_file.setdefault(capture.path, capture)
        if (first.time, first.place) != (capture.time, capture.place):
            left_out.add("differing_media", photo.id)
        else:
            taken.append(capture)
    return taken


def deployment_ids(places: Iterable[Place]) -> dict[Place, str]:
    """A name for each place: that of its site, with a number where a site has several places."""
    named: dict[Place, str] = {}
    taken: set[str] = set()
    for place in sorted(set(places), key=lambda one: (one.site or "", one.latitude, one.longitude)):
        name = base = place.site or f"at {place.latitude}, {place.longitude}"
        number = 2
        while name in taken:
            name, number = f"{base} ({number})", number + 1
        taken.add(name)
        named[place] = name
    return named


def deployment_rows(
    taken: Iterable[Capture], names: Mapping[Place, str], options: ExportOptions
) -> list[Row]:
    """A row for each place, from its first photo to its last."""
    times: dict[Place, list[datetime]] = defaultdict(list)
    for capture in taken:
        times[capture.place].append(capture.time)
    return [
        {
            "deploymentID": name,
            "locationName": place.site,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "deploymentStart": timestamp(min(times[place]), options.time_zone),
            "deploymentEnd": timestamp(max(times[place]), options.time_zone),
            "timestampIssues": "true" if options.time_zone is None else "",
            "deploymentComments": _TIMES if options.time_zone is not None else f"{_TIMES} {_NO_ZONE}",
        }
        for place, name in names.items()
    ]


def media_row(capture: Capture, names: Mapping[Place, str], options: ExportOptions) -> Row:
    """The row of a photo's file."""
    return {
        "mediaID": capture.path,
        "deploymentID": names[capture.place],
        "timestamp": timestamp(capture.time, options.time_zone),
        "filePath": capture.path,
        "filePublic": "false",  # it lies on somebody's own disk
        "fileName": PurePosixPath(capture.path).name,
        "fileMediatype": _MEDIATYPES[PurePosixPath(capture.path).suffix.lower()],
    }


def observation_row(
    capture: Capture,
    names: Mapping[Place, str],
    resolution: Resolution,
    options: ExportOptions,
    shares: Shares | None,
) -> Row:
    """The row of a photo; who classified it is written where reviewers decided, and otherwise not known."""
    photo, time = capture.photo, timestamp(capture.time, options.time_zone)
    return {
        "observationID": photo.id,
        "deploymentID": names[capture.place],
        "mediaID": capture.path,
        "eventStart": time,
        "eventEnd": time,
        "observationLevel": "media",
        "observationType": "animal",
        "scientificName": species_name(photo, options),
        "count": 1,
        "individualID": resolution.of(photo.id).identity,
        **_box_cells(shares),
        **_classification(resolution.of(photo.id)),
        "observationTags": None if photo.flank is None else f"flank:{photo.flank.replace('|', ' ')}",
        "observationComments": _comment(photo, shares, resolution),
    }


def shares_of(photo: Photo) -> Shares | None:
    """The upright box that holds a photo's box, as far as the picture goes; None where there is none.

    Raises:
        PhotoError: the picture's size cannot be read.
    """
    if photo.box is None:
        return None
    width, height = photo_size(replace(photo, box=None))
    return _shares(photo.box, width, height)


def timestamp(time: datetime, zone: tzinfo | None) -> str:
    """A time as ISO 8601 with a time zone; a local time of an unknown zone is written as if it were UTC."""
    zoned = time if time.tzinfo is not None else time.replace(tzinfo=zone or UTC)
    return zoned.isoformat(timespec="seconds").replace("+00:00", "Z")


def _capture(photo: Photo, folder: Folder, options: ExportOptions) -> Capture | FindingKind:
    """A photo as the package holds it, or the reason why it cannot."""
    path = folder.relative(photo)
    if photo.date is None:
        return "no_date"
    if photo.latitude is None or photo.longitude is None:
        return "no_place"
    if path is None:
        return "outside_folder"
    if not _FILE_PATH.fullmatch(path) or (options.neutralise and runs_in_spreadsheet(path)):
        return "file_path"
    if PurePosixPath(path).suffix.lower() not in _MEDIATYPES:
        return "file_type"
    return Capture(photo, path, photo.date, Place(photo.site, photo.latitude, photo.longitude))


def _shares(box: Box, width: int, height: int) -> Shares | None:
    left, top, right, bottom = box.around()
    left, right = max(0.0, left / width), min(1.0, right / width)
    top, bottom = max(0.0, top / height), min(1.0, bottom / height)
    x, y = round(left, _DIGITS), round(top, _DIGITS)
    across, down = round(right - left, _DIGITS), round(bottom - top, _DIGITS)
    return Shares(x, y, across, down) if across > 0 and down > 0 else None


def _box_cells(shares: Shares | None) -> Row:
    if shares is None:
        return {}
    return {"bboxX": shares.x, "bboxY": shares.y, "bboxWidth": shares.width, "bboxHeight": shares.height}


def _classification(one: ResolvedPhoto) -> Row:
    if one.decided_at is None:
        return {}
    return {
        "classificationMethod": "human",
        "classifiedBy": " | ".join(one.decided_by),
        "classificationTimestamp": timestamp(one.decided_at, UTC),
    }


def _comment(photo: Photo, shares: Shares | None, resolution: Resolution) -> str:
    theta = 0.0 if photo.box is None or shares is None else photo.box.theta
    turned = _TURNED.format(theta) if theta else ""
    return f"{turned} {resolution.remarks(photo.id)}".strip()
