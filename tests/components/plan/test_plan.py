import inspect
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from components.contracts.errors import InputError
from components.contracts.pods import folders_of
from components.data_set.data_set import open_data_set
from components.plan.component import plan
from components.plan.parameters import Parameters, check_parameters
from components.plan.plan import _check_name, make_plan
from components.train_gan.component import train_gan
from pipelines.parameters import declared_parameters, resolve

VERSIONS = ("data_version", "synthetic_version", "external_version", "classifier_version")
TEXTS = ("plan_json", "arm_pods", "smallest_class", *VERSIONS)  # what plan writes whether it places GPUs or not


def parameters(**changed) -> Parameters:
    return check_parameters(resolve({}, {"gan_batch_size": 8, **changed}, "somewhere"))


def refusal(root, **changed) -> str:
    with pytest.raises(InputError) as error:
        make_plan(parameters(**changed), open_data_set(str(root)))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_parameter_of_the_pipeline_has_limits_and_no_other_has():
    assert list(Parameters.model_fields) == list(declared_parameters())


def test_one_gan_a_class_and_replicate_each_replicate_with_its_seed(image_folder):
    root = image_folder({"benign": 20, "malignant": 20, "other": 20})
    plan = make_plan(parameters(gan_replicates=2, seed=7), open_data_set(str(root)))
    cells = [(cell.label, cell.replicate, cell.seed) for cell in plan.gan_cells]
    assert cells == [(c, r, 7 + r) for c in ("benign", "malignant", "other") for r in (0, 1)]
    assert plan.positive_class == "malignant"


def test_a_class_with_fewer_images_than_a_batch_needs_is_refused_with_the_largest_batch_that_works(image_folder):
    root = image_folder({"train/benign": 40, "train/malignant": 15, "test/benign": 5, "test/malignant": 5})
    message = refusal(root, gan_batch_size=16)
    assert message.startswith("gan_batch_size: class 'malignant' has 15 images")
    assert "at most 12" in message
    make_plan(parameters(gan_batch_size=12), open_data_set(str(root)))


def test_a_class_too_small_to_judge_its_synthetic_images_is_refused(image_folder):
    root = image_folder({"train/benign": 40, "train/malignant": 11, "test/benign": 5, "test/malignant": 5})
    assert "class 'malignant' has 11 images to learn from" in refusal(root, gan_batch_size=2)


def test_a_test_set_without_one_of_the_classes_is_refused(image_folder):
    root = image_folder({"train/benign": 20, "train/malignant": 20, "test/benign": 5})
    assert "class 'malignant' has no images under test/" in refusal(root)


def test_a_single_class_is_refused(image_folder):
    assert "only one class, 'benign'" in refusal(image_folder({"benign": 20}))


def test_an_unknown_positive_class_is_refused_with_the_classes_there_are(image_folder):
    root = image_folder({"nevus": 20, "melanoma": 20})
    assert "melanoma, nevus" in refusal(root)
    assert "'cancer' is not a class" in refusal(root, positive_class="cancer")


def test_a_run_whose_arms_need_no_gan_has_none_and_may_have_images_of_any_size(image_folder):
    root = image_folder({"benign": 20, "malignant": 16})
    without = {"arms": ["real", "balanced", "oversampled"], "image_size": 209}
    plan = make_plan(parameters(**without, gan_batch_size=4096, gan_size=7), open_data_set(str(root)))
    assert plan.gan_cells == ()


def test_real_alone_is_refused(image_folder):
    root = image_folder({"benign": 20, "malignant": 20})
    assert "only 'real'" in refusal(root, arms=["real"])


