"""One photograph: pose an animal in a place, take the picture, and keep the body coordinate of every pixel."""

from dataclasses import dataclass

import numpy as np

from . import antelope, ray
from .camera import Film, View, develop, projector, rotation, shrink
from .light import Light, shade
from .noise import Field, blur, mix
from .pattern import PatternGenes, spotted_back, stripe_coat
from .savanna import PLACES, Ground, backdrop, front_growth
from .surface import LEFT, RIGHT, Patch, Visible, rasterise
from .underwater import WATERS, dancing_light, front_specks, seabed

ANTELOPE, RAY = "zebrelle", "starwing"


@dataclass(frozen=True)
class Individual:
    """One animal: species, pattern genes and the seed of its colours and build."""

    name: str
    species: str
    genes: PatternGenes


@dataclass(frozen=True)
class Coat:
    """An individual's pattern textures (left and right flank, or the back twice) and colour genes."""

    textures: tuple[Field, Field]
    colours: antelope.CoatGenes | ray.SkinGenes


@dataclass(frozen=True)
class Shot:
    """Everything that fixes one photo. `body_px`: body length in pixels; a `close` shot frames the animal tightly."""

    individual: Individual
    orientation: str
    place: str
    seed: int
    width: int
    height: int
    body_px: float
    night: bool = False
    pose_seed: int = 0
    jitter: float = 0.0
    difficulty: float = 1.0
    close: bool = False


@dataclass(frozen=True)
class Photo:
    """Picture and truth (both height x width x 3, 8 bit) and the animal's box x, y, width, height in pixels."""

    picture: np.ndarray
    truth: np.ndarray
    box: tuple[int, int, int, int]


def coat_of(individual: Individual, size: int = 640) -> Coat:
    """Draw an individual's pattern textures; `size` in texels along the body."""
    rng = np.random.default_rng([individual.genes.seed, 5])
    if individual.species == ANTELOPE:
        textures = (stripe_coat(individual.genes, LEFT, size), stripe_coat(individual.genes, RIGHT, size))
        return Coat(textures, antelope.draw_coat_genes(rng))
    back = spotted_back(individual.genes, size)
    return Coat((back, back), ray.draw_skin_genes(rng))


def _patches(shot: Shot, coat: Coat) -> list[Patch]:
    rng = np.random.default_rng([shot.pose_seed, 1])
    if shot.individual.species == ANTELOPE:
        return antelope.surface(antelope.draw_gait(rng), coat.colours)
    return ray.surface(ray.draw_stroke(rng))


def _view(shot: Shot) -> View:
    """Draw the viewpoint; the animal is centred later."""
    rng = np.random.default_rng([shot.pose_seed, 2])
    d = shot.difficulty
    distance = rng.uniform(2.6, 6.0)
    if shot.individual.species == ANTELOPE:
        yaw = float(np.clip(rng.normal(0, 0.24 * d), -0.62, 0.62)) + (
            np.pi if shot.orientation == "right" else 0.0
        )
        return View(
            yaw, rng.normal(0.03, 0.05), rng.normal(0, 0.045), distance, shot.body_px, 0, 0, (0.5, 0.5, 0.0)
        )
    roll = np.pi / 2 + rng.normal(0, 0.42 * d)
    return View(
        rng.normal(0, 0.20 * d), rng.normal(0, 0.22 * d), roll, distance, shot.body_px, 0, 0, (0.4, 0.5, 0.0)
    )


def _extent(patches: list[Patch], view: View) -> Field:
    """Left, top, right and bottom of the projected animal."""
    project = projector(view)
    points = np.concatenate([project(p.position)[0][..., :2].reshape(-1, 2) for p in patches])
    return np.concatenate([points.min(0), points.max(0)])


def _frame(shot: Shot, patches: list[Patch], rng: np.random.Generator) -> tuple[View, int, int]:
    """Place the animal in the frame; a close shot takes its frame from the animal."""
    view = _view(shot)
    left, top, right, bottom = _extent(patches, view)
    wide, tall = right - left, bottom - top
    if shot.close:
        width, height = int(wide * 1.24) + 4, int(tall * 1.24) + 4
        x, y = (width - wide) / 2, (height - tall) / 2
    else:
        width, height = shot.width, shot.height
        fit = min(1.0, 0.90 * width / wide, 0.90 * height / tall)
        view = View(**{**view.__dict__, "body_px": view.body_px * fit})
        left, top, wide, tall = left * fit, top * fit, wide * fit, tall * fit
        drop = 0.5 if shot.individual.species == RAY else 0.72
        x = (width - wide) * np.clip(rng.normal(0.5, 0.22), 0.06, 0.94)
        y = (height - tall) * np.clip(rng.normal(drop, 0.15), 0.08, 0.90)
    shake = rng.normal(0, shot.jitter * view.body_px, 2)
    moved = {"centre_x": float(x - left + shake[0]), "centre_y": float(y - top + shake[1])}
    return View(**{**view.__dict__, **moved}), width, height


