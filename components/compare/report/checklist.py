"""The items of two reporting guidelines, with the answers that a run can give itself; all others stay open.

CLAIM: Tejani et al., "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update", Radiology:
Artificial Intelligence 6(4), e240300 (44 items). TRIPOD+AI: Collins et al., BMJ 385, e078378, 2024 (27 items).
Items are named in short; the published checklists hold their full wording.
"""

from dataclasses import dataclass
from typing import Any

from components.compare.report.classifier import told
from components.contracts.arms import GAN, parse_arm
from components.contracts.gan_sizes import gan_image_size

CLAIM = "CLAIM 2024"
TRIPOD = "TRIPOD+AI"

_CLAIM_ITEMS = (
    "Identification as a study of AI, with the technology",
    "Structured abstract",
    "Background, intended use and clinical role",
    "Aims, objectives, hypotheses",
    "Prospective or retrospective",
    "Study goal",
    "Data sources",
    "Inclusion and exclusion criteria",
    "Data preprocessing",
    "Selection of data subsets",
    "De-identification",
    "Handling of missing data",
    "Image acquisition protocol",
    "Definition of the reference standard",
    "Rationale of the reference standard",
    "Source of the reference annotations",
    "Annotation of the test set",
    "Variability between and within raters",
    "Assignment of data to partitions",
    "Level at which partitions are disjoint",
    "Intended sample size",
    "Description of the model",
    "Software libraries and packages",
    "Initialization of parameters",
    "Training approach",
    "Selection of the final model",
    "Ensembling",
    "Metrics of performance",
    "Measures of significance and uncertainty",
    "Robustness or sensitivity analysis",
    "Explainability or interpretability",
    "Evaluation on internal data",
    "Testing on external data",
    "Clinical trial registration",
    "Numbers included and excluded",
    "Demographic and clinical characteristics a partition",
    "Performance and its uncertainty",
    "Estimates of diagnostic performance and their precision",
    "Failure analysis of misclassified cases",
    "Limitations",
    "Implications for practice",
    "Full protocol or further technical details",
    "Availability of software, model and data",
    "Funding and role of funders",
)

_TRIPOD_ITEMS = {
    "1": "Title",
    "2": "Abstract",
    "3a": "Healthcare context and rationale",
    "3b": "Target population, purpose and users",
    "3c": "Known health inequalities",
    "4": "Objectives",
    "5a": "Sources of data",
    "5b": "Dates of data collection",
    "6a": "Setting and centres",
    "6b": "Eligibility",
    "6c": "Treatments received",
    "7": "Data preparation and quality checks",
    "8a": "Definition of the outcome",
    "8b": "Outcome assessors",
    "8c": "Blinding of outcome assessment",
    "9a": "Choice of predictors",
    "9b": "Definition of predictors",
    "9c": "Predictor assessors",
    "10": "Sample size",
    "11": "Missing data",
    "12a": "Use and partition of the data",
    "12b": "Handling of predictors",
    "12c": "Type of model and model building",
    "12d": "Heterogeneity across clusters",
    "12e": "Measures and plots of performance",
    "12f": "Model updating",
    "12g": "How predictions were calculated",
    "13": "Class imbalance",
    "14": "Fairness",
    "15": "Output of the model and thresholds",
    "16": "Training versus evaluation data",
    "17": "Ethical approval",
    "18a": "Funding",
    "18b": "Conflicts of interest",
    "18c": "Protocol",
    "18d": "Registration",
    "18e": "Data sharing",
    "18f": "Code sharing",
    "19": "Patient and public involvement",
    "20a": "Flow of participants",
    "20b": "Characteristics of participants",
    "20c": "Comparison of development and evaluation data",
    "21": "Numbers in each analysis",
    "22": "Specification of the model",
    "23a": "Performance with intervals",
    "23b": "Heterogeneity of performance",
    "24": "Results of model updating",
    "25": "Interpretation",
    "26": "Limitations",
    "27a": "Poor or missing input data in use",
    "27b": "User interaction and expertise",
    "27c": "Next steps",
}


@dataclass(frozen=True)
class Item:
    """One item of a guideline; `answer` "" means that it is open, for people to answer."""

    guideline: str
    number: str
    topic: str
    answer: str


