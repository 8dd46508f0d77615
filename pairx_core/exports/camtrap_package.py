"""The description of a Camtrap DP package, ``datapackage.json``, version 1.0."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pairx_core.exports.camtrap_tables import Capture, timestamp
from pairx_core.exports.export import ExportOptions
from pairx_core.exports.findings import Finding
from pairx_core.exports.resolution import Resolution
from pairx_core.exports.species import species_name

_DEFINITIONS = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0/"
RESOURCES = ("deployments", "media", "observations")


def description(taken: Sequence[Capture], resolution: Resolution, options: ExportOptions) -> dict[str, Any]:
    """What the package says about itself; what nobody knows is left out, see :func:`details_note`."""
    created = options.created or datetime.now(UTC)
    times = [capture.time for capture in taken]
    species = sorted({name for one in taken if (name := species_name(one.photo, options)) is not None})
    project: dict[str, Any] = {"title": options.title} if options.title else {}
    about: dict[str, Any] = {
        "resources": [_resource(name) for name in RESOURCES],
        "profile": f"{_DEFINITIONS}camtrap-dp-profile.json",
        "created": timestamp(created, UTC),
        "contributors": [{"title": name, "role": "contributor"} for name in resolution.reviewers],
        "project": project | {"individualAnimals": True, "observationLevel": ["media"]},
        "spatial": _spatial(taken),
        "temporal": {"start": min(times).date().isoformat(), "end": max(times).date().isoformat()},
        "taxonomic": [{"scientificName": name} for name in species],
    }
    return {name: value for name, value in about.items() if value != []}


def description_bytes(about: Mapping[str, Any]) -> bytes:
    """The description as its file holds it."""
    return (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode()


def details_note(about: Mapping[str, Any]) -> Finding:
    """What is to be added by hand before the package is published: nothing of it is invented here."""
    missing = [
        f"project.{name}"
        for name in ("title", "samplingDesign", "captureMethod")
        if name not in about["project"]
    ]
    missing += [name for name in ("contributors", "taxonomic") if name not in about]
    return Finding(
        "package_details",
        f"Before the package is published, add to datapackage.json: {', '.join(missing)}. Camtrap DP asks for them, "
        "and the catalogue does not say them.",
    )


def _resource(name: str) -> dict[str, str]:
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": f"{_DEFINITIONS}{name}-table-schema.json",
    }


def _spatial(taken: Sequence[Capture]) -> dict[str, Any]:
    """The rectangle around all places, as GeoJSON; a point, or points, where it has no area."""
    places = sorted({(one.place.longitude, one.place.latitude) for one in taken})
    west, east = places[0][0], places[-1][0]
    south, north = min(place[1] for place in places), max(place[1] for place in places)
    if west == east or south == north:
        return {"type": "MultiPoint", "coordinates": [list(place) for place in places]}
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}
