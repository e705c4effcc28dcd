"""Puts verdict.json together: all that a run found, for those who read it by program.

Its keys are described in `verdict.schema.json`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from statsmodels.stats.multitest import multipletests

from components.compare.comparison import ComparedArm, compare_arms, scored_by, spread
from components.compare.conclusion import answer, recommend
from components.compare.evaluations import Evaluation
from components.compare.folds import said_of
from components.compare.gate import barred_arms, look_at_sources
from components.compare.sources import compare_sources, in_real_images
from components.compare.statistics.amounts import best_amount
from components.compare.statistics.influence import OPERATING
from components.compare.statistics.rule import Judgement, Rule, judge
from components.compare.statistics.single_model import calibration, exact_mcnemar, proportions, roc
from components.compare.statistics.variance import Estimate
from components.compare.subgroups import by_subgroup
from components.contracts.arms import GAN, parse_arm
from components.contracts.files import read_json
from components.contracts.imageset import ImageSet
from components.contracts.progress import report

SCHEMA = Path(__file__).with_name("verdict.schema.json")


def build_verdict(
    plan: dict[str, Any],
    evaluations: Sequence[Evaluation],
    test: ImageSet,
    data_report: dict[str, Any],
    audit: dict[str, Any],
    copies: dict[str, Any],
    gans: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Compare every arm with `real` and return the content of verdict.json.

    `plan` is the plan stage's (parameters, positive_class, gansweep_version, code_digest), `evaluations` come from
    `load_evaluations`, `data_report`, `audit`, `copies` and `gans` are the contents of data_report.json, audit.json,
    copies.json and every gan.json. Arms of a source that the gate bars get no verdict, and nothing is read off them.
    The same inputs give the same verdict, bit for bit.
    """
    parameters = plan["parameters"]
    rule = Rule.of(parameters)
    positive = test.classes.index(plan["positive_class"])
    metrics = scored_by(len(test.classes))
    compared = compare_arms(
        evaluations,
        test,
        positive,
        rule,
        metrics,
        lambda number: report("compare", "-", number, len(evaluations), "arms"),
    )
    shown = [name for name in metrics if name not in OPERATING]
    differences = {each.evaluation.arm: each.differences for each in compared if each.differences}
    sources = look_at_sources(copies, audit, gans)
    barred = barred_arms(sources, differences)
    judgements = judge(differences, rule, len(test), barred)
    sound = [each for each in compared if each.evaluation.arm not in barred]
    predictions = {e.arm: e.mean_prediction() for e in evaluations}
    tests = _mcnemar(predictions, test.labels, positive)

    arms = []
    for each in compared:
        name = each.evaluation.arm
        entry = _arm(each.evaluation, each.levels, predictions[name], test, positive, rule, shown)
        against = None
        if each.differences:
            kept = {metric: each.differences[metric] for metric in shown}
            against = _against_real(kept, judgements[name], tests[name], test.classes, rule)
        arms.append(entry | {"against_real": against})
    recommendation = recommend(arms, rule)
    folds = len(np.unique(test.folds))
    return {
        "gansweep_version": plan["gansweep_version"],
        "code_digest": plan["code_digest"],
        "notice": data_report["notice"],
        "data_set": {
            "name": data_report["name"],
            "notice": data_report["notice"],
            "digest": data_report["digest"],
            "classes": list(test.classes),
            "positive_class": plan["positive_class"],
            "counts": data_report["counts"],
            "refused": len(data_report["refused"]),
            "leaks": data_report["leaks"],
        },
        "classifier": evaluations[0].classifier,
        "parameters": parameters,
        "test_folds": folds,
        "rule": {**vars(rule), "text": rule.text + said_of(folds)},
        "answer": answer(arms, recommendation["arm"], plan["positive_class"], len(test), rule, sources),
        "sources": sources,
        "recommendation": recommendation,
        "arms": arms,
        "dose_response": _dose_response(arms),
        "source_pairs": compare_sources(sound, rule),
        "real_worth": in_real_images(sound, rule, parameters["seed"]),
        "best_amounts": _best_amounts(sound, rule, parameters["seed"]),
        "subgroups": by_subgroup(evaluations, test, positive, rule),
        "gans": [_gan(gan) for gan in gans],
        "quality_features": audit["features"],
        "quality": audit["quality"],
        "memorisation": [_without_pictures(entry) for entry in audit["memorisation"]],
    }


