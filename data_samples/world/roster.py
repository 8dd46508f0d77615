"""Who lives in this world: seeded individuals, look-alike siblings among them, and the photos taken of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from .pattern import PatternGenes
from .photo import ANTELOPE, RAY, Individual, Shot

SITES = {
    "Acacia Pan": ("savanna", "dusk"),
    "Dry River": ("riverbed", "dusk"),
    "Fever Tree Wood": ("woodland", "woodland"),
    "North Meadow": ("green", "green"),
    "Coral Garden": ("reef", "reef"),
    "Lagoon Mouth": ("lagoon", "lagoon"),
    "Outer Channel": ("channel", "blue"),
    "Seagrass Flats": ("seagrass", "seagrass"),
}  # what a camera there sees by day and late in the day
LAND, WATER = tuple(SITES)[:4], tuple(SITES)[4:]
FRAMES = ((1024, 683), (960, 640), (1024, 768), (800, 600), (768, 1024), (900, 900))  # width, height
SEASON = datetime(2025, 5, 3)
SEASON_DAYS = 170
LIKENESS = (0.62, 0.74)  # share of the pattern that a look-alike has from its sibling


@dataclass(frozen=True)
class Record:
    """One photo to be taken: the shot, when and where, and whether the catalogue knows the individual."""

    shot: Shot
    date: datetime
    site: str
    known: bool


def individuals(species: str, count: int, first_seed: int, every_sibling: int = 5) -> list[Individual]:
    """Seeded individuals; every `every_sibling`-th one is a look-alike of the one before it."""
    found: list[Individual] = []
    for number in range(count):
        rng = np.random.default_rng([first_seed + number, 41])
        genes = PatternGenes(first_seed + number)
        if number % every_sibling == every_sibling - 1:
            share = float(rng.uniform(*LIKENESS))
            genes = PatternGenes(first_seed + number, first_seed + number - 1, share)
        found.append(Individual(f"{species}_{number + 1:02d}", species, genes))
    return found


def sibling_of(individual: Individual, among: list[Individual]) -> str:
    """Name of the individual that this one is a look-alike of; empty where it is none's."""
    seeds = {one.genes.seed: one.name for one in among}
    return seeds.get(individual.genes.sibling_seed or -1, "")


def sample_animals(seed: int) -> list[Individual]:
    """The individuals of the bundled sample."""
    return individuals(ANTELOPE, 16, 10_000 * seed + 1_000) + individuals(RAY, 12, 10_000 * seed + 2_000)


def sample_records(seed: int) -> list[Record]:
    """The bundled sample's photos, in the order of their dates."""
    rng = np.random.default_rng([seed, 51])
    animals = sample_animals(seed)
    records: list[Record] = []
    for number, animal in enumerate(animals):
        strangers = animal.name in (f"{ANTELOPE}_15", f"{ANTELOPE}_16", f"{RAY}_11", f"{RAY}_12")
        single = animal.name in (f"{ANTELOPE}_12", f"{ANTELOPE}_13", f"{RAY}_09")
        count = 1 if single else (1 + number % 2 if strangers else 5)
        records += _photos_of(animal, count, not strangers, rng)
        if not strangers and not single and number % 5 == 0:
            records.append(_burst(records[-1], rng))
        if not strangers and not single and number % 4 == 2:
            records += _photos_of(animal, 1, False, rng)
    return sorted(records, key=lambda record: (record.date, record.shot.seed))


def _photos_of(animal: Individual, count: int, known: bool, rng: np.random.Generator) -> list[Record]:
    days = np.sort(rng.choice(SEASON_DAYS, count, replace=False))
    if animal.species == RAY:
        flanks = ["up"] * count
    else:
        first = ["left", "right"] if rng.random() < 0.5 else ["right", "left"]
        flanks = ([first[0]] * 3 + [first[1]] * 2)[:count]
        rng.shuffle(flanks)
    return [
        _photo_of(animal, str(flank), int(day), known, rng) for flank, day in zip(flanks, days, strict=True)
    ]


def _photo_of(animal: Individual, flank: str, day: int, known: bool, rng: np.random.Generator) -> Record:
    site = str(rng.choice(LAND if animal.species == ANTELOPE else WATER))
    night = animal.species == ANTELOPE and rng.random() < 0.12
    late = rng.random() < 0.3
    hour = (
        int(rng.choice([20, 21, 22, 2, 3]))
        if night
        else int(rng.integers(17, 19) if late else rng.integers(7, 16))
    )
    width, height = FRAMES[rng.choice(len(FRAMES), p=[0.3, 0.2, 0.2, 0.12, 0.08, 0.1])]
    moment = SEASON + timedelta(
        days=day, hours=hour, minutes=int(rng.integers(60)), seconds=int(rng.integers(60))
    )
    shot = Shot(
        animal, flank, SITES[site][1 if late or night else 0], int(rng.integers(2**31)), width, height,
        float(rng.uniform(0.50, 0.80) * min(width, 1.25 * height)), night, int(rng.integers(2**31)),
    )  # fmt: skip
    return Record(shot, moment, site, known)


def _burst(record: Record, rng: np.random.Generator) -> Record:
    """The next frame of the same camera, seconds later: same place and pose, the animal a little moved."""
    shot = Shot(**{**record.shot.__dict__, "jitter": 0.02})
    return Record(shot, record.date + timedelta(seconds=int(rng.integers(2, 5))), record.site, record.known)
