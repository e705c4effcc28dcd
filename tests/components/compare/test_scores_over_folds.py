"""Scores over the pooled test folds."""

from dataclasses import replace

import numpy as np
import pytest
import verdict_inputs as inputs

from components.compare.comparison import compare_arms
from components.compare.evaluations import Evaluation
from components.compare.pool import pool_evaluations
from components.compare.statistics.rule import Rule
from components.contracts.metrics import scores

CLASSES = ("benign", "malignant")
LABELS = np.tile(np.repeat([0, 1], 40), 2)
FOLDS = np.repeat([0, 1], 80)
RULE = replace(Rule.of(inputs.PARAMETERS), endpoint="auc")


def evaluation(arm: str, seed: int, shift: float) -> Evaluation:
    """An arm whose models of the second fold give probabilities on another scale."""
    p = inputs.probabilities(LABELS, CLASSES, 1.3, 3, seed)
    logit = np.log(p[:, :, 1] / p[:, :, 0]) + shift * FOLDS
    p = np.stack([1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))], axis=2).astype(np.float32)
    each = [inputs.evaluation(arm, p[:, k == FOLDS], LABELS[k == FOLDS], CLASSES, 1, 20, 3) for k in (0, 1)]
    return replace(pool_evaluations([[one] for one in each])[0], probabilities=p)


def test_a_score_is_the_mean_of_the_folds_and_knows_no_scale_between_them():
    test = replace(inputs.image_set(LABELS, CLASSES), folds=FOLDS)
    real, arm = compare_arms([evaluation("real", 0, 4), evaluation("gan:20", 1, 4)], test, 1, RULE, ("auc",))
    for each in (real, arm):
        p = each.evaluation.probabilities
        of_folds = [scores(q[k == FOLDS], LABELS[k == FOLDS], 1)["auc"][0] for k in (0, 1) for q in p]
        assert each.levels["auc"].value == pytest.approx(np.mean(of_folds))
    assert arm.differences["auc"].groups == 80
    assert arm.differences["auc"].replicates == 5


def test_a_fold_is_another_test_set_beside_the_first_not_more_trainings():
    test = replace(inputs.image_set(LABELS, CLASSES), folds=FOLDS)
    pair = [evaluation("real", 0, 0), evaluation("gan:20", 1, 0)]
    pooled = compare_arms(pair, test, 1, RULE, ("accuracy", "auc"))[1].differences
    alone = []
    for k in (0, 1):
        rows = k == FOLDS
        own = [replace(e, probabilities=e.probabilities[:, rows], replicates=e.replicates[:3]) for e in pair]
        alone.append(compare_arms(own, test.subset(rows), 1, RULE, ("accuracy", "auc"))[1].differences)
    for name in ("accuracy", "auc"):
        assert pooled[name].value == pytest.approx(np.mean([each[name].value for each in alone]))
        assert pooled[name].variance == pytest.approx(np.sum([each[name].variance for each in alone]) / 4, rel=0.05)


def test_the_images_of_an_external_set_are_the_same_for_all_folds_and_trainings_vary_within_each():
    """The models of a second fold that say the same halve what trainings bring, and nothing of what images bring."""
    images = inputs.image_set(LABELS, CLASSES)
    pair = [
        inputs.evaluation(arm, inputs.probabilities(LABELS, CLASSES, 1.3, 3, seed), LABELS, CLASSES, 1)
        for arm, seed in (("real", 0), ("traditional", 1))
    ]
    elsewhere = [replace(each, elsewhere=each.probabilities) for each in pair]
    pooled = [replace(each, probabilities=each.elsewhere) for each in pool_evaluations([elsewhere, elsewhere])]
    alone, both = (compare_arms(of, images, 1, RULE, ("auc",))[1].differences["auc"] for of in (pair, pooled))
    assert both.value == pytest.approx(alone.value)
    assert both.unit_variance == pytest.approx(alone.unit_variance / 2)
    assert both.image_variance == pytest.approx(alone.image_variance + alone.interaction / 2)
    assert (alone.groups, both.groups, alone.replicates, both.replicates) == (80, 80, 3, 5)
