"""Coat patterns as textures over the body, in canonical (u, v) from 0 to 1; their genes name one individual."""

from dataclasses import dataclass

import numpy as np

from .noise import Field, fractal_noise, resize, smooth_noise, smoothstep

LIKENESS_CELLS = 5.0


@dataclass(frozen=True)
class PatternGenes:
    """What fixes a pattern: its own seed, and for a look-alike the sibling's seed and the share taken from it."""

    seed: int
    sibling_seed: int | None = None
    shared: float = 0.0


def stripe_coat(genes: PatternGenes, side: int, size: int = 640) -> Field:
    """Stripe strength 0...1 over the body (rows v, columns u) for one flank."""
    own = _stripe_fields(genes.seed, side)
    if genes.sibling_seed is not None:
        own = _borrow(genes, side, own, _stripe_fields(genes.sibling_seed, side))
    cosine, sine, threshold = (resize(field, size, size) for field in own)
    return smoothstep(-0.16, 0.16, cosine / np.sqrt(cosine**2 + sine**2 + 1e-4) - threshold)


def _borrow(genes: PatternGenes, side: int, own: list[Field], sibling: list[Field]) -> list[Field]:
    """Take the sibling's fields over the shared part of the body, with soft borders."""
    rng = np.random.default_rng([genes.seed, side, 9])
    cover = smooth_noise(rng, *own[0].shape, LIKENESS_CELLS)
    border = np.quantile(cover, genes.shared)
    own_share = smoothstep(border - 0.12, border + 0.12, cover)
    return [theirs * (1 - own_share) + mine * own_share for mine, theirs in zip(own, sibling, strict=True)]


def _stripe_fields(seed: int, side: int, size: int = 320) -> list[Field]:
    """Cosine and sine of the stripes' phase, and their threshold; dislocations in the phase make the forks."""
    style = np.random.default_rng([seed, 1])
    rng = np.random.default_rng([seed, side, 2])
    v, u = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size), indexing="ij")
    phase = style.uniform(11.5, 14.5) * 2 * np.pi * _stripe_course(u, v, style)
    phase = phase + rng.uniform(0, 2 * np.pi) + 1.5 * smooth_noise(rng, size, size, 6)
    phase = phase + 0.7 * smooth_noise(rng, size, size, 14)
    for _ in range(rng.integers(11, 17)):
        centre_u, centre_v = rng.uniform(0.2, 0.95), rng.uniform(0.27, 0.68)
        phase = phase + rng.choice([-1.0, 1.0]) * np.arctan2(v - centre_v, u - centre_u)
    threshold = style.uniform(0.05, 0.3) + 0.34 * fractal_noise(rng, size, size, 9, 3)
    breaks = smoothstep(1.35, 2.0, smooth_noise(rng, size, size, 15))
    fields = (np.cos(phase), np.sin(phase), threshold + 1.5 * breaks)
    return [field.astype(np.float32) for field in fields]


def _stripe_course(u: Field, v: Field, style: np.random.Generator) -> Field:
    """The field whose level lines the stripes follow: upright on the trunk, rings on legs, oblique on rump and neck."""
    legs = 0.035 * np.log1p(np.exp((v - 0.62) / 0.035)) * 1.5
    rump = style.uniform(2.2, 3.6) * np.maximum(u - 0.7, 0) * (v - 0.38)
    neck = 0.8 * smoothstep(0.0, 0.2, 0.44 - u) * (v - 0.42)
    head = 1.1 * np.maximum(0.24 - u, 0) ** 1.2
    return u + legs + np.where(v < 0.7, rump, rump * np.exp(-(v - 0.7) * 9)) + neck + head


@dataclass(frozen=True)
class Spots:
    """Spots on the back: centre (u, v), radius and ring strength (0 solid, 1 ring), in body lengths."""

    u: Field
    v: Field
    radius: Field
    ring: Field


def spots_of(genes: PatternGenes) -> Spots:
    """Spots in bowed rows across the disc, with gaps, doublets and rings; a sibling's are kept in the shared share."""
    own = _lay_spots(genes.seed)
    if genes.sibling_seed is not None:
        rng = np.random.default_rng([genes.seed, 9])
        theirs = _lay_spots(genes.sibling_seed)
        cover = smooth_noise(rng, 64, 64, LIKENESS_CELLS)
        border = np.quantile(cover, genes.shared)
        keep_own = np.array([_at(cover, u, v) >= border for u, v in zip(own[:, 0], own[:, 1], strict=True)])
        keep_theirs = np.array(
            [_at(cover, u, v) < border for u, v in zip(theirs[:, 0], theirs[:, 1], strict=True)]
        )
        own = np.concatenate([own[keep_own], theirs[keep_theirs]])
    return Spots(*own.T.astype(np.float32))


def _at(cover: Field, u: float, v: float) -> float:
    return float(cover[int(np.clip(v, 0, 0.999) * 64), int(np.clip(u, 0, 0.999) * 64)])


def _lay_spots(seed: int) -> np.ndarray:
    """Rows of u, v, radius, ring."""
    rng = np.random.default_rng([seed, 3])
    size, spacing = rng.uniform(0.0095, 0.0125), rng.uniform(0.054, 0.066)
    found: list[tuple[float, float, float, float]] = []
    for row_u in np.arange(0.12, 0.66, spacing):
        for across in np.arange(-0.46, 0.46, spacing * 0.95):
            u = row_u + 0.32 * across**2 + rng.normal(0, spacing * 0.27)
            v = 0.5 + across + rng.normal(0, spacing * 0.27)
            if rng.random() < 0.22:
                continue
            radius = size * rng.lognormal(0, 0.38)
            found.append((u, v, radius, float(radius > size * 1.25 and rng.random() < 0.4)))
            if rng.random() < 0.13:
                found.append(
                    (u + rng.normal(0, 0.012), v + rng.normal(0, 0.016), size * rng.uniform(0.5, 0.9), 0.0)
                )
    return np.array(found)


def spotted_back(genes: PatternGenes, size: int = 640) -> Field:
    """Spot strength 0...1 over the body (rows v, columns u)."""
    spots = spots_of(genes)
    image = np.zeros((size, size), np.float32)
    wobble = 1.0 + 0.16 * smooth_noise(np.random.default_rng([genes.seed, 4]), size, size, 55)
    for u, v, radius, ring in zip(spots.u, spots.v, spots.radius, spots.ring, strict=True):
        _draw_spot(image, wobble, (float(u), float(v)), float(radius), float(ring))
    return image


def _draw_spot(image: Field, wobble: Field, centre: tuple[float, float], radius: float, ring: float) -> None:
    """Draw one soft-edged spot or ring into the texture."""
    size = len(image)
    reach = radius * 1.9
    low_u, high_u = (int(np.clip((centre[0] + s * reach) * size, 0, size)) for s in (-1, 1))
    low_v, high_v = (int(np.clip((centre[1] + s * reach) * size, 0, size)) for s in (-1, 1))
    rows, columns = np.mgrid[low_v:high_v, low_u:high_u].astype(np.float32)
    u, v = (columns + 0.5) / size - centre[0], (rows + 0.5) / size - centre[1]
    distance = np.sqrt(u * u + v * v) / radius * wobble[low_v:high_v, low_u:high_u]
    disc = 1.0 - smoothstep(0.8, 1.2, distance)
    disc = disc * (1.0 - ring * 0.85 * (1.0 - smoothstep(0.35, 0.62, distance)))
    part = image[low_v:high_v, low_u:high_u]
    np.maximum(part, disc, out=part)
