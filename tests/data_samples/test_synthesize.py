"""The sample and the scripts that draw it."""

from __future__ import annotations

import csv
import filecmp
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_samples.synthesize import SEED, synthesize
from data_samples.train_demo_model import training_animals
from data_samples.world.pattern import PatternGenes
from data_samples.world.photo import ANTELOPE, Individual, Shot, coat_of, take_photo
from data_samples.world.roster import sample_animals, sample_records, sibling_of
from data_samples.world.surface import LEFT, RIGHT
from pairx_core.catalogue import open_mask, read_catalogue
from pairx_core.evaluate import read_truth

SAMPLE = Path(__file__).resolve().parents[2] / "data_samples"
LARGEST = 30_000_000  # bytes, all of it


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (SAMPLE / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def animal() -> Individual:
    return Individual("test", ANTELOPE, PatternGenes(4711))


def shot_of(animal: Individual, flank: str, pose: int, **options) -> Shot:
    return Shot(animal, flank, "savanna", pose, 360, 300, 200.0, pose_seed=pose, **options)


def test_the_same_seed_draws_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        synthesize(tmp_path / folder, limit=2)
    for name in (
        "metadata.csv",
        "photos/IMG_0001.jpg",
        "photos/IMG_0002.jpg",
        "truth/IMG_0001.png",
        "masks/IMG_0001.png",
    ):
        assert filecmp.cmp(tmp_path / "one" / name, tmp_path / "two" / name, shallow=False)


def test_several_worlds_make_one_catalogue_of_different_animals(tmp_path):
    written = synthesize(tmp_path, 301, limit=1, worlds=2)
    catalogue = read_catalogue(tmp_path / "metadata.csv")
    assert [photo.id for photo in catalogue.photos] == ["301_IMG_0001", "302_IMG_0001"]
    assert all((tmp_path / "truth" / f"{one.image_id}.png").is_file() for one in written)
    first, second = (one.record.shot.individual.genes.seed for one in written)
    assert first != second
    with (tmp_path / "truth" / "individuals.csv").open(encoding="utf-8", newline="") as file:
        names = [row["true_identity"] for row in csv.DictReader(file)]
    assert [name.split("_")[0] for name in names] == ["301", "302"]


def test_truth_has_the_picture_s_size_and_stays_inside_the_box(animal):
    photo, _ = take_photo(shot_of(animal, "left", 3), coat_of(animal, 320), scale=1)
    assert photo.truth.shape == photo.picture.shape
    x, y, width, height = photo.box
    ys, xs = np.nonzero(photo.truth[..., 2])
    assert x <= xs.min() and xs.max() < x + width and y <= ys.min() and ys.max() < y + height
    seen = (xs.max() - xs.min()) * (ys.max() - ys.min())
    assert seen > 0.5 * width * height


def brightness_by_body_point(animal: Individual, flank: str, pose: int) -> dict[tuple[int, int], float]:
    """Mean brightness in squares of 1/24 body length, by square."""
    photo, _ = take_photo(shot_of(animal, flank, pose, difficulty=0.3), coat_of(animal, 320), scale=1)
    side = LEFT if flank == "left" else RIGHT
    seen = photo.truth[..., 2] == side
    grey = photo.picture.mean(axis=2)[seen]
    squares = (photo.truth[..., :2][seen].astype(int) * 24) // 255
    return {
        (u, v): float(grey[(squares == (u, v)).all(1)].mean())
        for u, v in np.unique(squares, axis=0).tolist()
        if (squares == (u, v)).all(1).sum() > 15
    }


def likeness(first: dict, second: dict) -> float:
    common = sorted(first.keys() & second.keys())
    assert len(common) > 40
    return float(
        np.corrcoef([first[square] for square in common], [second[square] for square in common])[0, 1]
    )


def test_one_flank_shows_one_pattern_in_two_poses_and_the_other_flank_another(animal):
    left, again = (brightness_by_body_point(animal, "left", pose) for pose in (3, 8))
    right = brightness_by_body_point(animal, "right", 5)
    assert likeness(left, again) > 0.6
    assert likeness(left, again) > likeness(left, right) + 0.2


def test_the_model_was_trained_on_other_animals():
    shipped = {one.genes.seed for one in sample_animals(SEED)}
    assert not shipped & {one.genes.seed for one in training_animals()}


def test_the_roster_has_what_reviewers_meet():
    records = sample_records(SEED)
    animals = sample_animals(SEED)
    known = [record for record in records if record.known]
    photos_each = [sum(r.shot.individual == one for r in known) for one in {r.shot.individual for r in known}]
    assert len(photos_each) == 24 and photos_each.count(1) == 3
    assert len(records) - len(known) >= 8
    assert any(record.shot.night for record in records)
    assert sum(bool(sibling_of(one, animals)) for one in animals) >= 4
    days = [(record.date.date(), record.site, record.shot.individual) for record in known]
    assert len(days) > len(set(days))  # bursts


def test_the_shipped_sample_is_what_the_script_draws(rows, tmp_path):
    synthesize(tmp_path, limit=1)
    with (tmp_path / "metadata.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows[:1]
    shipped, drawn = (np.asarray(Image.open(folder / rows[0]["path"]), int) for folder in (SAMPLE, tmp_path))
    assert np.abs(shipped - drawn).mean() < 2.0  # other libraries may round otherwise


def test_the_shipped_catalogue_lists_photos_and_truth_that_are_there(rows):
    assert len({row["image_id"] for row in rows}) == len(rows) == len(sample_records(SEED))
    for row in rows:
        with (
            Image.open(SAMPLE / row["path"]) as photo,
            Image.open(SAMPLE / f"truth/{row['image_id']}.png") as truth,
        ):
            assert photo.size == truth.size and 640 <= max(photo.size) <= 1024
            x, y, width, height = json.loads(row["bbox"])
            assert x >= 0 and y >= 0 and x + width <= photo.width and y + height <= photo.height


def test_the_shipped_masks_are_where_the_truth_shows_the_animal(rows):
    catalogue = read_catalogue(SAMPLE / "metadata.csv")
    assert catalogue.problems == ()
    for row in rows[::20]:
        photo = catalogue.photo(row["image_id"])
        assert row["mask"] == f"masks/{photo.id}.png"
        seen = read_truth(photo, SAMPLE / "truth").surface > 0
        np.testing.assert_array_equal(open_mask(photo), seen)
        assert Image.open(SAMPLE / row["mask"]).mode == "1"


def test_names_tell_nothing_of_identity(rows):
    assert all(row["identity"] not in row["path"] for row in rows)
    assert sum(row["identity"] == "unknown" for row in rows) == 11


def test_all_of_the_sample_is_small():
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < LARGEST
