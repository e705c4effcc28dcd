"""Draws phantoms: dermoscopy-like pictures of lesions that no patient ever had.

A class is a point in the space of seven traits, and each picture scatters around its class by one standard
deviation in every trait. Classes therefore overlap by construction: the distance between benign and malignant is
3.6, so that not even the traits themselves tell more than 96% of them apart (the normal distribution function at
3.6 / 2), and a picture shows less than its traits. The traits are those that dermatologists go by: asymmetry,
border, colours and size, darkness, redness and the blue-whitish veil.

A scene is built of fields over the square from -1 to 1. What light comes back from skin follows the law of Lambert
and Beer, with one spectrum for melanin and one for blood, which makes brown, black and red without a palette.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from math import cos, exp, pi, sin

import numpy as np

# Light absorbed in red, green and blue by one unit of pigment.
MELANIN = np.array([0.55, 1.0, 1.35], dtype=np.float32)
BLOOD = np.array([0.12, 0.85, 0.65], dtype=np.float32)
# Skin as cameras show it, between pink, salmon, lilac, cream, tan and brown.
SKIN = np.array(
    [(236, 158, 160), (246, 170, 140), (205, 178, 212), (226, 214, 188), (198, 148, 116), (142, 98, 76)],
    dtype=np.float32,
) / np.float32(255)
VEIL = np.array([0.42, 0.43, 0.54], dtype=np.float32)
SCAR = np.array([0.90, 0.80, 0.79], dtype=np.float32)
# Small pictures are drawn at least this large and averaged down, so that hairs and borders stay smooth.
SMALLEST_CANVAS = 64


@dataclass(frozen=True)
class Traits:
    """What tells lesions apart, each in standard deviations from the common mean."""

    size: float = 0.0
    asymmetry: float = 0.0
    border: float = 0.0
    colours: float = 0.0
    darkness: float = 0.0
    redness: float = 0.0
    veil: float = 0.0

    def scattered(self, rng: np.random.Generator) -> "Traits":
        """Return the traits of one lesion of a class with these traits: off by one in each on average."""
        return Traits(*(getattr(self, f.name) + rng.standard_normal() for f in fields(self)))


CLASSES = {
    "benign": Traits(-0.85, -0.70, -0.80, -0.80, -0.45, -0.30, -0.70),
    "malignant": Traits(0.85, 0.70, 0.80, 0.80, 0.45, 0.30, 0.70),
    "blue-nevus": Traits(-0.6, -0.8, -0.8, -0.6, 0.6, -0.8, 1.8),
    "vascular-lesion": Traits(-0.4, -0.3, -0.5, -0.8, -1.4, 2.2, -0.6),
    "basal-cell-carcinoma": Traits(0.2, 0.6, -0.2, -0.2, -1.2, 1.2, 0.8),
    "lentigo": Traits(0.6, 0.4, 0.8, -0.9, -0.9, -1.2, -1.0),
    "dermatofibroma": Traits(-0.5, -0.7, -0.2, 0.2, -1.4, 0.4, -0.2),
    "seborrheic-keratosis": Traits(0.9, -0.5, 0.4, -0.2, 0.9, -0.9, -0.6),
    "actinic-keratosis": Traits(0.9, 0.7, 1.0, 0.1, -1.6, 1.2, -0.9),
    "squamous-cell-carcinoma": Traits(0.6, 0.0, 0.9, 1.2, -0.5, 1.6, -0.2),
}


def class_names(count: int) -> tuple[str, ...]:
    """Return the names of the first `count` classes: ten of diagnoses, then `class-11` and so on."""
    named = list(CLASSES)[:count]
    return (*named, *(f"class-{number}" for number in range(len(named) + 1, count + 1)))


def class_traits(number: int) -> Traits:
    """Return the mean traits of class `number`, from 0; beyond the named ones they are drawn by the number."""
    if number < len(CLASSES):
        return list(CLASSES.values())[number]
    return Traits(*np.random.default_rng(number).standard_normal(len(fields(Traits))))


def draw_phantom(class_number: int, index: int, *, size: int, seed: int, part: int = 0) -> np.ndarray:
    """Return picture `index` of a class, RGB uint8 [size, size, 3].

    The same numbers give the same bytes, whatever else is drawn; `part` (0 or more) starts a series of its own, as
    the test set needs. Pictures of one index at several sizes show one scene.
    """
    rng = np.random.default_rng((seed, part, class_number, index))
    traits = class_traits(class_number).scattered(rng)
    shrink = -(-SMALLEST_CANVAS // size)
    canvas = _Canvas(rng, size * shrink)
    lesion = _outline(canvas, traits)
    absorbed = _skin_pigment(canvas) + _lesion_pigment(canvas, traits, lesion)
    light = _skin_colour(rng) * np.exp(-(absorbed[..., :1] * MELANIN + absorbed[..., 1:] * BLOOD))
    light = _veil_and_scar(canvas, traits, lesion, light)
    light = _hairs(canvas, light) * _lighting(canvas)
    light = light.reshape(size, shrink, size, shrink, 3).mean(axis=(1, 3))
    light += np.float32(rng.uniform(0.004, 0.02)) * rng.standard_normal(light.shape, dtype=np.float32)
    return (255 * light.clip(0, 1) + 0.5).astype(np.uint8)


class _Canvas:
    """The square from -1 to 1 at one resolution, and the picture's own source of chance.

    All fields are float32 [size, size]. Chance is drawn in amounts that do not depend on the size, so that every
    size shows the same scene.
    """

    def __init__(self, rng: np.random.Generator, size: int):
        self.rng = rng
        self.size = size
        self.pixel = 2 / size
        steps = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(self.pixel) - 1
        self.x, self.y = np.meshgrid(steps, steps)

    def noise(self, cells: int) -> np.ndarray:
        """Return smooth noise with mean 0 and variance 1, about `cells` bumps across."""
        weights = _spline(self.size, cells)
        return weights @ self.rng.standard_normal((cells + 3, cells + 3), dtype=np.float32) @ weights.T

    def waves(self, angle: np.ndarray, first: int, last: int) -> np.ndarray:
        """Return a random function around the circle: waves `first` to `last`, the amplitude 1 / wave number."""
        total = np.zeros_like(angle)
        for k in range(first, last + 1):
            total += self.rng.standard_normal() / k * np.cos(k * angle + self.rng.uniform(0, 2 * pi))
        return total


@lru_cache
def _spline(size: int, cells: int) -> np.ndarray:
    """Return weights [size, cells + 3] of a uniform cubic B-spline; each row has length 1."""
    place = np.linspace(0, cells, size, endpoint=False)[:, None] + 0.5 * cells / size + 1
    distance = np.abs(place - np.arange(cells + 3))
    near = 2 / 3 - distance**2 + distance**3 / 2
    weights = np.where(distance < 1, near, np.clip(2 - distance, 0, None) ** 3 / 6)
    return (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class _Outline:
    """Where the lesion lies: `mask` is 0 outside to 1 inside, `u` and `v` its own axes in units of its radius."""

    mask: np.ndarray
    u: np.ndarray
    v: np.ndarray


def _outline(canvas: _Canvas, traits: Traits) -> _Outline:
    rng = canvas.rng
    radius = min(max(0.42 * exp(0.30 * traits.size), 0.16), 0.95)
    lopsided = min(0.14 * exp(0.45 * traits.asymmetry), 0.4)
    ragged = min(0.10 * exp(0.5 * traits.border), 0.3)
    stretch = exp(rng.normal(0, 0.16))
    turn = rng.uniform(0, pi)
    at_x, at_y = (min(max(rng.normal(0, 0.17), -0.4), 0.4) for _ in range(2))
    x = canvas.x - at_x + ragged * radius * canvas.noise(9)
    y = canvas.y - at_y + ragged * radius * canvas.noise(9)
    u = (cos(turn) * x + sin(turn) * y) / (radius * stretch)
    v = (cos(turn) * y - sin(turn) * x) / (radius / stretch)
    angle = np.arctan2(v, u)
    edge = np.exp((lopsided * canvas.waves(angle, 1, 3) + 1.5 * ragged * canvas.waves(angle, 4, 9)).clip(-0.8, 0.6))
    depth = edge - np.hypot(u, v) + 1.2 * ragged * canvas.noise(7) + 0.5 * ragged * canvas.noise(18)
    softness = 0.05 + 0.05 * rng.exponential() + canvas.pixel / (4 * radius)
    return _Outline(_sigmoid(depth / softness), u, v)


def _lesion_pigment(canvas: _Canvas, traits: Traits, lesion: _Outline) -> np.ndarray:
    """Return the lesion's melanin and blood [size, size, 2], in units of MELANIN and BLOOD."""
    rng = canvas.rng
    # One colour is even; several colours are patches of much and little pigment, off the centre where asymmetric.
    patches = 0.30 * exp(0.5 * traits.colours)
    tilt, way = 0.25 * exp(0.4 * traits.asymmetry) * rng.standard_normal(), rng.uniform(0, 2 * pi)
    shift = tilt * np.tanh(cos(way) * lesion.u + sin(way) * lesion.v)
    core = rng.normal(0.15, 0.2) * (1 - np.hypot(lesion.u, lesion.v)).clip(-1, 1)
    network = rng.exponential(0.2) * np.exp(-((2 * canvas.noise(36)) ** 2))
    globules = rng.exponential(0.25) * _sigmoid(6 * (canvas.noise(20) - 1.2))
    relief = patches * (0.8 * canvas.noise(4) + 0.5 * canvas.noise(9)) + 0.12 * canvas.noise(32)
    amount = 0.95 * exp(0.42 * traits.darkness + rng.normal(0, 0.15))
    melanin = amount * lesion.mask * np.exp((relief + shift + core).clip(-2.5, 1.2)) * (0.8 + network + globules)
    halo = 0.12 * exp(0.4 * traits.redness) * np.exp(-((np.hypot(lesion.u, lesion.v) / 1.6) ** 2))
    blood = 0.28 * exp(0.5 * traits.redness) * lesion.mask * np.exp(patches * canvas.noise(5)) + halo
    return np.stack([melanin, blood], axis=-1)


