"""Puts verdict.json together: all that a run found, for those who read it by program.

Its keys are described in `verdict.schema.json`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.compare.comparison import ComparedArm, compare_arms, scored_by
from components.compare.conclusion import answer, recommend
from components.compare.entries import arm_entries
from components.compare.evaluations import Evaluation
from components.compare.external import on_external_sets
from components.compare.folds import said_of
from components.compare.gate import barred_arms, look_at_sources
from components.compare.sources import compare_sources, in_real_images
from components.compare.statistics.amounts import best_amount
from components.compare.statistics.rule import Rule, judge
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
    external: ImageSet,
    data_report: dict[str, Any],
    audit: dict[str, Any],
    copies: dict[str, Any],
    gans: Sequence[dict[str, Any]],
    fidelity: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Compare every arm with `real` and return the content of verdict.json.

    `plan` is the plan stage's (parameters, positive_class, gansweep_version, code_digest), `external` holds the images
    of all external test sets, `evaluations` come from `load_evaluations`, `data_report`, `audit`, `copies` and `gans`
    are the contents of data_report.json, audit.json, copies.json and every gan.json, `fidelity` is the
    `label_fidelity` of the evaluation of real. Arms of a source that the gate bars get no verdict, and nothing is read
    off them. The same inputs give the same verdict, bit for bit.
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
    differences = {each.evaluation.arm: each.differences for each in compared if each.differences}
    sources = look_at_sources(copies, audit, gans, fidelity, rule.confidence)
    barred = barred_arms(sources, differences)
    sound = [each for each in compared if each.evaluation.arm not in barred]
    arms = arm_entries(compared, judge(differences, rule, len(test), barred), test, positive, rule)
    recommendation = recommend(arms, rule)
    folds = len(np.unique(test.folds))
    said = [text for text in (said_of(folds), parameters["replicates_why"]) if text]
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
        "rule": {**vars(rule), "text": " ".join([rule.text, *said])},
        "answer": answer(arms, recommendation["arm"], plan["positive_class"], len(test), rule, sources),
        "sources": sources,
        "recommendation": recommendation,
        "arms": arms,
        "dose_response": _dose_response(arms),
        "external_test_sets": on_external_sets(
            evaluations, external, data_report["external_test_sets"], arms, positive, rule, barred, copies
        ),
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
