"""make deploy, upload and undeploy: in which order, with whose passwords, and what is left."""

import re

import kubernetes_validate
import pytest
import yaml


def test_deploy_for_gpus_asks_where_the_images_are(machine):
    ran = machine.run("deploy", OVERLAY="gpu")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
    assert "make push REGISTRY=" in ran.stderr
    assert machine.changes() == []


def test_deploy_with_an_unknown_overlay_names_the_known_ones(machine):
    assert machine.run("deploy", OVERLAY="cloud").stderr == ("deploy: OVERLAY=cloud is unknown: take one of gpu kind\n")


@pytest.mark.parametrize(
    "foreign",
    ["namespace/default\nnamespace/kubeflow", "customresourcedefinition.apiextensions.k8s.io/workflows.argoproj.io"],
)
def test_deploy_leaves_the_installation_of_someone_else_alone(machine, foreign):
    (machine.folder / "foreign").write_text(foreign)
    ran = machine.run("deploy")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
    assert machine.changes() == []


def test_check_changes_nothing(machine):
    assert machine.run("deploy", "check").returncode == 0
    assert machine.changes() == []


def test_deploy_goes_from_the_cluster_to_the_pipeline(machine):
    ran = machine.run("deploy")
    assert ran.returncode == 0, ran.stderr
    steps = [
        r"apply .*/kfp/cluster ",
        r"kubectl wait --for condition=established .*workflows.argoproj.io",
        r"kubectl create --namespace kubeflow --filename -",
        r"apply --server-side --force-conflicts --namespace kubeflow --filename -",
        r"delete job minio-setup",
        r"apply .*/overlays/kind ",
        r"rollout status statefulset.apps/minio",
        r"kubectl wait --for condition=complete job.batch/minio-setup",
        r"apply .*/overlays/kind/kfp ",
        r"delete --namespace kubeflow --ignore-not-found deployment/cache-server ",
        r"rollout status deployment.apps/ml-pipeline",
        r"rollout status deployment.apps/mysql",
        r"gansweep publish --preset .*/overlays/kind/parameters.yaml --registry gansweep --tag abc",
    ]
    positions = [next(i for i, call in enumerate(machine.calls()) if re.search(step, call)) for step in steps]
    assert positions == sorted(positions)
    # The tag's own commit, not that of the note on it.
    assert "deploy: Kubeflow Pipelines 2.17.0 (commit 2222), with" in ran.stdout
    assert len(re.findall(r"^deploy: ready after \d+ s: ", ran.stdout, re.MULTILINE)) == 4


def test_a_tag_that_was_moved_since_the_last_deploy_is_refused_before_anything_changes(machine):
    assert machine.run("deploy").returncode == 0
    assert (machine.folder / "annotation").read_text() == "2.17.0 2222"
    assert machine.run("deploy").returncode == 0
    before = machine.changes()
    moved = machine.run("deploy", COMMIT="3333")
    assert moved.returncode == 2
    assert moved.stderr.startswith("deploy: the tag 2.17.0 of Kubeflow Pipelines led to commit 2222 at the last deploy")
    assert moved.stderr.count("\n") == 1
    assert machine.changes() == before


RUNNING = {
    "docker.io/library/mysql:8.4": "docker.io/library/mysql@sha256:1",
    "ghcr.io/kubeflow/kfp-driver:2.17.0": "sha256:2",  # as a container runtime names an image that was loaded
    "docker.io/gansweep/data:abc": "sha256:3",
    "quay.io/argoproj/argoexec:v4.0.5": "",  # of a container that waits
}


def run_images(machine, **changed):
    text = "".join(f"{image} {digest}\n" for image, digest in (RUNNING | changed).items())
    (machine.folder / "running").write_text(text)


def test_what_the_tags_of_images_lead_to_is_kept_and_one_that_was_moved_is_refused(machine):
    run_images(machine)
    assert machine.run("deploy").returncode == 0
    lock = yaml.safe_load((machine.folder / "lock").read_text())
    kubernetes_validate.validate(lock, "1.36", strict=True)
    assert lock["data"]["images"].splitlines() == [
        "docker.io/library/mysql:8.4 sha256:1",
        "ghcr.io/kubeflow/kfp-driver:2.17.0 sha256:2",
    ]
    run_images(machine, **{"quay.io/argoproj/argoexec:v4.0.5": "sha256:4", "docker.io/gansweep/data:abc": "sha256:5"})
    assert machine.run("deploy").returncode == 0
    assert len((machine.folder / "known").read_text().splitlines()) == 3
    run_images(machine, **{"ghcr.io/kubeflow/kfp-driver:2.17.0": "ghcr.io/kubeflow/kfp-driver@sha256:6"})
    moved = machine.run("deploy")
    assert moved.returncode == 1
    assert moved.stderr.splitlines() == [
        "deploy: the image ghcr.io/kubeflow/kfp-driver:2.17.0 was sha256:2 at an earlier deploy and is sha256:6",
        "deploy: look at what changed; kubectl delete configmap gansweep-images --namespace kubeflow takes it",
    ]
    assert not machine.calls()[-1].startswith("gansweep publish")