@dataclass(frozen=True)
class _Raster:
    """The animal's own raster: visible surface, enlarged `scale` times, starting at (left, top) in the photo."""

    seen: Visible
    scale: int
    left: int
    top: int


def _draw_animal(patches: list[Patch], view: View, width: int, height: int, scale: int) -> _Raster:
    left, top, right, bottom = _extent(patches, view)
    pad = int(0.06 * view.body_px) + 2
    x0, y0 = max(0, int(left) - pad), max(0, int(top) - pad)
    x1, y1 = min(width, int(right) + pad), min(height, int(bottom) + pad)
    project = projector(view, scale, x0, y0)
    return _Raster(rasterise(patches, project, (y1 - y0) * scale, (x1 - x0) * scale), scale, x0, y0)


def _land_light(shot: Shot, rng: np.random.Generator) -> Light:
    if shot.night:
        return Light(
            (rng.normal(0, 0.15), -0.25, 1.0), (0.85, 0.85, 0.85), (0.03,) * 3, (0.03,) * 3, 0.05, 0.04
        )
    side = rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 1.0)
    direction = (side, -rng.uniform(0.55, 1.1), rng.uniform(0.15, 0.9))
    if shot.place == "dusk":
        return Light((side * 1.4, -0.4, 0.5), (1.05, 0.66, 0.36), (0.34, 0.34, 0.46), (0.20, 0.14, 0.09), 0.6)
    if shot.place == "woodland":
        return Light(direction, (0.75, 0.76, 0.58), (0.36, 0.42, 0.34), (0.15, 0.13, 0.08), 0.2)
    overcast = rng.random() < 0.3
    sun = (0.42, 0.42, 0.42) if overcast else (1.12, 1.03, 0.88)
    sky = (0.62, 0.65, 0.70) if overcast else (0.36, 0.42, 0.52)
    return Light(direction, sun, sky, (0.26, 0.21, 0.14), 0.12 if overcast else 0.35)


def _dapple(shot: Shot, shape: tuple[int, int], body_px: float, rng: np.random.Generator) -> Field | None:
    """Light and shade of leaves on an animal in woodland."""
    if shot.place != "woodland" or shot.night:
        return None
    net = dancing_light(*shape, body_px * 1.4, rng)
    return np.clip(0.55 + 0.5 * blur(net, 0.012 * body_px), 0.4, 1.6)


def _land(shot: Shot, coat: Coat, patches: list[Patch], view: View, raster: _Raster, size: tuple[int, int]):
    """Background, lit animal and foreground of a photo on land."""
    height, width = size
    rng = np.random.default_rng([shot.seed, 11])
    place = PLACES[shot.place]
    foot = _extent(patches, view)[3] - 0.012 * view.body_px
    horizon = foot - view.body_px * rng.uniform(0.30, 0.62)
    ground = Ground(float(horizon), float(foot), view.body_px)
    light = _land_light(shot, rng)
    behind = backdrop(place, ground, height, width, np.random.default_rng([shot.seed, 12]))
    behind = _cast_shadow(behind, patches, view, light, foot, shot.night)
    base = antelope.albedo(raster.seen, coat.colours, *coat.textures)
    dapple = _dapple(shot, base.shape[:2], view.body_px * raster.scale, rng)
    lit = shade(raster.seen, base, light, view.body_px * raster.scale, dapple)
    if shot.night:
        behind = behind * _flash(ground, height, width)[..., None]
        lit = _eyeshine(lit, raster.seen)
    density = float(rng.choice([0.35, 0.8, 1.5], p=[0.4, 0.4, 0.2])) * shot.difficulty
    front = front_growth(
        place, ground, height, width, rng, density, bool(rng.random() < 0.20 * shot.difficulty)
    )
    strength = 0.75 if shot.night else (0.62 if shot.place in ("woodland", "dusk") else 0.95)
    return behind, lit, (front[0] * strength, front[1])