@pytest.fixture
def sets(tmp_path):
    """Return a function that writes a set of noise images: its folder."""

    def write(name, **counts):
        for label, count in counts.items():
            (tmp_path / name / label).mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng([i, *label.encode()]).integers(0, 256, (20, 20, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / label / f"{i}.png")
        return str(tmp_path / name)

    return write


def test_arms_take_images_of_the_users_own_sets(image_folder, sets):
    root = image_folder({"benign": 20, "malignant": 20})
    diffusion = {"diffusion": sets("d", benign=9, malignant=9)}
    arms = ["real", "diffusion:9", "diffusion:50%", "traditional+diffusion:all", "diffusion:balance"]
    plan = make_plan(parameters(arms=arms, synthetic_sets=diffusion), open_data_set(str(root)))
    assert plan.gan_cells == ()
    other = {"diffusion": sets("e", benign=9, malignant=10)}
    changed = make_plan(parameters(arms=arms, synthetic_sets=other), open_data_set(str(root)))
    assert plan.data_version == changed.data_version
    assert plan.synthetic_version != changed.synthetic_version


@pytest.mark.parametrize(
    ("arm", "name", "counts", "message"),
    [
        (
            "diff:10",
            "diff",
            {"benign": 9, "malignant": 30},
            "arms: 'diff:10' wants 10 images of benign, ",
        ),
        (
            "diff:5",
            "dif",
            {"benign": 9, "malignant": 9},
            "there is no source 'diff'; known are gan, dif; ",
        ),
        ("d:5", "d", {"benign": 9}, "has no images of class 'malignant', which the data set has"),
        ("d:5", "d", {"benign": 9, "malignant": 9, "nevus": 9}, "class 'nevus' is none of the data set's"),
        ("d:5", "d", {}, "there is no such folder"),
        ("real:50%", "gan", {"benign": 9, "malignant": 9}, "'gan' can't name a source"),
        ("real:50%", "my-set", {"benign": 9, "malignant": 9}, "'my-set' can't name a source"),
        ("real:50%", "Balanced", {"benign": 9, "malignant": 9}, "'Balanced' can't name a source"),
    ],
)
def test_sets_that_do_not_fit_are_refused_before_any_work(image_folder, sets, arm, name, counts, message):
    root = image_folder({"benign": 20, "malignant": 20})
    given = {name: sets("given", **counts)}
    assert message in refusal(root, arms=["real", arm], synthetic_sets=given)


@pytest.mark.parametrize("given", [[], "", 5, ["x", "x"], {"a": 1}])
def test_what_is_no_address_is_refused(image_folder, given):
    root = image_folder({"benign": 20, "malignant": 20})
    assert "synthetic_sets: d: " in refusal(root, arms=["real", "balanced"], synthetic_sets={"d": given})


def test_more_pods_than_a_cluster_run_holds_are_refused_unless_cells_share_them(image_folder):
    root = image_folder({"benign": 20, "malignant": 20})
    arms = ["real", *(f"gan:{n}" for n in range(1, 80))]
    assert "more than 80 pods; let them share some with pods=10" in refusal(root, arms=arms)
    plan = make_plan(parameters(arms=arms, pods=4), open_data_set(str(root)))
    assert [len(plan.gan_pods), len(plan.arm_pods)] == [2, 4]
    assert sorted(name for pod in plan.arm_pods for name in pod) == sorted(arms)


@pytest.mark.parametrize("size", [24, 64])
def test_a_gan_size_that_can_not_be_is_refused(image_folder, size):
    root = image_folder({"benign": 20, "malignant": 20})
    expected = f"gan_size: a DCGAN for images of 32 can't draw {size}; take one of 16, 32"
    assert refusal(root, gan_size=size) == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gan_updates": -3}, "gan_updates: should be greater than or equal to 1; it is -3"),
        ({"gan_updates": 10**9}, "gan_updates: should be less than or equal to 1000000"),
        ({"gan_precision": "float16"}, "gan_precision: should be 'auto', 'float32' or 'bfloat16'"),
        ({"image_size": 15}, "image_size: should be greater than or equal to 16; it is 15"),
        ({"image_size": 528}, "image_size: should be less than or equal to 512; it is 528"),
        ({"classifier_trainable": "none"}, "classifier_trainable: should be 'all' or 'head'"),
        ({"classifier_start": "file"}, "classifier_start: should be 'weights' or 'afresh'"),
        ({"gan_learning_rate": float("nan")}, "gan_learning_rate: should be"),
        ({"classifier_dropout": 1.0}, "classifier_dropout: should be less than 1"),
        ({"on_leak": "ignore"}, "on_leak: should be 'drop', 'keep' or 'fail'"),
        ({"gpus": "two"}, "gpus: "),
        ({"gpu_stages": ["prepare"]}, "gpu_stages: should be 'train_gan', 'embed' or 'train_classifier'"),
        ({"gan_memory": "lots"}, "gan_memory: "),
        ({"replicates": 0}, "replicates: should be greater than or equal to 1"),
        ({"arms": ["gan:120"]}, "arms: 'real' is missing"),
        ({"arms": ["real", "gan120"]}, "arms: 'gan120' is not an arm"),
        ({"arms": ["real", "real", "gan:1"]}, "arms: 'real' stands there more than once"),
    ],
)
def test_a_value_outside_its_limits_is_refused_by_its_name(changed, message):
    with pytest.raises(InputError) as error:
        parameters(**changed)
    assert message in str(error.value)


