"""Who is on each photo once the decisions are taken in, who said so and when, and what is still open.

Nothing is guessed. Where decisions and names do not fit together, the photos keep what the catalogue says, and a
finding lists them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.pack_catalogue import FIELD_PACK
from pairx_core.decisions.individuals import Individuals, assigned_identities, individuals
from pairx_core.decisions.naming import GivenName
from pairx_core.decisions.settling_pairs import Pair, PairVerdict, SettledPair
from pairx_core.errors import ExportError
from pairx_core.exports.findings import Finding, FindingKind, photo_count

_MOST_QUOTED = 4  # pairs in a message
_MOST_REMARKS = 3  # open questions in a comment


@dataclass(frozen=True, slots=True)
class ResolvedPhoto:
    """Who is on one photo, before and after the decisions."""

    photo_id: str
    before: str | None  # by the catalogue; None where unknown
    identity: str | None  # after the decisions; None where unknown, or not settled
    decided_by: tuple[str, ...] = ()  # sorted: reviewers of the accepted pairs, and who named the individual
    decided_at: datetime | None = (
        None  # UTC, the latest of these; None: nobody decided, the catalogue says so
    )

    @property
    def changed(self) -> bool:
        """Whether the decisions say something else than the catalogue."""
        return self.identity != self.before


@dataclass(frozen=True)
class Resolution:
    """Who is on each photo of a catalogue after the decisions."""

    photos: Mapping[str, ResolvedPhoto]  # by photo id, in the catalogue's order
    left_open: tuple[Finding, ...] = ()  # what nobody has settled

    def of(self, photo_id: str) -> ResolvedPhoto:
        """What is known about one photo.

        Raises:
            ExportError: it was made from another catalogue, which does not have the photo.
        """
        try:
            return self.photos[photo_id]
        except KeyError:
            raise ExportError(
                f"The decisions were worked out for another catalogue, without the photo “{photo_id}”. Work them out "
                "again for this one."
            ) from None

    @cached_property
    def changed(self) -> int:
        """Of how many photos the decisions say something else than the catalogue."""
        return sum(one.changed for one in self.photos.values())

    @property
    def reviewers(self) -> tuple[str, ...]:
        """All who decided something that is written, sorted."""
        return tuple(sorted({name for photo in self.photos.values() for name in photo.decided_by}))

    @property
    def open_photos(self) -> frozenset[str]:
        """The photos that something open is about."""
        return frozenset(self._open_by_photo)

    def open_about(self, photo_id: str) -> tuple[Finding, ...]:
        """What is open about a photo."""
        return tuple(self._open_by_photo.get(photo_id, ()))

    def remarks(self, photo_id: str) -> str:
        """What is open about a photo, as a comment on it; empty where nothing is."""
        about = [finding.message for finding in self.open_about(photo_id)]
        if len(about) > _MOST_REMARKS:
            about[_MOST_REMARKS:] = [f"And {len(about) - _MOST_REMARKS:,} more open questions."]
        return " ".join(about)

    @cached_property
    def _open_by_photo(self) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.left_open:
            for photo in finding.photo_ids:
                found[photo].append(finding)
        return dict(found)


@dataclass(frozen=True, slots=True)
class _Credit:
    """Who said something, and when last."""

    by: frozenset[str] = frozenset()
    at: datetime | None = None

    def and_(self, by: Iterable[str], at: Iterable[datetime]) -> _Credit:
        times = [*at, *([] if self.at is None else [self.at])]
        return _Credit(self.by | frozenset(by), max(times, default=None))


def resolve(
    catalogue: Catalogue, settled: Mapping[Pair, SettledPair], given: Mapping[str, GivenName] | None = None
) -> Resolution:
    """Work out who is on each photo.

    An individual has the name that the catalogue gives to its photos, or else the one that a reviewer gave to one of
    them. Photos keep what the catalogue says where their group holds a rejected pair, has several names, or has a name
    that another group has too. Decisions and names about photos that are not in the catalogue do not count.

    Args:
        catalogue: the photos, and who is on them so far.
        settled: the verdict on each pair, from :func:`pairx_core.decisions.settling_pairs.settle`.
        given: the names that reviewers gave, by photo id, from ``GivenNames.names()``.

    Raises:
        ExportError: the photos are copies in a field pack, and what is not in it would be missing.
    """
    if catalogue.form == FIELD_PACK:
        raise ExportError(
            f"{catalogue.source} is a field pack: a part of a catalogue, with copies of its photos. Merge its "
            "decisions into the catalogue's (python -m pairx_core decisions merge), and write who is who from there."
        )
    return _Resolving(catalogue, settled, given or {}).resolution()


class _Resolving:
    """The individuals of one catalogue, and what they are called."""

    def __init__(
        self, catalogue: Catalogue, settled: Mapping[Pair, SettledPair], given: Mapping[str, GivenName]
    ) -> None:
        self._order = [photo.id for photo in catalogue.photos]
        self._before = {photo.id: photo.identity for photo in catalogue.photos if photo.identity is not None}
        self._settled = {
            pair: one for pair, one in settled.items() if pair[0] in catalogue and pair[1] in catalogue
        }
        self._given = {photo: one for photo, one in given.items() if photo in catalogue}
        self._found = individuals(self._order, self._settled, self._before)
        self._shared = self._shared_names()

    def resolution(self) -> Resolution:
        """Everything together."""
        names = {photo: one.name for photo, one in self._given.items()}
        assigned = assigned_identities(self._found, self._before, names)
        held = {photo for number in self._held_groups() for photo in self._found.groups[number]}
        credits_of = self._credits(assigned)
        photos = {}
        for photo in self._order:
            before = self._before.get(photo)
            identity = before if photo in held else assigned.get(photo)
            credit = _Credit() if photo in held or identity is None else credits_of.get(photo, _Credit())
            photos[photo] = ResolvedPhoto(photo, before, identity, tuple(sorted(credit.by)), credit.at)
        return Resolution(photos, tuple(self._findings()))

    def _held_groups(self) -> set[int]:
        """The groups whose photos keep what the catalogue says."""
        contradicted = {one.group for one in self._found.contradictions}
        clashing = {number for number, _ in self._clashes()}
        return contradicted | clashing | {number for of in self._shared.values() for number in of}

    def _clashes(self) -> Iterator[tuple[int, list[str]]]:
        """Groups with several names: in the catalogue, or given by reviewers where the catalogue has none."""
        for number, group in enumerate(self._found.groups):
            names = sorted(self._names_in_catalogue(group)) or sorted(self._names_given(group))
            if len(names) > 1:
                yield number, names

    def _shared_names(self) -> dict[str, list[int]]:
        """Groups that only a reviewer named, by a name that another group has too."""
        groups_of: dict[str, list[int]] = defaultdict(list)
        for number, group in enumerate(self._found.groups):
            if not self._names_in_catalogue(group):
                for name in self._names_given(group):
                    groups_of[name].append(number)
        taken = set(self._before.values())
        return {name: of for name, of in sorted(groups_of.items()) if len(of) > 1 or name in taken}

    def _names_in_catalogue(self, group: Sequence[str]) -> set[str]:
        return {self._before[photo] for photo in group if photo in self._before}

    def _names_given(self, group: Sequence[str]) -> set[str]:
        return {self._given[photo].name for photo in group if photo in self._given}

    def _credits(self, assigned: Mapping[str, str]) -> dict[str, _Credit]:
        """Who is behind each photo's identity: those who accepted the pairs that join it, and who named it."""
        import networkx as nx

        accepted = nx.Graph(one.pair for one in self._settled.values() if one.verdict == "accept")
        found: dict[str, _Credit] = {}
        for part in nx.connected_components(accepted):
            rows = [
                row
                for one in accepted.subgraph(part).edges
                for row in self._settled[min(one), max(one)].decisions
                if row.decision == "accept"
            ]
            credit = _Credit().and_((row.reviewer for row in rows), (row.decided_at for row in rows))
            found |= dict.fromkeys(part, credit)
        for group in self._found.groups:
            if not self._names_in_catalogue(group):
                self._credit_names(group, assigned, found)
        return {photo: _Credit(one.by, one.at and one.at.astimezone(UTC)) for photo, one in found.items()}

    def _credit_names(
        self, group: Sequence[str], assigned: Mapping[str, str], found: dict[str, _Credit]
    ) -> None:
        names = [self._given[photo] for photo in group if photo in self._given]
        for photo in group:
            own = [one for one in names if one.name == assigned.get(photo)]
            credit = found.get(photo, _Credit())
            found[photo] = credit.and_((one.by for one in own), (one.at for one in own))

    # --- what is open ---

    def _findings(self) -> Iterator[Finding]:
        yield from _contradictions(self._found)
        for number, names in self._clashes():
            yield _name_clash(self._found.groups[number], names)
        for name, numbers in self._shared.items():
            yield self._shared_name(name, numbers)
        yield from self._pairs(
            "disputed",
            "disagreement",
            "Reviewers disagree on the {}, and nobody has settled it. Settle it as an adjudicator.",
        )
        yield from self._pairs(
            "unsure",
            "unsure",
            "Whether the {} show one individual is unsure. Have another reviewer look at them.",
        )
        for group in self._found.groups:
            if len(group) > 1 and not self._names_in_catalogue(group) and not self._names_given(group):
                yield _unnamed(group)
        for merge in self._found.merges:
            yield self._merge(merge.groups, merge.pairs)
        yield from self._unused_names()

    def _shared_name(self, name: str, numbers: Sequence[int]) -> Finding:
        photos = tuple(photo for number in numbers for photo in self._found.groups[number])
        return Finding(
            "shared_name",
            f"“{name}” was given to photos that no accepted pair joins to the others of that name. "
            f"{photo_count(len(photos))} written as the catalogue has them. Accept a pair between them, or give "
            "another name.",
            photos,
        )

    def _pairs(self, verdict: PairVerdict, kind: FindingKind, message: str) -> Iterator[Finding]:
        for pair, one in sorted(self._settled.items()):
            if one.verdict == verdict:
                yield Finding(kind, message.format(_pair(pair)), pair)

    def _merge(self, groups: tuple[int, int], pairs: Sequence[Pair]) -> Finding:
        one, other = (self._called(self._found.groups[number]) for number in groups)
        quoted = "; ".join(_pair(pair) for pair in pairs[:_MOST_QUOTED])
        more = f"; and {len(pairs) - _MOST_QUOTED:,} more" if len(pairs) > _MOST_QUOTED else ""
        return Finding(
            "suggested_merge",
            f"{one} and {other} may be one individual. They are written as two. Pairs to decide on: {quoted}{more}.",
            tuple(dict.fromkeys(photo for pair in pairs for photo in pair)),
        )

    def _called(self, group: Sequence[str]) -> str:
        names = sorted(self._names_in_catalogue(group)) or sorted(self._names_given(group))
        return ", ".join(f"“{name}”" for name in names) or f"the individual on photo “{group[0]}”"

    def _unused_names(self) -> Iterator[Finding]:
        """Names that reviewers gave to photos whose individual has another one in the catalogue."""
        for group in self._found.groups:
            names = self._names_in_catalogue(group)
            for photo in group:
                one = self._given.get(photo)
                if one is not None and names and one.name not in names:
                    yield Finding(
                        "name_not_used",
                        f"Photo “{photo}” was named “{one.name}” by {one.by}, but accepted pairs join it to "
                        f"{' and '.join(f'“{name}”' for name in sorted(names))} in the catalogue. The name is not "
                        "written. Take it back, or look at these pairs again.",
                        (photo,),
                    )


def _contradictions(found: Individuals) -> Iterator[Finding]:
    for one in found.contradictions:
        group = found.groups[one.group]
        yield Finding(
            "contradiction",
            f"The {_pair(one.pair)} are rejected, and yet joined by other pairs or by their name. "
            f"{photo_count(len(group))} of this group written as the catalogue has them. Look at the pairs again.",
            group,
        )


def _name_clash(group: tuple[str, ...], names: Sequence[str]) -> Finding:
    quoted = " and ".join(f"“{name}”" for name in names)
    return Finding(
        "name_clash",
        f"One individual has the names {quoted}. {photo_count(len(group))} of this group written as the catalogue has "
        "them. Look at its accepted pairs again, or give the individual one name.",
        group,
    )


def _unnamed(group: tuple[str, ...]) -> Finding:
    return Finding(
        "unnamed_group",
        f"{photo_count(len(group))} are joined to one individual that has no name, from “{group[0]}” on. They are "
        "written as unknown. Give the individual a name.",
        group,
    )


def _pair(pair: Pair) -> str:
    return f"photos “{pair[0]}” and “{pair[1]}”"
