"""Top-5 of many queries among up to a million embeddings, beside faiss's exact index of the same vectors.

Each side works in a process of its own, which opens what is on the disk, answers once to warm up, and then answers in
turn with the other: seconds are medians over the turns, memory is what the process holds at its end and at its most.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

DIMENSIONS = 2152  # MiewID's
SIZES = (10_000, 100_000, 1_000_000)
QUERIES = 1_000
ROUNDS = {10_000: 5, 100_000: 5, 1_000_000: 3}
APPROXIMATE_FROM = 100_000
_CHUNK = 20_000
_LATENT = 128  # dimensions in which animals differ, as real embeddings have far fewer than they have numbers
_SPREAD, _NOISE = 0.6, 0.3  # of a photo around its individual, in these dimensions and in all
_PER_INDIVIDUAL = 10


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Measure and print."""
    print(
        f"\nTop-5 of {QUERIES:,} queries, {DIMENSIONS} dimensions: float16 on the disk, beside faiss.IndexFlatIP"
    )
    print(f"{'photos':>10} {'side':>8} {'1,000 queries':>14} {'1 query':>9} {'32 queries':>11} {'resident':>10} "
          f"{'at most':>9} {'of it file':>11} {'opened in':>10}")  # fmt: skip
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), size)
            _compare(Path(folder), size)
            if size >= APPROXIMATE_FROM:
                _approximately(Path(folder), size)


def _compare(folder: Path, size: int) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    sides = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.search", name, str(folder), str(size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for name in ("ours", "faiss")
    }  # fmt: skip
    opened = {name: _answer(side) for name, side in sides.items()}
    times: dict[str, dict[str, list[float]]] = {name: {"1000": [], "1": [], "32": []} for name in sides}
    found: dict[str, list[list[int]]] = {}
    for _ in range(ROUNDS[size]):
        for name, side in sides.items():
            for kind, seconds in times[name].items():
                said = _ask(side, kind)
                seconds.append(said["seconds"])
                found[name] = said["found"] if kind == "1000" else found[name]
    (folder / "exact.json").write_text(json.dumps(found["ours"]))
    memory = {name: _ask(side, "memory") for name, side in sides.items()}
    for side in sides.values():
        side.communicate("stop\n")
    for name in sides:
        middle = {kind: statistics.median(seconds) for kind, seconds in times[name].items()}
        print(
            f"{size:>10,} {name:>8} {middle['1000']:>12.2f} s {1000 * middle['1']:>6.0f} ms "
            f"{1000 * middle['32']:>8.0f} ms "
            f"{memory[name]['resident']:>6.0f} MiB {memory[name]['most']:>5.0f} MiB {memory[name]['file']:>7.0f} MiB "
            f"{opened[name]['seconds']:>8.1f} s"
        )
    ratios = [a / b for a, b in zip(times["ours"]["1000"], times["faiss"]["1000"], strict=True)]
    same = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(found["ours"], found["faiss"], strict=True)])
    print(
        f"{size:>10,} ratio: time {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}), resident "
        f"{memory['ours']['resident'] / memory['faiss']['resident']:.2f}, at most "
        f"{memory['ours']['most'] / memory['faiss']['most']:.2f}; {same:.2%} of the candidates are the same"
    )


