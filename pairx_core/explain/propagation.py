"""Relevance on its way back through a recorded forward pass.

Autograd recorded what was computed from what. Relevance walks back along that record: where a rule stands,
by the rule; at a sum or a concatenation, directly; anywhere else by autograd's own derivative, as in the
reference ("plain gradient, no multiplication by x"). A pass changes nothing in the record, so that many may
walk it at once, and walk it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.conserved_sum import is_sum_step, sum_step_of
from pairx_core.explain.rules.passing import PassStep
from pairx_core.explain.rules.recording import Step, is_step, step_of
from pairx_core.explain.rules.zplus import ZPlusStep

Node = Any  # an autograd node, a step among them
Edge = tuple[Node, int]  # a node, and which of its outputs
Uses = Literal["one", "several", "many"]


def edge_of(tensor: Tensor) -> Edge:
    """Where a tensor stands in the record; it must require a gradient."""
    edge = torch.autograd.graph.get_gradient_edge(tensor)
    return edge.node, edge.output_nr


class Tape:
    """The recorded way from one tensor (the start) to another that was computed from it (the end)."""

    def __init__(self, start: Edge, end: Edge, *, uses: Uses = "several") -> None:
        """Find the way.

        Args:
            start: where the way begins in the forward pass.
            end: where it ends.
            uses: how many relevances will come this way. For "many" it pays to prepare, and no other tape may
                share its steps; for "one" nothing is kept for a second.
        """
        self._start = start
        self._end = end
        self._nodes = _in_backward_order(end[0], start[0])
        if uses == "many":
            self._prepare_for_many()
        elif uses == "one":
            self._prepare_for_one()

    @property
    def steps(self) -> list[Step]:
        """The rules' steps, last to first."""
        return [step_of(node) for node in self._nodes if is_step(node)]

    def send_back(self, relevance: Relevance) -> Relevance | None:
        """Relevance at the start for a relevance at the end; None where no way leads from one to the other."""
        waiting: dict[Edge, Relevance] = {self._end: relevance}
        known = {*self._nodes, self._start[0]}
        with torch.no_grad():
            for node in self._nodes:
                incoming = [waiting.pop((node, number), None) for number in range(_outputs(node))]
                if all(part is None for part in incoming):
                    continue
                for edge, part in zip(node.next_functions, _through(node, incoming), strict=False):
                    if part is not None and part.values.numel() and edge[0] in known:
                        waiting[edge] = waiting[edge].plus(part) if edge in waiting else part
        return waiting.get(self._start)

    def _prepare_for_one(self) -> None:
        for step in map(_zplus, self._nodes):
            if step is not None:
                step.serve_one()

    def _prepare_for_many(self) -> None:
        """Where relevance goes from a convolution to another through nothing but Pass, fold the two."""
        users: Counter[Edge] = Counter(edge for node in self._nodes for edge in node.next_functions)
        for node in self._nodes:
            step = _zplus(node)
            if step is not None:
                edge = node.next_functions[0]
                while edge != self._start and users[edge] == 1 and _passes(edge[0]):
                    edge = edge[0].next_functions[0]
                foldable = edge != self._start and users[edge] == 1
                step.serve_many(_zplus(edge[0]) if foldable else None)


def _zplus(node: Node) -> ZPlusStep | None:
    """The ZPlus step that a node holds, if it holds one."""
    step = step_of(node) if is_step(node) else None
    return step if isinstance(step, ZPlusStep) else None


def _passes(node: Node) -> bool:
    return is_step(node) and isinstance(step_of(node), PassStep)


def _in_backward_order(last: Node, first: Node) -> list[Node]:
    """The nodes between two, each after all that depend on it; without the first."""
    finished: dict[Node, bool] = {first: True}  # whether a way leads from the node to the first
    order: list[Node] = []
    stack = [(last, iter(_inputs(last)))] if last is not first else []
    while stack:
        node, inputs = stack[-1]
        following = next((other for other in inputs if other not in finished), None)
        if following is not None:
            stack.append((following, iter(_inputs(following))))
            continue
        stack.pop()
        if node not in finished:
            finished[node] = any(finished[other] for other in _inputs(node))
            if finished[node]:
                order.append(node)
    return order[::-1]


def _inputs(node: Node) -> list[Node]:
    return [other for other, _ in node.next_functions if other is not None]


def _outputs(node: Node) -> int:
    return len(node._input_metadata)


def _through(node: Node, incoming: Sequence[Relevance | None]) -> Sequence[Relevance | None]:
    """Relevance at each of a node's inputs."""
    relevance = incoming[0]
    if relevance is not None:
        if is_step(node):
            return [step_of(node).send_back(relevance)]
        if is_sum_step(node):
            return sum_step_of(node).send_back(relevance)
        if _is_plain_sum(node, relevance):
            return [relevance] * len(node.next_functions)
        if node.name() == "CatBackward0" and node._saved_dim == 1 and len(relevance.shape) == 4:
            return _split(node, relevance)
    return _derivative(node, incoming)


def _is_plain_sum(node: Node, relevance: Relevance) -> bool:
    """Whether a node adds tensors of one shape."""
    return (
        node.name() == "AddBackward0"
        and node._saved_alpha == 1
        and all(_shape(edge) in (None, relevance.shape) for edge in node.next_functions)
    )


def _split(node: Node, relevance: Relevance) -> list[Relevance | None]:
    """A concatenation of channels, undone."""
    parts: list[Relevance | None] = []
    first = 0
    for edge in node.next_functions:
        shape = _shape(edge)
        if shape is None:  # a constant: how many channels it had is not noted
            return _derivative(node, [relevance])
        values = relevance.values[:, first : first + shape[1]]
        parts.append(Relevance(values, shape, relevance.top, relevance.left))
        first += shape[1]
    return parts


def _shape(edge: Edge) -> torch.Size | None:
    node, number = edge
    return None if node is None else torch.Size(node._input_metadata[number].shape)


def _derivative(node: Node, incoming: Sequence[Relevance | None]) -> list[Relevance | None]:
    """What autograd sends back."""
    sent = node(*[None if part is None else part.full() for part in incoming])
    sent = sent if isinstance(sent, tuple) else (sent,)
    parts: list[Relevance | None] = []
    for edge, part in zip(node.next_functions, sent, strict=False):
        shape = _shape(edge)
        if part is None or shape is None:
            parts.append(None)
        else:  # what was broadcast forward is summed on the way back, which autograd leaves to its engine
            parts.append(Relevance.whole(part.sum_to_size(shape)).cropped())
    return parts
