"""Who is who by the decisions: accepted pairs join, rejected pairs part, and what does not fit together is listed.

Nothing is decided here: merges and splits are suggested, and lead back to the pairs.
"""

from __future__ import annotations

import heapq
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import networkx as nx

from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.counting import fewest_clusters
from pairx_core.decisions.settling_pairs import Pair, SettledPair, unordered
from pairx_core.errors import DecisionLogError

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
    _graph: nx.Graph = field(repr=False)
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

    def _links_of(self, group: int) -> Iterator[tuple[str, object]]:
        """The links of an individual, from a photo to another one or to a name."""
        photo = next(photo for photo in self.groups[group] if photo in self._graph)
        members = nx.node_connected_component(self._graph, photo)
        for one, other in self._graph.subgraph(members).edges:
            yield (one, other) if isinstance(one, str) else (other, one)


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
        groups: dict[str, tuple[str, ...]] = {}
        for photo in photos:
            name = self.names.get(photo)
            if name is None:
                groups[photo] = (photo,)
            else:
                by_name[name].append(photo)
        self.of_name = {name: tuple(sorted(of_one)) for name, of_one in by_name.items()}
        groups |= {of_one[0]: of_one for of_one in self.of_name.values()}
        self._groups = dict(sorted(groups.items()))  # by the first photo
        self._unnamed = {photo for photo, of_one in groups.items() if photo not in self.names}

    def __contains__(self, photo: object) -> bool:
        return (photo in self.names and self.names[str(photo)] in self.of_name) or photo in self._unnamed

    def joined(self, joined: Iterable[Sequence[str]], parted: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The groups by names alone, with others in the place of those whose photos are joined; by first photo.

        Args:
            joined: the groups that are made of several.
            parted: the first photos of the groups that they are made of.
        """
        groups = dict(self._groups)
        for first in parted:
            del groups[first]
        return tuple(heapq.merge(groups.values(), sorted(map(tuple, joined))))

    def first_of(self, photo: str) -> str:
        """The first photo of the group that a photo is in by its name alone."""
        name = self.names.get(photo)
        return photo if name is None else self.of_name[name][0]


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
    graph = _graph(pairs, named.names)
    groups = _groups(graph, named)
    group_of = _group_of(graph, groups, named)
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
        name_clashes=_name_clashes(graph, group_of),
        merges=tuple(Merge(two, tuple(of)) for two, of in sorted(open_pairs.items()) if two not in parted),
        _graph=graph,
        _settled=settled,
    )


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


def _graph(pairs: Iterable[SettledPair], names: Mapping[str, str]) -> nx.Graph:
    """The photos of pairs, joined where a pair is accepted, and by way of a name where they have one.

    Photos that no pair is about hang on their name alone: no way leads through them.
    """
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(dict.fromkeys(photo for one in pairs for photo in one.pair))
    known = [(photo, _Name(names[photo])) for photo in graph if photo in names]
    graph.add_edges_from((one.pair for one in pairs if one.verdict == "accept"), weight=_ACCEPTED)
    graph.add_edges_from(known, weight=_NAMED)
    return graph


def _groups(graph: nx.Graph, named: NamedPhotos) -> tuple[tuple[str, ...], ...]:
    """The photos of each individual, in an order that does not depend on that of the decisions."""
    joined: list[Sequence[str]] = []
    parted: set[str] = set()
    for part in nx.connected_components(graph):
        firsts = {named.first_of(node) for node in part if isinstance(node, str)}
        if len(firsts) > 1:
            joined.append(_members(part, named))
            parted |= firsts
    return named.joined(joined, parted)


def _members(part: Iterable[object], named: NamedPhotos) -> list[str]:
    """All photos of a part of the graph, those that only hang on its names among them."""
    members: set[str] = set()
    for node in part:
        if isinstance(node, _Name):
            members.update(named.of_name[node.name])
        else:
            members.add(str(node))
    return sorted(members)


def _group_of(graph: nx.Graph, groups: Sequence[Sequence[str]], named: NamedPhotos) -> dict[str, int]:
    """The number of the individual on each photo that a pair is about."""
    number_of = {group[0]: number for number, group in enumerate(groups)}
    found: dict[str, int] = {}
    for part in nx.connected_components(graph):
        photos = [node for node in part if isinstance(node, str)]
        first = min(map(named.first_of, photos))
        found |= dict.fromkeys(photos, number_of[first])
    return found


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


def _name_clashes(graph: nx.Graph, group_of: Mapping[str, int]) -> tuple[NameClash, ...]:
    clashes = []
    for part in nx.connected_components(graph):
        names = sorted(node.name for node in part if isinstance(node, _Name))
        if len(names) > 1:
            photo = next(node for node in part if isinstance(node, str))
            clashes.append(NameClash(group_of[photo], tuple(names)))
    return tuple(sorted(clashes, key=lambda clash: clash.group))
