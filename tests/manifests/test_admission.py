"""What the admission policy lets through: its own expressions, evaluated as the API server does (CEL)."""

import copy
from typing import Any

import celpy
import pytest
from building import find

# A stage's pod as Argo makes it for Kubeflow Pipelines 2.17: labels, containers and volumes that matter here.
POD: dict[str, Any] = {
    "metadata": {
        "name": "gan-augmentation-gljbj-system-container-impl-1026454650",
        "labels": {
            "app.kubernetes.io/part-of": "gansweep",
            "gansweep/stage": "plan",
            "pipeline/runid": "3cc88df2-b7d1-4cc6-90f5-4c60b5b74f1a",
            "pipelines.kubeflow.org/v2_component": "true",
            "workflows.argoproj.io/completed": "false",
            "workflows.argoproj.io/workflow": "gan-augmentation-gljbj",
        },
    },
    "spec": {
        "serviceAccountName": "pipeline-runner",
        "initContainers": [{"name": "init", "env": [{"name": "ARGO_POD_NAME", "value": "x"}]}],
        "containers": [
            {"name": "wait", "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            {
                "name": "main",
                "env": [
                    {
                        "name": "GANSWEEP_S3_SECRET_KEY",
                        "valueFrom": {"secretKeyRef": {"name": "gansweep-storage", "key": "secret-key"}},
                    }
                ],
            },
        ],
        "volumes": [
            {"name": "var-run-argo", "emptyDir": {}},
            {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            {"name": "store", "secret": {"secretName": "mlpipeline-minio-artifact"}},
        ],
    },
}


@pytest.fixture(scope="module")
def refusals(build_with_upstream):
    """Return a function that gives the messages with which a pod is refused."""
    spec = find(build_with_upstream("kfp/cluster"), "ValidatingAdmissionPolicy", "gansweep-run-pods")["spec"]
    environment = celpy.Environment()

    def evaluate(expression: str, known: dict[str, Any]) -> Any:
        return environment.program(environment.compile(expression)).evaluate(known)

    def refusals(pod: dict[str, Any], user: str = "system:serviceaccount:kubeflow:argo") -> list[str]:
        known = {"object": celpy.json_to_cel(pod), "request": celpy.json_to_cel({"userInfo": {"username": user}})}
        if not all(evaluate(condition["expression"], known) for condition in spec["matchConditions"]):
            return []
        variables = {each["name"]: evaluate(each["expression"], known) for each in spec["variables"]}
        known["variables"] = celpy.celtypes.MapType(
            {celpy.celtypes.StringType(name): value for name, value in variables.items()}
        )
        return [rule["message"] for rule in spec["validations"] if not evaluate(rule["expression"], known)]

    return refusals


def test_pods_of_runs_are_let_through(refusals):
    assert refusals(POD) == []
    bare = {"metadata": {"name": "x"}, "spec": {"serviceAccountName": "pipeline-runner", "containers": [{"name": "c"}]}}
    assert refusals(bare) == []


def main_container(pod):
    return pod["spec"]["containers"][1]


BREAKS = {
    "another account": (lambda pod: pod["spec"].update(serviceAccountName="argo"), "use the service account"),
    "Kubeflow's label": (
        lambda pod: pod["metadata"]["labels"].update({"application-crd-id": "kubeflow-pipelines"}),
        "may not take Kubeflow's own labels",
    ),
    "an app's label": (lambda pod: pod["metadata"]["labels"].update(app="mysql"), "may not take Kubeflow's own labels"),
    "a component's label": (
        lambda pod: pod["metadata"]["labels"].update(component="metadata-envoy"),
        "may not take Kubeflow's own labels",
    ),
    "MinIO's root login": (
        lambda pod: main_container(pod)["env"].append(
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "minio-root", "key": "root-password"}}}
        ),
        "may read their own Secrets only",
    ),
    "a whole Secret": (
        lambda pod: pod["spec"]["initContainers"][0].update(envFrom=[{"secretRef": {"name": "gansweep-storage"}}]),
        "may read their own Secrets only",
    ),
    "a mounted Secret": (
        lambda pod: pod["spec"]["volumes"].append({"name": "x", "secret": {"secretName": "minio-root"}}),
        "may mount their own Secrets only",
    ),
    "a projected Secret": (
        lambda pod: pod["spec"]["volumes"][1]["projected"]["sources"].append({"secret": {"name": "minio-root"}}),
        "may mount their own Secrets only",
    ),
    "MinIO's volume": (
        lambda pod: pod["spec"]["volumes"].append(
            {"name": "x", "persistentVolumeClaim": {"claimName": "data-minio-0"}}
        ),
        "no volume claims",
    ),
    "a claim of its own": (
        lambda pod: pod["spec"]["volumes"].append({"name": "x", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}),
        "no volume claims",
    ),
    "a driver that may bring Secrets": (
        lambda pod: pod["spec"]["volumes"].append({"name": "x", "csi": {"driver": "secrets-store.csi.k8s.io"}}),
        "no volume claims",
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_pod_that_takes_more_than_a_run_needs_is_refused(refusals, broken):
    pod = copy.deepcopy(POD)
    change, message = BREAKS[broken]
    change(pod)
    [refusal] = refusals(pod)
    assert message in refusal


def test_pods_that_argo_did_not_make_are_none_of_its_business(refusals):
    pod = copy.deepcopy(POD)
    pod["spec"]["serviceAccountName"] = "default"
    assert refusals(pod, user="system:serviceaccount:kube-system:replicaset-controller") == []
