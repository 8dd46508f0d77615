"""A large record: how long it takes to read it, and to work out who is who and how far reviewers agree."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pairx_core.decisions import Decision, DecisionLog, standing_by_reviewer
from pairx_core.decisions.agreement import agreement_summary, ratings
from pairx_core.decisions.individuals import individuals
from pairx_core.decisions.rows import HEADER, row_bytes
from pairx_core.decisions.settling_pairs import settle

SIZES = (10_000, 30_000, 100_000)
ROUNDS = 3
_REVIEWERS = ("Ben", "Cleo", "Dan", "Eve")
_CANDIDATES = 5


def main() -> None:
    """Print the table."""
    print("\nA large record (seconds, medians of", ROUNDS, "rounds)")
    print(
        f"{'decisions':>10} {'read':>8} {'standing':>9} {'settled':>8} {'individuals':>12} {'agreement':>10} {'all':>8}"
    )
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "decisions.csv"
            path.write_bytes(HEADER + b"".join(row_bytes(row) for row in made_up(size)))
            rounds = [_round(path) for _ in range(ROUNDS)]
        middle = [statistics.median(column) for column in zip(*rounds, strict=True)]
        print(
            f"{size:>10,} "
            + " ".join(
                f"{value:>{width}.2f}" for value, width in zip(middle, (8, 9, 8, 12, 10, 8), strict=True)
            )
        )


def made_up(size: int) -> list[Decision]:
    """Decisions as a season brings them: five candidates a query, seen by one or two reviewers, some in error."""
    lots = random.Random(1)
    time_ = datetime(2026, 3, 1, tzinfo=UTC)
    rows: list[Decision] = []
    number = 0
    while len(rows) < size:
        query, number = number, number + 1
        animal = query % 400
        for candidate in range(_CANDIDATES):
            other = lots.randrange(max(1, query)) if candidate else max(0, query - 400)
            if other == query:
                continue
            is_same = other % 400 == animal
            for reviewer in lots.sample(_REVIEWERS, lots.choice((1, 2))):
                rows.append(_row(len(rows), time_, reviewer, query, other, _verdict(is_same, lots)))
    return rows[:size]


def _verdict(is_same: bool, lots: random.Random) -> str:
    chance = lots.random()
    if chance < 0.06:
        return "unsure" if chance < 0.04 else "not_comparable"
    return "accept" if is_same and chance > 0.07 else "reject"


def _row(number: int, start: datetime, reviewer: str, query: int, candidate: int, verdict: str) -> Decision:
    return Decision(
        decision_id=f"{number:032x}",
        decided_at=start + timedelta(seconds=number),
        reviewer=reviewer,
        session="",
        query_id=f"IMG_{query:06}",
        candidate_id=f"IMG_{candidate:06}",
        decision=verdict,  # type: ignore[arg-type]
        similarity=0.81,
        rank=1,
        query_path=f"photos/IMG_{query:06}.jpg",
        candidate_path=f"photos/IMG_{candidate:06}.jpg",
        model="demo",
        layer="blocks.3",
        overlay_shown=("lines", "points", "heat_map"),
        seconds=4.2,
        app_version="0.1.0",
    )


def _round(path: Path) -> list[float]:
    """Seconds of each step, and of all."""
    steps: list[float] = []

    def timed(step: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        made = step()
        steps.append(time.perf_counter() - start)
        return made

    rows = timed(lambda: DecisionLog(path).decisions())
    timed(lambda: standing_by_reviewer(rows))
    settled = timed(lambda: settle(rows))
    photos = sorted({photo for pair in settled for photo in pair})
    timed(lambda: individuals(photos, settled))
    timed(lambda: agreement_summary(ratings(rows)))
    return [*steps, sum(steps)]


if __name__ == "__main__":
    main()
