"""Body surfaces as swept tubes and sheets, and the z-buffer which finds the visible point at every pixel.

Canonical frame (units of body length): u along the body from the nose, v down (side-on animals) or across (animals
seen from above), w towards the animal's left or its back. Every surface point carries its posed position and, as
truth, the (u, v) that the same point has in the canonical pose.
"""

from dataclasses import dataclass

import numpy as np

from .noise import Field

LEFT, RIGHT, DORSAL = 85, 170, 255


OVERLAP = 0.010  # body lengths


@dataclass(frozen=True)
class Tube:
    """A body part: points along its axis (K x 3), half-height in the body's plane and half-width across it (K)."""

    axis: Field
    canonical_axis: Field
    half_height: Field
    half_width: Field
    side: int = 0
    material: int = 0


@dataclass(frozen=True)
class Patch:
    """A coarse grid of surface points: posed position, canonical position (rows x columns x 3) and labels."""

    position: Field
    canonical: Field
    side: int
    material: int
    flip: bool = False


@dataclass(frozen=True)
class Visible:
    """What the camera sees in a raster (rows x columns); arrays hold zeros where `mask` is False."""

    mask: np.ndarray
    u: Field
    v: Field
    side: np.ndarray
    material: np.ndarray
    normal: Field
    depth: Field


def spline(points: Field, count: int) -> Field:
    """Catmull-Rom curve through the points (K x D), resampled at `count` even parameter steps."""
    points = np.asarray(points, np.float32)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1, count)
    knot = np.minimum(t.astype(int), len(points) - 2)
    f = (t - knot)[:, None].astype(np.float32)
    p0, p1, p2, p3 = (padded[knot + i] for i in range(4))
    return 0.5 * (
        2 * p1 + (p2 - p0) * f + (2 * p0 - 5 * p1 + 4 * p2 - p3) * f**2 + (3 * p1 - p0 - 3 * p2 + p3) * f**3
    )


def sweep(axis: Field, half_height: Field, half_width: Field, rows: int, columns: int) -> Field:
    """Surface of a tube with rounded ends: rows along the axis, columns around it, the first column repeated last."""
    centre = spline(axis, rows)
    radii = np.maximum(spline(np.stack([half_height, half_width], axis=1), rows), 1e-4)
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    across = np.array([0.0, 0.0, 1.0], np.float32) - tangent * tangent[:, 2:3]
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    up = np.cross(across, tangent)
    angle = np.linspace(0, 2 * np.pi, columns, dtype=np.float32)
    vertical = radii[:, :1, None] * np.cos(angle)[None, :, None] * up[:, None, :]
    lateral = radii[:, 1:, None] * np.sin(angle)[None, :, None] * across[:, None, :]
    return (centre[:, None, :] + vertical + lateral).astype(np.float32)


def close_ends(radius: Field) -> Field:
    """Radii with both ends drawn in so that the tube closes."""
    return np.concatenate([[radius[0] * 0.08], radius, [radius[-1] * 0.08]]).astype(np.float32)


def close_axis(axis: Field, radius: Field) -> Field:
    """Axis lengthened at both ends by part of the end radius, for rounded caps."""
    axis = np.asarray(axis, np.float32)
    start, end = axis[0] - axis[1], axis[-1] - axis[-2]
    start = axis[0] + start / (np.linalg.norm(start) + 1e-9) * radius[0] * 0.7
    end = axis[-1] + end / (np.linalg.norm(end) + 1e-9) * radius[-1] * 0.7
    return np.concatenate([start[None], axis, end[None]]).astype(np.float32)


def patches_of(tube: Tube, rows: int = 40, columns: int = 33) -> list[Patch]:
    """A tube's surface; tubes on the midline (side 0) are cut into a left and a right half."""
    height, width = close_ends(tube.half_height), close_ends(tube.half_width)
    posed = sweep(close_axis(tube.axis, tube.half_height), height, width, rows, columns)
    canonical = sweep(close_axis(tube.canonical_axis, tube.half_height), height, width, rows, columns)
    if tube.side:
        return [Patch(posed, canonical, tube.side, tube.material)]
    middle = columns // 2 + 1
    left = Patch(posed[:, :middle], canonical[:, :middle], LEFT, tube.material)
    right = Patch(posed[:, middle - 1 :], canonical[:, middle - 1 :], RIGHT, tube.material)
    return [left, right]


