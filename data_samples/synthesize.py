"""Draw the bundled sample: photographs of invented animals, with the body coordinate of every pixel.

    python data_samples/synthesize.py [--out FOLDER] [--seed N] [--limit N] [--worlds N]

Writes ``metadata.csv`` (wildlife-datasets form), ``photos/``, ``masks/``, ``truth/`` and ``truth/individuals.csv``. The
same seed and library versions give the same bytes. Several worlds, of seeds one after the other, make one larger
catalogue of other animals, in which ids and names begin with the seed. See README.md beside this file for the truth
files' format.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_samples.world.photo import Coat, Individual, coat_of, take_photo
from data_samples.world.roster import Record, sample_animals, sample_records, sibling_of

SEED = 7
UNKNOWN = "unknown"
COLUMNS = ("image_id", "identity", "path", "bbox", "date", "orientation", "species", "site", "mask")
TRUTH_COLUMNS = ("image_id", "true_identity", "sibling_of")
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """One photo that was drawn, as the catalogue lists it."""

    image_id: str
    record: Record
    box: tuple[int, int, int, int]  # x, y, width, height in pixels of the upright photo
    prefix: str = ""  # of the individual's name

    def row(self) -> dict[str, str]:
        """The photo's row in metadata.csv."""
        shot = self.record.shot
        return {
            "image_id": self.image_id,
            "identity": f"{self.prefix}{shot.individual.name}" if self.record.known else UNKNOWN,
            "path": f"photos/{self.image_id}.jpg",
            "bbox": str(list(self.box)),
            "date": self.record.date.isoformat(),
            "orientation": shot.orientation,
            "species": shot.individual.species,
            "site": self.record.site,
            "mask": f"masks/{self.image_id}.png",
        }


def main(arguments: list[str] | None = None) -> None:
    """Draw the sample, saying how far it is."""
    parser = argparse.ArgumentParser(description="Draw the bundled sample.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--limit", type=int, default=None, help="draw only the first so many photos")
    parser.add_argument("--jobs", type=int, default=2, help="photos drawn at the same time")
    parser.add_argument(
        "--worlds", type=int, default=1, help="worlds in one catalogue, of seeds from --seed on"
    )
    options = parser.parse_args(arguments)
    synthesize(options.out, options.seed, options.limit, options.jobs, _tell, worlds=options.worlds)
    print(file=sys.stderr)


def synthesize(
    out: Path,
    seed: int = SEED,
    limit: int | None = None,
    jobs: int = 1,
    tell: Tell = lambda done, total: None,
    *,
    worlds: int = 1,
) -> list[Written]:
    """Draw the sample into a folder, in the order of the photos' dates.

    Args:
        out: folder for metadata.csv, photos/, masks/ and truth/; made where it is missing.
        seed: another seed makes another world.
        limit: draw only the first so many photos of each world.
        jobs: how many photos are drawn at the same time.
        tell: called with (photos done, photos in all).
        worlds: how many worlds, of seeds from ``seed`` on, make the catalogue.
    """
    (out / "photos").mkdir(parents=True, exist_ok=True)
    (out / "masks").mkdir(exist_ok=True)
    (out / "truth").mkdir(exist_ok=True)
    seeds = range(seed, seed + worlds)
    prefixes = [f"{one}_" if worlds > 1 else "" for one in seeds]
    tasks = [
        (out, prefix, f"{prefix}IMG_{number:04d}", record)
        for one, prefix in zip(seeds, prefixes, strict=True)
        for number, record in enumerate(sample_records(one)[:limit], start=1)
    ]
    written: list[Written] = []
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as pool:
        for photo in map(draw, tasks) if pool is None else pool.map(draw, tasks):
            written.append(photo)
            tell(len(written), len(tasks))
    _write_table(out / "metadata.csv", COLUMNS, [photo.row() for photo in written])
    animals = [animal for one in seeds for animal in sample_animals(one)]
    _write_table(out / "truth" / "individuals.csv", TRUTH_COLUMNS, _truth_rows(written, animals))
    return written


def draw(task: tuple[Path, str, str, Record]) -> Written:
    """Draw one photo, its mask and its truth file."""
    out, prefix, image_id, record = task
    photo, film = take_photo(record.shot, _coat(record.shot.individual))
    Image.fromarray(photo.picture).save(
        out / "photos" / f"{image_id}.jpg", quality=film.quality, optimize=True
    )
    Image.fromarray(photo.truth).save(out / "truth" / f"{image_id}.png", optimize=True)
    save_mask(photo.truth, out / "masks" / f"{image_id}.png")
    return Written(image_id, record, photo.box, prefix)


def save_mask(truth: np.ndarray, path: Path) -> None:
    """Write a picture of one bit a pixel, white where the truth (H, W, 3) shows the animal."""
    Image.fromarray(truth[..., 2] > 0).save(path, optimize=True)


@lru_cache(maxsize=8)
def _coat(individual: Individual) -> Coat:
    return coat_of(individual)


def _truth_rows(written: list[Written], animals: list[Individual]) -> list[dict[str, str]]:
    """Who is really on each photo, and whose look-alike that is."""
    rows = []
    for photo in written:
        sibling = sibling_of(photo.record.shot.individual, animals)
        rows.append(
            {
                "image_id": photo.image_id,
                "true_identity": f"{photo.prefix}{photo.record.shot.individual.name}",
                "sibling_of": f"{photo.prefix}{sibling}" if sibling else "",
            }
        )
    return rows


def _write_table(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _tell(done: int, total: int) -> None:
    print(f"\r{done} of {total} photos", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