def _skin_colour(rng: np.random.Generator) -> np.ndarray:
    """Return a mixture [3] of the colours of SKIN, mostly near one or two of them."""
    return rng.dirichlet(np.full(len(SKIN), 0.5)).astype(np.float32) @ SKIN


def _skin_pigment(canvas: _Canvas) -> np.ndarray:
    """Return the skin's melanin and blood [size, size, 2] above or below its mean: mottling, freckles, vessels."""
    rng = canvas.rng
    mottled = rng.uniform(0.02, 0.09) * (canvas.noise(5) + 0.8 * canvas.noise(14))
    furrows = rng.uniform(0.01, 0.05) * canvas.noise(44)
    freckles = rng.exponential(0.12) * _sigmoid(5 * (canvas.noise(16) - 1.7))
    vessels = rng.exponential(0.08) * np.exp(-((5 * canvas.noise(7)) ** 2)) * _sigmoid(3 * canvas.noise(4))
    flush = rng.uniform(0.03, 0.16) * canvas.noise(3)
    return np.stack([mottled + furrows + freckles, vessels + flush], axis=-1)


def _veil_and_scar(canvas: _Canvas, traits: Traits, lesion: _Outline, light: np.ndarray) -> np.ndarray:
    """Return the light with a blue-whitish veil and white scar-like patches laid over parts of the lesion."""
    veil = min(0.28 * exp(0.6 * traits.veil), 0.6) * lesion.mask**2 * _sigmoid(3 * canvas.noise(5) - 1.5)
    scar_share = 0.14 * exp(0.6 * traits.colours) * canvas.rng.uniform()
    scar = min(scar_share, 0.8) * lesion.mask * _sigmoid(5 * (canvas.noise(5) - 0.9))
    light = light + veil[..., None] * (VEIL - light)
    return light + scar[..., None] * (SCAR - light)


