"""Arms: the recipes for a training set, as a user writes them.

    real                        all real images
    real:50%                    a share of the real images of each class
    traditional                 real images, flipped, turned, scaled and recoloured anew each epoch
    balanced, oversampled       real images, rare classes weighing more in the loss, or repeated up to the largest class
    NAME:120, NAME:50%          and 120 synthetic images a class of a source, or as many as half the real ones of each
    NAME:all, NAME:balance      and all of its images, or as many as fill each class up to the largest
    traditional+NAME:120        the same, with traditional augmentation of all images
    only-NAME:1000              synthetic images alone

NAME is a source: `gan`, the built-in generators, or a name in `synthetic_sets`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.contracts.errors import InputError

GAN = "gan"
MOST_SYNTHETIC = 1_000_000
GRAMMAR = (
    "real, real:50%, traditional, balanced, oversampled, gan:120, gan:50%, gan:balance, traditional+gan:480 or "
    "only-gan:1000; a name of synthetic_sets may stand for gan"
)
SOURCE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
RESERVED = ("real", "traditional", "balanced", "oversampled", "only", "all", "balance")
_WITHOUT = re.compile(
    r"(?P<traditional>traditional(?:\+|$))?(?P<kind>real|balanced|oversampled)?(?::(?P<share>[0-9]+)%)?"
)
_WITH = re.compile(
    r"(?P<prefix>traditional\+|only-)?(?P<source>[A-Za-z][A-Za-z0-9_]*)"
    r"(?::(?:(?P<count>[0-9]+)(?P<share>%)?|(?P<word>all|balance)))?"
)


@dataclass(frozen=True)
class Arm:
    """One recipe for the training set.

    `source` is where its synthetic images come from, "" if it has none; `amount` how many of them: "count" (`number` a
    class), "share" (`number` times the real training images of each class), "all" of the source, or "balance" (each
    class up to the largest). `real_share` (0..1) is the share of the real images that it learns from, 0 for none;
    `rare` says what is done for rare classes: "" nothing, "balanced" or "oversampled".
    """

    name: str
    source: str = ""
    amount: str = ""
    number: float = 0.0
    traditional: bool = False
    real_share: float = 1.0
    rare: str = ""

    @property
    def uses_real(self) -> bool:
        """Whether the arm trains on real images at all."""
        return self.real_share > 0

    @property
    def uses_synthetic(self) -> bool:
        """Whether the arm trains on synthetic images at all."""
        return self.source != ""

    def synthetic_counts(self, real_counts: Sequence[int], there: Sequence[int]) -> list[int]:
        """Return how many synthetic images the arm takes of each class.

        `real_counts` are the real training images of each class, `there` the images that the source has of it, which
        only `NAME:all` asks for.
        """
        if self.amount == "count":
            return [int(self.number)] * len(real_counts)
        if self.amount == "share":
            return [round(self.number * count) for count in real_counts]
        if self.amount == "balance":
            return [max(real_counts) - count for count in real_counts]
        return list(there) if self.amount == "all" else [0] * len(real_counts)


def parse_arm(text: str) -> Arm:
    """Read one arm; raises InputError that names the parameter, the text and the grammar."""
    name = text.strip()
    without = _WITHOUT.fullmatch(name)
    if without and (without["traditional"] or without["kind"]):
        return _without_synthetic(name, without)
    match = _WITH.fullmatch(name)
    if not match:
        raise InputError(f"arms: '{name}' is not an arm; write {GRAMMAR}")
    source = match["source"]
    if source.lower() in RESERVED:
        raise InputError(f"arms: '{name}' takes no such number; write {GRAMMAR}")
    if not (match["count"] or match["word"]):
        if source != GAN:
            raise InputError(f"arms: '{name}' is not an arm; write {GRAMMAR}")
        raise InputError(f"arms: '{name}' needs a number of synthetic images, as in {name}:120 or {name}:50%")
    if match["count"] and not 0 < int(match["count"]) <= MOST_SYNTHETIC:
        raise InputError(f"arms: '{name}' asks for {match['count']} images a class; ask for 1 to {MOST_SYNTHETIC}")
    if source == GAN and match["word"] == "all":
        raise InputError(f"arms: '{name}': the GANs draw as many as are asked for; give a number, as in gan:480")
    alone = match["prefix"] == "only-"
    if alone and match["word"] == "balance":
        raise InputError(f"arms: '{name}' fills up real images and has none; give a number, as in only-{source}:480")
    number = int(match["count"] or 0)
    return Arm(
        name,
        source,
        amount=match["word"] or ("share" if match["share"] else "count"),
        number=number / 100 if match["share"] else float(number),
        traditional=match["prefix"] == "traditional+",
        real_share=0.0 if alone else 1.0,
    )


def _without_synthetic(name: str, match: re.Match[str]) -> Arm:
    traditional, kind = bool(match["traditional"]), match["kind"]
    if name.endswith("+") or (traditional and kind == "real") or (match["share"] and kind != "real"):
        raise InputError(f"arms: '{name}' is not an arm; write {GRAMMAR}")
    share = int(match["share"]) / 100 if match["share"] else 1.0
    if not 0 < share <= 1 or (match["share"] and share == 1):
        raise InputError(f"arms: '{name}': a share of the real images is 1% to 99%; for all of them write 'real'")
    return Arm(name, traditional=traditional, real_share=share, rare=kind if kind != "real" and kind else "")


def parse_arms(texts: list[str]) -> list[Arm]:
    """Read all arms of a run; raises InputError if `real` is missing or an arm stands there twice."""
    arms = [parse_arm(text) for text in texts]
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"arms: '{name}' stands there more than once; name each arm once")
    if "real" not in names:
        raise InputError("arms: 'real' is missing; every other arm is compared against it, so add it")
    return arms


def most_synthetic(arms: Sequence[Arm], source: str, real_counts: Sequence[int], there: Sequence[int]) -> list[int]:
    """Return the largest number of images of a source that any arm takes of each class, as `synthetic_counts`."""
    wanted = [arm.synthetic_counts(real_counts, there) for arm in arms if arm.source == source]
    return [max(counts) for counts in zip(*wanted, strict=True)] if wanted else [0] * len(real_counts)