def _cast_shadow(
    behind: Field, patches: list[Patch], view: View, light: Light, foot: float, night: bool
) -> Field:
    """Darken the ground where the animal stands between it and the sun, and under its feet."""
    height, width = behind.shape[:2]
    points = np.concatenate([p.position.reshape(-1, 3) for p in patches])
    turned = (points - np.array(view.pivot, np.float32)) @ rotation(view).T
    lift = turned[:, 1].max() - turned[:, 1]
    down = max(-light.direction[1], 0.35)
    x = turned[:, 0] - lift * light.direction[0] / down
    z = turned[:, 2] - lift * light.direction[2] / down
    px = (view.centre_x + x * view.body_px).astype(int)
    py = (foot + z * 0.20 * view.body_px).astype(int)
    mask = np.zeros((height, width), np.float32)
    ok = (px >= 0) & (px < width) & (py >= 0) & (py < height)
    np.maximum.at(mask, (py[ok], px[ok]), 1.0)
    mask = blur(mask, 0.022 * view.body_px)
    mask = np.clip(mask * (0.035 * view.body_px + 1.0) ** 0.5 * 2.2, 0, 1)
    mask = np.clip(blur(mask, 0.012 * view.body_px), 0, 1)
    strength = 0.25 if night else 0.30 + 0.42 * min(1.0, light.sun[0])
    return behind * (1 - strength * mask)[..., None]


def _flash(ground: Ground, height: int, width: int) -> Field:
    """Fall-off of an infrared flash with distance and towards the corners."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    near = np.clip((rows - ground.horizon) / max(ground.foot - ground.horizon, 1), 0, 1.15)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return (0.02 + 0.55 * near**2.2) * (1 - 0.35 * (x * x + y * y) / 2)


def _eyeshine(lit: Field, seen: Visible) -> Field:
    """The eye's mirror, bright in the flash."""
    u, v = antelope.EYE
    shine = np.exp(-((((seen.u - u) ** 2 + (seen.v - v) ** 2) / 0.0105**2) ** 2)) * (
        seen.material == antelope.COAT
    )
    return lit + 1.1 * (shine * seen.mask)[..., None].astype(np.float32)


def _sea(shot: Shot, coat: Coat, patches: list[Patch], view: View, raster: _Raster, size: tuple[int, int]):
    """Background, lit animal and foreground of a photo under water."""
    height, width = size
    rng = np.random.default_rng([shot.seed, 21])
    water = WATERS[shot.place]
    behind = seabed(water, height, width, view.body_px, np.random.default_rng([shot.seed, 22]))
    behind = _soft_shadow(behind, raster, view, rng, 0.55 * (1 - water.veil))
    tint = np.array(water.water) / max(water.water)
    direction = (rng.normal(0, 0.45), rng.normal(0, 0.45) - 0.1, 1.0)
    sun = tuple(float(c) for c in 0.55 * (0.45 + 0.6 * tint))
    sky = tuple(float(c) for c in 0.42 * (0.25 + 0.75 * tint))
    light = Light(direction, sun, sky, sky, 0.05, 0.12)
    scaled = view.body_px * raster.scale
    net = dancing_light(*raster.seen.mask.shape, scaled, rng)
    sparkle = np.clip(1 + water.dance * 0.8 * (net - 1), 0.3, 2.2)
    lit = shade(raster.seen, ray.albedo(raster.seen, coat.colours, coat.textures[0]), light, scaled, sparkle)
    haze = float(np.clip(rng.uniform(0.06, 0.30) * shot.difficulty, 0, 0.45))
    lit = mix(lit * 1.25, np.array(water.water, np.float32) * 1.05, haze)
    fishes = int(rng.choice([0, 6, 16], p=[0.6, 0.25, 0.15]))
    front = front_specks(water, height, width, view.body_px, rng, fishes, int(rng.uniform(30, 160)))
    return behind, lit, front


def _soft_shadow(
    behind: Field, raster: _Raster, view: View, rng: np.random.Generator, strength: float
) -> Field:
    """The swimmer's blurred shadow on the bed, displaced by its height above it."""
    height, width = behind.shape[:2]
    cover = shrink(raster.seen.mask.astype(np.float32), raster.scale)
    mask = np.zeros((height, width), np.float32)
    mask[raster.top : raster.top + cover.shape[0], raster.left : raster.left + cover.shape[1]] = cover
    dx, dy = (rng.choice([-1, 1], 2) * rng.uniform(0.06, 0.22, 2) * view.body_px).astype(int)
    mask = np.roll(blur(mask, 0.05 * view.body_px), (dy, dx), axis=(0, 1))
    return behind * (1 - strength * np.clip(mask, 0, 1))[..., None]


