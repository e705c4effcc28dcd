"""Our patches on a stand-in for Kubeflow Pipelines' own manifests (upstream.py says what that shows)."""

import re

import pytest
import yaml
from building import MANIFESTS, find

from pipelines.parameters import load_preset

OVERLAYS = ["kind", "gpu"]
RETIRED = re.compile("cache|metadata-writer|viewer|visualization|container-builder")


@pytest.fixture(scope="module", params=OVERLAYS)
def kfp(request, build_with_upstream):
    return build_with_upstream(f"overlays/{request.param}/kfp")


def environment(objects, deployment):
    [container] = find(objects, "Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable for variable in container["env"]}


def test_everything_that_keeps_artifacts_uses_the_same_store(kfp):
    api = environment(kfp, "ml-pipeline")
    assert (api["OBJECTSTORECONFIG_HOST"]["value"], api["OBJECTSTORECONFIG_PORT"]["value"]) == (
        "minio-service.kubeflow",
        "9000",
    )
    assert api["OTHER"]["value"] == "kept"
    ui = environment(kfp, "ml-pipeline-ui")
    assert (ui["MINIO_HOST"]["value"], ui["MINIO_PORT"]["value"]) == ("minio-service", "9000")
    assert "valueFrom" in ui["MINIO_NAMESPACE"]
    launcher = find(kfp, "ConfigMap", "kfp-launcher")["data"]
    assert launcher["defaultPipelineRoot"] == "minio://mlpipeline/v2/artifacts"
    assert yaml.safe_load(launcher["providers"])["minio"]["default"]["endpoint"] == "minio-service.kubeflow:9000"
    argo = find(kfp, "ConfigMap", "workflow-controller-configmap")["data"]
    assert yaml.safe_load(argo["artifactRepository"])["s3"]["endpoint"] == "minio-service.kubeflow:9000"
    assert "seaweedfs" not in yaml.safe_dump_all(kfp)


def test_parts_for_old_pipelines_are_gone_with_their_rights_and_no_others(kfp, build_with_upstream):
    objects = [*kfp, *build_with_upstream("kfp/cluster")]
    names = {f"{each['kind']} {each['metadata']['name']}" for each in objects}
    # KFP's API does not start without the one that is left.
    assert {name for name in names if RETIRED.search(name)} == {"Service ml-pipeline-visualizationserver"}
    kept = {"Deployment ml-pipeline-ui", "ServiceAccount ml-pipeline", "ServiceAccount pipeline-runner"}
    assert kept <= names
    assert not [each for each in kfp if each["kind"] == "NetworkPolicy"]  # KFP's own would open what ../network closes


def test_argo_looks_at_runs_every_second_and_launcher_and_helper_are_patient(kfp):
    assert environment(kfp, "workflow-controller")["DEFAULT_REQUEUE_TIME"]["value"] == "1s"
    providers = yaml.safe_load(find(kfp, "ConfigMap", "kfp-launcher")["data"]["providers"])
    assert providers["minio"]["default"]["maxRetries"] == 10
    executor = yaml.safe_load(find(kfp, "ConfigMap", "workflow-controller-configmap")["data"]["executor"])
    assert executor["env"] == [{"name": "EXECUTOR_RETRY_BACKOFF_STEPS", "value": "10"}]
    # What the namespace's Pod Security asks for is upstream's own and must stay.
    assert executor["securityContext"]["runAsNonRoot"] is True
    assert executor["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("message", "again"),
    [
        ("pod deleted", True),
        ("The node was low on resource: memory.", True),
        ("Pod was terminated in response to imminent node shutdown.", True),
        ("main: Error (exit code 1)", False),
        ("child 'gan-augmentation-x-1' errored", False),
        ('pods "x" is forbidden: exceeded quota', False),
        ("", False),
    ],
)
def test_only_a_pod_that_was_taken_away_is_tried_again(kfp, message, again):
    text = find(kfp, "ConfigMap", "workflow-controller-configmap")["data"]["workflowDefaults"]
    retry = yaml.safe_load(text)["spec"]["templateDefaults"]["retryStrategy"]
    assert (retry["limit"], retry["retryPolicy"], "backoff" in retry) == ("2", "Always", False)
    pattern = re.fullmatch(r"lastRetry\.message matches '(.*)'", retry["expression"])
    assert bool(re.search(pattern[1], message)) is again


def test_stages_may_not_read_other_secrets_or_run_commands_in_pods(kfp):
    rules = find(kfp, "Role", "pipeline-runner")["rules"]
    [secrets] = [rule for rule in rules if "secrets" in rule["resources"]]
    assert secrets["resourceNames"] == ["mlpipeline-minio-artifact", "gansweep-storage"]
    assert {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]} == {
        ("secrets", "get"),
        ("configmaps", "get"),
        ("workflowtaskresults", "create"),
        ("workflowtaskresults", "patch"),
    }


def test_stages_never_run_as_root(kfp):
    assert find(kfp, "ConfigMap", "pipeline-install-config")["data"]["defaultSecurityContextRunAsNonRoot"] == "true"


def test_everything_is_marked_as_ours_but_the_pods(kfp, build_with_upstream):
    for each in [*kfp, *build_with_upstream("kfp/cluster")]:
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "gansweep"
        if each["kind"] == "Deployment":
            assert "app.kubernetes.io/part-of" not in each["spec"]["template"]["metadata"]["labels"]


def test_namespace_refuses_privileged_pods(build_with_upstream):
    namespace = find(build_with_upstream("kfp/cluster"), "Namespace", "kubeflow")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_gpu_overlay_differs_in_priority_alone(build_with_upstream):
    defaults = [
        yaml.safe_load(
            find(build_with_upstream(f"overlays/{overlay}/kfp"), "ConfigMap", "workflow-controller-configmap")["data"][
                "workflowDefaults"
            ]
        )["spec"]
        for overlay in OVERLAYS
    ]
    priority = find(build_with_upstream("overlays/gpu"), "PriorityClass", "gansweep")["metadata"]["name"]
    assert defaults[1] == defaults[0] | {"podPriorityClassName": priority}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_parameters_of_an_overlay_are_parameters_of_the_pipeline(overlay):
    parameters = load_preset(str(MANIFESTS / "overlays" / overlay / "parameters.yaml"))
    assert parameters["gpus"] == "1"
    assert parameters["tolerations"][0]["effect"] == "NoSchedule"


def test_the_node_that_kind_marks_is_the_one_that_gans_ask_for():
    [marked] = [
        node["labels"] for node in yaml.safe_load((MANIFESTS / "kind.yaml").read_text())["nodes"] if "labels" in node
    ]
    assert load_preset(str(MANIFESTS / "overlays/kind/parameters.yaml"))["node_selector"] == marked
