"""Names that reviewers give to new individuals: entries are appended beside the decisions, and never changed.

A name is given to one photo and holds for whatever individual the decisions make of it: decided otherwise later, the
name stays with that photo's group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.lines import Lines
from pairx_core.errors import DecisionLogError

LONGEST_NAME = 80  # characters


@dataclass(frozen=True, slots=True)
class GivenName:
    """A name that somebody gave."""

    photo_id: str
    name: str
    by: str
    at: datetime  # UTC


class GivenNames:
    """The names given to new individuals, shared by all who use a record. Safe for several threads and programs."""

    def __init__(self, entries: Lines) -> None:
        self._entries = entries

    def names(self) -> Mapping[str, GivenName]:
        """The names that hold now, by the photo they were given to.

        Raises:
            DecisionLogError: they cannot be read.
        """
        given: dict[str, GivenName] = {}
        for number, entry in enumerate(self._entries.entries(), 1):
            one = _parsed(entry, number, self._entries.name)
            given.pop(one.photo_id, None)
            if one.name:
                given[one.photo_id] = one
        return given

    def give(self, photo_id: str, name: str, *, by: str, check: Callable[[str], None]) -> GivenName:
        """Name the individual on a photo; it lasts when this returns.

        Args:
            photo_id: the photo.
            name: the individual's name, in place of one given to this photo before.
            by: who gives it.
            check: refuses a name that clashes, by a PairxError; called while nobody else can give one.

        Raises:
            DecisionLogError: the name is empty or too long, nobody gives it, or it was not saved.
        """
        tidy, giver = tidy_name(name), tidy_name(by)
        if not tidy or len(tidy) > LONGEST_NAME:
            raise DecisionLogError(f"A name has 1 to {LONGEST_NAME} characters. Enter another one.")
        if not giver:
            raise DecisionLogError("Enter your own name first: a name says who gave it.")
        with self._entries.exclusive():
            check(tidy)
            return self._append(photo_id, tidy, giver)

    def take_back(self, photo_id: str, *, by: str) -> None:
        """Leave the individual on a photo without the name that was given to that photo.

        Raises:
            DecisionLogError: it was not saved.
        """
        self._append(photo_id, "", tidy_name(by))

    def _append(self, photo_id: str, name: str, by: str) -> GivenName:
        given = GivenName(photo_id, name, by, datetime.now(UTC))
        self._entries.append({"photo_id": photo_id, "name": name, "by": by, "at": given.at.isoformat()})
        return given


def _parsed(entry: Mapping[str, Any], number: int, place: str) -> GivenName:
    try:
        return GivenName(
            str(entry["photo_id"]),
            str(entry["name"]),
            str(entry["by"]),
            datetime.fromisoformat(str(entry["at"])),
        )
    except (KeyError, ValueError) as error:
        raise DecisionLogError(
            f"Entry {number} of {place} is not a name that was given ({error}). Another program may have changed the "
            "file: put back a copy of it, or move it away to start without names."
        ) from error
