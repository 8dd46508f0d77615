"""The starwing: an invented spotted ray seen from above, its poses and its colours.

Canonical frame: u from the snout (0) to the tail tip (1), v across the disc (0.5 on the midline), w towards the back.
"""

from dataclasses import dataclass

import numpy as np

from .noise import Field, colour, mix, sample, smoothstep, tile_noise
from .surface import DORSAL, Patch, Tube, Visible, patches_of

SKIN, TAIL, FIN = 0, 1, 2
HALF_SPAN = 0.47
EYE = (0.112, 0.062)


@dataclass(frozen=True)
class Stroke:
    """A pose: wing lift (body lengths at the tip) left and right, curl of the tips, bend of tail and body."""

    lift_left: float
    lift_right: float
    curl: float
    tail: float
    bend: float


@dataclass(frozen=True)
class SkinGenes:
    """Colours of one individual in linear light: back, spots and the paler rim."""

    back: tuple[float, float, float]
    spot: tuple[float, float, float]


def draw_skin_genes(rng: np.random.Generator) -> SkinGenes:
    """Colours within the species' narrow range."""
    tone = rng.uniform(-1, 1)
    back = (0.070 + 0.008 * tone, 0.085, 0.100 - 0.008 * tone)
    return SkinGenes(back, (0.74, 0.80, 0.76))


def draw_stroke(rng: np.random.Generator) -> Stroke:
    """Gliding, wings up or wings down."""
    beat = rng.uniform(-0.13, 0.20)
    left, right = beat + rng.normal(0, 0.03), beat + rng.normal(0, 0.03)
    return Stroke(
        float(left), float(right), rng.uniform(-0.05, 0.10), rng.normal(0, 0.30), rng.normal(0, 0.11)
    )


def _pose(canonical: Field, stroke: Stroke) -> Field:
    """Move canonical points: flap the wings, bend body and tail sideways."""
    u, v, w = canonical[..., 0], canonical[..., 1], canonical[..., 2]
    across = (v - 0.5) / HALF_SPAN
    reach = np.clip(np.abs(across), 0, 1)
    lift = np.where(across > 0, stroke.lift_left, stroke.lift_right)
    rise = (
        lift * reach**1.7
        + stroke.curl * reach**5
        + 0.04 * reach * np.sin((u - 0.3) * 9 + stroke.lift_left * 20)
    )
    narrow = 1 - 0.5 * np.abs(lift) * reach - 0.25 * np.abs(stroke.curl) * reach**3
    behind = np.maximum(u - 0.30, 0)
    tail = np.maximum(u - 0.62, 0)
    side = stroke.bend * behind**2 * 1.2 + stroke.tail * tail**1.5 * 1.3 * np.cos(tail * 4.5)
    forward = -0.05 * np.abs(lift) * reach**2
    return np.stack([u + forward, 0.5 + (v - 0.5) * narrow + side, w + rise], axis=-1).astype(np.float32)


def _disc(rows: int = 57, columns: int = 81) -> Field:
    """Canonical points of the disc's upper surface, chord by span."""
    across = np.sin(np.linspace(-np.pi / 2, np.pi / 2, columns))[None, :]
    chord = np.linspace(0, 1, rows)[:, None] ** 1.15
    reach = np.abs(across)
    lead = 0.105 + 0.30 * reach**1.25 - 0.055 * np.sin(np.pi * reach) ** 2
    trail = 0.455 + 0.20 * (1 - reach) ** 1.35 - 0.035 * np.sin(np.pi * reach**0.8)
    trail = np.maximum(trail, lead + 0.012)
    u = lead + chord * (trail - lead)
    v = 0.5 + HALF_SPAN * across + 0 * chord
    ridge = np.sqrt(np.clip(np.sin(np.pi * np.clip(chord, 0.0, 1.0)), 0, 1)) * (1 - 0.5 * chord)
    w = 0.030 * ridge * (1 - reach) ** 0.8
    return np.stack([u, v, w + 0 * u], axis=-1).astype(np.float32)


