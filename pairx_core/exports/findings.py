"""What an export has to tell its owner: what is still open, what was left out, and what was written otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time
from typing import Literal

from pairx_core.catalogue.photo import Photo

FindingKind = Literal[
    # open questions of the record
    "contradiction",
    "name_clash",
    "shared_name",
    "disagreement",
    "unsure",
    "unnamed_group",
    "suggested_merge",
    "name_not_used",
    # photos that a format cannot take
    "no_identity",
    "no_date",
    "no_site",
    "no_place",
    "no_location",
    "no_species",
    "outside_folder",
    "file_type",
    "file_path",
    "same_file_name",
    "differing_media",
    # what is written otherwise than the catalogue has it
    "box_not_written",
    "turned_box",
    "neutralised",
    "where_to_save",
    "midnight",
    "time_zone",
    "deployment_times",
    "package_details",
    "event_identities",
    "reads_as_unknown",
]

_REASONS: dict[FindingKind, str] = {
    "no_identity": "the individual is not known, and the format lists known ones only. Decide on more pairs, or name "
    "the individual.",
    "no_date": "there is no date, which the format needs. Write it into the catalogue.",
    "no_site": "there is no site, which the format needs as its station. Write it into the catalogue.",
    "no_place": "there is no latitude and longitude, which the format needs. Write them into the catalogue.",
    "no_location": "there is neither a site nor a latitude and longitude, and the format needs one of them. Write them "
    "into the catalogue.",
    "no_species": "there is no species that the format can take. Write it into the catalogue, or give its "
    "scientific name when exporting.",
    "outside_folder": "the file lies outside the catalogue's folder. Copy it there.",
    "file_type": "the file's ending is not that of a known picture format. Rename the file.",
    "file_path": "the format does not allow the file's path: it has “..” in it, or begins with a sign such as . ~ = + "
    "- @. Rename the file or its folder.",
    "same_file_name": "another file has the same name in another folder, or one that is the same without special "
    "signs, and Wildbook takes all photos from one folder. Rename one of them.",
    "differing_media": "another photo of the same file has another date, site or place, and the format has one for "
    "each file. Correct the catalogue.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about an export, and the photos that it is about."""

    kind: FindingKind
    message: str  # what is so, and what to do
    photo_ids: tuple[str, ...] = ()  # in the catalogue's order, unless they are the photos of pairs

    def __str__(self) -> str:
        return self.message


class LeftOut:
    """Collects the photos that cannot be written, by the reason."""

    def __init__(self) -> None:
        self._photos: dict[FindingKind, list[str]] = {}

    def add(self, kind: FindingKind, photo_id: str) -> None:
        """Note that a photo is left out."""
        self._photos.setdefault(kind, []).append(photo_id)

    def findings(self) -> tuple[Finding, ...]:
        """One finding for each reason, the first one met first."""
        return tuple(
            Finding(kind, f"{photo_count(len(photos))} left out: {_REASONS[kind]}", tuple(photos))
            for kind, photos in self._photos.items()
        )


def photo_count(number: int) -> str:
    """A number of photos in words: “1 photo”, “1,200 photos”."""
    return "1 photo" if number == 1 else f"{number:,} photos"


def midnight_note(photos: Iterable[Photo]) -> Iterator[Finding]:
    """A finding about photos taken at midnight to the second, where a format needs a time of day."""
    found = tuple(photo.id for photo in photos if photo.date is not None and photo.date.time() == time())
    if found:
        yield Finding(
            "midnight",
            f"{photo_count(len(found))} written with the time 00:00:00: the catalogue may know the day only. Write the "
            "time into the catalogue if it matters.",
            found,
        )
