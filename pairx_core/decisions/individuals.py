"""Who is who by the decisions: accepted pairs join, rejected pairs part, and what does not fit together is listed.

Nothing is decided here: merges and splits are suggested, and lead back to the pairs.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.counting import fewest_clusters
from pairx_core.decisions.settling_pairs import Pair, SettledPair, unordered
from pairx_core.errors import DecisionLogError

if TYPE_CHECKING:
    import networkx as nx


Basis = Literal["accept", "catalogue"]
_UNKNOWN_NAMES = {"", "unknown", "unidentified", "none", "nan", "null", "n/a", "na"}
_ACCEPTED, _NAMED = 2, 1  # lengths: two photos of one name are one link apart, by way of the name


@dataclass(frozen=True, slots=True)
class Link:
    """Why two photos are taken for one individual."""

    pair: Pair
    basis: Basis  # accepted by reviewers, or the same identity in the catalogue


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A rejected pair whose photos are joined all the same."""

    pair: Pair
    group: int  # number of the individual


@dataclass(frozen=True, slots=True)
class NameClash:
    """An individual that has several names."""

    group: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two individuals that may be one: pairs between them are open, and none is rejected."""

    groups: tuple[int, int]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The accepted pairs to look at again, so that a contradiction is resolved: fewest reviewers would err."""

    contradiction: Contradiction
    pairs: tuple[Pair, ...]  # empty: the catalogue itself says that both are one individual


@dataclass(frozen=True)
class Individuals:
    """The individuals that decisions and catalogue make of some photos."""

    groups: tuple[tuple[str, ...], ...]  # sorted photo ids of each; individuals by their first photo
    least: int  # fewest individuals that the open pairs leave possible
    is_exact: bool  # False: there may be fewer still, which would take too long to find out
    contradictions: tuple[Contradiction, ...]
    name_clashes: tuple[NameClash, ...]
    merges: tuple[Merge, ...]
    _pairs: tuple[SettledPair, ...] = field(repr=False)  # between two of the photos
    _names: Mapping[str, str] = field(repr=False)
    _settled: Mapping[Pair, SettledPair] = field(repr=False)

    @property
    def count(self) -> int:
        """How many there are, nothing more being joined: also the greatest number that is possible."""
        return len(self.groups)

    @property
    def greatest(self) -> int:
        """Most individuals that the open pairs leave possible: each of them is rejected."""
        return self.count

    def chain(self, contradiction: Contradiction) -> tuple[Link, ...]:
        """Fewest links that join the two photos of a contradiction."""
        import networkx as nx

        path = nx.bidirectional_dijkstra(self._graph, *contradiction.pair)[1]
        photos = [node for node in path if isinstance(node, str)]
        return tuple(
            Link(unordered(one, other), "accept" if self._graph.has_edge(one, other) else "catalogue")
            for one, other in pairwise(photos)
        )

    def split(self, contradiction: Contradiction) -> Split:
        """The accepted pairs that part the two photos of a contradiction when they are rejected.

        Among all such sets, one on which fewest acceptances by reviewers rest (a minimum cut).
        """
        import networkx as nx

        group = nx.DiGraph()
        for one, other in self._links_of(contradiction.group):
            settled = self._settled.get(unordered(one, other)) if isinstance(other, str) else None
            weight = (
                {"capacity": sum(row.decision == "accept" for row in settled.decisions)} if settled else {}
            )
            group.add_edge(one, other, **weight)
            group.add_edge(other, one, **weight)
        try:
            side, _ = nx.minimum_cut(group, *contradiction.pair)[1]
        except nx.NetworkXUnbounded:
            return Split(contradiction, ())
        cut = {unordered(one, other) for one, other in group.edges if (one in side) != (other in side)}
        return Split(contradiction, tuple(sorted(cut)))

    @cached_property
    def _graph(self) -> nx.Graph:
        """The photos of pairs, joined where a pair is accepted, and by way of a name where they have one.

        Photos that no pair is about hang on their name alone: no way leads through them.
        """
        import networkx as nx

        graph: nx.Graph = nx.Graph()
        graph.add_nodes_from(dict.fromkeys(photo for one in self._pairs for photo in one.pair))
        known = [(photo, _Name(self._names[photo])) for photo in graph if photo in self._names]
        accepted = (one.pair for one in self._pairs if one.verdict == "accept")
        graph.add_edges_from(accepted, weight=_ACCEPTED)
        graph.add_edges_from(known, weight=_NAMED)
        return graph

    def _links_of(self, group: int) -> Iterator[tuple[str, object]]:
        """The links of an individual, from a photo to another one or to a name."""
        import networkx as nx

        photo = next(photo for photo in self.groups[group] if photo in self._graph)
        members = nx.node_connected_component(self._graph, photo)
        for one, other in self._graph.subgraph(members).edges:
            yield (one, other) if isinstance(one, str) else (other, one)