def test_the_way_to_the_api_server_has_the_addresses_of_this_cluster(machine):
    assert machine.run("deploy").returncode == 0
    policy = yaml.safe_load((machine.folder / "applied").read_text())
    kubernetes_validate.validate(policy, "1.36", strict=True)
    [way] = policy["spec"]["egress"]
    assert way == {"to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}], "ports": [{"port": 6443}]}


def secrets(machine):
    files = (machine.folder / "secrets").iterdir()
    return {file.name: dict(re.findall(r'^  (\S+): "(.*)"$', file.read_text(), re.MULTILINE)) for file in files}


def test_credentials_are_made_once_and_seen_by_nobody(machine):
    first = machine.run("deploy")
    made = secrets(machine)
    assert {name: set(values) for name, values in made.items()} == {
        "minio-root": {"root-user", "root-password"},
        "mlpipeline-minio-artifact": {"accesskey", "secretkey"},
        "gansweep-storage": {"endpoint", "access-key", "secret-key", "checkpoints"},
        "gansweep-upload": {"access-key", "secret-key"},
    }
    generated = [made["minio-root"]["root-password"], made["mlpipeline-minio-artifact"]["secretkey"]]
    generated += [made[name]["secret-key"] for name in ("gansweep-storage", "gansweep-upload")]
    assert len(set(generated)) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in generated)

    second = machine.run("deploy")
    assert second.returncode == 0
    assert secrets(machine) == made
    shown = first.stdout + first.stderr + second.stdout + second.stderr + (machine.folder / "log").read_text()
    assert not any(value in shown for value in generated)
    # Nor by a trace of the whole script in the list of processes: every call is in the log.
    assert [call for call in machine.calls() if "secret" in call and "get secret" not in call] == []


def test_upload_brings_data_to_the_cluster_and_names_them_in_the_form(machine):
    assert machine.run("upload", DATA="/data/moles/", GANSWEEP_S3_ENDPOINT="http://elsewhere").returncode == 0
    sent, published = machine.calls()[-2:]
    assert sent == "gansweep upload /data/moles/ minio://gansweep/data/moles"
    assert not (machine.folder / "environment").read_text()
    assert re.fullmatch(
        "gansweep publish --preset .*/overlays/kind/parameters.yaml --data minio://gansweep/data/moles "
        "--registry gansweep --tag abc",
        published,
    )


def test_a_single_file_is_brought_alone(machine):
    table = machine.folder / "x.csv"
    table.touch()
    assert machine.run("upload", DATA=str(table), NAME="lesions.csv").returncode == 0
    assert machine.calls()[-1] == f"gansweep upload {table} minio://gansweep/data/lesions.csv"


def test_deploy_shows_the_pods_that_are_not_ready_and_their_events(machine):
    (machine.folder / "broken").write_text("deployment.apps/ml-pipeline")
    ran = machine.run("deploy")
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "deploy: deployment.apps/ml-pipeline did not become ready. "
        "Pods that are not, the last warnings, and the end of its log:",
        "  ml-pipeline-1 0/1 ImagePullBackOff 0 9m",
        "  1m Warning Failed pod/ml-pipeline-1 Failed to pull image",
        "  cannot reach mysql",
    ]
    assert not any(call.startswith("gansweep") for call in machine.calls())


def test_undeploy_says_what_it_removes_and_that_nothing_is_left(machine):
    (machine.folder / "ours").write_text("namespace/kubeflow\npriorityclass.scheduling.k8s.io/gansweep\n")
    ran = machine.run("undeploy")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "undeploy: from context kind-test:",
        "  namespace/kubeflow",
        "  priorityclass.scheduling.k8s.io/gansweep",
        "undeploy: nothing is left",
    ]
    deleted = [call.split()[2] for call in machine.changes()]
    assert deleted[0] == "workflows.argoproj.io"
    assert deleted[-1] == "customresourcedefinitions"
    again = machine.run("undeploy")
    assert (again.returncode, again.stdout.splitlines()[1]) == (0, "  nothing to remove")


def test_undeploy_names_volumes_that_stay(machine, tmp_path):
    (machine.programs / "sleep").write_text("#!/usr/bin/env bash\n")
    (machine.programs / "sleep").chmod(0o755)
    (machine.folder / "volumes").write_text("persistentvolume/pvc-1\n")
    ran = machine.run("undeploy")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == "  persistentvolume/pvc-1"
