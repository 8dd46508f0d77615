"""The zebrelle: an invented side-on antelope, its skeleton, the poses it strikes and the colours of its coat.

Canonical frame: u from the nose (0) to the tail (1), v downward to the hooves (0.98), w towards the left flank.
"""

from dataclasses import dataclass

import numpy as np

from .noise import Field, colour, mix, sample, smoothstep, tile_noise
from .surface import LEFT, RIGHT, Patch, Tube, Visible, patches_of

COAT, HORN, EAR, TAIL, MANE, HOOF_V = 0, 1, 2, 3, 4, 0.952
EYE = (0.178, 0.232)

TRUNK = np.array(
    [
        [0.925, 0.455], [0.875, 0.435], [0.80, 0.437], [0.70, 0.450], [0.60, 0.462], [0.50, 0.466],
        [0.42, 0.452], [0.355, 0.412], [0.305, 0.355], [0.265, 0.290], [0.232, 0.228],
    ]
)  # fmt: skip
TRUNK_HEIGHT = np.array([0.062, 0.104, 0.118, 0.124, 0.137, 0.146, 0.140, 0.112, 0.083, 0.066, 0.052])
TRUNK_WIDTH = np.array([0.045, 0.078, 0.088, 0.098, 0.112, 0.108, 0.088, 0.066, 0.050, 0.043, 0.036])
HEAD = np.array(
    [[0.248, 0.205], [0.205, 0.226], [0.160, 0.256], [0.112, 0.288], [0.068, 0.316], [0.042, 0.331]]
)
HEAD_HEIGHT = np.array([0.040, 0.056, 0.051, 0.036, 0.028, 0.022])
HEAD_WIDTH = np.array([0.034, 0.044, 0.039, 0.027, 0.023, 0.019])
FORELEG = np.array(
    [[0.405, 0.500], [0.425, 0.620], [0.402, 0.765], [0.406, 0.895], [0.392, 0.938], [0.384, 0.972]]
)
FORELEG_HEIGHT = np.array([0.078, 0.050, 0.027, 0.0155, 0.020, 0.023])
FORELEG_WIDTH = np.array([0.040, 0.036, 0.021, 0.0135, 0.017, 0.020])
HINDLEG = np.array(
    [[0.840, 0.470], [0.790, 0.605], [0.872, 0.745], [0.856, 0.890], [0.842, 0.936], [0.832, 0.972]]
)
HINDLEG_HEIGHT = np.array([0.104, 0.073, 0.029, 0.0175, 0.021, 0.024])
HINDLEG_WIDTH = np.array([0.050, 0.042, 0.022, 0.015, 0.018, 0.021])
TAIL_AXIS = np.array([[0.925, 0.415], [0.962, 0.455], [0.972, 0.540], [0.970, 0.640], [0.968, 0.715]])
TAIL_HEIGHT = np.array([0.016, 0.013, 0.010, 0.016, 0.006])
HORN_AXIS = np.array([[0.222, 0.180], [0.236, 0.135], [0.262, 0.090], [0.272, 0.045], [0.258, 0.010]])
EAR_AXIS = np.array([[0.250, 0.195], [0.278, 0.172], [0.304, 0.150], [0.322, 0.138]])


@dataclass(frozen=True)
class Gait:
    """A pose: joint angles in radians (positive swings a foot or the muzzle towards the tail)."""

    neck: float
    head: float
    turn: float
    legs: tuple[tuple[float, float, float], ...]
    tail: float
    ears: float


@dataclass(frozen=True)
class CoatGenes:
    """Colours of one individual: coat, stripe and belly in linear light, and the build of its horns and ears."""

    coat: tuple[float, float, float]
    stripe: tuple[float, float, float]
    belly: tuple[float, float, float]
    horn_length: float
    depth: float


def draw_coat_genes(rng: np.random.Generator) -> CoatGenes:
    """Colours within the species' narrow range, so that colour alone tells nobody apart."""
    warm = rng.uniform(-1, 1)
    coat = (0.44 + 0.03 * warm, 0.29 + 0.01 * warm, 0.155 - 0.01 * warm)
    dark = rng.uniform(0.85, 1.15)
    stripe = (0.050 * dark, 0.030 * dark, 0.020 * dark)
    return CoatGenes(coat, stripe, (0.66, 0.58, 0.46), rng.uniform(0.75, 1.1), rng.uniform(0.95, 1.05))


