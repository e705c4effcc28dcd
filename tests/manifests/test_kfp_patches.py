"""Our patches on a stand-in for Kubeflow Pipelines' own manifests (upstream.py says what that shows)."""

import pytest
import yaml
from building import MANIFESTS, find

from pipelines.parameters import load_preset

OVERLAYS = ["kind", "gpu"]
RETIRED = {
    "cache-server",
    "cache-deployer-deployment",
    "metadata-writer",
    "ml-pipeline-viewer-crd",
    "ml-pipeline-visualizationserver",
}


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
    assert argo["executor"] == "imagePullPolicy: IfNotPresent"
    assert "seaweedfs" not in yaml.safe_dump_all(kfp)


def test_parts_for_old_pipelines_are_off_and_no_others(kfp):
    deployments = [each for each in kfp if each["kind"] == "Deployment"]
    off = {each["metadata"]["name"] for each in deployments if each["spec"].get("replicas") == 0}
    assert off == RETIRED


def test_stages_may_not_read_other_secrets_or_run_commands_in_pods(kfp):
    rules = find(kfp, "Role", "pipeline-runner")["rules"]
    [secrets] = [rule for rule in rules if "secrets" in rule["resources"]]
    assert secrets["resourceNames"] == ["mlpipeline-minio-artifact", "gansweep-storage"]
    assert not any("*" in rule["verbs"] or "pods/exec" in rule["resources"] for rule in rules)


def test_stages_never_run_as_root(kfp):
    assert find(kfp, "ConfigMap", "pipeline-install-config")["data"]["defaultSecurityContextRunAsNonRoot"] == "true"


def test_mysql_is_open_to_kfp_alone(kfp, build_with_upstream):
    policy = find(build_with_upstream("namespace"), "NetworkPolicy", "mysql")["spec"]
    [opened] = policy["ingress"][0]["from"]
    for each in kfp:
        if each["kind"] == "Deployment":
            assert (
                opened["podSelector"]["matchLabels"].items() <= each["spec"]["template"]["metadata"]["labels"].items()
            )
    assert (
        policy["podSelector"]["matchLabels"].items()
        <= find(kfp, "Deployment", "mysql")["spec"]["template"]["metadata"]["labels"].items()
    )


def test_everything_is_marked_as_ours_but_the_pods(kfp, build_with_upstream):
    for each in [*kfp, *build_with_upstream("kfp/cluster")]:
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "gansweep"
        if each["kind"] == "Deployment":
            assert "app.kubernetes.io/part-of" not in each["spec"]["template"]["metadata"]["labels"]


def test_namespace_refuses_privileged_pods(build_with_upstream):
    namespace = find(build_with_upstream("kfp/cluster"), "Namespace", "kubeflow")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"


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
    assert parameters["gan_gpus"] == "1"
    assert parameters["gan_tolerations"][0]["effect"] == "NoSchedule"


def test_the_node_that_kind_marks_is_the_one_that_gans_ask_for():
    [marked] = [
        node["labels"] for node in yaml.safe_load((MANIFESTS / "kind.yaml").read_text())["nodes"] if "labels" in node
    ]
    assert load_preset(str(MANIFESTS / "overlays/kind/parameters.yaml"))["gan_node_selector"] == marked