def _hairs(canvas: _Canvas, light: np.ndarray) -> np.ndarray:
    """Return the light behind a few hairs (often none), each a stretch of a parabola that tapers off."""
    rng = canvas.rng
    if rng.uniform() < 0.5:
        return light
    colour = np.array([0.20, 0.13, 0.11], dtype=np.float32) * np.float32(rng.uniform(0.4, 2.2))
    main_way = rng.uniform(0, 2 * pi)
    clear = np.ones_like(canvas.x)
    for _ in range(1 + rng.geometric(0.25)):
        way = main_way + rng.normal(0, 0.5)
        x, y = canvas.x - rng.uniform(-1, 1), canvas.y - rng.uniform(-1, 1)
        along, across = cos(way) * x + sin(way) * y, cos(way) * y - sin(way) * x
        bend, length = rng.normal(0, 0.25), rng.uniform(0.4, 1.5)
        distance = np.abs(across - bend * along**2) / np.sqrt(1 + (2 * bend * along) ** 2)
        width = rng.uniform(0.006, 0.016) * np.sqrt((1 - (along / length) ** 2).clip(0, 1))
        # A hair thinner than a pixel dims it by the share that it covers.
        clear *= 1 - 0.9 * (width / canvas.pixel).clip(0, 1) * ((width - distance) / canvas.pixel + 0.5).clip(0, 1)
    return colour + clear[..., None] * (light - colour)


def _lighting(canvas: _Canvas) -> np.ndarray:
    """Return the lamp's share of light [size, size, 3]: its tint, its slope, dark corners or the dermoscope's rim."""
    rng = canvas.rng
    way, slope, bow = rng.uniform(0, 2 * pi), rng.uniform(0, 0.18), rng.uniform(0, 0.22)
    squared = canvas.x**2 + canvas.y**2
    shade = 1 + slope * (cos(way) * canvas.x + sin(way) * canvas.y) - bow * squared
    if rng.uniform() < 0.1:
        shade = shade * _sigmoid((rng.uniform(1.0, 1.25) - np.sqrt(squared)) / 0.03)
    tint = np.exp(rng.normal(0, 0.04, 3)) * np.exp(rng.normal(0.08, 0.07))
    return shade[..., None] * tint.astype(np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x.clip(-30, 30)))
