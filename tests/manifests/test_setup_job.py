"""MinIO's setup Job: its buckets, its users and their policies."""

import subprocess

import pytest
from building import MANIFESTS

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
