"""The camera: where it stands, how the animal projects into the frame, and what lens, sensor and file do to it."""

from dataclasses import dataclass

import numpy as np

from .noise import Field, blur_colour, smooth_noise


@dataclass(frozen=True)
class View:
    """Viewpoint: turns of the animal in radians, distance in body lengths, and where it lies in the frame (pixels)."""

    yaw: float
    pitch: float
    roll: float
    distance: float
    body_px: float
    centre_x: float
    centre_y: float
    pivot: tuple[float, float, float]


def rotation(view: View) -> Field:
    """Matrix which turns canonical axes into the view (x right, y down, z to the camera)."""
    cy, sy = np.cos(view.yaw), np.sin(view.yaw)
    cp, sp = np.cos(view.pitch), np.sin(view.pitch)
    cr, sr = np.cos(view.roll), np.sin(view.roll)
    about_v = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_z @ about_x @ about_v).astype(np.float32)


def projector(view: View, scale: float = 1.0, left: float = 0.0, top: float = 0.0):
    """Function from canonical-frame points to raster x, y and depth; the raster starts at (left, top), enlarged."""
    turn = rotation(view)
    pivot = np.array(view.pivot, np.float32)

    def project(points: Field) -> tuple[Field, Field]:
        turned = (points - pivot) @ turn.T
        near = view.distance / np.maximum(view.distance - turned[..., 2], 0.2)
        x = (view.centre_x + turned[..., 0] * near * view.body_px - left) * scale
        y = (view.centre_y + turned[..., 1] * near * view.body_px - top) * scale
        return np.stack([x, y, turned[..., 2]], axis=-1).astype(np.float32), turn

    return project


@dataclass(frozen=True)
class Film:
    """Exposure and faults of one photo; radii in pixels, noise in display units 0...1."""

    exposure: float
    warmth: float
    contrast: float
    defocus: float
    motion: float
    motion_angle: float
    noise: float
    vignette: float
    grey: bool
    quality: int


def _streak(image: Field, length: float, angle: float) -> Field:
    """Motion blur: the mean of copies shifted along a line."""
    if length < 1:
        return image
    shifts = np.linspace(-length / 2, length / 2, int(length) + 2)
    moved = [
        np.roll(image, (round(s * np.sin(angle)), round(s * np.cos(angle))), axis=(0, 1)) for s in shifts
    ]
    return np.mean(moved, axis=0, dtype=np.float32)


def develop(scene: Field, film: Film, rng: np.random.Generator) -> np.ndarray:
    """Turn linear light into an 8-bit photo."""
    height, width = scene.shape[:2]
    scene = _streak(blur_colour(scene, film.defocus), film.motion, film.motion_angle)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    scene = scene * (film.exposure * (1 - film.vignette * (x * x + y * y) * 0.5))[..., None]
    balance = np.array([1 + 0.10 * film.warmth, 1.0, 1 - 0.12 * film.warmth], np.float32)
    scene = np.clip(scene * balance, 0, None)
    if film.grey:
        scene = np.repeat((scene @ np.array([0.45, 0.38, 0.17], np.float32))[..., None], 3, axis=-1)
    scene = scene + 0.05 * blur_colour(np.clip(scene - 0.6, 0, 2), max(height, width) * 0.02)
    shown = _tone(scene, film.contrast)
    grain = rng.standard_normal((height, width, 1 if film.grey else 3)).astype(np.float32)
    coarse = smooth_noise(rng, height, width, max(height, width) / 2.5)[..., None]
    shown = shown + film.noise * (0.75 * grain + 0.35 * coarse) * (1.15 - 0.6 * shown)
    return (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)


def _tone(scene: Field, contrast: float) -> Field:
    """Display curve: a filmic shoulder, display gamma and a mild S-curve."""
    scene = scene * 1.1
    shoulder = scene * (1 + scene / 2.4) / (1 + scene)
    shown = np.clip(shoulder, 0, 1) ** (1 / 2.2)
    curved = shown * shown * (3 - 2 * shown)
    return shown * (1 - contrast) + curved * contrast


def shrink(raster: Field, factor: int) -> Field:
    """Area-average a raster (rows x columns, or with channels) by a whole factor."""
    height, width = raster.shape[0] // factor, raster.shape[1] // factor
    blocks = raster[: height * factor, : width * factor].reshape(height, factor, width, factor, -1)
    mean = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mean[..., 0] if raster.ndim == 2 else mean
