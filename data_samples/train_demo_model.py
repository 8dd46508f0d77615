"""Train the demo model on invented animals that the sample does not contain.

    python data_samples/train_demo_model.py [--out FILE] [--pictures FILE]

A small MNASNet (timm's EfficientNet class) learns to tell (individual, flank) classes apart by a cosine softmax with
a margin (Deng et al. 2019); the classes' head is dropped, and photos are compared by the cosine of the pooled
features. All random numbers are seeded. On two CPU cores the pictures take about 15 minutes to draw and the
training about 40; ``--pictures`` keeps the drawn ones between runs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_samples.synthesize import SEED as SAMPLE_SEED
from data_samples.world.photo import ANTELOPE, RAY, Individual, Shot, coat_of, take_photo
from data_samples.world.roster import LAND, SITES, WATER, individuals, sample_animals
from pairx_core.models import IMAGENET_MEAN, IMAGENET_STD, load_model
from pairx_core.models.torchvision_ops import ensure_torchvision_operators

ARCHITECTURE = "mnasnet_small"
INPUT_SIZE = 320
RECOMMENDED_LAYER = (
    "blocks.3"  # 20 x 20 cells; its lines are right a little more often than those of blocks.4
)
STORED_SIZE = 320  # pictures are kept as squares of this size, a margin around the box included
INDIVIDUALS = 110  # of each species
PER_CLASS = 16  # photos of each individual and flank
FIRST_SEEDS = {ANTELOPE: 5_000_000, RAY: 6_000_000}
BATCH = 48
SCALE = 24.0  # of the cosine softmax


@dataclass(frozen=True)
class Cycle:
    """A stretch of training in which the learning rate rises and falls once."""

    sizes: tuple[int, ...]  # pixels a side of the inputs, epoch by epoch
    margin: float  # of the cosine softmax
    rate: float  # highest learning rate


CYCLES = (
    Cycle((160,) * 6 + (224,) * 4 + (256,) * 3, margin=0.25, rate=3e-3),
    Cycle((192,) * 8 + (256,) * 2 + (320,) * 3, margin=0.10, rate=2e-3),
)


@dataclass(frozen=True)
class Pictures:
    """Training pictures: (N, 320, 320, 3) uint8, their boxes (x, y, w, h) as shares of it, and their classes."""

    pixels: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]


def main(arguments: list[str] | None = None) -> None:
    """Draw, train, save."""
    parser = argparse.ArgumentParser(description="Train the demo model.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "demo_model.safetensors")
    parser.add_argument("--pictures", type=Path, help="keep the drawn training pictures here (.npz)")
    parser.add_argument(
        "--from-cycle", type=int, default=1, help="go on from --out, which earlier cycles wrote"
    )
    options = parser.parse_args(arguments)
    pictures = training_pictures(options.pictures)
    for number in range(options.from_cycle, len(CYCLES) + 1):
        model = new_model() if number == 1 else load_model(str(options.out)).module.float()
        train(model, pictures, CYCLES[number - 1], first=number == 1)
        save(model, options.out)


def training_animals() -> list[Individual]:
    """The individuals that the model learns from; none of them is in the sample."""
    animals = [
        one for species, seed in FIRST_SEEDS.items() for one in individuals(species, INDIVIDUALS, seed)
    ]
    shipped = {one.genes.seed for one in sample_animals(SAMPLE_SEED)}
    if shipped & {one.genes.seed for one in animals}:
        raise ValueError("An individual of the sample is among those to train on: choose other FIRST_SEEDS.")
    return animals


def training_pictures(path: Path | None) -> Pictures:
    """Draw the training pictures, or read those that were drawn before."""
    if path is not None and path.is_file():
        with np.load(path) as file:
            return Pictures(file["x"], file["b"], file["y"])
    drawn = []
    with ProcessPoolExecutor(2) as pool:
        for number, photos in enumerate(pool.map(draw, animals := training_animals()), start=1):
            drawn += photos
            print(f"\rdrawn {number} of {len(animals)} individuals", end="", file=sys.stderr, flush=True)
    names = sorted({name for name, _, _ in drawn})
    pictures = Pictures(
        np.stack([pixels for _, pixels, _ in drawn]),
        np.array([box for _, _, box in drawn], np.float32),
        np.array([names.index(name) for name, _, _ in drawn], np.int64),
    )
    if path is not None:
        np.savez(path, x=pictures.pixels, b=pictures.boxes, y=pictures.classes)
    return pictures


def draw(animal: Individual) -> list[tuple[str, npt.NDArray[np.uint8], tuple[float, ...]]]:
    """Close photos of one individual: class name, pixels, box as shares of the picture."""
    coat = coat_of(animal, 320)
    rng = np.random.default_rng([animal.genes.seed, 77, 0])
    found = []
    for flank in ("left", "right") if animal.species == ANTELOPE else ("up",):
        for _ in range(PER_CLASS):
            photo, _ = take_photo(_shot(animal, flank, rng), coat, 1)
            height, width = photo.picture.shape[:2]
            x, y, w, h = photo.box
            square = Image.fromarray(photo.picture).resize(
                (STORED_SIZE, STORED_SIZE), Image.Resampling.BICUBIC
            )
            box = (x / width, y / height, w / width, h / height)
            found.append((f"{animal.name} {flank}", np.asarray(square), box))
    return found


def _shot(animal: Individual, flank: str, rng: np.random.Generator) -> Shot:
    night = animal.species == ANTELOPE and rng.random() < 0.15
    site = str(rng.choice(LAND if animal.species == ANTELOPE else WATER))
    place = SITES[site][int(rng.random() < 0.35)]
    return Shot(
        animal, flank, place, int(rng.integers(2**31)), 0, 0, float(rng.uniform(230, 300)), night,
        int(rng.integers(2**31)), 0.0, float(rng.uniform(0.6, 1.25)), True,
    )  # fmt: skip


def new_model() -> nn.Module:
    """The backbone before any training."""
    ensure_torchvision_operators()
    import timm

    torch.manual_seed(0)
    return timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)


def train(model: nn.Module, pictures: Pictures, cycle: Cycle, *, first: bool) -> None:
    """Train the backbone in place; the head that tells the classes apart is dropped at the end."""
    torch.manual_seed(1)
    rng = np.random.default_rng(0 if first else 1)
    model.requires_grad_(True).to(memory_format=torch.channels_last)  # twice as fast on a CPU
    head = nn.Parameter(random_head(model, pictures) if first else class_means(model, pictures))
    steps_each = len(pictures.classes) // BATCH
    steps = steps_each * len(cycle.sizes)
    optimizer = torch.optim.AdamW([*model.parameters(), head], lr=cycle.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, cycle.rate, total_steps=steps, pct_start=0.15)
    model.train()
    started, done = time.monotonic(), 0
    for epoch, size in enumerate(cycle.sizes, start=1):
        order = rng.permutation(len(pictures.classes))[: steps_each * BATCH].reshape(-1, BATCH)
        losses = []
        for rows in order:
            inputs = augmented(pictures, rows, size, rng)
            margin = cycle.margin * min(1.0, done / (0.4 * steps))
            loss = margin_loss(model(inputs), head, torch.from_numpy(pictures.classes[rows]), margin)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            done += 1
            losses.append(float(loss.detach()))
        minutes = (time.monotonic() - started) / 60
        print(f"epoch {epoch}/{len(cycle.sizes)}  loss {np.mean(losses):.3f}  {minutes:.1f} min", flush=True)
    model.eval()


def random_head(model: nn.Module, pictures: Pictures) -> Tensor:
    """Class vectors to begin with, (K, D)."""
    return torch.randn(int(pictures.classes.max()) + 1, int(model.num_features)) * 0.05


def class_means(model: nn.Module, pictures: Pictures) -> Tensor:
    """Class vectors (K, D) for a model that knows something already: the mean directions of its features."""
    rng = np.random.default_rng(2)
    sums = torch.zeros(int(pictures.classes.max()) + 1, int(model.num_features))
    model.eval()
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(pictures.classes)), len(pictures.classes) // BATCH):
            features = F.normalize(model(augmented(pictures, rows, 192, rng)))
            sums.index_add_(0, torch.from_numpy(pictures.classes[rows]), features)
    return F.normalize(sums).clone()


def margin_loss(features: Tensor, head: Tensor, classes: Tensor, margin: float) -> Tensor:
    """Softmax over cosines of features (N, D) and class vectors (K, D), the right class handicapped."""
    cosines = F.normalize(features) @ F.normalize(head).T
    handicap = F.one_hot(classes, len(head)) * margin
    return F.cross_entropy(SCALE * (cosines - handicap), classes, label_smoothing=0.05)


def augmented(pictures: Pictures, rows: npt.NDArray[np.int64], size: int, rng: np.random.Generator) -> Tensor:
    """A batch of inputs (N, 3, size, size): boxes jittered and turned a little, light and color changed."""
    pixels = torch.from_numpy(pictures.pixels[rows]).permute(0, 3, 1, 2).float() / 255.0
    grids = torch.stack([_grid(pictures.boxes[row], size, rng) for row in rows])
    pixels = F.grid_sample(pixels, grids, mode="bilinear", padding_mode="reflection", align_corners=False)
    count = len(rows)
    gain = torch.from_numpy(rng.uniform(0.75, 1.3, (count, 1, 1, 1)).astype(np.float32))
    tint = torch.from_numpy(rng.uniform(0.88, 1.12, (count, 3, 1, 1)).astype(np.float32))
    power = torch.from_numpy(rng.uniform(0.8, 1.25, (count, 1, 1, 1)).astype(np.float32))
    pixels = (pixels.clamp(1e-4, 1) ** power * gain * tint).clamp(0, 1)
    grey = torch.from_numpy(rng.random((count, 1, 1, 1)) < 0.12)
    pixels = torch.where(grey, pixels.mean(1, keepdim=True).expand_as(pixels), pixels)
    for number in np.flatnonzero(rng.random(count) < 0.35):
        _cut_out(pixels[number], rng)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def _grid(box: npt.NDArray[np.float32], size: int, rng: np.random.Generator) -> Tensor:
    """Where each input pixel is taken from: the box, its edges moved by up to 5 %, turned by some degrees."""
    x, y, w, h = box
    left, right = rng.uniform(-0.05, 0.05, 2) * w
    top, bottom = rng.uniform(-0.05, 0.05, 2) * h
    centre = (2 * (x + w / 2) + left + right - 1, 2 * (y + h / 2) + top + bottom - 1)
    half = (w + right - left, h + bottom - top)
    angle = math.radians(rng.normal(0, 4))
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = torch.tensor(
        [[half[0] * cosine, -half[1] * sine, centre[0]], [half[0] * sine, half[1] * cosine, centre[1]]],
        dtype=torch.float32,
    )
    return F.affine_grid(matrix[None], [1, 3, size, size], align_corners=False)[0]


def _cut_out(pixels: Tensor, rng: np.random.Generator) -> None:
    """Hide a rectangle of an input (3, H, W), in place."""
    size = pixels.shape[-1]
    height, width = rng.integers(size // 10, size // 3, 2)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    pixels[:, top : top + height, left : left + width] = float(rng.random())


def save(model: nn.Module, path: Path) -> None:
    """Write the weights in half precision, with all that loading them needs to know."""
    weights = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in model.state_dict().items()
    }
    metadata = {
        "architecture": ARCHITECTURE,
        "input_size": str(INPUT_SIZE),
        "mean": json.dumps(IMAGENET_MEAN),
        "std": json.dumps(IMAGENET_STD),
        "interpolation": "bicubic",
        "recommended_layer": RECOMMENDED_LAYER,
        "description": "Tells the invented animals of the bundled sample apart; not for real ones.",
        "training": f"{2 * INDIVIDUALS} other invented individuals, {sum(len(cycle.sizes) for cycle in CYCLES)} epochs",
        "licence": "MIT",
    }
    save_file(weights, str(path), metadata=metadata)
    print(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
