"""Light on the animal: smoothed normals, sun, sky and bounced light, and darkening where parts overlap."""

from dataclasses import dataclass

import numpy as np

from .noise import Field, blur, smoothstep
from .surface import Visible


@dataclass(frozen=True)
class Light:
    """Light in the camera's frame (x right, y down, z to the camera); colours in linear light."""

    direction: tuple[float, float, float]
    sun: tuple[float, float, float]
    sky: tuple[float, float, float]
    ground: tuple[float, float, float]
    rim: float = 0.25
    gloss: float = 0.05


def soften_normals(seen: Visible, radius: float) -> Field:
    """Blur normals within one surface, so that legs and neck flow out of the trunk; `radius` in pixels."""
    cover = seen.mask.astype(np.float32)
    weight = np.maximum(blur(cover, radius), 1e-3)
    mean_depth = blur(seen.depth * cover, radius) / weight
    smooth = np.stack([blur(seen.normal[..., c], radius) for c in range(3)], axis=-1) / weight[..., None]
    apart = smoothstep(0.015, 0.05, np.abs(seen.depth - mean_depth)) * cover
    smooth = smooth * (1 - apart)[..., None] + seen.normal * apart[..., None]
    smooth = 0.75 * smooth + 0.25 * seen.normal
    return smooth / (np.linalg.norm(smooth, axis=-1, keepdims=True) + 1e-6)


def overlap_shade(seen: Visible, radius: float) -> Field:
    """Factor 0...1, dark on surfaces which lie close behind another part."""
    cover = seen.mask.astype(np.float32)
    weight = np.maximum(blur(cover, radius), 1e-3)
    in_front = blur(seen.depth * cover, radius) / weight - seen.depth
    return (1.0 - 0.6 * smoothstep(0.004, 0.07, in_front)) * cover


def shade(seen: Visible, base: Field, light: Light, body_px: float, sparkle: Field | None = None) -> Field:
    """Lit colour of every visible point; `sparkle` multiplies the sun (caustics, leaf shadow)."""
    normal = soften_normals(seen, 0.022 * body_px)
    direction = np.array(light.direction, np.float32)
    direction = direction / np.linalg.norm(direction)
    facing = normal @ direction
    sun = np.clip((facing + 0.18) / 1.18, 0, 1) ** 1.2
    if sparkle is not None:
        sun = sun * sparkle
    upward = 0.5 - 0.5 * normal[..., 1]
    dark = overlap_shade(seen, 0.06 * body_px) * overlap_shade(seen, 0.018 * body_px)
    ambient = upward[..., None] * np.array(light.sky) + (1 - upward)[..., None] * np.array(light.ground)
    lit = base * (ambient * dark[..., None] + (sun * (0.45 + 0.55 * dark))[..., None] * np.array(light.sun))
    rim = np.clip(1 - normal[..., 2], 0, 1) ** 3 * light.rim * np.clip(facing + 0.35, 0, 1)
    half = direction + np.array([0, 0, 1], np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 18 * light.gloss * sun
    return (lit + (rim * 0.35 + shine)[..., None] * np.array(light.sun)).astype(np.float32)
