"""The compiled YAML, read as the cluster reads it."""

import subprocess
import sys

import pytest
import yaml
from kfp import components

from pipelines.compile import compile_pipeline

ONCE = ("plan", "prepare", "fetch-classifier", "synthesize", "embed", "audit", "compare")
LOOPED = ("train-gan", "train-classifier", "evaluate")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(path, registry="registry.example/gansweep", tag="abc123")
    spec, platform = yaml.safe_load_all(path.read_text())
    return path, spec, platform


def dags(spec):
    yield "root", spec["root"]
    for name, component in spec["components"].items():
        if "dag" in component:
            yield name, component


def loop_of(spec, task):
    """Return the loop task of the root and the sub-graph that holds `task`."""
    name = next(name for name, component in dags(spec) if name != "root" and task in component["dag"]["tasks"])
    loop = next(t for t in spec["root"]["dag"]["tasks"].values() if t["componentRef"]["name"] == name)
    return loop, spec["components"][name]


def executor(spec, component):
    return spec["deploymentSpec"]["executors"][spec["components"][component]["executorLabel"]]["container"]


def test_kfp_itself_loads_it(compiled):
    loaded = components.load_component_from_file(str(compiled[0]))
    assert loaded.name == "gan-augmentation"


def test_it_holds_the_every_stage(compiled):
    _, spec, _ = compiled
    stages = {name for name, component in spec["components"].items() if "executorLabel" in component}
    assert stages == {f"comp-{stage}" for stage in (*ONCE, *LOOPED)}


def test_nothing_starts_before_the_plan_has_refused_bad_parameters(compiled):
    tasks = compiled[1]["root"]["dag"]["tasks"]
    assert "dependentTasks" not in tasks["plan"]
    assert "plan" in tasks["prepare"]["dependentTasks"]
    assert "plan" in tasks["fetch-classifier"]["dependentTasks"]
    early = ("plan", "prepare", "fetch-classifier")
    assert all("prepare" in task["dependentTasks"] for name, task in tasks.items() if name not in early)


def test_gans_fan_out_over_the_pods_of_the_plan_and_join_in_synthesize(compiled):
    _, spec, _ = compiled
    loop, _ = loop_of(spec, "train-gan")
    items = loop["parameterIterator"]["items"]["inputParameter"]
    source = loop["inputs"]["parameters"][items]["taskOutputParameter"]
    assert source == {"producerTask": "plan", "outputParameterKey": "Output"}
    synthesize = spec["root"]["dag"]["tasks"]["synthesize"]
    joined = synthesize["inputs"]["artifacts"]["generators"]["taskOutputArtifact"]["producerTask"]
    assert spec["root"]["dag"]["tasks"][joined] is loop
    assert spec["components"]["comp-synthesize"]["inputDefinitions"]["artifacts"]["generators"]["isArtifactList"]


def test_arms_fan_out_after_synthesize_and_join_in_compare(compiled):
    _, spec, _ = compiled
    loop, body = loop_of(spec, "train-classifier")
    assert set(body["dag"]["tasks"]) == {"train-classifier", "evaluate"}
    items = loop["parameterIterator"]["items"]["inputParameter"]
    source = loop["inputs"]["parameters"][items]["taskOutputParameter"]
    assert source == {"producerTask": "plan", "outputParameterKey": "arm_pods"}
    assert "synthesize" in loop["dependentTasks"]
    compare = spec["root"]["dag"]["tasks"]["compare"]
    joined = compare["inputs"]["artifacts"]["evaluations"]["taskOutputArtifact"]["producerTask"]
    assert spec["root"]["dag"]["tasks"][joined] is loop


@pytest.mark.parametrize("stage", ["train-gan", "train-classifier"])
def test_trainers_ask_for_the_gpus_and_nodes_that_plan_has_found_for_them(compiled, stage):
    _, spec, platform = compiled
    loop, body = loop_of(spec, stage)
    given = body["dag"]["tasks"][stage]["inputs"]["parameters"]
    fed = {name: source.get("componentInputParameter") for name, source in given.items()}

    def parameter(placeholder):
        return fed[placeholder.removeprefix("{{$.inputs.parameters['").removesuffix("']}}")].removeprefix(
            "pipelinechannel--"
        )

    name = stage.replace("-", "_")
    resources = executor(spec, f"comp-{stage}")["resources"]
    assert parameter(resources["accelerator"]["resourceCount"]) == f"plan-{name}_gpus"
    assert parameter(resources["accelerator"]["resourceType"]) == "gpu_type"
    if stage == "train-gan":
        assert parameter(resources["resourceMemoryLimit"]) == "gan_memory"
        assert parameter(resources["resourceCpuLimit"]) == "gan_cpu"
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][f"exec-{stage}"]
    node_selector = kubernetes["nodeSelector"]["nodeSelectorJson"]["componentInputParameter"]
    tolerations = kubernetes["tolerations"][0]["tolerationJson"]["componentInputParameter"]
    # KFP's driver looks these two up among the inputs of the loop's body, not of the task.
    nodes = f"pipelinechannel--plan-{name}_nodes"
    assert {node_selector, tolerations} == {nodes, "pipelinechannel--tolerations"}
    assert {node_selector, tolerations} <= set(body["inputDefinitions"]["parameters"])
    for channel in (nodes, f"pipelinechannel--plan-{name}_gpus"):
        source = loop["inputs"]["parameters"][channel]["taskOutputParameter"]
        assert source == {"producerTask": "plan", "outputParameterKey": channel.removeprefix("pipelinechannel--plan-")}
    assert {"volumeName": "shared-memory", "mountPath": "/dev/shm", "medium": "Memory"}.items() <= kubernetes[
        "emptyDirMounts"
    ][0].items()


