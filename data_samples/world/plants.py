"""Grass, twigs, trees, fish and drifting specks, drawn as small polygons on transparent layers."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .noise import Field

Colour = tuple[float, float, float]


class Layer:
    """A transparent drawing surface, enlarged for smooth edges; coordinates are photo pixels, colours linear light."""

    def __init__(self, height: int, width: int, tint: Colour, scale: int = 2) -> None:
        self.height, self.width, self.scale = height, width, scale
        self._image = Image.new("RGBA", (width * scale, height * scale), (*_display(tint), 0))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: Field, tint: Colour) -> None:
        """Fill a polygon (K x 2)."""
        self._draw.polygon((points * self.scale).ravel().tolist(), fill=(*_display(tint), 255))

    def ellipse(self, x: float, y: float, across: float, down: float, tint: Colour) -> None:
        """Fill an ellipse given by centre and half-axes."""
        s = self.scale
        box = ((x - across) * s, (y - down) * s, (x + across) * s, (y + down) * s)
        self._draw.ellipse(box, fill=(*_display(tint), 255))

    def finish(self) -> tuple[Field, Field]:
        """Colour (rows x columns x 3, linear light) and cover (0...1) at photo size."""
        small = self._image.resize((self.width, self.height), Image.Resampling.BOX)
        pixels = np.asarray(small, dtype=np.float32) / 255
        return pixels[..., :3] ** 2.2, pixels[..., 3]


def _display(tint: Colour) -> tuple[int, int, int]:
    """Linear light to 8-bit display values."""
    red, green, blue = (int(255 * max(0.0, min(1.0, c)) ** (1 / 2.2) + 0.5) for c in tint)
    return red, green, blue


@dataclass(frozen=True)
class Grass:
    """Look of grass: colours of base and tip in linear light, and the spread of the blades' lean (radians)."""

    base: Colour
    tip: Colour
    lean: float
    stiffness: float = 0.5


def blade(layer: Layer, rng: np.random.Generator, root: tuple[float, float], length: float, width: float,
          look: Grass, bright: float = 1.0) -> None:  # fmt: skip
    """One tapering, bending blade of grass."""
    steps = np.linspace(0, 1, 6)
    lean = rng.normal(0, look.lean)
    bend = rng.normal(0, 1.0) * (1 - look.stiffness)
    x = root[0] + length * (lean * steps + bend * steps**2.2 * 0.6)
    y = root[1] - length * (steps - 0.25 * abs(bend) * steps**2.5)
    half = np.maximum(width * (1 - steps**1.6) * 0.5, 0.12)
    shade = bright * rng.uniform(0.75, 1.25)
    low, high = (tuple(c * shade for c in tint) for tint in (look.base, look.tip))
    for first, last, share in ((0, 3, 0.25), (2, 6, 0.85)):
        left = np.stack([x - half, y], 1)[first:last]
        right = np.stack([x + half, y], 1)[first:last][::-1]
        tint = tuple(a * (1 - share) + b * share for a, b in zip(low, high, strict=True))
        layer.polygon(np.concatenate([left, right]), tint)


def tufts(layer: Layer, rng: np.random.Generator, roots: Field, length: Field, look: Grass,
          blades: int, bright: float = 1.0) -> None:  # fmt: skip
    """Tufts of grass at root points (K x 2), with a length in pixels for each."""
    for (x, y), tall in zip(roots, length, strict=True):
        for _ in range(blades):
            offset = rng.normal(0, 0.22 * tall)
            blade(layer, rng, (x + offset, y + rng.normal(0, 0.04 * tall)), tall * rng.uniform(0.4, 1.15),
                  max(0.8, tall * rng.uniform(0.02, 0.05)), look, bright)  # fmt: skip


def twig(layer: Layer, rng: np.random.Generator, start: tuple[float, float], angle: float, length: float,
         width: float, bark: Colour, leaf: Colour | None, depth: int = 3) -> None:  # fmt: skip
    """A branching twig, with leaves where `leaf` is given."""
    steps = np.linspace(0, 1, 7)
    heading = angle + np.cumsum(rng.normal(0, 0.10, 7))
    x = start[0] + np.concatenate([[0], np.cumsum(np.cos(heading[1:]) * length / 6)])
    y = start[1] + np.concatenate([[0], np.cumsum(np.sin(heading[1:]) * length / 6)])
    half = np.maximum(width * (1 - 0.65 * steps) / 2, 0.35)
    normal = np.stack([-np.sin(heading), np.cos(heading)], 1) * half[:, None]
    spine = np.stack([x, y], 1)
    layer.polygon(
        np.concatenate([spine + normal, (spine - normal)[::-1]]),
        tuple(c * rng.uniform(0.7, 1.2) for c in bark),
    )
    if leaf is not None:
        for at in spine[1:]:
            _leaf(layer, rng, at, max(2.0, length * 0.13), leaf)
    if depth > 0:
        for knot in rng.choice(np.arange(2, 7), size=2, replace=False):
            twig(layer, rng, tuple(spine[knot]), angle + rng.choice([-1, 1]) * rng.uniform(0.35, 0.9), length * 0.55,
                 width * 0.55, bark, leaf, depth - 1)  # fmt: skip


