"""Places under water, seen from above: sea bed, dancing light, haze, specks and small fish."""

from dataclasses import dataclass

import numpy as np

from .noise import Field, blur, blur_colour, colour, fractal_noise, mix, smooth_noise, smoothstep
from .plants import Colour, Grass, Layer, fish, tufts


@dataclass(frozen=True)
class Water:
    """Colours of water and bed in linear light, what grows on the bed, and how far the haze veils it (0...1)."""

    name: str
    water: Colour
    bed: Colour
    growth: str
    veil: float
    dance: float


WATERS = {
    "lagoon": Water("lagoon", (0.10, 0.42, 0.46), (0.58, 0.58, 0.44), "ripples", 0.30, 0.5),
    "reef": Water("reef", (0.03, 0.22, 0.32), (0.30, 0.32, 0.24), "coral", 0.38, 0.45),
    "channel": Water("channel", (0.018, 0.13, 0.27), (0.16, 0.24, 0.26), "ripples", 0.72, 0.25),
    "seagrass": Water("seagrass", (0.06, 0.26, 0.24), (0.30, 0.33, 0.20), "grass", 0.36, 0.3),
    "blue": Water("blue", (0.012, 0.105, 0.30), (0.02, 0.12, 0.30), "none", 0.85, 0.3),
}


def dancing_light(height: int, width: int, body_px: float, rng: np.random.Generator) -> Field:
    """Caustics: a net of bright lines, mean near 1."""
    cells = 9.0 * max(height, width) / body_px
    warp = smooth_noise(rng, height, width, cells * 0.6)
    net = np.zeros((height, width), np.float32)
    for scale in (1.0, 1.7):
        field = smooth_noise(rng, height, width, cells * scale) + 0.35 * warp
        net += np.clip(1 - np.abs(field) * 1.5, 0, 1) ** 3
    net = blur(net, 0.003 * body_px)
    return (net / max(float(net.mean()), 1e-3)).astype(np.float32)


def seabed(water: Water, height: int, width: int, body_px: float, rng: np.random.Generator) -> Field:
    """Everything behind the animal, in linear light."""
    span = max(height, width) / body_px
    relief = fractal_noise(rng, height, width, 3.0 * span, 5)
    image = colour(*water.bed) * (1 + 0.16 * relief[..., None])
    if water.growth == "ripples":
        image = image * (1 + 0.22 * _ripples(height, width, body_px, rng))[..., None]
        image = image * (1 + 0.05 * fractal_noise(rng, height, width, 90 * span, 2))[..., None]
    elif water.growth == "coral":
        image = _corals(image, span, rng)
    elif water.growth == "grass":
        image = _seagrass(image, body_px, rng)
    light = 1 + water.dance * 0.55 * (dancing_light(height, width, body_px * 1.2, rng) - 1)
    image = blur_colour(image * light[..., None], 0.008 * body_px)
    return _veil(image, water, rng)


def _veil(image: Field, water: Water, rng: np.random.Generator) -> Field:
    """Haze of the water column, deeper on one side, with soft shafts of light."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = x * np.cos(angle) + y * np.sin(angle)
    veil = np.clip(water.veil + 0.18 * slope, 0, 0.97)
    shafts = 1 + 0.10 * smooth_noise(rng, 4, width, 14)[1][None, :] * np.linspace(1, 0.2, height)[:, None]
    tint = colour(*water.water) * (1.1 - 0.28 * slope)[..., None]
    return mix(image, tint, veil) * shafts[..., None].astype(np.float32)


def _ripples(height: int, width: int, body_px: float, rng: np.random.Generator) -> Field:
    """Sand ripples: wavering parallel crests."""
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(body_px)
    warp = fractal_noise(rng, height, width, 4.0 * max(height, width) / body_px, 3)
    phase = (x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(55, 80) + 2.2 * warp
    strength = smoothstep(-1.2, 0.8, smooth_noise(rng, height, width, 4))
    return (np.sin(phase) + 0.35 * np.sin(2 * phase + 0.8)) * strength


def _corals(image: Field, span: float, rng: np.random.Generator) -> Field:
    """Coral heads: embossed blobs in several colours."""
    height, width = image.shape[:2]
    tints = [
        (0.34, 0.22, 0.15),
        (0.20, 0.24, 0.13),
        (0.42, 0.30, 0.26),
        (0.16, 0.15, 0.20),
        (0.44, 0.40, 0.22),
    ]
    for tint in tints:
        mound = fractal_noise(rng, height, width, 7 * span * rng.uniform(0.6, 1.4), 5)
        slope = np.gradient(blur(mound, 2.0))
        emboss = np.clip(1 + (slope[0] + slope[1]) * 1.6 * max(height, width) / (60 * span), 0.25, 2.0)
        cover = smoothstep(0.55, 0.75, mound)
        image = image * (1 - 0.6 * (blur(cover, 5.0) * (1 - cover)))[..., None]
        image = mix(image, colour(*tint) * emboss[..., None], cover)
    return image


def _seagrass(image: Field, body_px: float, rng: np.random.Generator) -> Field:
    """Meadow of seagrass, swept one way."""
    height, width = image.shape[:2]
    layer = Layer(height, width, (0.07, 0.14, 0.05), scale=1)
    count = int(np.clip(90 * (width * height) / body_px**2, 40, 420))
    roots = np.stack([rng.uniform(0, width, count), np.sort(rng.uniform(0, height * 1.15, count))], 1)
    roots = roots[fractal_noise(rng, 40, 40, 4)[(roots[:, 1] / (height * 1.2) * 40).astype(int),
                                                (roots[:, 0] / width * 39.9).astype(int)] > -0.5]  # fmt: skip
    look = Grass((0.05, 0.10, 0.03), (0.16, 0.27, 0.09), 0.35, 0.2)
    tufts(layer, rng, roots, 0.11 * body_px * rng.uniform(0.6, 1.5, len(roots)), look, 8)
    tint, cover = layer.finish()
    return mix(image * 0.8, tint, cover)


def front_specks(water: Water, height: int, width: int, body_px: float, rng: np.random.Generator,
                 fishes: int, specks: int) -> tuple[Field, Field]:  # fmt: skip
    """Colour and cover of drifting specks and small fish between camera and animal."""
    layer = Layer(height, width, water.water)
    heading = rng.uniform(0, 2 * np.pi)
    centre = rng.uniform(0.2, 0.8, 2) * (width, height)
    tint = tuple(0.5 * a + 0.5 * b for a, b in zip(water.water, (0.20, 0.20, 0.12), strict=True))
    for _ in range(fishes):
        at = centre + rng.normal(0, 0.22, 2) * body_px
        fish(
            layer,
            rng,
            tuple(at),
            body_px * rng.uniform(0.035, 0.065),
            heading,
            tuple(c * rng.uniform(0.5, 1.5) for c in tint),
        )
    for _ in range(specks):
        size = body_px * rng.lognormal(-6.3, 0.5)
        layer.ellipse(rng.uniform(0, width), rng.uniform(0, height), size, size, (0.62, 0.72, 0.70))
    tint_image, cover = layer.finish()
    radius = 0.0016 * body_px
    return blur_colour(tint_image, radius), np.clip(blur(cover, radius), 0, 1)
