"""The fewest clusters that groups can be joined into, along some of the edges and never across a parted two."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx


Two = tuple[int, int]  # numbers of two groups, the lower first
_WORK = 40_000  # clusters looked at in the search of one part, before a number that can be reached has to do
_ALL_WORK = 200_000  # the same, for all parts together; small ones are searched first
_MOST_EDGES = 400  # of a part that is searched at all


def fewest_clusters(groups: int, joinable: Iterable[Two], parted: Collection[Two]) -> tuple[int, bool]:
    """The fewest clusters, and whether that is proved.

    Every cluster must hang together by joinable twos and hold no parted two. Each part that hangs together is solved
    for itself: one without parted twos becomes one cluster, the others are searched by joining or forgoing one edge
    after the other, with the number of parts that are left as the bound.

    Args:
        groups: how many groups there are, with numbers from 0.
        joinable: twos that may be joined.
        parted: twos that may not lie in one cluster.
    """
    import networkx as nx

    graph: nx.Graph = nx.Graph()
    graph.add_edges_from(two for two in joinable if two[0] != two[1])
    clusters, is_exact = groups - len(graph), True
    conflicts = _by_group(parted, graph)
    left = _ALL_WORK
    for part in sorted(nx.connected_components(graph), key=lambda part: (len(part), min(part))):
        own = {one: conflicts.get(one, set()) & part for one in part}
        if not any(own.values()):
            clusters += 1
            continue
        found, is_proved, work = _fewest_of(graph.subgraph(part), own, min(_WORK, left))
        left -= work
        clusters += found
        is_exact = is_exact and is_proved
    return clusters, is_exact


def _by_group(parted: Collection[Two], graph: nx.Graph) -> dict[int, set[int]]:
    conflicts: dict[int, set[int]] = {}
    for one, other in parted:
        if one != other and one in graph and other in graph:
            conflicts.setdefault(one, set()).add(other)
            conflicts.setdefault(other, set()).add(one)
    return conflicts


@dataclass(frozen=True)
class _State:
    """Clusters so far, each under the number of one of its groups."""

    near: dict[int, frozenset[int]]  # clusters that each may still be joined with
    apart: dict[int, frozenset[int]]  # clusters that each may not be joined with, be it by way of others


def _fewest_of(part: nx.Graph, conflicts: Mapping[int, set[int]], work: int) -> tuple[int, bool, int]:
    """The fewest clusters of a part, whether that is proved, and how much of the work it took."""
    state = _State(
        {one: frozenset(part.adj[one]) - conflicts[one] for one in part},
        {one: frozenset(of) for one, of in conflicts.items()},
    )
    greedy = _joined_greedily(part, conflicts)
    least = _bound(state)
    if greedy == least or part.number_of_edges() > _MOST_EDGES:
        return greedy, greedy == least, 0
    return _search(state, greedy, work)


def _search(start: _State, best: int, work: int) -> tuple[int, bool, int]:
    """Depth first: for one edge after the other, both its ends in one cluster, or in two for good."""
    waiting = [start]
    size = len(start.near)
    for step in range(work // size):
        while waiting and _bound(waiting[-1]) >= best:
            waiting.pop()
        if not waiting:
            return best, True, step * size
        state = waiting.pop()
        two = _next_edge(state)
        if two is None:
            best = len(state.near)  # fewer than before: its bound, which is this number, was
        else:
            waiting += (_forgone(state, two), _joined(state, two))
    return best, all(_bound(state) >= best for state in waiting), work


def _joined_greedily(part: nx.Graph, conflicts: Mapping[int, set[int]]) -> int:
    """A number of clusters that can be reached: each edge in turn is joined where that is allowed."""
    import networkx as nx

    clusters = nx.utils.UnionFind(part)
    apart = {one: set(of) for one, of in conflicts.items()}  # of each cluster, under one of its groups
    count = len(part)
    for one, other in sorted(tuple(sorted(edge)) for edge in part.edges):
        first, second = clusters[one], clusters[other]
        few, many = sorted((first, second), key=lambda cluster: len(apart[cluster]))
        if first == second or any(clusters[enemy] == many for enemy in apart[few]):
            continue
        clusters.union(first, second)
        apart[many] |= apart[few]
        apart[clusters[first]] = apart[many]
        count -= 1
    return count


def _bound(state: _State) -> int:
    """The parts that hang together, were everything joined that may be: there cannot be fewer clusters."""
    import networkx as nx

    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(state.near)
    graph.add_edges_from((one, other) for one, of in state.near.items() for other in of)
    return int(nx.number_connected_components(graph))


def _next_edge(state: _State) -> Two | None:
    """The edge whose ends are kept apart from the most same ones: joining them costs least."""
    edges = [(one, other) for one, of in state.near.items() for other in of if one < other]
    return min(edges, key=lambda two: (len(state.apart[two[0]] ^ state.apart[two[1]]), two), default=None)


def _joined(state: _State, two: Two) -> _State:
    """The second cluster becomes part of the first."""
    kept, gone = two
    apart = (state.apart[kept] | state.apart[gone]) - {kept, gone}
    near = (state.near[kept] | state.near[gone]) - {kept, gone} - apart
    return _State(_merged(state.near, kept, gone, near), _merged(state.apart, kept, gone, apart))


def _merged(
    of: Mapping[int, frozenset[int]], kept: int, gone: int, merged: frozenset[int]
) -> dict[int, frozenset[int]]:
    """Relations of all clusters, once one is gone and another one has those of both."""
    rest = {one: others - {kept, gone} for one, others in of.items() if one != gone}
    return {**rest, **{one: rest[one] | {kept} for one in merged}, kept: merged}


def _forgone(state: _State, two: Two) -> _State:
    """The two are never joined, be it by way of others."""
    one, other = two
    near = {**state.near, one: state.near[one] - {other}, other: state.near[other] - {one}}
    apart = {**state.apart, one: state.apart[one] | {other}, other: state.apart[other] | {one}}
    return _State(near, apart)
