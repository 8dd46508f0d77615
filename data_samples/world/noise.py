"""Smooth random fields and small image operations; float32 arrays, written with numpy and Pillow only."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]


def resize(
    field: Field, height: int, width: int, method: Image.Resampling = Image.Resampling.BICUBIC
) -> Field:
    """Resize a two-dimensional float field."""
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(image.resize((width, height), method), dtype=np.float32)


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, cells: float, stretch: float = 1.0
) -> Field:
    """Smooth noise of about unit variance; `cells` bumps along the longer side, `stretch` > 1 draws them out in x."""
    pitch = max(height, width) / max(cells, 1e-3)
    rows = max(2, round(height / pitch)) + 3
    columns = max(2, round(width / (pitch * stretch))) + 3
    grid = rng.standard_normal((rows, columns)).astype(np.float32)
    image = Image.fromarray(grid)
    box = (1.0, 1.0, columns - 1.0, rows - 1.0)
    return (
        np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.float32) * 1.5
    )


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, cells: float, octaves: int = 4, stretch: float = 1.0
) -> Field:
    """Noise summed over octaves, each twice as fine and a little over half as strong; about unit variance."""
    total = np.zeros((height, width), np.float32)
    weight, power = 1.0, 0.0
    for _ in range(octaves):
        total += weight * smooth_noise(rng, height, width, cells, stretch)
        power += weight * weight
        weight, cells = weight * 0.55, cells * 2.0
        if cells > max(height, width):
            break
    return (total / np.sqrt(power)).astype(np.float32)


def blur(field: Field, radius: float) -> Field:
    """Blur a float field by about `radius` pixels, through a smaller copy of it."""
    height, width = field.shape
    if radius < 0.6:
        return field
    small_height, small_width = max(2, round(height / radius)), max(2, round(width / radius))
    small = resize(field, small_height, small_width, Image.Resampling.HAMMING)
    return resize(small, height, width, Image.Resampling.BICUBIC)


def blur_colour(image: Field, radius: float) -> Field:
    """Blur every channel of a height x width x channels image."""
    return np.stack([blur(image[..., c], radius) for c in range(image.shape[2])], axis=-1)


def sample(texture: Field, x: Field, y: Field, wrap: bool = False) -> Field:
    """Bilinear look-up of a texture at x, y in 0...1 (first texel to last; `wrap` repeats the texture)."""
    height, width = texture.shape[:2]
    if wrap:
        x, y = x - np.floor(x), y - np.floor(y)
    fx = np.clip(x, 0.0, 1.0) * np.float32(width - 1)
    fy = np.clip(y, 0.0, 1.0) * np.float32(height - 1)
    column = np.minimum(fx.astype(np.int32), width - 2)
    row = np.minimum(fy.astype(np.int32), height - 2)
    fx, fy = fx - column, fy - row
    flat = texture.reshape(-1)
    index = row * width + column
    top = flat[index] * (1 - fx) + flat[index + 1] * fx
    bottom = flat[index + width] * (1 - fx) + flat[index + width + 1] * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)


def smoothstep(low: float, high: float, value: Field) -> Field:
    """Smooth ramp: 0 at and below `low`, 1 at and above `high`."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def mix(first: Field, second: Field, amount: Field | float) -> Field:
    """Linear blend, 0 gives the first; a two-dimensional amount is spread over colour channels."""
    if isinstance(amount, np.ndarray) and amount.ndim == max(np.ndim(first), np.ndim(second)) - 1:
        amount = amount[..., None]
    return (np.asarray(first) * (1.0 - amount) + np.asarray(second) * amount).astype(np.float32)


def colour(*channels: float) -> Field:
    """A colour in linear light, 0...1."""
    return np.array(channels, dtype=np.float32)


def tile_noise(seed: int, size: int, cells: int, octaves: int = 4) -> Field:
    """Noise texture which repeats without a seam, for look-ups with `wrap`."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size), np.float32)
    weight = 1.0
    for _ in range(octaves):
        grid = np.pad(rng.standard_normal((cells, cells)).astype(np.float32), 2, mode="wrap")
        box = (2.0, 2.0, cells + 2.0, cells + 2.0)
        image = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC, box=box)
        total += weight * np.asarray(image, dtype=np.float32)
        weight, cells = weight * 0.6, min(cells * 2, size)
    return (total / total.std()).astype(np.float32)