def _interpolation(coarse: int, fine: int) -> Field:
    """Matrix (fine x coarse) of linear interpolation weights."""
    t = np.linspace(0, coarse - 1, fine)
    knot = np.minimum(t.astype(int), coarse - 2)
    weights = np.zeros((fine, coarse), np.float32)
    weights[np.arange(fine), knot] = 1 - (t - knot)
    weights[np.arange(fine), knot + 1] = t - knot
    return weights


def _normals(points: Field) -> Field:
    """Unit normals of a grid of points, by the cross product of its two directions."""
    normal = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    return normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12)


def _dense_samples(patch: Patch, projected: Field, normal: Field) -> Field:
    """Samples less than a pixel apart: x, y, depth, normal (3), u, v as columns."""
    coarse = np.concatenate([projected, normal, patch.canonical[..., :2]], axis=-1)
    steps_down = np.linalg.norm(np.diff(projected[..., :2], axis=0), axis=-1).sum(0).max()
    steps_across = np.linalg.norm(np.diff(projected[..., :2], axis=1), axis=-1).sum(1).max()
    down = _interpolation(coarse.shape[0], int(steps_down * 1.8) + 3)
    across = _interpolation(coarse.shape[1], int(steps_across * 1.8) + 3)
    half = np.einsum("fr,rck->fck", down, coarse, optimize=True)
    return np.matmul(across[None], half).reshape(-1, 8)


def rasterise(patches: list[Patch], project, height: int, width: int) -> Visible:
    """Find the surface point nearest to the camera at every pixel.

    `project` maps points (... x 3) to raster x, y and depth (larger is nearer) and turns normals into the view.
    """
    samples, labels = [], []
    for number, patch in enumerate(patches):
        projected, turn = project(patch.position)
        projected[..., 2] += OVERLAP * (number > 1)  # limbs win where they graze the trunk
        normal = _normals(patch.position) @ turn.T
        if patch.flip:
            normal = -normal
        dense = _dense_samples(patch, projected, normal)
        dense = dense[dense[:, 5] > -0.15]
        samples.append(dense)
        labels.append(np.full(len(dense), patch.side * 256 + patch.material, np.int32))
    return _splat(np.concatenate(samples), np.concatenate(labels), height, width)


def _splat(samples: Field, labels: np.ndarray, height: int, width: int) -> Visible:
    """Keep the nearest sample of every pixel and close single-pixel gaps."""
    x, y = np.floor(samples[:, 0]).astype(np.int64), np.floor(samples[:, 1]).astype(np.int64)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    chosen = np.flatnonzero(inside)
    rank = ((samples[chosen, 2] + 8.0) * 1e6).astype(np.int64)
    winner = np.full(height * width, -1, np.int64)
    np.maximum.at(winner, y[chosen] * width + x[chosen], (rank << 32) | chosen)
    winner = _close_gaps(np.where(winner < 0, -1, winner & 0xFFFFFFFF).reshape(height, width))
    mask = winner >= 0
    index = np.maximum(winner, 0)
    table = np.where(mask[..., None], samples[index], 0.0).astype(np.float32)
    label = np.where(mask, labels[index], 0)
    normal = table[..., 3:6]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    return Visible(mask, table[..., 6], table[..., 7], label // 256, label % 256, normal, table[..., 2])


def _close_gaps(winner: np.ndarray) -> np.ndarray:
    """Fill a pixel without a sample from a neighbour when at least three of its four neighbours have one."""
    padded = np.pad(winner, 1, constant_values=-1)
    near = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    gap = (winner < 0) & ((near >= 0).sum(0) >= 3)
    return np.where(gap, near.max(0), winner)
