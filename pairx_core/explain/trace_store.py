"""Traces of recent photos, kept in memory under a budget."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from pairx_core.explain.trace import Trace


class TraceStore:
    """The most recently used traces. Threads may share it; two that want the same photo make its trace once."""

    def __init__(self, budget: int) -> None:
        """Keep traces of at most so many bytes in all between explanations.

        What the rules keep is counted; what autograd notes besides in a transformer is about as much again.
        """
        self.budget = budget
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Trace], *, complete: bool) -> Trace:
        """The trace of a photo; made, where it is not kept.

        Args:
            key: what the trace depends on.
            make: makes it.
            complete: whether relevance is to be sent back from the embedding, not from the layer alone.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            kept = self._find(key)
            if kept is None or (complete and not kept.is_complete):
                kept = make()
                self.put(key, kept)
        return kept

    def put(self, key: str, trace: Trace) -> None:
        """Keep another trace of a photo from now on."""
        with self._lock:
            self._traces[key] = trace

    def trim(self) -> None:
        """Forget the least recently used traces until the budget holds."""
        with self._lock:
            sizes = {key: trace.nbytes for key, trace in self._traces.items()}
            total = sum(sizes.values())
            for key, size in sizes.items():
                if total <= self.budget:
                    break
                del self._traces[key]
                total -= size
            self._making = {
                key: lock for key, lock in self._making.items() if lock.locked() or key in self._traces
            }

    @property
    def nbytes(self) -> int:
        """What the kept traces hold now, in bytes."""
        with self._lock:
            return sum(trace.nbytes for trace in self._traces.values())

    def __len__(self) -> int:
        return len(self._traces)

    def _find(self, key: str) -> Trace | None:
        with self._lock:
            if key in self._traces:
                self._traces.move_to_end(key)
            return self._traces.get(key)
