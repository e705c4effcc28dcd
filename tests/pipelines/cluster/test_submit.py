"""gansweep submit and publish, against a stand-in for Kubeflow Pipelines over a real socket."""

import kfp
import pytest
from fake_kubeflow import Fault
from submissions import DATA

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore:This client only works")]


def test_submit_starts_the_run_that_kubeflows_own_client_would_start(kubeflow, gansweep):
    settings = ("--set", "arms=real,gan:50", "--registry", "r.example/g", "--tag", "abc123")
    status, said, complaint = gansweep("submit", *DATA, *settings, "--host", kubeflow.host)
    assert (status, complaint) == (0, "")
    (run,) = kubeflow.runs
    assert f"{kubeflow.host}/#/runs/details/{run['run_id']}" in said
    assert f"gansweep wait {run['run_id']} --host {kubeflow.host}" in said
    parameters = run["runtime_config"]["parameters"]
    assert (parameters["arms"], parameters["gan_updates"]) == (["real", "gan:50"], 300)

    client = kfp.Client(kubeflow.host)
    experiment = client.get_experiment(experiment_name="gansweep").experiment_id
    pipeline = client.get_pipeline_id("gan-augmentation")
    (version,) = client.list_pipeline_versions(pipeline).pipeline_versions
    client.run_pipeline(
        experiment, "theirs", params=parameters, pipeline_id=pipeline, version_id=version.pipeline_version_id
    )
    ours, theirs = kubeflow.runs
    assert version.display_name == "abc123"
    assert ours["pipeline_version_reference"] == theirs["pipeline_version_reference"]
    assert ours["runtime_config"] == theirs["runtime_config"]
    assert ours["experiment_id"] == theirs["experiment_id"] == experiment


def test_synthetic_sets_in_the_object_store_are_handed_on(kubeflow, gansweep):
    sets = ("--synthetic", "d=minio://g/d", "--synthetic", "v=minio://g/v,table=minio://g/v.csv")
    status, _, complaint = gansweep("submit", *DATA, *sets, "--set", "arms=real,d:5,v:all", "--host", kubeflow.host)
    assert (status, complaint) == (0, "")
    parameters = kubeflow.runs[0]["runtime_config"]["parameters"]
    assert parameters["arms"] == ["real", "d:5", "v:all"]
    given = {"d": "minio://g/d", "v": {"images": "minio://g/v", "table": "minio://g/v.csv"}}
    assert parameters["synthetic_sets"] == given


def test_two_runs_share_an_experiment_and_have_names_of_their_own(kubeflow, gansweep):
    for _ in range(2):
        gansweep("submit", *DATA, "--experiment", "doses", "--host", kubeflow.host)
    assert [one["display_name"] for one in kubeflow.experiments] == ["doses"]
    assert len({run["display_name"] for run in kubeflow.runs}) == 2
    assert all(run["display_name"].startswith("demo phantoms ") for run in kubeflow.runs)


@pytest.mark.parametrize("done", [True, False])
def test_a_run_whose_start_was_cut_off_is_not_started_twice(kubeflow, gansweep, done):
    kubeflow.faults = [Fault("POST /apis/v2beta1/runs", done=done)]
    status, said, _ = gansweep("submit", *DATA, "--host", kubeflow.host)
    assert status == 0
    assert len(kubeflow.runs) == 1
    assert kubeflow.runs[0]["run_id"] in said


def test_what_the_server_refuses_is_told_in_its_words_at_once(kubeflow, gansweep):
    kubeflow.faults = [Fault("POST /apis/v2beta1/runs", 400)]
    status, _, complaint = gansweep("submit", *DATA, "--host", kubeflow.host)
    assert status == 1
    assert complaint == "gansweep: POST /apis/v2beta1/runs: status 400 (upstream is not there)\n"


def test_the_pipeline_is_published_once_a_tag(kubeflow, gansweep):
    words = ("publish", "--host", kubeflow.host, "--tag")
    assert gansweep(*words, "abc123")[:2] == (0, "Added version abc123 of pipeline gan-augmentation\n")
    assert gansweep(*words, "abc123")[:2] == (0, "Version abc123 of pipeline gan-augmentation is there already\n")
    kubeflow.faults = [Fault("POST /apis/v2beta1/pipelines/upload_version", done=True)]
    gansweep(*words, "def456")
    client = kfp.Client(kubeflow.host)
    versions = client.list_pipeline_versions(client.get_pipeline_id("gan-augmentation")).pipeline_versions
    assert sorted(version.display_name for version in versions) == ["abc123", "def456"]
    assert len(kubeflow.pipelines) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "/images"], "data_set: /images is on this machine, where pods can't read it; bring it there: gans"),
        (["--set", "table=/g.csv"], "table: /g.csv is on this machine"),
        (["--synthetic", "d=/made"], "synthetic_sets: d: /made is on this machine, where pods can't read it; bring it"),
        (["--synthetic", "d=minio://g/d,table=/d.csv"], "synthetic_sets: d: table: /d.csv is on this machine"),
        (["--synthetic", "gan=minio://g/d"], "synthetic_sets: 'gan' can't name a source"),
        (["--set", "inception_weights=/w.safetensors"], "inception_weights: /w.safetensors is on this machine"),
        (["--set", "classifier=/m.keras"], "classifier: /m.keras is on this machine"),
        (["--set", "arms=real,gna:3"], "arms: 'gna:3': there is no source 'gna'"),
        (["--set", "gan_epoch=3"], "did you mean gan_epochs?"),
        (["--set", "arms=real," + ",".join(f"gan:{i}" for i in range(1, 1200))], "all parameters together take 14,"),
        (["--out", "/proc/run"], "--out: /proc/run can't be written"),
        (["--set", "replicates=auto"], "or replicates: auto in a sweep's file, for a cluster too"),
        (["--host", "http://127.0.0.1:9"], "--host: Kubeflow Pipelines does not answer at http://127.0.0.1:9"),
    ],
)
def test_what_can_not_run_in_the_cluster_is_refused_in_one_line_before_it_starts(kubeflow, gansweep, words, message):
    status, said, complaint = gansweep("submit", *DATA, "--host", kubeflow.host, *words)
    assert (status, said) == (2, "")
    assert message in complaint
    assert complaint.count("\n") == 1
    assert kubeflow.runs == []


def test_test_folds_are_refused_for_they_are_several_runs(kubeflow, gansweep):
    status, _, complaint = gansweep("submit", *DATA, "--set", "test_folds=3", "--host", kubeflow.host)
    assert status == 2
    assert complaint.startswith("gansweep: test_folds: submit starts one run, and 3 folds are as many; write ")
    assert "test_folds: 3 into a file and give it to gansweep sweep FILE --cluster" in complaint
    assert kubeflow.runs == []