def draw_gait(rng: np.random.Generator) -> Gait:
    """Standing, walking or feeding."""
    stride = rng.choice([0.06, 0.22, 0.36], p=[0.4, 0.35, 0.25])
    phase = rng.uniform(0, 2 * np.pi)
    legs = []
    for offset in (0.0, np.pi, np.pi * 0.5, np.pi * 1.5):
        swing = stride * np.sin(phase + offset) + rng.normal(0, 0.03)
        lift = max(0.0, np.cos(phase + offset)) * stride
        legs.append((float(swing), float(lift * 1.1), float(-lift * 0.3)))
    feeding = rng.random() < 0.16
    neck = rng.uniform(-0.75, -0.45) if feeding else rng.uniform(-0.22, 0.28)
    head = rng.uniform(-0.1, 0.25) if feeding else rng.uniform(-0.22, 0.3)
    return Gait(neck, head, rng.normal(0, 0.16), tuple(legs), rng.normal(0.05, 0.25), rng.normal(0, 0.25))


def _rotate(points: Field, pivot: Field, angle: float | Field) -> Field:
    """Turn points in the sagittal plane about a pivot."""
    cosine, sine = np.cos(angle), np.sin(angle)
    du, dv = points[..., 0] - pivot[0], points[..., 1] - pivot[1]
    turned = np.array(points, dtype=np.float32)
    turned[..., 0] = pivot[0] + cosine * du - sine * dv
    turned[..., 1] = pivot[1] + sine * du + cosine * dv
    return turned


def _with_w(axis: Field, w: float | Field) -> Field:
    """Sagittal axis points lifted to three dimensions at the given lateral offset."""
    return np.concatenate([axis, np.broadcast_to(np.asarray(w, float), (len(axis),))[:, None]], axis=1)


def _bend_neck(points: Field, gait: Gait, share: Field | float = 1.0) -> Field:
    """Lower or raise neck points about the shoulder, and turn them sideways."""
    pivot = np.array([0.42, 0.44])
    posed = _rotate(points, pivot, gait.neck * np.asarray(share))
    away = np.maximum(0.40 - points[..., 0], 0)
    posed[..., 2] = points[..., 2] + gait.turn * away * 1.6 * np.asarray(share)
    return posed


def _bend_head(points: Field, gait: Gait) -> Field:
    """Nod the head about the poll, then carry it with the neck."""
    return _bend_neck(_rotate(points, np.array([0.238, 0.212]), gait.head), gait)


def _leg(axis: Field, joints: tuple[int, int, int], angles: tuple[float, float, float]) -> Field:
    """Swing a leg from its top joint and bend it at the two joints below."""
    posed = np.array(axis)
    for joint, angle in zip(joints, angles, strict=True):
        posed[joint:] = _rotate(posed, posed[joint], angle)[joint:]
    return posed


def _midline_parts(gait: Gait, genes: CoatGenes) -> list[Tube]:
    """Trunk with neck, head, mane and tail."""
    trunk = _with_w(TRUNK, 0.0)
    share = np.clip((0.42 - TRUNK[:, 0]) / 0.14, 0, 1)
    posed_trunk = _bend_neck(trunk, gait, share)
    head = _with_w(HEAD, 0.0)
    tail = _with_w(TAIL_AXIS, 0.0)
    swing = np.linspace(0, gait.tail, len(tail))
    posed_tail = _rotate(tail, tail[0], -np.abs(swing) * 0.6)
    posed_tail[:, 2] += swing * np.linspace(0, 0.3, len(tail))
    crest = trunk[6:] - np.array([-0.75, 0.62, 0.0]) * (TRUNK_HEIGHT[6:, None] * 1.02) * [-1, 1, 1]
    posed_crest = _bend_neck(crest, gait, share[6:])
    crest_height = np.array([0.004, 0.017, 0.022, 0.022, 0.016])
    return [
        Tube(posed_trunk, trunk, TRUNK_HEIGHT * genes.depth, TRUNK_WIDTH),
        Tube(_bend_head(head, gait), head, HEAD_HEIGHT, HEAD_WIDTH),
        Tube(posed_tail, tail, TAIL_HEIGHT, TAIL_HEIGHT, material=TAIL),
        Tube(posed_crest, crest, crest_height, np.full(5, 0.008), material=MANE),
    ]


def _paired_parts(gait: Gait, genes: CoatGenes, side: int) -> list[Tube]:
    """Legs, ear and horn of one side."""
    sign = 1.0 if side == LEFT else -1.0
    front, hind = (gait.legs[0], gait.legs[2]) if side == LEFT else (gait.legs[1], gait.legs[3])
    spread = np.array([0.052, 0.058, 0.052, 0.050, 0.050, 0.050]) * sign
    horn = _with_w(HORN_AXIS[0] + (HORN_AXIS - HORN_AXIS[0]) * genes.horn_length, 0.0)
    horn[:, 2] = sign * np.array([0.016, 0.030, 0.036, 0.034, 0.030])
    ear = _with_w(EAR_AXIS, sign * np.array([0.028, 0.050, 0.068, 0.078]))
    posed_ear = _rotate(ear, ear[0], gait.ears)
    fore_axis, hind_axis = _with_w(FORELEG, spread), _with_w(HINDLEG, spread)
    return [
        Tube(_leg(fore_axis, (0, 2, 3), front), fore_axis, FORELEG_HEIGHT, FORELEG_WIDTH, side),
        Tube(_leg(hind_axis, (0, 2, 3), hind), hind_axis, HINDLEG_HEIGHT, HINDLEG_WIDTH, side),
        Tube(_bend_head(horn, gait), horn, np.array([0.012, 0.011, 0.0085, 0.006, 0.003]),
             np.array([0.012, 0.011, 0.0085, 0.006, 0.003]), side, HORN),
        Tube(_bend_head(posed_ear, gait), ear, np.array([0.010, 0.024, 0.022, 0.006]),
             np.array([0.008, 0.010, 0.009, 0.004]), side, EAR),
    ]  # fmt: skip