def _leaf(layer: Layer, rng: np.random.Generator, at: Field, size: float, tint: Colour) -> None:
    """A pointed leaf."""
    angle, long = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.6, 1.3)
    along = np.array([np.cos(angle), np.sin(angle)]) * long
    across = np.array([-along[1], along[0]]) * 0.26
    points = np.stack([at, at + along * 0.35 + across, at + along * 0.75 + across * 0.7, at + along,
                       at + along * 0.75 - across * 0.7, at + along * 0.35 - across])  # fmt: skip
    shade = rng.uniform(0.6, 1.4)
    layer.polygon(points, (tint[0] * shade, tint[1] * shade, tint[2] * shade))


def acacia(
    layer: Layer, rng: np.random.Generator, foot: tuple[float, float], tall: float, leaf: Colour, bark: Colour
) -> None:
    """A flat-topped tree."""
    x, y = foot
    for _ in range(3):
        lean = rng.normal(0, 0.22)
        top = np.array([x + lean * tall, y - tall * 0.72])
        middle = np.array([x + lean * tall * 0.25, y - tall * 0.4])
        half = tall * 0.02
        waist_left, waist_right = (middle[0] - half * 0.8, middle[1]), (middle[0] + half * 0.8, middle[1])
        layer.polygon(np.array([[x - half, y], waist_left, top, waist_right, [x + half, y]]), bark)
    for tier in range(3):
        level, reach = y - tall * (0.66 + 0.11 * tier), tall * (0.58 - 0.12 * tier)
        for _ in range(70):
            dx = rng.uniform(-1, 1)
            dy = rng.normal(0, 0.032) - 0.05 * (1 - dx * dx)
            lit = 0.6 + 0.75 * np.clip(0.5 - dy * 7, 0, 1) * rng.uniform(0.6, 1.2)
            wide, high = tall * rng.uniform(0.015, 0.06), tall * rng.uniform(0.01, 0.022)
            tint = (leaf[0] * lit, leaf[1] * lit, leaf[2] * lit)
            layer.ellipse(x + dx * reach, level + dy * tall, wide, high, tint)


def bush(
    layer: Layer, rng: np.random.Generator, foot: tuple[float, float], tall: float, leaf: Colour
) -> None:
    """A rounded shrub, lit from above."""
    for _ in range(130):
        angle, radius = rng.uniform(0, np.pi), np.sqrt(rng.random())
        dx, dy = np.cos(angle) * radius * 0.75, np.sin(angle) * radius
        lit = 0.35 + 0.9 * dy * rng.uniform(0.5, 1.2)
        wide, high = tall * rng.uniform(0.03, 0.10), tall * rng.uniform(0.02, 0.07)
        tint = (leaf[0] * lit, leaf[1] * lit, leaf[2] * lit)
        layer.ellipse(foot[0] + dx * tall, foot[1] - dy * tall, wide, high, tint)


def trunk(
    layer: Layer, rng: np.random.Generator, foot: tuple[float, float], tall: float, width: float, bark: Colour
) -> None:
    """A tree trunk which leaves the frame at the top, in a few tones across."""
    lean = rng.normal(0, 0.06)
    for start, end, tone in ((-0.5, 0.5, 0.65), (-0.5, -0.05, 1.25), (-0.2, 0.15, 0.95), (0.28, 0.5, 0.45)):
        steps = np.linspace(0, 1, 9)
        sway = np.sin(steps * 4 + lean * 30) * width * 0.12
        taper = width * (1 + 0.5 * np.exp(-steps * 14)) * (1 - 0.25 * steps)
        x = foot[0] + lean * tall * steps + sway
        y = foot[1] - tall * steps
        left, right = np.stack([x + taper * start, y], 1), np.stack([x + taper * end, y], 1)
        layer.polygon(np.concatenate([left, right[::-1]]), (bark[0] * tone, bark[1] * tone, bark[2] * tone))


def fish(
    layer: Layer, rng: np.random.Generator, at: tuple[float, float], size: float, heading: float, tint: Colour
) -> None:
    """A small fish seen from above."""
    outline = np.array([[-0.5, 0], [-0.25, 0.10], [0.05, 0.13], [0.32, 0.04], [0.5, 0.13], [0.46, 0], [0.5, -0.13],
                        [0.32, -0.04], [0.05, -0.13], [-0.25, -0.10]]) * size  # fmt: skip
    angle = heading + rng.normal(0, 0.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    layer.polygon(outline @ turn.T + np.array(at), tint)
    layer.polygon((outline * np.array([0.8, 0.35])) @ turn.T + np.array(at), tuple(c * 1.6 for c in tint))