def _film(shot: Shot, rng: np.random.Generator, body_px: float) -> Film:
    d, unit = shot.difficulty, body_px / 400.0
    defocus = float(rng.choice([0.0, 0.9, 1.9], p=[0.6, 0.28, 0.12])) * unit * min(d, 1.2)
    motion = float(rng.choice([0.0, rng.uniform(3, 8)], p=[0.82, 0.18])) * unit * min(d, 1.2)
    noise = rng.uniform(0.006, 0.022) + (0.03 if shot.night else 0.0)
    return Film(
        exposure=rng.uniform(0.78, 1.25),
        warmth=rng.normal(0, 0.6),
        contrast=rng.uniform(0.1, 0.6),
        defocus=defocus,
        motion=motion,
        motion_angle=rng.normal(0, 0.4),
        noise=float(noise),
        vignette=rng.uniform(0.05, 0.4),
        grey=shot.night,
        quality=int(rng.integers(80, 89)),
    )


def take_photo(shot: Shot, coat: Coat, scale: int = 2) -> tuple[Photo, Film]:
    """Render one photo with its truth."""
    rng = np.random.default_rng([shot.seed, 31])
    patches = _patches(shot, coat)
    view, width, height = _frame(shot, patches, rng)
    raster = _draw_animal(patches, view, width, height, scale)
    stage = _land if shot.individual.species == ANTELOPE else _sea
    behind, lit, front = stage(shot, coat, patches, view, raster, (height, width))
    scene, cover = _compose(behind, lit, raster)
    scene = mix(scene, front[0], front[1])
    film = _film(shot, rng, view.body_px)
    truth = _truth(raster, cover, front[1])
    box = _box(cover, view.body_px, rng)
    return Photo(develop(scene, film, rng), truth, box), film


def _window(raster: _Raster) -> tuple[slice, slice]:
    rows, columns = (s // raster.scale for s in raster.seen.mask.shape)
    return slice(raster.top, raster.top + rows), slice(raster.left, raster.left + columns)


def _compose(behind: Field, lit: Field, raster: _Raster) -> tuple[Field, Field]:
    """Lay the animal over the background; also its cover (0...1) of every pixel of the photo."""
    alpha = shrink(raster.seen.mask.astype(np.float32), raster.scale)
    body = shrink(lit * raster.seen.mask[..., None], raster.scale)
    scene, cover = behind.copy(), np.zeros(behind.shape[:2], np.float32)
    window = _window(raster)
    scene[window] = scene[window] * (1 - alpha[..., None]) + body
    cover[window] = alpha
    return scene, cover


def _truth(raster: _Raster, cover: Field, front: Field) -> np.ndarray:
    """Body coordinates and surface code of every pixel in which the animal is seen."""
    truth = np.zeros((*cover.shape, 3), np.uint8)
    seen, s = raster.seen, raster.scale
    codes = np.stack([np.rint(seen.u * 127.5) * 2, np.rint(seen.v * 127.5) * 2, seen.side], axis=-1)
    codes = np.clip(codes, 0, 255)[s // 2 :: s, s // 2 :: s]
    window = _window(raster)
    visible = (cover[window] >= 0.5) & (front[window] < 0.5) & seen.mask[s // 2 :: s, s // 2 :: s]
    truth[window] = np.where(visible[..., None], codes, 0).astype(np.uint8)
    return truth


def _box(cover: Field, body_px: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Box about the whole animal, with a small and now and then a loose margin."""
    rows, columns = np.flatnonzero((cover > 0.02).any(1)), np.flatnonzero((cover > 0.02).any(0))
    margin = rng.uniform(0.0, 0.02, 4) * body_px + (0.05 * body_px if rng.random() < 0.15 else 0.0) + 2
    x0, y0 = max(0, int(columns[0] - margin[0])), max(0, int(rows[0] - margin[1]))
    x1 = min(cover.shape[1], int(columns[-1] + 1 + margin[2]))
    y1 = min(cover.shape[0], int(rows[-1] + 1 + margin[3]))
    return x0, y0, x1 - x0, y1 - y0