def surface(gait: Gait, genes: CoatGenes) -> list[Patch]:
    """The whole animal's surface in a pose."""
    tubes = _midline_parts(gait, genes)
    for side in (LEFT, RIGHT):
        tubes += _paired_parts(gait, genes, side)
    return [patch for tube in tubes for patch in patches_of(tube)]


FUR = tile_noise(11, 512, 64, 4)
MOTTLE = tile_noise(12, 256, 6, 4)


def albedo(seen: Visible, genes: CoatGenes, left: Field, right: Field) -> Field:
    """Colour of the coat (linear light) at every visible point, without lighting."""
    u, v = seen.u, seen.v
    stripe = np.where(seen.side == LEFT, sample(left, u, v), sample(right, u, v))
    stripe = stripe * (1 - smoothstep(0.045, 0.085, 0.13 - u)) * (1 - 0.55 * smoothstep(0.84, 0.9, v))
    mottle = sample(MOTTLE, u * 1.3, v * 1.3, wrap=True)
    belly = smoothstep(0.53, 0.60, v + 0.012 * mottle) * (1 - smoothstep(0.60, 0.66, v))
    belly = belly * smoothstep(0.44, 0.50, u) * (1 - smoothstep(0.74, 0.80, u))
    base = mix(np.broadcast_to(colour(*genes.coat), (*u.shape, 3)), colour(*genes.belly), 0.75 * belly)
    base = mix(base, colour(0.32, 0.18, 0.09), 0.35 * smoothstep(0.36, 0.30, v) * (u > 0.3))
    base = mix(base, colour(0.60, 0.50, 0.38), 0.6 * smoothstep(0.80, 0.90, v))
    base = mix(base, colour(*genes.stripe), 0.94 * stripe * (1 - 0.35 * belly))
    base = base * (1.0 + 0.07 * mottle)[..., None]
    base = _markings(base, seen)
    return base * (1.0 + 0.13 * _fur(u, v))[..., None]


def _fur(u: Field, v: Field) -> Field:
    """Hair texture, drawn out along the lie of the hair (backwards and down)."""
    return sample(FUR, u * 1.3 + v * 0.5, v * 4.2 - u * 1.2, wrap=True)


def _markings(base: Field, seen: Visible) -> Field:
    """Muzzle, eye, hooves, horns, ears, mane and tail tuft."""
    u, v, part = seen.u, seen.v, seen.material
    head = (u < 0.26) & (part == COAT) & (v < 0.40)
    base = mix(
        base, colour(0.62, 0.56, 0.48), 0.7 * head * smoothstep(0.100, 0.075, u) * smoothstep(0.045, 0.06, u)
    )
    base = mix(base, colour(0.03, 0.026, 0.025), head * smoothstep(0.056, 0.044, u))
    eye = np.sqrt(((u - EYE[0]) / 1.25) ** 2 + (v - EYE[1]) ** 2)
    base = mix(base, colour(0.62, 0.52, 0.40), 0.8 * head * smoothstep(0.026, 0.017, eye))
    base = mix(base, colour(0.012, 0.009, 0.008), head * smoothstep(0.0145, 0.0115, eye))
    base = mix(base, colour(0.035, 0.03, 0.028), (v > HOOF_V) * smoothstep(HOOF_V, HOOF_V + 0.004, v))
    rings = 0.75 + 0.25 * np.sin(v * 420.0)
    base = mix(base, colour(0.07, 0.058, 0.05), (part == HORN).astype(np.float32))
    base = base * np.where(part == HORN, rings, 1.0)[..., None]
    inner = (part == EAR) * smoothstep(0.262, 0.28, u)
    base = mix(base, colour(0.36, 0.24, 0.16), inner)
    base = mix(base, colour(0.05, 0.035, 0.03), (part == EAR) * smoothstep(0.310, 0.325, u))
    base = mix(base, colour(0.05, 0.035, 0.027), (part == MANE) * 0.8)
    return mix(base, colour(0.03, 0.022, 0.02), (part == TAIL) * smoothstep(0.55, 0.62, v))