def read_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of verdict.json."""
    return read_json(SCHEMA)


def _mcnemar(predictions: dict[str, np.ndarray], labels: np.ndarray, positive: int) -> dict[str, dict[str, Any]]:
    found = {
        arm: exact_mcnemar(predictions["real"], prediction, labels, positive)
        for arm, prediction in predictions.items()
        if arm != "real"
    }
    if found:
        adjusted = multipletests([each["p_value"] for each in found.values()], method="holm")[1]
        for each, p in zip(found.values(), adjusted, strict=True):
            each["p_holm"] = float(p)
    return found


def _arm(
    evaluation: Evaluation,
    levels: dict[str, Estimate],
    prediction: np.ndarray,
    test: ImageSet,
    positive: int,
    rule: Rule,
    metrics: Sequence[str],
) -> dict[str, Any]:
    intervals = {
        name: _pair(e.interval_within(rule.confidence, _largest(name, test.classes))) for name, e in levels.items()
    }
    sensitivity, specificity = (levels[f"operating_{name}"].value for name in ("sensitivity", "specificity"))
    single = proportions(prediction, test.labels, positive, rule.confidence)
    missed = 1 - levels["sensitivity"].value
    return {
        "arm": evaluation.arm,
        "synthetic_per_class": evaluation.synthetic_per_class,
        "training_images": evaluation.training_images,
        "replicates": evaluation.replicates,
        "mean": {name: levels[name].value for name in metrics}
        | {"per_class": _mean_per_class(evaluation), "confusion_matrix": _mean_confusion(evaluation)},
        "intervals": {name: intervals[name] for name in metrics},
        "mean_prediction": {name: entry["value"] for name, entry in single.items()},
        "wilson": {name: entry["interval"] for name, entry in single.items()},
        "operating_point": {
            "target_sensitivity": rule.target_sensitivity,
            "thresholds": evaluation.thresholds,
            "sensitivity": sensitivity,
            "sensitivity_interval": intervals["operating_sensitivity"],
            "specificity": specificity,
            "specificity_interval": intervals["operating_specificity"],
        },
        "calibration": {"bins": calibration(prediction, test.labels, positive, rule.confidence)},
        "roc": roc(prediction, test.labels, positive),
        "missed": missed * int(np.sum(test.labels == positive)),
        "missed_per_1000": missed * 1000,
        "missed_per_1000_interval": [1000 * (1 - end) for end in reversed(intervals["sensitivity"])],
    }


def _largest(metric: str, classes: Sequence[str]) -> float:
    return 2.0 if metric == "brier" and len(classes) > 2 else 1.0


def _against_real(
    differences: dict[str, Estimate],
    judgement: Judgement,
    mcnemar: dict[str, Any],
    classes: Sequence[str],
    rule: Rule,
) -> dict[str, Any]:
    return {
        "differences": {
            name: {"estimate": e.value, "interval": _pair(e.interval(rule.confidence, _largest(name, classes)))}
            for name, e in differences.items()
        },
        "adjusted": {
            "endpoint": _pair(judgement.endpoint),
            "sensitivity": _pair(judgement.sensitivity),
            "confidence": judgement.confidence,
        },
        "p_value": judgement.p_value,
        "p_holm": judgement.p_holm,
        "mcnemar": mcnemar,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "ruled_out": judgement.ruled_out,
        "scope": "recipe" if differences[rule.endpoint].recipe else "pictures",
        "spread": spread(differences[rule.endpoint]),
        "test_images_needed": judgement.test_images_needed,
    }


def _mean_per_class(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    each = [replicate["per_class"] for replicate in evaluation.replicates]
    times = len(evaluation.probabilities)  # so often each image was predicted
    return {
        name: {key: float(np.mean([one[name][key] for one in each])) for key in ("precision", "recall", "f1")}
        | {"support": sum(one[name]["support"] for one in each) // times}
        for name in each[0]
    }


def _mean_confusion(evaluation: Evaluation) -> list[list[float]]:
    whole = np.sum([replicate["confusion_matrix"] for replicate in evaluation.replicates], axis=0)
    return (whole / len(evaluation.probabilities)).tolist()


def _dose_response(arms: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return accuracy and sensitivity over the number of synthetic images a class, from three arms gan:n on."""
    doses = []
    for arm in arms:
        recipe = parse_arm(arm["arm"])
        if recipe.name == "real" or (recipe.source == GAN and recipe.uses_real and not recipe.traditional):
            doses.append(
                {
                    "synthetic_images": float(np.mean(list(arm["synthetic_per_class"].values()))),
                    "arm": arm["arm"],
                    "accuracy": arm["mean"]["accuracy"],
                    "accuracy_interval": arm["intervals"]["accuracy"],
                    "sensitivity": arm["mean"]["sensitivity"],
                    "sensitivity_interval": arm["intervals"]["sensitivity"],
                }
            )
    return sorted(doses, key=lambda dose: dose["synthetic_images"]) if len(doses) > 3 else None


def _best_amounts(compared: Sequence[ComparedArm], rule: Rule, seed: int) -> list[dict[str, Any]]:
    """Return the best amount of each kind of arm that takes four amounts or more."""
    kinds: dict[str, list[tuple[float, ComparedArm]]] = {}
    for each in compared:
        arm = parse_arm(each.evaluation.arm)
        amount = float(np.mean(list(each.evaluation.synthetic_per_class.values())))
        if arm.uses_synthetic and arm.amount != "balance" and amount > 0:
            kinds.setdefault(each.evaluation.arm.partition(":")[0], []).append((amount, each))
    found = []
    for kind, arms in kinds.items():
        amounts, samples = [amount for amount, _ in arms], [each.endpoint for _, each in arms]
        best = best_amount(amounts, samples, rule.confidence, rule.bootstrap_resamples, seed)
        if best:
            found.append({"kind": kind, **vars(best), "interval": _pair(best.interval)})
    return found


def _gan(gan: dict[str, Any]) -> dict[str, Any]:
    kept = ("class", "replicate", "seed", "image_size", "precision", "epochs", "updates", "images_per_second")
    return {key: gan[key] for key in kept} | {key: gan["final"][key] for key in ("loss_d", "loss_g")}


def _without_pictures(entry: dict[str, Any]) -> dict[str, Any]:
    closest = [{key: value for key, value in pair.items() if key != "picture"} for pair in entry["closest"]]
    return entry | {"closest": closest}


def _pair(interval: tuple[float, float]) -> list[float]:
    return [float(interval[0]), float(interval[1])]
