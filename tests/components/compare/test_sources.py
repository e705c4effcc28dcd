"""What synthetic images are worth in real ones, from evaluations of a learning curve."""

from dataclasses import replace

import numpy as np
import verdict_inputs as inputs

from components.compare.comparison import compare_arms
from components.compare.sources import in_real_images
from components.compare.statistics.rule import SENSITIVITY, Rule

CLASSES = ("benign", "malignant")
LABELS = np.repeat([0, 1], 400)
RULE = Rule.of(inputs.PARAMETERS)
CURVE = {"real": (800, 2.0), "real:50%": (400, 1.3), "real:25%": (200, 0.9)}


def worth(arms):
    evaluations = [
        replace(
            inputs.evaluation(arm, inputs.probabilities(LABELS, CLASSES, skill, 6, seed), LABELS, CLASSES, 1),
            training_images=images,
        )
        for seed, (arm, (images, skill)) in enumerate(arms.items())
    ]
    test = inputs.image_set(LABELS, CLASSES)
    return in_real_images(compare_arms(evaluations, test, 1, RULE, (RULE.endpoint, SENSITIVITY)), RULE, 0)


def test_synthetic_images_are_counted_in_real_ones_a_class():
    better, worse = worth(CURVE | {"gan:50": (900, 2.4), "gan:400": (1600, 1.3), "only-gan:100": (200, 1.0)})
    assert (better["arm"], worse["arm"]) == ("gan:50", "gan:400")
    assert better["estimate"] > 0
    assert -300 < worse["estimate"] < -100  # does what half of the 400 real images a class do
    assert worse["interval"][0] < worse["estimate"] < worse["interval"][1]


def test_without_a_learning_curve_there_is_no_exchange_rate():
    assert worth({"real": (800, 2.0), "real:50%": (400, 1.3), "gan:50": (900, 2.4)}) == []
