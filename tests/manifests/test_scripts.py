"""The scripts behind make kind-up, deploy, undeploy and kind-down, with stand-ins for the programs they call."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from building import MANIFESTS
from fakes import write_fakes

ROOT = MANIFESTS.parent
SCRIPTS = [*MANIFESTS.glob("*.sh"), MANIFESTS / "minio" / "setup.sh"]
TARGETS = ["kind-up", "deploy", "undeploy", "kind-down"]


class Machine:
    """A machine with stand-ins: runs scripts and make targets, tells how the stand-ins were called."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.programs = write_fakes(folder)
        self.environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "FAKES": str(folder),
            "OVERLAY": "kind",
            "REGISTRY": "",
            "TAG": "abc",
            "CLUSTER": "test",
            "BIN": str(self.programs),
        }

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(MANIFESTS / f"{script}.sh"), *arguments]
        return subprocess.run(command, env=self.environment | environment, capture_output=True, text=True, timeout=60)

    def calls(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines() if (self.folder / "log").exists() else []

    def changes(self) -> list[str]:
        return [
            call
            for call in self.calls()
            if re.match(r"(kubectl( --context \S+)?|kind) (apply|create|delete|patch|taint|load)", call)
        ]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def bare(tmp_path):
    """A PATH with what every machine has, and none of kubectl, kind and docker."""
    for name in ["bash", "env", "make", "git", "sed", "awk", "cat", "dirname", "head", "od", "tr", "seq", "grep"]:
        (tmp_path / name).symlink_to(shutil.which(name))
    return tmp_path


def make(target: str, path: Path, **environment: str) -> list[str]:
    """Run a make target that must refuse; return what it says, without make's own last line."""
    ran = subprocess.run(
        ["make", "-C", str(ROOT), target],
        env={"PATH": str(path), "KUBECONFIG": "/nonexistent", "FAKES": str(path)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode != 0
    lines = ran.stdout.splitlines() + ran.stderr.splitlines()
    return [line for line in lines if not line.startswith("make")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_well_formed(script):
    subprocess.run(["bash", "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--external-sources", str(script)], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("target", "first"),
    [("kind-down", "kind"), *((t, "kubectl") for t in ("kind-up", "deploy", "upload", "submit", "e2e", "undeploy"))],
)
def test_missing_program_is_one_line_that_says_where_to_get_it(bare, target, first):
    [line] = make(target, bare)
    assert re.fullmatch(rf"{target}: {first} is missing: get it from https://.+", line)


@pytest.mark.parametrize("target", ["kind-up", "kind-down"])
def test_silent_docker_is_one_line(bare, target):
    for name, status in [("kubectl", 0), ("kind", 0), ("docker", 1)]:
        (bare / name).write_text(f"#!/usr/bin/env bash\nexit {status}\n")
        (bare / name).chmod(0o755)
    [line] = make(target, bare)
    assert line.startswith(f"{target}: docker does not answer: ")


@pytest.mark.parametrize("target", ["deploy", "upload", "submit", "e2e", "undeploy"])
def test_unreachable_cluster_is_one_line_and_comes_before_the_environment_is_made(bare, tmp_path, target):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl to ask a cluster with")
    (bare / "kubectl").symlink_to(shutil.which("kubectl"))
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: gone, users: [],"
        " contexts: [{name: gone, context: {cluster: gone}}],"
        " clusters: [{name: gone, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    [line] = make(target, bare, KUBECONFIG=str(kubeconfig))
    assert line.startswith(f"{target}: no cluster answers (context gone): start one with make kind-up, or ")


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
        r"gansweep publish --registry gansweep --tag abc",
    ]
    positions = [next(i for i, call in enumerate(machine.calls()) if re.search(step, call)) for step in steps]
    assert positions == sorted(positions)
    assert len(re.findall(r"^deploy: ready after \d+ s: ", ran.stdout, re.MULTILINE)) == 4


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


def test_upload_takes_the_way_and_the_login_from_the_cluster_and_shows_neither(machine, tmp_path):
    refused = machine.run("upload", DATA="/data/moles/")
    assert (refused.returncode, refused.stderr) == (
        2,
        "upload: the cluster has no Secret gansweep-upload: make deploy first\n",
    )
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "gansweep-upload").touch()
    assert machine.run("upload", DATA="/data/moles/").returncode == 0
    assert machine.calls()[-1] == "gansweep upload /data/moles/ minio://gansweep/data/moles"
    assert sorted((tmp_path / "environment").read_text().splitlines()) == [
        "GANSWEEP_S3_ACCESS_KEY=told by kubectl",
        "GANSWEEP_S3_ENDPOINT=http://127.0.0.1:4567",
        "GANSWEEP_S3_SECRET_KEY=told by kubectl",
    ]
    assert "told by kubectl" not in "".join(machine.calls())
    assert machine.run("upload", DATA="/x.csv", NAME="lesions.csv").returncode == 0
    assert machine.calls()[-1] == "gansweep upload /x.csv minio://gansweep/data/lesions.csv"
    broken = machine.run("upload", DATA="/data/moles", FORWARDED="error: no such service")
    assert broken.stderr == "upload: MinIO can't be reached: error: no such service\n"


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


def test_kind_up_makes_the_cluster_once_and_its_gpus_each_time(machine):
    for _ in range(2):
        assert machine.run("kind-up").returncode == 0
    calls = machine.calls()
    assert sum(call.startswith("kind create cluster --name test --config") for call in calls) == 1
    assert sum("patch node/test-worker2 --subresource status" in call for call in calls) == 2
    assert sum("taint node/test-worker2 nvidia.com/gpu=present:NoSchedule --overwrite" in call for call in calls) == 2
    loaded = "kind load docker-image --name test gansweep/data:abc gansweep/gan:abc gansweep/classifier:abc"
    assert calls.count(loaded) == 2


def test_kind_up_names_the_image_that_is_missing_and_starts_nothing(machine):
    (machine.folder / "unbuilt").write_text("gansweep/gan:abc")
    ran = machine.run("kind-up")
    assert ran.returncode == 2
    assert (
        ran.stderr == "kind-up: the image gansweep/gan:abc is missing: make image-gan (or make images for all three)\n"
    )
    assert machine.changes() == []


def test_kind_down_removes_the_cluster(machine):
    assert machine.run("kind-down").returncode == 0
    assert "kind delete cluster --name test" in machine.calls()


MC = r"""#!/usr/bin/env bash
echo "$*" >> "$FAKES/log"
case "$*" in
  "admin user add local") cat >> "$FAKES/users" ;;
  "admin policy attach "*) cat "$FAKES/refusal" 2> /dev/null && exit 1 ;;
  "ilm rule import "*) cat > "$FAKES/lifecycle" ;;
esac
exit 0
"""


@pytest.fixture
def setup_job(machine):
    """Return a function that runs the setup Job's script as its container would."""
    script = (MANIFESTS / "minio" / "setup.sh").read_text()
    for folder in ("/setup/", "/users/"):
        script = script.replace(folder, f"{machine.folder}{folder}")
    (machine.folder / "setup").mkdir()
    (machine.folder / "setup" / "lifecycle.json").write_text((MANIFESTS / "minio" / "lifecycle.json").read_text())
    for user in ("mlpipeline", "gansweep", "gansweep-upload"):
        folder = machine.folder / "users" / user
        folder.mkdir(parents=True)
        (folder / "access-key").write_text(user)
        (folder / "secret-key").write_text(f"secret-of-{user}")
    (machine.programs / "mc").write_text(MC.replace("$FAKES/users", "$FAKES/added"))
    (machine.programs / "mc").chmod(0o755)
    return lambda: subprocess.run(["sh", "-c", script], env=machine.environment, capture_output=True, text=True)


def test_setup_job_makes_buckets_and_users_without_showing_secrets(setup_job, machine):
    assert setup_job().returncode == 0
    assert (machine.folder / "added").read_text().split() == [
        "mlpipeline",
        "secret-of-mlpipeline",
        "gansweep",
        "secret-of-gansweep",
        "gansweep-upload",
        "secret-of-gansweep-upload",
    ]
    assert "secret" not in (machine.folder / "log").read_text()
    for bucket in ("mlpipeline", "gansweep"):
        assert f"mb --ignore-existing local/{bucket}" in machine.calls()
    for user in ("mlpipeline", "gansweep", "gansweep-upload"):
        assert f"admin policy attach local {user} --user {user}" in machine.calls()
    assert "checkpoints/" in (machine.folder / "lifecycle").read_text()


def test_setup_job_may_run_again_but_does_not_hide_a_refusal(setup_job, machine):
    (machine.folder / "refusal").write_text("mc: <ERROR> The specified policy change is already in effect.")
    assert setup_job().returncode == 0
    (machine.folder / "refusal").write_text("mc: <ERROR> Access Denied.")
    ran = setup_job()
    assert ran.returncode == 1
    assert "Access Denied" in ran.stderr


CLOSED = {"ml-pipeline:8888", "ml-pipeline-ui:80", "mysql:3306", "metadata-envoy-service:9090"}


def test_audit_tells_open_doors_from_closed_ones_and_leaves_nothing(machine):
    ran = machine.run("audit")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[-1] == "audit-cluster: all doors stand as they should"
    stage = {line.split()[2]: line.split()[-1] for line in lines if re.match(r"a stage +[\w-]+:\d", line)}
    assert {door for door, found in stage.items() if found == "closed"} == CLOSED
    assert machine.changes()[-2:] == [
        "kubectl delete pod --namespace kubeflow --selector gansweep/audit --ignore-not-found --wait=false",
        "kubectl delete namespace gansweep-audit --ignore-not-found --wait=false",
    ]
    for pod in (machine.folder / "pods").iterdir():
        kubernetes_validate.validate(yaml.safe_load(pod.read_text()), "1.36", strict=True)


def test_audit_fails_on_a_door_that_is_open(machine):
    (machine.folder / "opened").write_text("mysql.kubeflow:3306")
    ran = machine.run("audit")
    assert ran.returncode == 1
    [marked] = [line for line in ran.stdout.splitlines() if "<--" in line]
    assert re.fullmatch(r"another namespace +mysql\.kubeflow:3306 +open +<-- should be closed", marked)


def test_audit_without_a_deployment_says_so(machine):
    (machine.folder / "undeployed").touch()
    assert machine.run("audit").stderr == "audit-cluster: gansweep is not deployed here: make deploy first\n"
