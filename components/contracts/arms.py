"""Arms: the recipes for a training set, as a user writes them."""

import re
from dataclasses import dataclass

from components.contracts.errors import InputError

_ARM = re.compile(r"(?P<kind>real|traditional|(?:traditional\+)?gan|only-gan)(?::(?P<amount>[0-9]+)(?P<share>%)?)?")
MOST_SYNTHETIC = 1_000_000
GRAMMAR = "real, traditional, gan:120, gan:50%, traditional+gan:480 or only-gan:1000"


@dataclass(frozen=True)
class Arm:
    """One recipe for the training set.

    `synthetic` is the number of synthetic images a class, or None where `share` holds: their number as a
    share (1.0 = as many) of the real training images of each class.
    """

    name: str
    uses_real: bool
    traditional: bool
    synthetic: int | None = 0
    share: float = 0.0

    @property
    def uses_gan(self) -> bool:
        """Whether the arm trains on synthetic images at all."""
        return self.synthetic is None or self.synthetic > 0

    def synthetic_count(self, real_count: int) -> int:
        """Return how many synthetic images the arm takes for a class with `real_count` real ones."""
        return round(self.share * real_count) if self.synthetic is None else self.synthetic


def parse_arm(text: str) -> Arm:
    """Read one arm; raises InputError that names the parameter, the text and the grammar."""
    match = _ARM.fullmatch(text.strip())
    if not match:
        raise InputError(f"arms: '{text}' is not an arm; write {GRAMMAR}")
    kind, amount, share = match["kind"], match["amount"], match["share"]
    takes_amount = "gan" in kind
    if takes_amount and not amount:
        raise InputError(f"arms: '{text}' needs a number of synthetic images, as in {kind}:120 or {kind}:50%")
    if amount and not takes_amount:
        raise InputError(f"arms: '{text}' takes no number; write '{kind}'")
    if takes_amount and not 0 < int(amount) <= MOST_SYNTHETIC:
        raise InputError(f"arms: '{text}' asks for {amount} images a class; ask for 1 to {MOST_SYNTHETIC}")
    return Arm(
        name=text.strip(),
        uses_real=kind != "only-gan",
        traditional=kind.startswith("traditional"),
        synthetic=None if share else int(amount or 0),
        share=int(amount) / 100 if share else 0.0,
    )


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


def most_synthetic(arms: list[Arm], real_count: int) -> int:
    """Return the largest number of synthetic images that any arm takes for a class of `real_count` images."""
    return max((arm.synthetic_count(real_count) for arm in arms), default=0)
