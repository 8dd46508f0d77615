"""Made-up data of the size that a big photo-ID catalogue has: metadata, a record of decisions, embeddings.

The metadata are invented, the pictures are those of the bundled sample, shared by all rows: each row has a box of
its own in one of them, so that each is an embedding of its own. Everything is drawn by a seed.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Catalogue, photo_digest
from pairx_core.decisions import Decision
from pairx_core.decisions.rows import HEADER, row_bytes
from pairx_core.models import EmbeddingModel
from pairx_core.retrieval.building import embedding_key, open_store
from pairx_core.retrieval.keys import as_keys
from pairx_core.settings import SAMPLE_CATALOGUE

UNKNOWN_SHARE = 0.3  # of the photos are to identify
PHOTOS_OF_ONE = 50  # of an individual, on average
REVIEWERS = ("bench", "Ada", "Ben", "Cleo")
TEXT_IN_SOME = "torn ear"  # in the notes of some decisions
_COLUMNS = ("image_id", "identity", "path", "bbox", "date", "orientation", "species", "site")
_SITES, _SPECIES, _DAYS = 600, ("zebrelle", "starwing", "duskling"), 1500
_START = datetime(2021, 1, 1)
_BLOCK = 50_000  # embeddings made together
_NOISE = 0.8  # of an embedding, against its individual's


def photo_id(number: int) -> str:
    """The name of a row, from 0."""
    return f"L{number:07}"


def write_catalogue(folder: Path, size: int, seed: int = 1) -> Path:
    """A wildlife-datasets CSV of so many rows, with the sample's photographs beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SAMPLE_CATALOGUE.parent / "photos", folder / "photos", dirs_exist_ok=True)
    with SAMPLE_CATALOGUE.open(newline="", encoding="utf-8") as file:
        boxes = [(row["path"], [float(part) for part in row["bbox"].strip("[]").split(",")])
                 for row in csv.DictReader(file) if row["bbox"]]  # fmt: skip
    path = folder / "metadata.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(_rows(size, boxes, np.random.default_rng(seed)))
    return path


def _rows(
    size: int, boxes: list[tuple[str, list[float]]], random: np.random.Generator
) -> Iterator[tuple[str, ...]]:
    animals, is_unknown = animals_of(size), unknown_of(size)
    days, sites = random.integers(_DAYS, size=size), random.integers(_SITES, size=size)
    flanks, shares = random.integers(2, size=size), random.uniform(0, 0.3, (size, 2))
    for number in range(size):
        path, (x, y, width, height) = boxes[number % len(boxes)]
        right, down = shares[number]
        box = (x + right * width, y + down * height, width * (1 - right), height * (1 - down))
        yield (
            photo_id(number),
            "unknown" if is_unknown[number] else f"animal_{animals[number]:05}",
            path,
            f"[{', '.join(f'{side:.2f}' for side in box)}]",
            (_START + timedelta(days=int(days[number]))).date().isoformat(),
            ("left", "right")[flanks[number]],
            _SPECIES[animals[number] % len(_SPECIES)],
            f"site {sites[number]:03}",
        )


def animals_of(size: int) -> npt.NDArray[np.int64]:
    """The animal on each photo, (size,), also where the catalogue does not say."""
    return np.random.default_rng(2).integers(max(2, size // PHOTOS_OF_ONE), size=size)


def unknown_of(size: int) -> npt.NDArray[np.bool_]:
    """Which photos are of unknown animals, (size,)."""
    return np.random.default_rng(3).random(size) < UNKNOWN_SHARE


def vectors(size: int, dimensions: int, seed: int = 4) -> Iterator[npt.NDArray[np.float32]]:
    """The embeddings in blocks (B, dimensions): those of one animal lie near each other."""
    random = np.random.default_rng(seed)
    animals = animals_of(size)
    centres = random.standard_normal((int(animals.max()) + 1, dimensions), dtype=np.float32)
    for start in range(0, size, _BLOCK):
        own = animals[start : start + _BLOCK]
        yield centres[own] + _NOISE * random.standard_normal((len(own), dimensions), dtype=np.float32)


def write_decisions(path: Path, catalogue_size: int, size: int, seed: int = 5) -> None:
    """A record: the queries to identify in their order, two or three decisions each, the last mostly an acceptance."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(HEADER)
        file.writelines(map(row_bytes, _decisions(catalogue_size, size, np.random.default_rng(seed))))


def write_sample_decisions(path: Path, size: int = 100) -> None:
    """A record about the bundled sample: of another reviewer than who is driven."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [f"IMG_{number:04}" for number in range(1, 121)]
    rows = (_decision(number, "Ada", number, number + 3, "reject", names) for number in range(size))
    path.write_bytes(HEADER + b"".join(map(row_bytes, rows)))


def _decisions(catalogue_size: int, size: int, random: np.random.Generator) -> Iterator[Decision]:
    is_unknown, animals = unknown_of(catalogue_size), animals_of(catalogue_size)
    queries, known = np.flatnonzero(is_unknown), np.flatnonzero(~is_unknown)
    by_animal = known[np.argsort(animals[known], kind="stable")]
    firsts = np.searchsorted(animals[by_animal], animals[queries])
    number = 0
    while number < size:  # all queries, and again by the next reviewer where the record is longer
        for query, first in zip(queries, firsts, strict=True):
            reviewer = REVIEWERS[int(query) % len(REVIEWERS)] if random.random() < 0.4 else REVIEWERS[0]
            right = by_animal[min(int(first), len(by_animal) - 1)]
            wrong = random.choice(known, 1 + random.integers(2))
            for candidate in (*wrong, right):
                if number >= size:
                    return
                is_same = animals[candidate] == animals[query]
                yield _decision(number, reviewer, int(query), int(candidate), _verdict(bool(is_same), random))
                number += 1


def _verdict(is_same: bool, random: np.random.Generator) -> str:
    chance = random.random()
    if chance < 0.04:
        return "unsure" if chance < 0.03 else "not_comparable"
    return "accept" if is_same and chance > 0.06 else "reject"


def _decision(
    number: int, reviewer: str, query: int, candidate: int, verdict: str, names: list[str] | None = None
) -> Decision:
    names = names or []
    return Decision(
        decision_id=f"{number:032x}",
        decided_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=37 * number),
        reviewer=reviewer,
        session="",
        query_id=names[query] if names else photo_id(query),
        candidate_id=names[candidate] if names else photo_id(candidate),
        decision=verdict,  # type: ignore[arg-type]
        similarity=0.5 + (number % 89) / 200,
        rank=1 + number % 5,
        note=TEXT_IN_SOME if number % 50 == 0 else "",
        model="demo",
        layer="blocks.3",
        overlay_shown=("lines", "points"),
        seconds=4.2,
        app_version="0.1.0",
    )


def write_embeddings(catalogue: Catalogue, model: EmbeddingModel, cache: Path) -> None:
    """Made-up embeddings of all photos, as if they had been computed, at half precision."""
    store = open_store(cache, model, "float16")
    digests = {
        path: photo_digest(photo) for path, photo in {one.path: one for one in catalogue.photos}.items()
    }
    with store.writing():
        start = 0
        for block in vectors(len(catalogue), model.dimensions):
            photos = catalogue.photos[start : start + len(block)]
            keys = [embedding_key(digests[photo.path], photo, model.fingerprint) for photo in photos]
            store.append(as_keys(keys), block)
            start += len(block)