def _tube(
    stroke: Stroke, axis: list[list[float]], height: list[float], width: list[float], part: int
) -> list[Patch]:
    """A tube along canonical (u, v, w) points; half-height lies across the body here, half-width upwards."""
    canonical = np.array(axis, np.float32)
    found = patches_of(Tube(canonical, canonical, np.array(height), np.array(width), DORSAL, part), 56, 33)
    return [Patch(_pose(p.canonical, stroke), p.canonical, DORSAL, part) for p in found]


def surface(stroke: Stroke) -> list[Patch]:
    """The whole animal's surface in a pose."""
    disc = _disc()
    patches = [Patch(_pose(disc, stroke), disc, DORSAL, SKIN, flip=True)]
    trunk = [[0.045, 0.5, 0.004], [0.10, 0.5, 0.012], [0.20, 0.5, 0.018], [0.36, 0.5, 0.016], [0.52, 0.5, 0.010],
             [0.645, 0.5, 0.004]]  # fmt: skip
    widths = [0.026, 0.058, 0.085, 0.090, 0.058, 0.018]
    patches += _tube(stroke, trunk, widths, [0.014, 0.034, 0.046, 0.044, 0.028, 0.012], SKIN)
    tail = [[0.63, 0.5, 0.004], [0.74, 0.5, 0.004], [0.86, 0.5, 0.003], [0.985, 0.5, 0.002]]
    patches += _tube(stroke, tail, [0.013, 0.0075, 0.0048, 0.0018], [0.010, 0.007, 0.0045, 0.0018], TAIL)
    for side in (-1, 1):
        fin = [
            [0.605, 0.5 + side * 0.030, 0.002],
            [0.655, 0.5 + side * 0.050, 0.0],
            [0.690, 0.5 + side * 0.056, -0.002],
        ]
        patches += _tube(stroke, fin, [0.026, 0.022, 0.008], [0.006, 0.005, 0.003], FIN)
        brow = [
            [0.085, 0.5 + side * 0.046, 0.026],
            [0.115, 0.5 + side * 0.060, 0.030],
            [0.155, 0.5 + side * 0.072, 0.022],
        ]
        patches += _tube(stroke, brow, [0.010, 0.018, 0.010], [0.009, 0.016, 0.009], SKIN)
    return patches


MOTTLE = tile_noise(21, 256, 6, 4)
GRAIN = tile_noise(22, 512, 96, 3)


def albedo(seen: Visible, genes: SkinGenes, back: Field) -> Field:
    """Colour of the skin (linear light) at every visible point, without lighting."""
    u, v = seen.u, seen.v
    spot = sample(back, u, v) * (seen.material == SKIN)
    mottle = sample(MOTTLE, u, v, wrap=True)
    base = np.broadcast_to(colour(*genes.back), (*u.shape, 3)) * (1 + 0.16 * mottle)[..., None]
    reach = np.abs(v - 0.5) / HALF_SPAN
    base = mix(base, colour(0.13, 0.15, 0.155), 0.55 * smoothstep(0.55, 1.0, reach))
    base = mix(base, colour(0.035, 0.042, 0.05), 0.5 * smoothstep(0.10, 0.0, np.abs(v - 0.5)))
    base = mix(base, colour(*genes.spot), 0.93 * spot)
    base = mix(base, colour(0.03, 0.035, 0.04), 0.6 * (seen.material == TAIL))
    eye = np.hypot(u - EYE[0], np.abs(v - 0.5) - EYE[1] - 0.006)
    base = mix(base, colour(0.16, 0.18, 0.18), 0.6 * smoothstep(0.018, 0.012, eye))
    base = mix(base, colour(0.008, 0.009, 0.01), smoothstep(0.0095, 0.007, eye))
    return base * (1 + 0.07 * sample(GRAIN, u * 1.5, v * 1.5, wrap=True))[..., None]
