"""What an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass

from pairx_core.errors import ExplanationError
from pairx_core.evaluate.methods import METHODS

CONTROLS = {"weights": "weights shuffled", "pairs": "explanation of another pair"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate."""

    methods: tuple[str, ...]  # names in METHODS, with a layer of their own behind a colon where wanted
    layer: str | None = None  # of the methods that take one; None: the model's recommended one
    controlled: tuple[str, ...] = ()  # methods whose measures are shown to collapse
    faithful_pairs: int = 40  # the first so many pairs have deletion and insertion, the slow part
    steady_pairs: int = 20  # the first so many have their steadiness measured
    k_lines: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ExplanationError: there is no such method.
        """
        for name in (*self.methods, *self.controlled):
            if name.partition(":")[0] not in METHODS:
                raise ExplanationError(f"There is no method “{name}”. There are: {', '.join(METHODS)}.")
        if not self.methods:
            raise ExplanationError(f"No method is named. There are: {', '.join(METHODS)}.")
