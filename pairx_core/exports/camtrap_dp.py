"""Identities as a Camtrap DP package, version 1.0: deployments, media and observations in one ZIP file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.errors import PhotoError
from pairx_core.exports.camtrap_copy import copied_package
from pairx_core.exports.camtrap_package import description, description_bytes, details_note
from pairx_core.exports.camtrap_tables import (
    DEPLOYMENTS,
    MEDIA,
    OBSERVATIONS,
    Capture,
    Shares,
    captures,
    deployment_ids,
    deployment_rows,
    media_row,
    observation_row,
    shares_of,
)
from pairx_core.exports.csv_files import csv_bytes
from pairx_core.exports.export import DEFAULTS, Export, ExportOptions, check_any
from pairx_core.exports.findings import Finding, LeftOut, midnight_note, photo_count
from pairx_core.exports.places import Folder
from pairx_core.exports.resolution import Resolution
from pairx_core.exports.workbooks import ZIP, zip_bytes

TITLE = "a Camtrap DP package"
FILE_NAME = "camtrap_dp.zip"
MIME = ZIP
_UNPACK = "Unpack the file there."


def write_camtrap_dp(
    catalogue: Catalogue, resolution: Resolution, options: ExportOptions = DEFAULTS
) -> Export:
    """All photos with a date, a latitude and a longitude, each as an observation of one animal.

    A catalogue that was read from a package is that package again, with identities filled in and nothing else changed.
    Photos of one site and place are a deployment, from the first photo to the last. Boxes are upright, in shares of
    the picture. Observations that reviewers decided say who and when; for the others that is not known, and empty.

    Raises:
        ExportError: no photo can be written.
    """
    if catalogue.form == "camtrap-dp":
        copied, told = copied_package(catalogue, resolution)
        return Export(zip_bytes(copied), (), FILE_NAME, MIME, tuple(told))
    options = replace(
        options, neutralise=False
    )  # it is no spreadsheet's, and an identity must stay what it is
    folder, left_out = Folder(catalogue), LeftOut()
    taken = captures(catalogue.photos, folder, options, left_out)
    check_any(len(taken), TITLE, left_out.findings())
    boxes, box_notes = _boxes(taken)
    names = deployment_ids(capture.place for capture in taken)
    media = {capture.path: media_row(capture, names, options) for capture in taken}
    observations = {
        capture.photo.id: observation_row(capture, names, resolution, options, boxes.get(capture.photo.id))
        for capture in taken
    }
    about = description(taken, resolution, options)
    files = {
        "datapackage.json": description_bytes(about),
        "deployments.csv": csv_bytes(DEPLOYMENTS, deployment_rows(taken, names, options), options),
        "media.csv": csv_bytes(MEDIA, media.values(), options),
        "observations.csv": csv_bytes(OBSERVATIONS, observations.values(), options),
    }
    notes = (
        folder.note(_UNPACK),
        details_note(about),
        *_time_notes(taken, options),
        *box_notes,
    )
    return Export(zip_bytes(files), left_out.findings(), FILE_NAME, MIME, notes)


def _boxes(taken: Sequence[Capture]) -> tuple[Mapping[str, Shares], list[Finding]]:
    """The boxes by photo id, and what is to be said about them."""
    boxes: dict[str, Shares] = {}
    unreadable, turned = [], []
    for capture in taken:
        photo = capture.photo
        try:
            shares = shares_of(photo)
        except PhotoError:
            unreadable.append(photo.id)
            continue
        if shares is not None:
            boxes[photo.id] = shares
            if photo.box is not None and photo.box.theta:
                turned.append(photo.id)
    return boxes, list(_box_notes(unreadable, turned))


def _box_notes(unreadable: Sequence[str], turned: Sequence[str]) -> Iterator[Finding]:
    if unreadable:
        yield Finding(
            "box_not_written",
            f"{photo_count(len(unreadable))} written without the box: the file cannot be read now, and boxes are in "
            "shares of its size. Put the files back and export again.",
            tuple(unreadable),
        )
    if turned:
        yield Finding(
            "turned_box",
            f"{photo_count(len(turned))} with a turned box, which the format does not know: the upright box around it "
            "is written, and the comment says so.",
            tuple(turned),
        )


def _time_notes(taken: Sequence[Capture], options: ExportOptions) -> Iterator[Finding]:
    photos = tuple(capture.photo.id for capture in taken)
    yield Finding(
        "deployment_times",
        "When the cameras were set up and taken down is not in the catalogue: deployments are written from their first "
        "photo to their last.",
        photos,
    )
    if options.time_zone is None:
        yield Finding(
            "time_zone",
            "The time zone of the cameras' clocks is not known: times are written as UTC, with timestampIssues true. "
            "Give the time zone when exporting.",
            photos,
        )
    yield from midnight_note(capture.photo for capture in taken)