def test_a_run_without_gans_has_one_pod_that_stands_for_none_and_asks_for_no_gpu(image_folder, tmp_path):
    """Kubeflow and kfp.local fail on a loop over nothing that a task joins: the loop has one shape for both."""
    given = resolve({}, {"arms": ["real", "balanced"], "gpus": "1"}, str(image_folder({"benign": 20, "malignant": 20})))
    names = [f"{stage}_{what}" for stage in ("train_gan", "embed", "train_classifier") for what in ("gpus", "nodes")]
    outputs = {name: str(tmp_path / name) for name in (*names, *TEXTS)}
    [pod] = plan.python_func(**given, **outputs, code_digest="")
    assert pod == {"gans": []}
    assert (tmp_path / "train_gan_gpus").read_text() == ""
    assert (tmp_path / "embed_gpus").read_text() == "1"
    inputs = dict.fromkeys(inspect.signature(train_gan.python_func).parameters)
    made = {name: SimpleNamespace(path=str(tmp_path / name), metadata={}) for name in ("generator", "curves")}
    train_gan.python_func(**inputs | made | {"pod": pod})
    assert folders_of(tmp_path / "generator") == []
    assert "none was trained" in (tmp_path / "curves").read_text()


def test_pods_share_gans_and_arms_by_their_expected_work(image_folder):
    root = image_folder({"benign": 60, "malignant": 20, "other": 20})
    arms = ["real", "traditional", "gan:100%", "gan:200%", "real:50%"]
    plan = make_plan(parameters(arms=arms, pods=2, gan_epochs=5), open_data_set(str(root)))
    assert [[cell.label for cell in pod] for pod in plan.gan_pods] == [["benign"], ["malignant", "other"]]
    assert plan.arm_pods == [["real", "gan:100%", "real:50%"], ["traditional", "gan:200%"]]
    each_its_own = make_plan(parameters(arms=arms), open_data_set(str(root)))
    assert each_its_own.arm_pods == [[arm] for arm in arms]
    assert [len(pod) for pod in each_its_own.gan_pods] == [1, 1, 1]


def test_only_the_stages_that_want_gpus_get_them_and_their_nodes(image_folder, tmp_path):
    root = image_folder({"benign": 20, "malignant": 20})
    placed = {"gpus": "2", "node_selector": {"pool": "gpu"}, "gpu_stages": ["embed"]}
    given = resolve({}, {"gan_batch_size": 8, **placed}, str(root))
    stages = ("train_gan", "embed", "train_classifier")
    names = [f"{stage}_{what}" for stage in stages for what in ("gpus", "nodes")]
    outputs = {name: str(tmp_path / name) for name in (*names, *TEXTS)}
    plan.python_func(**given, **outputs, code_digest="")
    found = {stage: [(tmp_path / f"{stage}_{what}").read_text() for what in ("gpus", "nodes")] for stage in stages}
    assert [found[stage][0] for stage in stages] == ["", "2", ""]
    assert [json.loads(found[stage][1]) for stage in stages] == [{}, {"pool": "gpu"}, {}]


@pytest.mark.parametrize("name", ["{{$.inputs}}", "malig\nnant", "a\x1b[2J", "b" * 151])
def test_a_name_of_a_class_that_no_log_or_file_could_hold_is_refused(name):
    with pytest.raises(InputError, match="data_set: class '.*(rename|shorten) it"):
        _check_name(name)
    _check_name("良性, C:\\data [red] $5%")


def test_with_test_folds_a_class_may_be_missing_in_test_and_folds_count_from_zero(image_folder):
    root = image_folder({"train/benign": 20, "train/malignant": 20, "test/benign": 5})
    make_plan(parameters(test_folds=4, test_fold=3), open_data_set(str(root)))
    with pytest.raises(InputError, match="^test_fold: there is no fold 4 of 4"):
        parameters(test_folds=4, test_fold=4)
