"""The cluster of the current kubeconfig, for those who have one: pods and their logs, and Argo's workflows."""

from typing import Any


def open_cluster() -> Any:
    """Return the module of Kubernetes' client, set to the current cluster; None if no kubeconfig names one."""
    from kubernetes import client, config

    for load in (config.load_kube_config, config.load_incluster_config):
        try:
            load()
        except (config.ConfigException, OSError):
            continue
        return client
    return None
