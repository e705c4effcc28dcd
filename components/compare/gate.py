"""The gate: what speaks against a source of synthetic images, said before its arms are judged, or in place of that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from components.compare.statistics.rule import holm
from components.contracts.arms import GAN, parse_arm
from components.data_set.words import count, shown

# A source with a smaller share of distinct pictures has collapsed: of 100 real images all are distinct.
FEWEST_DISTINCT = 0.05
# Real images are taken for near-copies of test images by chance: so many of them, at most, and the odds of more.
CHANCE_COPIES = 0.01
BEYOND_CHANCE = 0.001
# The level at which a source is accused of knowing the test set, over all sources, classes and generators together.
CONFIDENCE = 0.95
# Pictures that are taken for their class less than half as often as real ones are said to look like others.
LEAST_FIDELITY = 0.5
# A DCGAN draws little but noise before.
FEWEST_UPDATES = 100


def look_at_sources(
    copies: dict[str, Any],
    audit: dict[str, Any],
    gans: Sequence[dict[str, Any]],
    fidelity: Sequence[dict[str, Any]],
    confidence: float,
) -> list[dict[str, Any]]:
    """Return verdict.json's `sources`: each source's figures by class, and what was found against it, the worst first.

    `copies`, `audit` and `gans` are the contents of copies.json, audit.json and every gan.json, `fidelity` is the
    `label_fidelity` of the evaluation of real, of which intervals of `confidence` are given.
    """
    sources = dict.fromkeys(entry["source"] for entry in copies["generators"])
    told = {f"{one['class']} {one['generator']}": one["test_p_value"] for one in audit["memorisation"]}
    p_holm = {name: adjusted for name, (_, adjusted, _) in holm(told, CONFIDENCE).items()}
    taken = _Taken(fidelity, confidence)
    return [_source(name, copies, audit, p_holm, taken, gans) for name in sources]


@dataclass(frozen=True)
class _Taken:
    """What the classifiers of real take images for: the entries of all classes and generators ("": real images)."""

    entries: Sequence[dict[str, Any]]
    confidence: float

    def of(self, label: str, source: str) -> dict[str, Any] | None:
        """Return the shares of a class's images that are taken for each class, and the right one with its interval.

        None where no such image was looked at.
        """
        own = [
            entry
            for entry in self.entries
            if entry["class"] == label and entry["generator"].rpartition("-")[0] == source
        ]
        if not own:
            return None
        weights = np.array([entry["images"] for entry in own]) / sum(entry["images"] for entry in own)
        shares = {name: float(weights @ [entry["taken_for"][name] for entry in own]) for name in own[0]["taken_for"]}
        deviation = float(np.sqrt(np.square(weights * [entry["deviation"] for entry in own]).sum()))
        return {"share": shares[label], "interval": self._interval(shares[label], deviation, own), "taken_for": shares}

    def _interval(self, share: float, deviation: float, own: Sequence[dict[str, Any]]) -> list[float]:
        """Return Wilson's interval for as many images as would bring this deviation alone, at most those there are."""
        images = sum(entry["images"] for entry in own)
        worth = min(images, share * (1 - share) / deviation**2) if deviation else images
        low, high = proportion_confint(share * worth, worth, 1 - self.confidence, "wilson")
        return [float(low), float(high)]


def barred_arms(sources: Sequence[dict[str, Any]], arms: Iterable[str]) -> dict[str, str]:
    """Return why no verdict is given on an arm, for the arms of the sources that a finding bars."""
    barred = {source["source"]: bars for source in sources if (bars := _texts(source, True))}
    return {arm: " ".join(barred[source]) for arm in arms if (source := parse_arm(arm).source) in barred}


def barring(sources: Sequence[dict[str, Any]]) -> list[str]:
    """Return the findings that bar a source's arms from a verdict, in words."""
    return [text for source in sources for text in _texts(source, True)]


def cautions(sources: Sequence[dict[str, Any]]) -> list[str]:
    """Return the findings that a reader must know before a verdict, in words."""
    return [text for source in sources for text in _texts(source, False)]


def counted_copies(sources: Sequence[dict[str, Any]]) -> str:
    """Return how many near-copies of test images were found of each source, in a line; "" without sources."""
    parts = []
    for source in sources:
        of = [each["copies_of_test"] for each in source["classes"]]
        looked_at = sum(each["pictures"] for each in source["classes"]) + sum(each["dropped"] for each in of)
        parts.append(f"{source['source']} {sum(each['found'] for each in of):,} of {looked_at:,} pictures")
    return f"Near-copies of test images: {', '.join(parts)}." if parts else ""


