"""The generators behind a synthetic set: of each class and source, one GAN or one external set."""

from dataclasses import dataclass

import numpy as np

from components.contracts.imageset import ImageSet


@dataclass(frozen=True)
class Generator:
    """One generator's share of the synthetic set: the images of one class.

    `name` is its group in the set (`gan-0`), `rows` (int64 [n]) are its images there, in the fixed order.
    """

    name: str
    label: int
    rows: np.ndarray

    @property
    def source(self) -> str:
        """Where its images come from: `gan` or the name of an external set."""
        return self.name.rpartition("-")[0]

    @property
    def number(self) -> int:
        """Which of its source's generators it is; GAN number r knows no row of the validation fold of replicate r."""
        return int(self.name.rpartition("-")[2])

    def seed(self, seed: int) -> int:
        """Return a seed for what belongs to this generator, unlike that of any other of the run's `seed`."""
        return int(np.random.SeedSequence([seed, self.label, *self.name.encode()]).generate_state(1)[0])


def generators_of(synthetic: ImageSet) -> list[Generator]:
    """Return the generators of a synthetic set, in the order of class, source and number."""
    found = []
    for label in range(len(synthetic.classes)):
        of_class = np.flatnonzero(synthetic.labels == label)
        names = synthetic.groups[of_class]
        found += [Generator(str(name), label, of_class[names == name]) for name in np.unique(names)]
    return sorted(found, key=lambda one: (one.label, one.source, one.number))
