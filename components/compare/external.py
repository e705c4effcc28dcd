"""The arms on test sets from elsewhere: whether what was found on the own test set holds there.

Each external test set is judged by the same rule, with the thresholds of the own validation rows, and is a family of
its own: Holm's correction is over its arms.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.compare.comparison import compare_arms, scored_by
from components.compare.entries import arm_entries
from components.compare.evaluations import Evaluation
from components.compare.statistics.rule import Rule, judge
from components.compare.statistics.words import share, span
from components.contracts.arms import parse_arm
from components.contracts.imageset import ImageSet
from components.contracts.metrics import confusion_matrix, per_class, scores


def on_external_sets(
    evaluations: Sequence[Evaluation],
    external: ImageSet,
    reports: Sequence[dict[str, Any]],
    own: Sequence[dict[str, Any]],
    positive: int,
    rule: Rule,
    barred: Mapping[str, str],
    copies: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return verdict.json's `external_test_sets`, in their order; empty where there are none.

    `external` holds the images of all of them, `reports` are prepare's, `own` the entries of the arms on the own test
    set, `barred` the arms that can't be judged anywhere, and why; `copies` is copies.json: arms of a source that holds
    copies of a set's images can't be judged there. Each entry has the set's facts, its arms as the own ones, and what
    holds there, by arm and in words.
    """
    described = {report["name"]: report for report in reports}
    found = []
    for name, images, evaluated in each_set(evaluations, external, positive):
        metrics = scored_by(len(images.classes))
        compared = compare_arms(evaluated, images, positive, rule, metrics)
        differences = {each.evaluation.arm: each.differences for each in compared if each.differences}
        sources = _copies_of(copies["external"][name]["generators"])
        not_there = {**barred_there(sources, differences, name), **barred}
        arms = arm_entries(compared, judge(differences, rule, len(images), not_there), images, positive, rule)
        both = [(here, there) for here, there in zip(own, arms, strict=True) if there["against_real"]]
        findings = [finding(here["arm"], here["against_real"], there["against_real"], rule) for here, there in both]
        about = described[name]
        found.append(
            {
                **{key: about[key] for key in ("name", "data_set", "notice", "digest", "counts", "lacking", "groups")},
                "refused": len(about["refused"]),
                "shared": {key: value for key, value in about["shared"].items() if key != "pairs"},
                "copies": sources,
                "answer": f"{said_there(name, len(images), findings)} {_levels(own, arms, rule)}",
                "findings": findings,
                "arms": arms,
            }
        )
    return found


def each_set(
    evaluations: Sequence[Evaluation], external: ImageSet, positive: int
) -> Iterator[tuple[str, ImageSet, list[Evaluation]]]:
    """Yield the name and images of each set, and the arms' evaluations on it."""
    start = 0
    for name, images in external.by_split().items():
        end = start + len(images)
        yield name, images, [_on(each, images, slice(start, end), positive) for each in evaluations]
        start = end


def _on(evaluation: Evaluation, images: ImageSet, rows: slice, positive: int) -> Evaluation:
    probabilities = evaluation.elsewhere[:, rows]
    replicates = []
    for replicate, predicted in zip(evaluation.replicates, probabilities, strict=True):
        confusion = confusion_matrix(predicted, images.labels, positive)
        replicates.append(
            replicate
            | {name: float(value[0]) for name, value in scores(predicted, images.labels, positive).items()}
            | {"per_class": per_class(confusion, images.classes), "confusion_matrix": confusion.tolist()}
        )
    return replace(evaluation, probabilities=probabilities, replicates=replicates, elsewhere=probabilities[:, :0])


def _copies_of(generators: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the near-copies of a set's images that were found among the pictures of each source."""
    found = []
    for source in dict.fromkeys(entry["source"] for entry in generators):
        own = [entry for entry in generators if entry["source"] == source]
        pictures, copied, dropped = (sum(entry[key] for entry in own) for key in ("images", "copies", "left_out"))
        found.append(
            {"source": source, "pictures": pictures, "found": copied, "dropped": dropped, "kept": copied - dropped}
        )
    return found


def barred_there(sources: Sequence[dict[str, Any]], arms: Iterable[str], name: str) -> dict[str, str]:
    """Return why arms can't be judged on a set: pictures of their source (`copies` of its entry) copy its images."""
    kept = {each["source"]: each["kept"] for each in sources if each["kept"]}
    return {
        arm: f"{source} holds copies of images of {name} ({kept[source]:,}); run again with on_leak=drop."
        for arm in arms
        if (source := parse_arm(arm).source) in kept
    }


def finding(arm: str, own: dict[str, Any], there: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """Return what became of an arm's own verdict: {"arm", "own", "there", "kind", "text"}.

    `own` and `there` are its `against_real` on the own test set and on the external one.
    """
    excluded = there["adjusted"]["endpoint"][1] < own["adjusted"]["endpoint"][0]
    change = _change(there, rule)
    kind, text = "", ""
    match own["verdict"], there["verdict"]:
        case "helps", "helps":
            kind, text = "holds", f"the gain of {arm} holds ({change})"
        case "helps", "hurts":
            kind, text = "reversed", f"the gain of {arm} is lost: it hurts there ({change})"
        case "helps", "no evidence" if excluded:
            least = "even the smallest gain that the own interval allows is excluded"
            kind, text = "lost", f"the gain of {arm} is lost ({change}; {least})"
        case "helps", "no evidence":
            kind, text = "not shown", f"no gain of {arm} was shown ({change}), nor that it is lost"
        case "helps", _:
            kind, text = "no verdict", f"there is no verdict on {arm}: {_first_small(there['reason'])}"
        case "no verdict", _:
            pass
        case _, "helps":
            kind, text = "only there", f"{arm} helps ({change}), which it was not shown to do on the own test set"
        case "no evidence", "hurts":
            kind, text = "hurts there", f"{arm} hurts ({change}), which it was not shown to do on the own test set"
    return {
        "arm": arm,
        "own": own["verdict"],
        "there": there["verdict"],
        "kind": kind or "nothing new",
        "text": text,
    }


def said_there(name: str, images: int, findings: Sequence[dict[str, Any]]) -> str:
    """Return a sentence that says what was found on a set of so many images."""
    said = [found["text"] for found in findings if found["text"]]
    if not findings:
        said = ["nothing is compared"]
    elif not said and all(found["there"] == "no verdict" for found in findings):
        said = ["there is no verdict either"]
    elif not said:
        said = ["nothing else was found than on the own test set"]
    return f"On {name} ({images:,} images) {'; '.join(said)}."


def _levels(own: Sequence[dict[str, Any]], arms: Sequence[dict[str, Any]], rule: Rule) -> str:
    there, at_home = ([entry for entry in of if entry["against_real"] is None][0] for of in (arms, own))
    name = rule.endpoint_name
    return (
        f"{name[0].upper()}{name[1:]} of real is {share(_level(there, rule))} there, {share(_level(at_home, rule))} on "
        "the own test set."
    )


def _first_small(reason: str) -> str:
    reason = reason.removesuffix(".")
    return reason.replace("At least", "at least").replace("More replicates", "more replicates")


def _level(entry: dict[str, Any], rule: Rule) -> float:
    return round(entry["mean"][rule.endpoint], 3)


def _change(against: dict[str, Any], rule: Rule) -> str:
    estimate, adjusted = against["differences"][rule.endpoint]["estimate"], against["adjusted"]
    return (
        f"{rule.endpoint_name} {estimate * 100:+.1f} percentage points, {share(adjusted['confidence'])} interval "
        f"{span(adjusted['endpoint'])}"
    )