def _texts(source: dict[str, Any], bars: bool) -> list[str]:
    return [finding["text"] for finding in source["findings"] if finding["bars"] == bars]


def _source(
    name: str,
    copies: dict[str, Any],
    audit: dict[str, Any],
    p_holm: dict[str, float],
    taken: _Taken,
    gans: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    own = [entry for entry in copies["generators"] if entry["source"] == name]
    classes = [
        _class(name, label, own, audit, p_holm, taken) for label in dict.fromkeys(entry["class"] for entry in own)
    ]
    found = [
        *_kept(name, classes),
        *_knows_test_images(name, classes),
        *_dropped(name, classes, (copies["real_flagged"] + 1) / (copies["real_images"] + 1)),
        *_collapsed(name, classes),
        *_mislabelled(name, classes),
        *_untrained(gans if name == GAN else []),
    ]
    return {"source": name, "judged": not any(each["bars"] for each in found), "findings": found, "classes": classes}


def _class(
    source: str,
    label: str,
    generators: Sequence[dict[str, Any]],
    audit: dict[str, Any],
    p_holm: dict[str, float],
    taken: _Taken,
) -> dict[str, Any]:
    screened = [entry for entry in generators if entry["class"] == label]
    found, dropped = (sum(entry[key] for entry in screened) for key in ("copies", "left_out"))
    privacy, quality = (_of(audit[key], source, label) for key in ("memorisation", "quality"))
    distinct, looked_at = (sum(one[key] for one in privacy) for key in ("distinct_images", "synthetic_images"))
    return {
        "class": label,
        "generators": len(screened),
        "pictures": sum(entry["images"] for entry in screened) - dropped,
        "copies_of_test": {"found": found, "dropped": dropped, "kept": found - dropped},
        "distinct_share": distinct / looked_at,
        "closer_to_test": [
            {
                "generator": one["generator"],
                "share": one["share_closer_to_test"],
                "interval": one["test_interval"],
                "p_holm": p_holm[f"{label} {one['generator']}"],
            }
            for one in privacy
        ],
        "quality": _quality(quality),
        "label_fidelity": {"synthetic": taken.of(label, source), "real": taken.of(label, "")},
    }


def _quality(entries: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return KID and coverage beside their floors, means over the generators."""
    return {
        key: {
            "value": float(np.mean([entry[key] for entry in entries])),
            "floor": float(np.mean([entry["floor"][key] for entry in entries])),
        }
        for key in ("kid", "coverage")
    }


def _of(entries: Sequence[dict[str, Any]], source: str, label: str) -> list[dict[str, Any]]:
    return [one for one in entries if one["class"] == label and one["generator"].rpartition("-")[0] == source]


def _kept(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = sum(of["copies_of_test"]["kept"] for of in classes)
    if not kept:
        return []
    text = (
        f"{source} holds copies of the test images: {kept:,} of its {_pictures(classes)} "
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


def _collapsed(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    collapsed = [of for of in classes if of["distinct_share"] < FEWEST_DISTINCT]
    if not collapsed:
        return []
    text = (
        f"{source} has collapsed: hardly any of its pictures differ ("
        + ", ".join(f"{shown(of['class'])} {_percent(of['distinct_share'])} distinct" for of in collapsed)
        + "). Its arms tell nothing of a generator that works."
    )
    return [{"kind": "collapsed", "bars": False, "text": text}]


def _mislabelled(source: str, classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    said = []
    for of in classes:
        found, real = of["label_fidelity"]["synthetic"], of["label_fidelity"]["real"]
        if found and real and found["interval"][1] < LEAST_FIDELITY * real["share"]:
            most = max(found["taken_for"], key=lambda name: found["taken_for"][name])
            said.append(
                f"classifiers trained on real images take {_percent(found['share'])} of its pictures of "
                f"{shown(of['class'])} for that (interval {_percent(found['interval'][0])} to "
                f"{_percent(found['interval'][1])}; of real ones {_percent(real['share'])}), most for {shown(most)}"
            )
    if not said:
        return []
    text = f"{source}: pictures look like another class than they are called: {'; '.join(said)}."
    return [{"kind": "labels", "bars": False, "text": text}]


def _untrained(gans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    updates = [gan["updates"] for gan in gans]
    if not updates or min(updates) >= FEWEST_UPDATES:
        return []
    text = (
        f"{GAN} is hardly trained: {count(min(updates), 'update')}, where a GAN needs some thousand. Its arms tell "
        "nothing of a generator that works; raise gan_updates."
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
