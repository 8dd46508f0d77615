"""Which photos may be proposed for a query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pairx_core.catalogue import Photo


@dataclass(frozen=True, slots=True)
class CandidateFilters:
    """Which photos may be proposed for a query. What a photo does not say excludes nothing."""

    same_species: bool = True
    same_flank: bool = True
    known_identity_only: bool = False
    exclude_same_day_and_site: bool = True  # a burst's next frame is no evidence

    def let_pass(self, query: Photo, photo: Photo) -> bool:
        """Whether a photo may be proposed for a query."""
        return (
            (not self.known_identity_only or photo.is_known)
            and (not self.same_species or _agree(query.species, photo.species))
            and (not self.same_flank or _agree(query.flank, photo.flank))
            and not (
                self.exclude_same_day_and_site
                and encounter(query) is not None
                and encounter(query) == encounter(photo)
            )
        )

    def in_words(self) -> str:
        """The filters in force, for the screen and the record."""
        parts = [
            (self.same_species, "same species"),
            (self.same_flank, "same flank"),
            (self.known_identity_only, "known individuals only"),
            (self.exclude_same_day_and_site, "not from the same day and site"),
        ]
        return ", ".join(words for chosen, words in parts if chosen) or "none"


def encounter(photo: Photo) -> tuple[date, str] | None:
    """Day and site, where both are known."""
    if photo.date is None or not photo.site:
        return None
    return photo.date.date(), photo.site


def _agree(one: str | None, other: str | None) -> bool:
    return not one or not other or one == other
