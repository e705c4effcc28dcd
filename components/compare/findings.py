"""What speaks against a source of synthetic images, in words: the findings of the gate, from its figures by class."""

from collections.abc import Sequence
from typing import Any

from scipy import stats

from components.contracts.arms import GAN
from components.data_set.words import count, shown

# The level at which a source is accused of knowing the test set, over all sources, classes and generators together.
CONFIDENCE = 0.95
# Real images are taken for near-copies of test images by chance: so many of them, at most, and the odds of more.
CHANCE_COPIES = 0.01
BEYOND_CHANCE = 0.001
# Pictures that are taken for their class less than half as often as real ones are said to look like others.
LEAST_FIDELITY = 0.5
TELLS_NOTHING = "Its arms tell nothing of a generator that works."
# A DCGAN draws little but noise before.
FEWEST_UPDATES = 100


def find(
    source: str, classes: Sequence[dict[str, Any]], by_chance: float, updates: Sequence[int]
) -> list[dict[str, Any]]:
    """Return a source's findings as verdict.json's `sources` has them, the worst first.

    `classes` are its figures by class, `by_chance` the share of real images that are taken for near-copies of test
    images, `updates` those of its GANs.
    """
    return [
        *(_kept(source, classes) or _knows_test_images(source, classes)),
        *_dropped(source, classes, by_chance),
        *_far_off(source, classes),
        *_collapsed(source, classes),
        *_mislabelled(source, classes),
        *_untrained(updates),
    ]


def _kept(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = sum(of["copies_of_test"]["kept"] for of in classes)
    if not kept:
        return []
    text = (
        f"{source} holds near-copies of test images: {kept:,} of its {_pictures(classes)} "
        f"({_by_class(classes, 'kept')}). Its arms can't be judged; run again with on_leak=drop, or with pictures made "
        "without the test set."
    )
    return [{"kind": "copies_of_test_kept", "bars": True, "text": text}]


def _knows_test_images(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    nearest = [(of["class"], max(of["closer_to_test"], key=_accuses)) for of in classes]
    accused = [(label, one) for label, one in nearest if _accuses(one) > 0]
    if not accused:
        return []
    said = ", ".join(
        f"{shown(label)} {_percent(one['share'])}, interval {_percent(one['interval'][0])} to "
        f"{_percent(one['interval'][1])}"
        for label, one in accused
    )
    text = (
        f"{source} has probably seen the test set: its pictures lie closer to test images than to other real images "
        f"({said}; 50% is fair). Its arms can't be judged; make the pictures without the test set."
    )
    return [{"kind": "knows_the_test_set", "bars": True, "text": text}]


def _accuses(one: dict[str, Any]) -> float:
    """Return the share closer to the test set where it is above a half beyond chance, else 0."""
    return one["share"] if one["share"] > 0.5 and one["p_holm"] <= 1 - CONFIDENCE else 0.0


def _dropped(source: str, classes: Sequence[dict[str, Any]], by_chance: float) -> list[dict[str, Any]]:
    dropped = sum(of["copies_of_test"]["dropped"] for of in classes)
    if not dropped:
        return []
    looked_at = dropped + sum(of["pictures"] for of in classes)
    text = (
        f"{source}: {dropped:,} of {count(looked_at, 'picture')} were near-copies of test images "
        f"({_by_class(classes, 'dropped')}) and were left out"
    )
    rate = max(CHANCE_COPIES, by_chance)
    if stats.binom.sf(dropped - 1, looked_at, rate) < BEYOND_CHANCE:
        text += f", where chance makes {_percent(rate)} at most: whoever made them has probably seen the test set"
    text += "."
    return [{"kind": "copies_of_test_dropped", "bars": False, "text": text}]


def _far_off(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    far = [of for of in classes if of["quality"]["grade"] == "far off"]
    if not far:
        return []
    kid = ", ".join(
        f"{shown(of['class'])} {of['quality']['kid']['value']:.1f}, floor {of['quality']['kid']['floor']:.1f}"
        for of in far
    )
    text = f"{source} is far off, as far from real images as noise (KID {kid}). " + TELLS_NOTHING
    return [{"kind": "far_off", "bars": False, "text": text}]


def _collapsed(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    # Of what is as far off as noise, thumbnails hardly differ.
    collapsed = [of for of in classes if of["collapsed_generators"] and of["quality"]["grade"] != "far off"]
    if not collapsed:
        return []
    said = ", ".join(
        f"{of['collapsed_generators']} of {count(of['generators'], 'generator')} of {shown(of['class'])}"
        for of in collapsed
    )
    text = f"{source} has collapsed: hardly any of its pictures differ ({said}). {TELLS_NOTHING}"
    return [{"kind": "collapsed", "bars": False, "text": text}]


def _mislabelled(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    said = []
    for of in classes:
        found, real = of["label_fidelity"]["synthetic"], of["label_fidelity"]["real"]
        if found and real and found["interval"][1] < LEAST_FIDELITY * real["share"]:
            most, label = max(found["taken_for"], key=lambda name: found["taken_for"][name]), shown(of["class"])
            said.append(
                f"{_percent(found['share'])} of its pictures of {label} for {label} (interval "
                f"{_percent(found['interval'][0])} to {_percent(found['interval'][1])}; of real ones "
                f"{_percent(real['share'])}), most for {shown(most)}"
            )
    if not said:
        return []
    text = (
        f"{source}: pictures look like another class than they are called. Classifiers trained on real images take "
        f"{'; '.join(said)}."
    )
    return [{"kind": "labels", "bars": False, "text": text}]


def _untrained(updates: Sequence[int]) -> list[dict[str, Any]]:
    if not updates or min(updates) >= FEWEST_UPDATES:
        return []
    text = (
        f"{GAN} is hardly trained: {count(min(updates), 'update')}, where a GAN needs some thousand. "
        "Raise gan_updates. " + TELLS_NOTHING
    )
    return [{"kind": "hardly_trained", "bars": False, "text": text}]


def _by_class(classes: Sequence[dict[str, Any]], which: str) -> str:
    return ", ".join(
        f"{shown(of['class'])} {of['copies_of_test'][which]:,}" for of in classes if of["copies_of_test"][which]
    )


def _pictures(classes: Sequence[dict[str, Any]]) -> str:
    return count(sum(of["pictures"] for of in classes), "picture")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
