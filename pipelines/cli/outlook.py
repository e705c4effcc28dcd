"""What a run is likely to show, said before it starts."""

from components.compare.statistics.planning import RANGE, smallest_difference
from components.compare.statistics.rule import FEWEST_REPLICATES, Rule
from components.contracts.arms import GAN
from components.contracts.classifier import PRETRAINED
from components.data_set.data_set import DataSet
from components.data_set.synthetic_sets import addresses_of
from components.plan.plan import Plan


def what_can_be_seen(plan: Plan, data_set: DataSet) -> str:
    """Say which differences a run is likely to show with its test set, replicates and arms: a range, for it guesses."""
    parameters = plan.parameters
    rule = Rule.of(parameters.model_dump())
    folds = parameters.test_folds

    def test_images(label: str) -> int:
        if folds > 1:
            return data_set.count(label, "", "train", "test")
        if data_set.has_test_folder:
            return data_set.count(label, "test")
        return round(parameters.test_share * data_set.count(label, "", "train"))

    tested = {label: test_images(label) for label in data_set.classes}
    positives, count = tested[plan.positive_class], sum(tested.values())
    sets = addresses_of(parameters.synthetic_sets)
    draws = {GAN: parameters.gan_replicates} | {name: len(of) for name, of in sets.items()}
    everything = sum(data_set.count(label, "", "train", "test") for label in data_set.classes)
    shown = smallest_difference(
        positives,
        count - positives,
        parameters.replicates,
        max((draws[arm.source] for arm in plan.arms if arm.uses_synthetic), default=1),
        len(plan.arms) - 1,
        rule.confidence,
        rule.endpoint,
        learnt=everything - count // folds,
        heads=parameters.classifier == PRETRAINED,
        folds=folds,
    )
    if shown is None:
        return f"No verdict is possible: it takes {FEWEST_REPLICATES} replicates and an arm besides real."
    in_folds = f" in {folds} folds" if folds > 1 else ""
    return (
        f"Endpoint: {rule.endpoint_name}. With {count:,} test images{in_folds}, {parameters.replicates} replicates and "
        f"{len(plan.arms)} arms a difference of some {100 * shown / RANGE:.1f} to {100 * min(shown * RANGE, 1):.1f} "
        "percentage points is likely (80%) to be shown: a guess from how much classifiers varied in other runs. The "
        "report says what this one has ruled out."
    )