def checklist(verdict: dict[str, Any], data_report: dict[str, Any]) -> list[Item]:
    """Return all items of both guidelines in their order, filled where the run knows the answer."""
    answers = _answers(verdict, data_report)
    claim = {str(number): topic for number, topic in enumerate(_CLAIM_ITEMS, start=1)}
    return [
        Item(guideline, number, topic, answers.get((guideline, number), ""))
        for guideline, items in ((CLAIM, claim), (TRIPOD, _TRIPOD_ITEMS))
        for number, topic in items.items()
    ]


# What the counts of images are, of a single test set and of several folds.
_SPLITS = {False: ("development", "test"), True: ("development, in the first fold", "test, in all folds together")}


def _answers(verdict: dict[str, Any], data_report: dict[str, Any]) -> dict[tuple[str, str], str]:
    data, parameters, rule = verdict["data_set"], verdict["parameters"], verdict["rule"]
    arms = ", ".join(arm["arm"] for arm in verdict["arms"])
    positive = data["positive_class"]
    development, test = (data["counts"][split] for split in ("development", "test"))
    folds = verdict["test_folds"]
    counts = "; ".join(
        f"{said}: {sum(of.values())} images ({', '.join(f'{n} {name}' for name, n in of.items())})"
        for said, of in zip(_SPLITS[folds > 1], (development, test), strict=True)
    )
    leaks, groups = data_report["leaks"], data_report["groups"]
    replicates = parameters["replicates"]
    repeats = f"{replicates} replicates an arm, each with its own seed and validation fold."
    size = parameters["image_size"]
    drawn = gan_image_size(parameters["gan_size"], size)
    level = f"{100 * rule['confidence']:g}%"

    sources = {parse_arm(arm["arm"]).source for arm in verdict["arms"]} - {""}
    with_gans = GAN in sources
    classifier = told(verdict["classifier"], parameters)
    synthesis = ["DCGAN for synthesis"] * with_gans + ["synthetic images made elsewhere"] * bool(sources - {GAN})
    technique = f"Deep learning: {', '.join([*synthesis, classifier.technique])} for classification."
    objective = f"Whether synthetic images in the training set help to tell {positive} from the rest. Arms: {arms}."
    source = f"Data set '{data['name']}', SHA-256 {data['digest'][:16]}…; where it comes from is open."
    preparation = (
        f"Decoded to RGB, resized to {size} x {size} pixels; converted: {_sum(data_report['converted'])} files."
    )
    excluded = (
        f"{len(data_report['refused'])} of {data_report['files']} files refused, {leaks['dropped']} development "
        "images left out because they share a group with the test set; see Data integrity."
    )
    partition = (
        f"{counts}. Each replicate holds out {100 * parameters['validation_share']:g}% of the development set for "
        "validation, stratified by class; the test set is common to all arms and seen by evaluation alone."
    )
    if folds > 1:
        partition += f" Each image is tested in one of {folds} folds, and everything is learnt anew in each."
    if groups["given"]:
        disjoint = "By group (lesion or patient, from the user's table), and by near-duplicates found in the pixels."
    else:
        disjoint = "By image and near-duplicates found in the pixels; no table of lesions or patients was given."
    disjoint += f" Leaks into the test set: {leaks['test_images']} test images, policy '{leaks['policy']}'."
    passes, updates = parameters["gan_epochs"], parameters["gan_updates"]
    budget = f"{passes} passes over its class" if passes else f"{updates} updates"
    gan_training = (
        f"GAN: {budget}, batch {parameters['gan_batch_size']}, Adam, "
        f"learning rate {parameters['gan_learning_rate']:g}. "
    )
    gan_model = (
        f"GAN: DCGAN a class, latent {parameters['gan_latent']}, width {parameters['gan_width']}, pictures of "
        f"{drawn} x {drawn}{f', scaled up to {size} x {size}' if drawn < size else ''}. "
    )
    training = f"{gan_training if with_gans else ''}Classifier: {classifier.training} All settings: see Settings."
    model = f"{gan_model if with_gans else ''}Images {size} x {size} RGB. Classifier: {classifier.model}"
    metrics = (
        "Accuracy, balanced accuracy, sensitivity, specificity, F1, ROC AUC, average precision, Brier score; "
        "confusion matrices, ROC and calibration curves, operating point."
    )
    uncertainty = (
        f"{level} intervals over test images (by group), trainings and generators (analysis of variance, Student's "
        "quantiles), differences to real on the same images, exact McNemar test, Holm's correction over the arms."
    )
    performance = "See the verdict table and the classification reports: every estimate has its interval."
    failures = "Confusion matrices, and the ledger of each test image whose diagnosis an arm changes."
    output = (
        "Class probabilities; decided by the largest (two classes: 0.5). A second operating point takes its threshold "
        f"from validation rows for a sensitivity of {100 * rule['target_sensitivity']:g}%."
    )
    sizes = "; ".join(f"{arm['arm']}: {arm['training_images']} training images" for arm in verdict["arms"])
    software = f"gansweep {verdict['gansweep_version']}; locked requirements of its images list every package."
    return {
        (CLAIM, "1"): technique,
        (CLAIM, "4"): objective,
        (CLAIM, "6"): "Feasibility: comparison of training sets for one fixed classifier.",
        (CLAIM, "7"): source,
        (CLAIM, "9"): preparation,
        (CLAIM, "10"): excluded,
        (CLAIM, "12"): "Files that cannot be read are left out and listed; nothing is imputed.",
        (CLAIM, "19"): partition,
        (CLAIM, "20"): disjoint,
        (CLAIM, "22"): model,
        (CLAIM, "23"): software,
        (CLAIM, "24"): f"{classifier.start} Seeds {parameters['seed']} to {parameters['seed'] + replicates - 1}.",
        (CLAIM, "25"): training,
        (CLAIM, "26"): f"{classifier.choice} The test set plays no part.",
        (CLAIM, "27"): "None for the scores; McNemar and the ROC curves use the mean probability over the replicates.",
        (CLAIM, "28"): metrics,
        (CLAIM, "29"): uncertainty,
        (CLAIM, "30"): " ".join([repeats, parameters["replicates_why"]]).strip(),
        (CLAIM, "32"): f"{sum(test.values())} held-out test images of the same data set.",
        **_elsewhere(verdict),
        (CLAIM, "35"): f"{counts}. {excluded}",
        (CLAIM, "37"): performance,
        (CLAIM, "38"): performance,
        (CLAIM, "39"): failures,
        (TRIPOD, "4"): objective,
        (TRIPOD, "5a"): source,
        (TRIPOD, "7"): f"{preparation} {excluded}",
        (TRIPOD, "11"): "Files that cannot be read are left out and listed; nothing is imputed.",
        (TRIPOD, "12a"): partition,
        (TRIPOD, "12b"): f"{size} x {size} RGB images: {classifier.inputs}",
        (TRIPOD, "12c"): f"{model} {training}",
        (TRIPOD, "12e"): f"{metrics} {uncertainty}",
        (TRIPOD, "12f"): "None: no recalibration.",
        (TRIPOD, "12g"): f"By the saved {classifier.saved} of each replicate, on the packed test images.",
        (TRIPOD, "15"): output,
        (TRIPOD, "20a"): f"{counts}. {excluded}",
        (TRIPOD, "21"): f"{sizes}; {sum(test.values())} test images, {test[positive]} of them {positive}.",
        (TRIPOD, "22"): f"Artifacts of the run, a {classifier.saved} a replicate; their settings stand below Settings.",
        (TRIPOD, "23a"): performance,
        (TRIPOD, "24"): "None: no recalibration.",
    }


def _sum(converted: dict[str, int]) -> str:
    return str(sum(converted.values()))


def _elsewhere(verdict: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return what external test sets answer; without any, these items stay open."""
    sets = verdict["external_test_sets"]
    if not sets:
        return {}
    tested = "; ".join(f"{one['name']}: {sum(one['counts'].values())} images" for one in sets)
    found = " ".join(one["answer"] for one in sets)
    apart = sum(one["shared"]["dropped"] for one in sets)
    return {
        (CLAIM, "33"): f"{tested}. {apart} images in groups that the data set has too were left out. {found}",
        (TRIPOD, "12d"): "Each external test set by itself, with the same models, thresholds and rule.",
        (TRIPOD, "23b"): found,
    }
