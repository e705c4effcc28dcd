"""The end of it: a second deploy changes nothing, and undeploy leaves nothing. Runs after the other files here."""

import json

from on_cluster import NAMESPACE, kubectl, make, secret


def test_a_second_deploy_changes_no_credentials(deployed):
    before = secret("gansweep-storage")
    assert make("deploy").returncode == 0
    assert secret("gansweep-storage") == before


def test_undeploy_leaves_nothing(deployed):
    assert make("undeploy").returncode == 0
    ours = "app.kubernetes.io/part-of=gansweep"
    kinds = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,priorityclasses"
    kinds += ",validatingadmissionpolicies,validatingadmissionpolicybindings"
    assert kubectl("get", kinds, "--selector", ours, "--output", "name") == ""
    assert f"namespace/{NAMESPACE}" not in kubectl("get", "namespaces", "--output", "name").split()
    volumes = json.loads(kubectl("get", "persistentvolumes", "--output", "json"))["items"]
    assert not [v for v in volumes if v["spec"].get("claimRef", {}).get("namespace") == NAMESPACE]