def test_every_task_has_requests_limits_and_the_image_asked_for(compiled):
    _, spec, platform = compiled
    for name in spec["deploymentSpec"]["executors"]:
        container = spec["deploymentSpec"]["executors"][name]["container"]
        assert container["image"].startswith("registry.example/gansweep/")
        assert container["image"].endswith(":abc123")
        assert {"resourceCpuRequest", "resourceCpuLimit", "resourceMemoryRequest", "resourceMemoryLimit"} <= set(
            container["resources"]
        )
        assert platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][name]["activeDeadlineSeconds"]


def test_what_is_tried_again_is_left_to_the_cluster(compiled):
    """Kubeflow's own retries would repeat refused values, and wait before they noticed."""
    _, spec, _ = compiled
    stages = [task for _, part in dags(spec) for task in part["dag"]["tasks"].values()]
    assert stages
    assert not [task for task in stages if "retryPolicy" in task]


def test_every_pod_can_be_found_by_its_labels_and_takes_the_image_that_is_there(compiled):
    executors = compiled[2]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, executor in executors.items():
        assert executor["podMetadata"]["labels"] == {
            "app.kubernetes.io/part-of": "gansweep",
            "gansweep/stage": name.removeprefix("exec-"),
        }
        assert executor["imagePullPolicy"] == "IfNotPresent"


def test_stages_that_read_storage_get_the_way_there_from_a_secret_and_no_others(compiled):
    _, spec, platform = compiled
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    given = {}
    for name, executor in executors.items():
        for secret in executor.get("secretAsEnv", []):
            assert secret["secretName"] == "gansweep-storage"
            assert secret["optional"]
            given[name] = {pair["envVar"] for pair in secret["keyToEnv"]}
    login = {f"GANSWEEP_S3_{name}" for name in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY", "REGION")}
    assert given == {
        "exec-plan": login,
        "exec-prepare": login,
        "exec-fetch-classifier": login,
        "exec-synthesize": login,
        "exec-audit": login,
        "exec-train-gan": login | {"GANSWEEP_CHECKPOINTS"},
    }
    assert not [name for name in spec["root"]["inputDefinitions"]["parameters"] if "key" in name or "secret" in name]


def test_a_changed_data_set_is_read_anew_whatever_the_cache_holds(compiled):
    prepare = compiled[1]["root"]["dag"]["tasks"]["prepare"]
    source = prepare["inputs"]["parameters"]["data_version"]["taskOutputParameter"]
    assert source == {"producerTask": "plan", "outputParameterKey": "data_version"}


def test_no_input_dangles(compiled):
    """Every input of every task is fed by something that exists, and every required input is fed."""
    _, spec, _ = compiled
    for name, component in dags(spec):
        tasks = component["dag"]["tasks"]
        own = component.get("inputDefinitions", {}).get("parameters", {})
        own_artifacts = component.get("inputDefinitions", {}).get("artifacts", {})
        for task_name, task in tasks.items():
            target = spec["components"][task["componentRef"]["name"]]
            for kind in ("parameters", "artifacts"):
                fed = task.get("inputs", {}).get(kind, {})
                for key, wanted in target.get("inputDefinitions", {}).get(kind, {}).items():
                    item = task.get("parameterIterator", {}).get("itemInput")
                    assert key in fed or wanted.get("isOptional") or key == item, (
                        f"{name}/{task_name}: {key} is not fed"
                    )
                for key, source in fed.items():
                    if "componentInputParameter" in source:
                        assert source["componentInputParameter"] in own, f"{name}/{task_name}: {key}"
                    elif "componentInputArtifact" in source:
                        assert source["componentInputArtifact"] in own_artifacts, f"{name}/{task_name}: {key}"
                    elif "taskOutputParameter" in source or "taskOutputArtifact" in source:
                        (output,) = source.values()
                        assert output["producerTask"] in tasks, f"{name}/{task_name}: {key}"


def test_what_feeds_a_parameter_is_of_its_type(compiled):
    """Kubeflow's driver refuses another; kfp.local does not look."""
    _, spec, _ = compiled
    for name, component in dags(spec):
        tasks = component["dag"]["tasks"]
        own = component.get("inputDefinitions", {}).get("parameters", {})
        for task_name, task in tasks.items():
            target = spec["components"][task["componentRef"]["name"]]["inputDefinitions"]["parameters"]
            for key, source in task.get("inputs", {}).get("parameters", {}).items():
                if "componentInputParameter" in source:
                    given = own[source["componentInputParameter"]]
                elif "taskOutputParameter" in source:
                    output = source["taskOutputParameter"]
                    producer = spec["components"][tasks[output["producerTask"]]["componentRef"]["name"]]
                    given = producer["outputDefinitions"]["parameters"][output["outputParameterKey"]]
                else:
                    continue
                wanted = target.get(key, given)  # a pod's GPUs and nodes are no inputs of its stage
                assert given["parameterType"] == wanted["parameterType"], f"{name}/{task_name}: {key}"


def test_only_the_entry_is_never_served_from_the_cache(compiled):
    _, spec, _ = compiled
    tasks = {task: body for _, component in dags(spec) for task, body in component["dag"]["tasks"].items()}
    cached = {name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")}
    assert cached == {*ONCE, *LOOPED} - {"plan"}


def test_compiling_loads_neither_torch_nor_tensorflow():
    code = "import sys, pipelines.gan_augmentation; print({'torch', 'tensorflow', 'keras'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