def _write(folder: Path, size: int) -> None:
    """Embeddings of individuals with ten photos each, straight into a store."""
    from pairx_core.retrieval.keys import as_keys
    from pairx_core.retrieval.store import EmbeddingStore, StoreAbout

    random = np.random.default_rng(0)
    store = EmbeddingStore(folder / "store", StoreAbout("made", "0" * 16, "as given", DIMENSIONS, "float16"))
    strength = np.linspace(1, 0.1, _LATENT, dtype=np.float32)[:, None]
    axes = strength * random.standard_normal((_LATENT, DIMENSIONS), dtype=np.float32) / np.sqrt(_LATENT / 3)
    with store.writing():
        for start in range(0, size, _CHUNK):
            count = min(_CHUNK, size - start)
            individuals = random.standard_normal((count // _PER_INDIVIDUAL, _LATENT), dtype=np.float32)
            latent = np.repeat(individuals, _PER_INDIVIDUAL, axis=0)
            latent += _SPREAD * random.standard_normal(latent.shape, dtype=np.float32)
            photos = latent @ axes + _NOISE * random.standard_normal((count, DIMENSIONS), dtype=np.float32)
            store.append(
                as_keys([number.to_bytes(32, "little") for number in range(start, start + count)]), photos
            )


def _approximately(folder: Path, size: int) -> None:
    """The approximate index of the same vectors: what it costs, what it gains, and what it misses."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    command = [sys.executable, "-m", "tests.benchmarks.search", "approximate", str(folder), str(size)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as side:
        opened, one, many = _answer(side), _ask(side, "1"), _ask(side, "1000")
        exact = json.loads((folder / "exact.json").read_text())
        found = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(many["found"], exact, strict=True)])
        memory = _ask(side, "memory")
        side.communicate("stop\n")
    kept = (folder / "store" / "approximate.faiss").stat().st_size / 2**20
    print(
        f"{size:>10,} approximate: made and opened in {opened['seconds']:.0f} s, {kept:.0f} MiB on the disk; 1 query "
        f"{1000 * one['seconds']:.0f} ms, 1,000 in {many['seconds']:.2f} s, resident {memory['resident']:.0f} MiB; "
        f"{found:.1%} of the exact candidates found"
    )


class _Approximate:
    def __init__(self, folder: Path) -> None:
        from pairx_core.retrieval.approximate import ApproximateIndex, ApproximateSearch
        from pairx_core.retrieval.store import EmbeddingStore, StoreAbout
        from pairx_core.retrieval.vectors import PhotoVectors

        store = EmbeddingStore(
            folder / "store", StoreAbout("made", "0" * 16, "as given", DIMENSIONS, "float16")
        )
        ApproximateIndex.make(store, least=APPROXIMATE_FROM)
        self._search = ApproximateSearch(ApproximateIndex.of(store), PhotoVectors(store.vectors))

    def search(self, queries: np.ndarray) -> list[list[int]]:
        from pairx_core.retrieval.search import Wanted

        none = [np.empty(0, np.int64)] * len(queries)
        wanted = Wanted([None], np.zeros(len(queries), np.int64), none)
        return [found.places.tolist() for found in self._search.nearest(queries, 5, wanted)]


class _Ours:
    def __init__(self, folder: Path) -> None:
        from pairx_core.retrieval.search import nearest
        from pairx_core.retrieval.store import EmbeddingStore, StoreAbout
        from pairx_core.retrieval.vectors import PhotoVectors

        store = EmbeddingStore(
            folder / "store", StoreAbout("made", "0" * 16, "as given", DIMENSIONS, "float16")
        )
        self._vectors, self._nearest = PhotoVectors(store.vectors), nearest

    def search(self, queries: np.ndarray) -> list[list[int]]:
        return [found.places.tolist() for found in self._nearest(self._vectors, queries, 5)]


class _Faiss:
    def __init__(self, folder: Path) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(DIMENSIONS)
        with (folder / "store" / "vectors-0.bin").open("rb") as file:
            while content := file.read(_CHUNK * DIMENSIONS * 2):
                self._index.add(np.frombuffer(content, "<f2").reshape(-1, DIMENSIONS).astype(np.float32))

    def search(self, queries: np.ndarray) -> list[list[int]]:
        return self._index.search(queries, 5)[1].tolist()


def _serve(name: str, folder: Path, size: int) -> None:
    """One side: opens, and answers what it is asked line by line."""
    start = time.perf_counter()
    side = {"ours": _Ours, "faiss": _Faiss, "approximate": _Approximate}[name](folder)
    opened = time.perf_counter() - start
    stored = np.memmap(folder / "store" / "vectors-0.bin", "<f2", mode="r", shape=(size, DIMENSIONS))
    rows = np.random.default_rng(1).choice(size, QUERIES, replace=False)
    queries = np.asarray(stored[np.sort(rows)], np.float32)
    del stored
    side.search(queries[:32])
    print(json.dumps({"seconds": opened}), flush=True)
    for line in sys.stdin:
        if line.strip() == "stop":
            return
        print(
            json.dumps(_memory() if line.strip() == "memory" else _timed(side.search, queries, int(line))),
            flush=True,
        )


def _timed(
    search: Callable[[np.ndarray], list[list[int]]], queries: np.ndarray, count: int
) -> dict[str, object]:
    start = time.perf_counter()
    found = search(queries[:count])
    return {"seconds": time.perf_counter() - start, "found": found}


def _memory() -> dict[str, float]:
    """MiB of this process."""
    status = Path("/proc/self/status").read_text()
    return {
        name: int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) / 1024
        for name, field in (("resident", "VmRSS"), ("most", "VmHWM"), ("file", "RssFile"))
    }


def _ask(side: subprocess.Popen[str], what: str) -> dict[str, object]:
    side.stdin.write(f"{what}\n")
    side.stdin.flush()
    return _answer(side)


def _answer(side: subprocess.Popen[str]) -> dict[str, object]:
    line = side.stdout.readline()
    if not line:
        raise RuntimeError("one side of the comparison has ended")
    return json.loads(line)


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["faiss"], ["approximate"]):
        _serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES)
