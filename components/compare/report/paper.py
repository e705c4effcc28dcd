"""The paper's own results, shown beside a run of the same arms.

Mukhedkar and Kim, "Creation and evaluation of synthetic data using GAN technique in medical applications",
tables 1 to 6: one training an arm, 660 test images.
"""

from dataclasses import dataclass
from typing import Any

NOTE = (
    "The paper calls the recall of benign sensitivity and the recall of malignant specificity. Here sensitivity is the "
    "recall of malignant, and the paper's two numbers stand in the rows where they belong by that. They are of one "
    "training an arm and have no intervals."
)


@dataclass(frozen=True)
class PaperArm:
    """One arm as printed; `per_class` holds precision, recall, F1 and support, `matrix` rows are the actual class.

    `sensitivity` is the recall of malignant, which the paper prints as specificity, and the other way round.
    """

    tables: str
    accuracy: float
    per_class: dict[str, tuple[float, float, float, int]]
    macro: tuple[float, float, float]
    weighted: tuple[float, float, float]
    sensitivity: float
    specificity: float
    matrix: dict[str, dict[str, int]]


ARMS = {
    "real": PaperArm(
        "Tables 1 and 2",
        0.80,
        {"malignant": (0.70, 0.96, 0.81, 300), "benign": (0.95, 0.66, 0.78, 360)},
        (0.83, 0.81, 0.80),
        (0.84, 0.80, 0.79),
        0.96,
        0.66,
        {"malignant": {"malignant": 288, "benign": 12}, "benign": {"malignant": 122, "benign": 238}},
    ),
    "gan:120": PaperArm(
        "Tables 3 and 4",
        0.83,
        {"malignant": (0.74, 0.94, 0.83, 300), "benign": (0.94, 0.73, 0.82, 360)},
        (0.84, 0.84, 0.83),
        (0.85, 0.83, 0.83),
        0.94,
        0.72,
        {"malignant": {"malignant": 283, "benign": 17}, "benign": {"malignant": 98, "benign": 262}},
    ),
    "gan:480": PaperArm(
        "Tables 5 and 6",
        0.84,
        {"malignant": (0.80, 0.86, 0.83, 300), "benign": (0.88, 0.82, 0.84, 360)},
        (0.84, 0.84, 0.84),
        (0.84, 0.84, 0.84),
        0.86,
        0.82,
        {"malignant": {"malignant": 258, "benign": 42}, "benign": {"malignant": 66, "benign": 294}},
    ),
}


def is_papers_experiment(verdict: dict[str, Any]) -> bool:
    """Whether a run has the paper's classes, positive class and arms, so that its numbers may stand beside it."""
    data = verdict["data_set"]
    names = [arm["arm"] for arm in verdict["arms"]]
    return (
        sorted(data["classes"]) == ["benign", "malignant"]
        and data["positive_class"] == "malignant"
        and sorted(names) == sorted(ARMS)
    )
