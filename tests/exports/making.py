"""Small catalogues and decisions for the tests of exports."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pairx_core.catalogue import Catalogue, Photo
from pairx_core.decisions import Decision
from pairx_core.decisions.naming import GivenName
from pairx_core.decisions.settling_pairs import settle
from pairx_core.exports.resolution import Resolution, resolve

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = count()


def say(one: str, other: str, verdict: str, reviewer: str = "Ben", **values) -> Decision:
    values = {"decided_at": WHEN} | values
    return Decision(
        decision_id=f"d{next(_numbers)}",
        reviewer=reviewer,
        session="",
        query_id=one,
        candidate_id=other,
        decision=verdict,
        **values,
    )


def named(photo: str, name: str, by: str = "Ada", at: datetime = WHEN) -> GivenName:
    return GivenName(photo, name, by, at)


def resolved(catalogue: Catalogue, *decisions: Decision, names: tuple[GivenName, ...] = ()) -> Resolution:
    return resolve(catalogue, settle(decisions), {one.photo_id: one for one in names})


def made_up(**identities: str | None) -> Catalogue:
    """A catalogue without files: photo id = identity."""
    root = Path("/nowhere")
    photos = [
        Photo(
            id=name,
            path=root / f"{name}.jpg",
            identity=identity,
            species="Equus quagga",
            site="dam",
            date=datetime(2025, 5, 1, 8, number % 60),
            latitude=-1.5,
            longitude=36.25,
        )
        for number, (name, identity) in enumerate(identities.items())
    ]
    return Catalogue(root / "metadata.csv", tuple(photos))


def kinds(findings) -> list[str]:
    return [finding.kind for finding in findings]
