"""Places on land: sky, distant hills and trees, ground in perspective, and the vegetation before the lens."""

from dataclasses import dataclass

import numpy as np

from .noise import (
    Field,
    blur_colour,
    colour,
    fractal_noise,
    mix,
    sample,
    smooth_noise,
    smoothstep,
    tile_noise,
)
from .plants import Colour, Grass, Layer, acacia, bush, trunk, tufts, twig

GROUND = tile_noise(31, 512, 8, 6)
STRAW = tile_noise(32, 512, 90, 3)


@dataclass(frozen=True)
class Place:
    """Colours and growth of one place (linear light)."""

    name: str
    sky_top: Colour
    sky_low: Colour
    earth: Colour
    sward: Colour
    grass: Grass
    leaf: Colour
    haze: Colour
    trees: str
    sward_share: float


PLACES = {
    "savanna": Place("savanna", (0.16, 0.33, 0.66), (0.66, 0.74, 0.80), (0.34, 0.23, 0.13), (0.47, 0.37, 0.18),
                     Grass((0.22, 0.16, 0.06), (0.66, 0.52, 0.25), 0.22), (0.085, 0.125, 0.04), (0.62, 0.66, 0.66),
                     "acacia", 0.75),
    "green": Place("green", (0.38, 0.46, 0.56), (0.80, 0.82, 0.82), (0.20, 0.15, 0.085), (0.15, 0.22, 0.06),
                   Grass((0.06, 0.10, 0.025), (0.27, 0.38, 0.10), 0.24), (0.05, 0.105, 0.03), (0.66, 0.72, 0.72),
                   "bush", 0.85),
    "woodland": Place("woodland", (0.20, 0.28, 0.14), (0.40, 0.46, 0.28), (0.19, 0.13, 0.075), (0.17, 0.16, 0.06),
                      Grass((0.07, 0.08, 0.025), (0.30, 0.32, 0.12), 0.26), (0.07, 0.12, 0.03), (0.32, 0.37, 0.24),
                      "trunk", 0.45),
    "dusk": Place("dusk", (0.15, 0.17, 0.36), (0.95, 0.46, 0.18), (0.27, 0.16, 0.085), (0.38, 0.24, 0.10),
                  Grass((0.14, 0.085, 0.03), (0.62, 0.36, 0.13), 0.22), (0.05, 0.05, 0.025), (0.80, 0.46, 0.24),
                  "acacia", 0.7),
    "riverbed": Place("riverbed", (0.30, 0.46, 0.70), (0.74, 0.80, 0.84), (0.47, 0.36, 0.23), (0.40, 0.34, 0.18),
                      Grass((0.20, 0.18, 0.07), (0.50, 0.46, 0.22), 0.3), (0.07, 0.11, 0.04), (0.64, 0.66, 0.64),
                      "bush", 0.2),
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """Where ground meets sky and where the animal stands (rows of the frame), and its size (pixels)."""

    horizon: float
    foot: float
    body_px: float


def backdrop(place: Place, ground: Ground, height: int, width: int, rng: np.random.Generator) -> Field:
    """Everything behind the animal, in linear light, out of focus with distance."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    image = _sky(place, ground, height, width, rng)
    image = _hills(image, place, ground, rng)
    below = smoothstep(-1, 1, rows - ground.horizon + 0 * np.zeros((1, width), np.float32))
    image = mix(image, _ground(place, ground, height, width, rng), below)
    image = _trees(image, place, ground, rng)
    far = blur_colour(image, 0.012 * ground.body_px + 0.004 * width)
    grown = _behind_grass(image, place, ground, rng)
    near = smoothstep(0.25, 0.9, (rows - ground.horizon) / max(ground.foot - ground.horizon, 1.0))
    return mix(
        far, blur_colour(grown, 0.0016 * ground.body_px), np.broadcast_to(near, (height, width)).copy()
    )


def _sky(place: Place, ground: Ground, height: int, width: int, rng: np.random.Generator) -> Field:
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None] * height / max(ground.horizon, 0.25 * height)
    image = mix(colour(*place.sky_top), colour(*place.sky_low), np.clip(rows, 0, 1)[..., None] ** 0.8)
    image = np.broadcast_to(image, (height, width, 3))
    if place.trees == "trunk":
        leaves = fractal_noise(rng, height, width, 26, 4)
        image = mix(image, colour(*place.leaf) * 0.5, smoothstep(-0.5, 0.4, leaves))
        return mix(
            image,
            colour(0.85, 0.90, 0.62),
            0.8 * smoothstep(1.5, 2.3, leaves - smooth_noise(rng, height, width, 40)),
        )
    cloud = fractal_noise(rng, height, width, 5, 5, stretch=2.6)
    return mix(image, colour(*place.sky_low) * 1.18, 0.6 * smoothstep(0.2, 1.5, cloud))


def _hills(image: Field, place: Place, ground: Ground, rng: np.random.Generator) -> Field:
    height, width = image.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]
    for distance, cells in ((0.75, 3.0), (0.5, 30.0)):
        ridge = (
            np.abs(fractal_noise(rng, 4, width, cells, 5)[1]) * ground.body_px * 0.055
            + 0.012 * ground.body_px
        )
        cover = smoothstep(-1.5, 1.5, rows - (ground.horizon - ridge[None, :]))
        tint = mix(colour(*place.leaf) * 1.2, colour(*place.haze), distance)
        image = mix(image, tint, cover[..., None] * 0.95)
    return image


def _ground(place: Place, ground: Ground, height: int, width: int, rng: np.random.Generator) -> Field:
    """Textured ground, its detail drawn together towards the horizon."""
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    columns = np.arange(width, dtype=np.float32)[None, :]
    drop = np.maximum(rows - ground.horizon, 1.0)
    reach = (ground.foot - ground.horizon) / drop
    x = (columns - width / 2) * reach / ground.body_px + rng.uniform(0, 9)
    z = 2.6 * reach + rng.uniform(0, 9) + 0 * x
    fade = np.clip(1.6 / reach, 0, 1)
    broad = sample(GROUND, x * 0.22, z * 0.22, wrap=True)
    fine = sample(GROUND, x * 1.1, z * 1.1, wrap=True) * fade
    straw = sample(STRAW, x * 0.9, z * 0.45, wrap=True) * fade**2
    cover = smoothstep(-0.5, 0.7, broad + 0.6 * fine + (place.sward_share - 0.5) * 3)
    tone = 1 + 0.16 * fine + 0.10 * broad + 0.22 * straw * cover + 0.10 * straw
    image = (
        mix(colour(*place.earth), colour(*place.sward), cover[..., None]) * np.clip(tone, 0.3, 2)[..., None]
    )
    haze = 0.55 * np.clip(1 - drop / (0.35 * ground.body_px), 0, 1) ** 2
    return mix(image, colour(*place.haze), (haze + 0 * x)[..., None])


def _trees(image: Field, place: Place, ground: Ground, rng: np.random.Generator) -> Field:
    height, width = image.shape[:2]
    layer = Layer(height, width, place.leaf, scale=1)
    hazy = tuple(0.72 * a + 0.28 * b for a, b in zip(place.leaf, place.haze, strict=True))
    body = ground.body_px
    if place.trees == "trunk":
        for depth in np.sort(rng.uniform(0.1, 0.75, max(5, int(9 * width / body)))):
            foot = ground.horizon + depth * (ground.foot - ground.horizon)
            bark = (0.16 - 0.08 * depth, 0.12 - 0.06 * depth, 0.085 - 0.04 * depth)
            trunk(
                layer,
                rng,
                (rng.uniform(-0.05, 1.05) * width, foot),
                height * 1.3,
                body * (0.04 + 0.14 * depth),
                bark,
            )
    for _ in range(rng.integers(2, 6) if place.trees == "acacia" else 0):
        tall = body * rng.uniform(0.18, 0.75)
        acacia(
            layer, rng, (rng.uniform(0, width), ground.horizon + 0.07 * tall), tall, hazy, (0.10, 0.08, 0.06)
        )
    for _ in range(rng.integers(3, 8) if place.trees != "acacia" else rng.integers(1, 4)):
        tall = body * rng.uniform(0.08, 0.42)
        bush(layer, rng, (rng.uniform(0, width), ground.horizon + 0.25 * tall), tall, hazy)
    tint, cover = layer.finish()
    return mix(image, tint, cover)


def _behind_grass(image: Field, place: Place, ground: Ground, rng: np.random.Generator) -> Field:
    """Grass tufts between the horizon and the animal, far ones first."""
    height, width = image.shape[:2]
    layer = Layer(height, width, place.grass.base)
    count = int(np.clip(70 * place.sward_share * width / ground.body_px, 10, 160))
    depth = np.sort(rng.uniform(0.35, 1.05, count) ** 0.8)
    y = ground.horizon + depth * (ground.foot - ground.horizon)
    roots = np.stack([rng.uniform(0, width, count), y], 1)
    tufts(
        layer, rng, roots, 0.10 * ground.body_px * depth * rng.uniform(0.5, 1.4, count), place.grass, 7, 0.85
    )
    tint, cover = layer.finish()
    return mix(image, tint, cover * 0.9)


def front_growth(place: Place, ground: Ground, height: int, width: int, rng: np.random.Generator,
                 density: float, branch: bool) -> tuple[Field, Field]:  # fmt: skip
    """Colour and cover of grass before the animal's feet, tall blurred blades and perhaps a branch."""
    body = ground.body_px
    sharp = Layer(height, width, place.grass.tip)
    count = int(np.clip(26 * density * (0.4 + place.sward_share) * width / body, 3, 90))
    y = ground.foot + np.sort(rng.uniform(0.0, 0.16, count)) * body
    roots = np.stack([rng.uniform(0, width, count), y], 1)
    tufts(sharp, rng, roots, body * rng.uniform(0.05, 0.17, count) * (0.6 + 0.6 * density), place.grass, 9)
    near = Layer(height, width, place.grass.tip)
    for _ in range(int(rng.poisson(1.6 * density))):
        root = np.array([[rng.uniform(0, width), height + 0.05 * body]])
        tufts(
            near,
            rng,
            root,
            np.array([height + 0.05 * body - ground.foot + body * rng.uniform(0.15, 0.55)]),
            place.grass,
            4,
        )
    if branch:
        start = (float(rng.choice([-0.02, 1.02]) * width), float(rng.uniform(-0.05, 0.65) * height))
        heading = rng.normal(0.15, 0.35) + (np.pi if start[0] > 0 else 0)
        twig(near, rng, start, heading, 0.6 * body, 0.022 * body, (0.13, 0.10, 0.07), place.leaf)
    front, front_cover = sharp.finish()
    close, close_cover = near.finish()
    close_cover = blur_colour(close_cover[..., None], 0.006 * body)[..., 0].clip(0, 1)
    cover = 1 - (1 - front_cover) * (1 - close_cover)
    return mix(front, blur_colour(close, 0.004 * body), close_cover / np.maximum(cover, 1e-3)), cover
