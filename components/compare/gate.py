"""The gate: what speaks against a source of synthetic images, said before its arms are judged, or in place of that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from components.compare.findings import CONFIDENCE, find
from components.compare.statistics.rule import holm
from components.contracts.arms import GAN, parse_arm

# A generator with a smaller share of distinct pictures has collapsed: of 100 real images all are distinct.
FEWEST_DISTINCT = 0.05
# Grades of quality: the least coverage, as a share of its floor.
GRADES = {"close": 0.75, "fair": 0.25, "poor": 0.0}
FAR_OFF = "far off"
# In the features of the pretrained network noise lies at 54 to 69 and untrained GANs at 50 to 146; poor GANs below 50.
FURTHEST_KID = 50.0


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
    by_chance = (copies["real_flagged"] + 1) / (copies["real_images"] + 1)
    found = find(name, classes, by_chance, [gan["updates"] for gan in gans] if name == GAN else [])
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
    distinct = [one["distinct_images"] / one["synthetic_images"] for one in privacy]
    return {
        "class": label,
        "generators": len(screened),
        "pictures": sum(entry["images"] for entry in screened) - dropped,
        "copies_of_test": {"found": found, "dropped": dropped, "kept": found - dropped},
        "distinct_share": float(np.mean(distinct)),
        "collapsed_generators": sum(share < FEWEST_DISTINCT for share in distinct),
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


def _quality(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return KID, density and coverage beside their floors, means over the generators, and a grade.

    "far off" is as far as noise and untrained GANs lie: not one picture is among the nearest neighbours of any real
    image, nor the other way round, where a poor GAN meets a few; or the distance is beyond any sensible bound, as among
    few images neighbours lie far apart.
    """
    figures = {
        key: {
            "value": float(np.mean([entry[key] for entry in entries])),
            "floor": float(np.mean([entry["floor"][key] for entry in entries])),
        }
        for key in ("kid", "density", "coverage")
    }
    coverage = figures["coverage"]
    near = next(grade for grade, least in GRADES.items() if coverage["value"] >= least * coverage["floor"])
    alone = not (figures["density"]["value"] or coverage["value"])
    return {**figures, "grade": FAR_OFF if alone or figures["kid"]["value"] > FURTHEST_KID else near}


def _of(entries: Sequence[dict[str, Any]], source: str, label: str) -> list[dict[str, Any]]:
    return [one for one in entries if one["class"] == label and one["generator"].rpartition("-")[0] == source]