class _Numbers(dict[str, int]):
    """The number of a photo's group, found when it is asked for."""

    def __init__(self, joined: _Joined, number_of: Mapping[str, int]) -> None:
        super().__init__()
        self._joined, self._number_of = joined, number_of

    def __missing__(self, photo: str) -> int:
        found = self[photo] = self._number_of[self._joined.root(photo)]
        return found


@dataclass(frozen=True, slots=True)
class _Name:
    """A node that joins the photos of one name."""

    name: str


class NamedPhotos:
    """Some photos with the names that the catalogue gives to the individuals on them.

    What does not depend on decisions is worked out here, once: of a million photos decisions join few.
    """

    def __init__(self, photos: Iterable[str], identities: Mapping[str, str] | None = None) -> None:
        """Take the ids of all photos, and names by photo id; photos of one name are one individual."""
        self.names = identities or {}
        by_name: dict[str, list[str]] = defaultdict(list)
        groups: list[tuple[str, ...]] = []
        for photo in photos:
            name = self.names.get(photo)
            if name is None:
                groups.append((photo,))
            else:
                by_name[name].append(photo)
        groups += (tuple(sorted(of_one)) for of_one in by_name.values())
        self._groups = {group[0]: group for group in sorted(groups)}
        self._first_of_name = {self.names[group[0]]: group[0] for group in groups if group[0] in self.names}

    def __contains__(self, photo: str) -> bool:
        name = self.names.get(photo)
        if name is None:
            return photo in self._groups
        group = self._groups.get(self._first_of_name.get(name, ""), ())
        at = bisect_left(group, photo)
        return at < len(group) and group[at] == photo

    @property
    def count(self) -> int:
        """How many groups they are by their names alone."""
        return len(self._groups)

    def first_of(self, photo: str) -> str:
        """The first photo of the group that a photo is in by its name alone."""
        name = self.names.get(photo)
        return photo if name is None else self._first_of_name[name]

    def group(self, first: str) -> tuple[str, ...]:
        """The group by name with a first photo, sorted."""
        return self._groups[first]

    def joined(self, joined: Iterable[Sequence[str]], parted: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The groups by names alone, with others in the place of those that they are made of; by their first photo.

        Args:
            joined: groups that are made of several.
            parted: the first photos of those that they are made of.
        """
        gone = set(parted)
        kept = [group for first, group in self._groups.items() if first not in gone]
        return tuple(sorted(kept + list(map(tuple, joined))))  # nearly sorted already, which makes it quick


def individuals(
    photos: Iterable[str] | NamedPhotos,
    settled: Mapping[Pair, SettledPair],
    identities: Mapping[str, str] | None = None,
) -> Individuals:
    """The individuals on some photos.

    The least number is that of the fewest groups that the open pairs can be accepted into without a rejected pair
    between two photos of one. To find it is as hard as coloring a graph, so it is exact where few groups hang
    together by open pairs, and otherwise a number that can be reached, with ``is_exact`` False.

    Args:
        photos: ids of all photos; pairs with other photos do not count. Or these with their names.
        settled: the verdict on each pair, from :func:`settle`.
        identities: names by photo id, as the catalogue has them; photos of one name are one individual.
    """
    named = photos if isinstance(photos, NamedPhotos) else NamedPhotos(photos, identities)
    pairs = [one for one in settled.values() if one.pair[0] in named and one.pair[1] in named]
    joined = _Joined(pairs, named)
    groups, group_of = joined.groups(), joined.group_of()
    rejected = [one.pair for one in pairs if one.verdict == "reject"]
    parted = {_between(pair, group_of) for pair in rejected}
    open_pairs = _open_between(pairs, group_of)
    least, is_exact = fewest_clusters(len(groups), open_pairs, parted)
    return Individuals(
        groups=groups,
        least=least,
        is_exact=is_exact,
        contradictions=tuple(
            Contradiction(pair, group_of[pair[0]])
            for pair in sorted(rejected)
            if group_of[pair[0]] == group_of[pair[1]]
        ),
        name_clashes=joined.name_clashes(),
        merges=tuple(Merge(two, tuple(of)) for two, of in sorted(open_pairs.items()) if two not in parted),
        _pairs=tuple(pairs),
        _names=named.names,
        _settled=settled,
    )


def count_individuals(named: NamedPhotos, settled: Mapping[Pair, SettledPair]) -> tuple[int, int]:
    """How many individuals there are, and how many contradictions, as :func:`individuals` finds them; quick."""
    pairs = [one for one in settled.values() if one.pair[0] in named and one.pair[1] in named]
    joined = _Joined(pairs, named)
    rejected = (one.pair for one in pairs if one.verdict == "reject")
    return joined.count, sum(joined.root(one) == joined.root(other) for one, other in rejected)


def check_new_name(name: str, taken: Iterable[str]) -> None:
    """Refuse a name for a new individual that another one has, or that means that it is unknown.

    Names are the same that look the same: large and small letters, spaces and forms of a letter aside.

    Raises:
        DecisionLogError: it cannot be given; the message says why.
    """
    tidy = tidy_name(name)
    if _same_looking(tidy).strip("_?-. ") in _UNKNOWN_NAMES:
        raise DecisionLogError(f"“{tidy}” means that an individual is not known. Choose a name for it.")
    clash = next((one for one in taken if _same_looking(one) == _same_looking(tidy)), None)
    if clash is not None:
        raise DecisionLogError(
            f"There is an individual “{clash}” already. Choose another name, or accept a pair with one of its photos "
            "if it is the same one."
        )


def assigned_identities(
    found: Individuals, identities: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Who is on each photo after the decisions, by photo id; photos that nobody has named are left out.

    An individual has the name that the catalogue gives to its photos, or else the one that a reviewer gave to one of
    them. Where it has several, its photos keep what the catalogue says, and the others get no name.

    Args:
        found: the individuals.
        identities: names as the catalogue has them, by photo id.
        given: names that reviewers gave, by photo id.
    """
    assigned: dict[str, str] = {}
    for group in found.groups:
        in_catalogue = {identities[photo] for photo in group if photo in identities}
        names = in_catalogue or {given[photo] for photo in group if photo in given}
        if len(names) == 1:
            assigned |= dict.fromkeys(group, names.pop())
        else:
            assigned |= {photo: identities[photo] for photo in group if photo in identities}
    return assigned


def _same_looking(name: str) -> str:
    visible = "".join(
        sign for sign in name if unicodedata.category(sign) != "Cf"
    )  # such as zero-width spaces
    return tidy_name(unicodedata.normalize("NFKC", visible)).casefold()


class _Joined:
    """The groups that accepted pairs make of the groups by name. Photos that no pair is about are not looked at."""

    def __init__(self, pairs: Sequence[SettledPair], named: NamedPhotos) -> None:
        self._named = named
        self._parent: dict[
            str, str
        ] = {}  # of a group by name, by its first photo, towards the root of its group
        self.count = named.count
        for one in pairs:
            roots = [self.root(photo) for photo in one.pair]
            if one.verdict == "accept" and roots[0] != roots[1]:
                self._parent[max(roots)] = min(roots)
                self.count -= 1

    def root(self, photo: str) -> str:
        """The first photo of the group that a photo is in."""
        first = here = self._named.first_of(photo)
        while (parent := self._parent.setdefault(here, here)) != here:
            here = parent
        while first != here:  # shorten the way for the next one
            self._parent[first], first = here, self._parent[first]
        return here

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The photos of each individual, in an order that does not depend on that of the decisions."""
        several = self._several
        members = [
            sorted(photo for first in firsts for photo in self._named.group(first))
            for firsts in several.values()
        ]
        self._found = self._named.joined(members, [first for firsts in several.values() for first in firsts])
        return self._found

    def group_of(self) -> Mapping[str, int]:
        """The number of the individual on a photo that a pair is about."""
        number_of = {group[0]: number for number, group in enumerate(self._found)}
        return _Numbers(self, number_of)

    def name_clashes(self) -> tuple[NameClash, ...]:
        """The groups of which the catalogue has several names."""
        group_of, clashes = self.group_of(), []
        for root, firsts in self._several.items():
            names = sorted(name for first in firsts if (name := self._named.names.get(first)) is not None)
            if len(names) > 1:
                clashes.append(NameClash(group_of[root], tuple(names)))
        return tuple(sorted(clashes, key=lambda clash: clash.group))

    @cached_property
    def _several(self) -> dict[str, list[str]]:
        """The groups by name that are joined with others: first photos, by that of the whole group."""
        found: dict[str, list[str]] = defaultdict(list)
        for first in self._parent:
            found[self.root(first)].append(first)
        return {root: firsts for root, firsts in found.items() if len(firsts) > 1}


def _between(pair: Pair, group_of: Mapping[str, int]) -> tuple[int, int]:
    one, other = sorted((group_of[pair[0]], group_of[pair[1]]))
    return one, other


def _open_between(
    pairs: Iterable[SettledPair], group_of: Mapping[str, int]
) -> dict[tuple[int, int], list[Pair]]:
    """The open pairs between two groups."""
    found: dict[tuple[int, int], list[Pair]] = defaultdict(list)
    for one in pairs:
        two = _between(one.pair, group_of)
        if one.is_open and two[0] != two[1]:
            found[two].append(one.pair)
    return {two: sorted(of) for two, of in found.items()}
