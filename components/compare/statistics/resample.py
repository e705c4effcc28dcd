"""How sure is a mean over replicates? A bootstrap over test images and replicates.

Both are samples: other test images, or other trainings of the same recipe, would have given other numbers. Every
replicate sees every test image, so the two are crossed. Write A for the variance of a mean score that comes from the
images, B from the replicates and AB from their interaction. Resampling the images alone shows A + AB, the replicates
alone B + AB, both at once A + B + 3 AB: a plain two-way bootstrap counts the interaction three times (Owen 2007, The
pigeonhole bootstrap, Annals of Applied Statistics 1(2), theorem 3). The three together give the unbiased sum

    V = A + B + AB = 2 V_images + 2 V_replicates - V_both,

which is two-way clustering (Cameron, Gelbach, Miller 2011, J. Business & Economic Statistics 29(2), eq. 2.11).

Images are drawn. Drawing R - 1 of R replicates, which makes the variance of so small a sample unbiased (Rao, Wu 1988,
JASA 83(401), section 2), is not left to chance: its variance over all draws is s^2 / R, s being the deviation between
the replicates, on the test set itself and on each resample of it.

V has two parts, A + AB / 2 of the images and B + AB / 2 of the replicates. Their half-widths add in squares, each with
its own quantile: the normal one for the images, Student's t with R - 1 degrees of freedom for the replicates, which are
few (Zou, Donner 2008, Statistics in Medicine 27(10)). In simulations this covered better than Satterthwaite's degrees
of freedom for the sum, and than giving AB wholly to either part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from components.contracts.metrics import METRICS, scores

_CHUNK = 1 << 22  # weights expanded to float64 at once
_SMALLEST_TAIL = 1e-15


@dataclass(frozen=True)
class Estimate:
    """A mean score, or the difference of two, with what is known of its variance.

    `image_variance` is A + AB / 2, `replicate_variance` B + AB / 2 and `interaction` AB, all in squared units of the
    score. `units` is the number of independent replicates, `groups` that of independent images in the smallest class.
    """

    value: float
    image_variance: float
    replicate_variance: float
    interaction: float
    units: int
    groups: int

    @property
    def lasting_variance(self) -> float:
        """B: what stays however many test images there are."""
        return max(0.0, self.replicate_variance - self.interaction / 2)

    @property
    def shrinking_variance(self) -> float:
        """A + AB: what falls in proportion to the number of test images."""
        return self.image_variance + self.replicate_variance - self.lasting_variance

    def half_width(self, tail: float) -> float:
        """Return the distance from `value` beyond which lies the share `tail` on one side.

        Where neither images nor replicates show any variance, it is what all images could have missed (the rule of
        three: Hanley, Lippman-Hand 1983, JAMA 249(13)).
        """
        if self.image_variance + self.replicate_variance == 0:
            return float(-np.log(tail) / self.groups)
        squared = self.image_variance * special.ndtri(tail) ** 2
        if self.replicate_variance > 0:
            squared += self.replicate_variance * special.stdtrit(self.units - 1, tail) ** 2
        return float(np.sqrt(squared))

    def interval(self, confidence: float, top: float = 1.0) -> tuple[float, float]:
        """Return the two-sided interval of the difference of two scores that lie in 0..`top`."""
        half = self.half_width((1 - confidence) / 2)
        return max(-top, self.value - half), min(top, self.value + half)

    def interval_within(self, confidence: float, top: float = 1.0) -> tuple[float, float]:
        """Return the two-sided interval of a score that lies in 0..`top`, symmetric on the logit scale."""
        half = self.half_width((1 - confidence) / 2)
        share = self.value / top
        if not 0 < share < 1:
            return max(0.0, self.value - half), min(top, self.value + half)
        logit, step = np.log(share / (1 - share)), half / top / (share * (1 - share))
        low, high = top / (1 + np.exp(-np.clip([logit - step, logit + step], -700, 700)))
        return float(low), float(high)

    def p_value(self) -> float:
        """Return the two-sided p-value of no difference: 1 - the confidence of the interval that just ends at 0."""

        def overlap(tail: float) -> float:
            return self.half_width(tail) - abs(self.value)

        if overlap(0.5) >= 0:
            return 1.0
        if overlap(_SMALLEST_TAIL) <= 0:
            return 2 * _SMALLEST_TAIL
        return min(1.0, 2 * float(optimize.brentq(overlap, _SMALLEST_TAIL, 0.5, xtol=1e-16, rtol=1e-10)))


def draw_images(labels: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return how often each of `count` resamples drew each test image (uint16, (1 + count) x N).

    Row 0 is the test set itself, all ones. Whole groups are drawn with replacement, as many as there are, apart for
    each combination of classes that a group holds, so that no resample lacks a class.
    """
    _, group = np.unique(groups, return_inverse=True)
    holds = np.zeros((group.max() + 1, labels.max() + 1), dtype=bool)
    holds[group, labels] = True
    _, strata = np.unique(holds, axis=0, return_inverse=True)
    drawn = np.ones((1 + count, len(holds)), dtype=np.uint16)
    for number in range(strata.max() + 1):
        members = np.flatnonzero(strata == number)
        rng = np.random.default_rng((seed, number))
        step = max(1, _CHUNK // len(members))
        for start in range(1, 1 + count, step):
            rows = min(step, 1 + count - start)
            cells = rng.integers(len(members), size=(rows, len(members))) + len(members) * np.arange(rows)[:, None]
            counts = np.bincount(cells.ravel(), minlength=rows * len(members))
            drawn[start : start + rows, members] = counts.reshape(rows, len(members))
    return drawn[:, group]


def smallest_class(labels: np.ndarray, groups: np.ndarray) -> int:
    """Return the number of groups that hold the class which the fewest groups hold."""
    return min(len(np.unique(groups[labels == label])) for label in np.unique(labels))


def resampled_scores(
    probabilities: np.ndarray,
    labels: np.ndarray,
    positive: int,
    images: np.ndarray,
    wanted: Sequence[str] = METRICS,
    thresholds: Sequence[float] | None = None,
) -> dict[str, np.ndarray]:
    """Return each wanted metric of each resample and replicate (float64, (1 + B) x R).

    `probabilities` (float, R x N x C) are one arm's; `images` come from `draw_images`. With `thresholds` (one a
    replicate) also `operating_sensitivity` and `operating_specificity`: an image is positive from that probability on.
    """
    replicates, count = probabilities.shape[:2]
    operating = ("operating_sensitivity", "operating_specificity") if thresholds is not None else ()
    found = {name: np.empty((len(images), replicates)) for name in (*wanted, *operating)}
    step = max(1, _CHUNK // count)
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        weights = images[part]
        for r, predicted in enumerate(probabilities):
            values = scores(predicted, labels, positive, weights, wanted)
            if thresholds is not None:
                recalls = _recalls(predicted[:, positive] >= thresholds[r], labels == positive, weights)
                values |= dict(zip(operating, recalls, strict=True))
            for name, column in values.items():
                found[name][part, r] = column
    return found


def estimate(series: np.ndarray, units: np.ndarray, groups: int) -> Estimate:
    """Return the mean over the replicates with its uncertainty.

    `series` (float64, (1 + B) x R) is one metric from `resampled_scores`, or the difference of two arms', whose
    resamples and replicates pair up. `units` (int, R) numbers from 0 what was drawn independently: the replicates, or
    the GANs that several replicates share. With one unit the variance is that of the images alone. `groups` comes from
    `smallest_class`.
    """
    means = series.mean(axis=1)
    image_variance = float(means[1:].var(ddof=1))
    count = int(units.max()) + 1
    if count == 1:
        return Estimate(float(means[0]), image_variance, 0.0, 0.0, 1, groups)
    member = np.eye(count)[units] / len(units)
    spread = series @ member - means[:, None] * member.sum(axis=0)
    between = (spread**2).sum(axis=1) * count / (count - 1)  # B + AB on the test set, B + 2 AB on resamples
    interaction = max(0.0, float(between[1:].mean() - between[0]))
    replicate_variance = max(0.0, float(between[0]) - interaction / 2)
    shared = min(interaction / 2, replicate_variance)  # so that the sum is never below that of the images alone
    image_variance = max(0.0, image_variance - shared)
    return Estimate(float(means[0]), image_variance, replicate_variance, interaction, count, groups)


def _recalls(above: np.ndarray, is_positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sensitivity and specificity (B each) of the decisions `above` (bool, N)."""
    kinds = np.stack([above & is_positive, is_positive, ~above & ~is_positive, ~is_positive], axis=1)
    hits, positives, passes, negatives = (weights.astype(np.float64) @ kinds.astype(np.float64)).T
    return hits / positives, passes / negatives
