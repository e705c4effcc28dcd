"""A stand-in for github.com/kubeflow/pipelines, to apply our patches to where there is no network.

It has the objects, names, containers and settings that our patches rely on, and nothing else of theirs. They were
read in the manifests of KFP 2.17.1 and 2.16: that a patch works here shows that it is well formed and finds what it
names, not that upstream has it.
"""

import subprocess
from pathlib import Path
from typing import Any

import yaml

VERSION = "2.17.0"


def deployment(name: str, container: str = "main", **environment: Any) -> dict[str, Any]:
    """Return a Deployment with one container, whose variables have values or {valueFrom: ...}."""
    variables = [
        {"name": key, "value": value} if isinstance(value, str) else {"name": key, "valueFrom": value}
        for key, value in environment.items()
    ]
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": container, "image": "upstream:1", "env": variables}]},
            },
        },
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """Return a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def retired(name: str, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return objects of one name whose content doesn't matter: they are to be taken out."""
    versions = {"ServiceAccount": "v1", "Service": "v1"}
    return [
        {"apiVersion": versions.get(kind, "rbac.authorization.k8s.io/v1"), "kind": kind, "metadata": {"name": name}}
        for kind in kinds
    ]


RIGHTS = [{"apiGroups": [""], "resources": ["secrets", "pods", "pods/exec"], "verbs": ["*"]}]
PARTS = {
    "cluster-scoped-resources": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubeflow"}},
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "workflows.argoproj.io"},
        },
        *retired("kubeflow-pipelines-cache-deployer-clusterrole", ("ClusterRole",)),
        *retired("kubeflow-pipelines-cache-deployer-clusterrolebinding", ("ClusterRoleBinding",)),
        *retired("kubeflow-pipelines-cache-deployer-sa", ("ServiceAccount",)),
    ],
    "base/installs/generic": [
        deployment("ml-pipeline", "ml-pipeline-api-server", OBJECTSTORECONFIG_HOST="seaweedfs.kubeflow", OTHER="kept"),
        deployment(
            "ml-pipeline-ui", "ml-pipeline-ui", MINIO_NAMESPACE={"fieldRef": {"fieldPath": "metadata.namespace"}}
        ),
        deployment("ml-pipeline-persistenceagent", "ml-pipeline-persistenceagent"),
        deployment("ml-pipeline-scheduledworkflow", "ml-pipeline-scheduledworkflow"),
        deployment("ml-pipeline-viewer-crd", "ml-pipeline-viewer-crd"),
        deployment("ml-pipeline-visualizationserver", "ml-pipeline-visualizationserver"),
        deployment("metadata-writer"),
        deployment("cache-server", "server"),
        deployment("cache-deployer-deployment"),
        config_map("kfp-launcher", defaultPipelineRoot=""),
        config_map("pipeline-install-config", bucketName="mlpipeline", defaultSecurityContextRunAsNonRoot=""),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "pipeline-runner"},
            "rules": RIGHTS,
        },
        *retired("pipeline-runner", ("ServiceAccount", "RoleBinding")),
        *retired("kubeflow-pipelines-cache", ("ServiceAccount",)),
        *retired("kubeflow-pipelines-cache-role", ("Role",)),
        *retired("kubeflow-pipelines-cache-binding", ("RoleBinding",)),
        *retired("kubeflow-pipelines-cache-deployer-role", ("Role",)),
        *retired("kubeflow-pipelines-cache-deployer-rolebinding", ("RoleBinding",)),
        *retired("kubeflow-pipelines-metadata-writer", ("ServiceAccount",)),
        *retired("kubeflow-pipelines-metadata-writer-role", ("Role",)),
        *retired("ml-pipeline-viewer-crd-service-account", ("ServiceAccount",)),
        *retired("ml-pipeline-viewer-controller-role", ("Role",)),
        *retired("ml-pipeline-viewer-crd-binding", ("RoleBinding",)),
        *retired("ml-pipeline-visualizationserver", ("ServiceAccount", "Service")),
        *retired("kubeflow-pipelines-container-builder", ("ServiceAccount",)),
        *retired("kubeflow-pipelines-viewer", ("ServiceAccount",)),
        *retired("cache-server", ("Service",)),
        *retired("ml-pipeline", ("ServiceAccount", "Service")),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "default-allow-same-namespace", "namespace": "kubeflow"},
            "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}], "policyTypes": ["Ingress"]},
        },
    ],
    "base/metadata/base": [deployment("metadata-grpc-deployment", "container")],
    "third-party/argo/installs/namespace": [
        deployment("workflow-controller", "workflow-controller"),
        config_map(
            "workflow-controller-configmap",
            artifactRepository="s3: {endpoint: seaweedfs.kubeflow.svc:9000}",
            executor="imagePullPolicy: IfNotPresent",
        ),
    ],
    "third-party/mysql/base": [deployment("mysql", "mysql")],
}


def make_upstream(repository: Path) -> None:
    """Write the stand-in as a git repository with the tag of the version."""
    for part, objects in PARTS.items():
        folder = repository / "manifests" / "kustomize" / part
        folder.mkdir(parents=True)
        (folder / "kustomization.yaml").write_text("resources: [objects.yaml]\n")
        (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    identity = ["-c", "user.name=upstream", "-c", "user.email=upstream"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "-m", "x"], ["tag", VERSION]):
        subprocess.run(["git", *command], cwd=repository, check=True)
