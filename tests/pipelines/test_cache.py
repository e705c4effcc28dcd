"""What a second submission repeats: the compiled pipeline's cache keys, made as Kubeflow's driver makes them.

The key of a task holds its image, command and arguments, the values of its parameters and the names of its artifacts
(backend/src/v2/cacheutils/cache.go). Artifacts are named by their number in ML Metadata: a new one for each that is
written, the old one where the cache answers.
"""

import itertools
import json

import pytest
import yaml
from kfp.compiler import Compiler

from pipelines.compile import load_pipeline

GANS = [{"gans": [{"label": label, "replicate": 0, "seed": 0}]} for label in ("benign", "malignant")]
ARMS = [{"arms": [arm]} for arm in ("real", "gan:50")]


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    Compiler().compile(load_pipeline(), str(path))
    return next(yaml.safe_load_all(path.read_text()))


class Cluster:
    """Runs a compiled pipeline without carrying anything out; remembers keys, as the cache does."""

    def __init__(self, spec):
        self.spec = spec
        self.numbers = itertools.count()
        self.cache = {}

    def submit(self, plan_says, **parameters):
        """Return the tasks that had to be carried out; `plan_says` are the values that plan gives."""
        self.plan_says, self.ran = plan_says, []
        declared = self.spec["root"]["inputDefinitions"]["parameters"]
        given = {name: one.get("defaultValue") for name, one in declared.items()}
        self._graph(self.spec["root"], given | parameters, {})
        return self.ran

    def _graph(self, component, parameters, artifacts):
        """Carry out a graph; return the numbers of the artifacts that it gives, by its outputs."""
        tasks, made = component["dag"]["tasks"], {}
        waiting = dict(tasks)
        while waiting:
            name = next(one for one in waiting if not set(waiting) & set(waiting[one].get("dependentTasks", [])))
            task = waiting.pop(name)
            inputs = task.get("inputs", {})
            values = {key: self._value(source, parameters) for key, source in inputs.get("parameters", {}).items()}
            named = {}
            for key, source in inputs.get("artifacts", {}).items():
                if "componentInputArtifact" in source:
                    named[key] = artifacts[source["componentInputArtifact"]]
                else:
                    output = source["taskOutputArtifact"]
                    named[key] = made[output["producerTask"], output["outputArtifactKey"]]
            made |= {(name, output): numbers for output, numbers in self._task(name, task, values, named).items()}
        given = {}
        for key, output in component["dag"].get("outputs", {}).get("artifacts", {}).items():
            [chosen] = output["artifactSelectors"]
            given[key] = made[chosen["producerSubtask"], chosen["outputArtifactKey"]]
        return given

    def _value(self, source, parameters):
        if "componentInputParameter" in source:
            return parameters[source["componentInputParameter"]]
        if "taskOutputParameter" in source:
            assert source["taskOutputParameter"]["producerTask"] == "plan"
            return self.plan_says[source["taskOutputParameter"]["outputParameterKey"]]
        return source["runtimeValue"]["constant"]

    def _task(self, name, task, values, named):
        component = self.spec["components"][task["componentRef"]["name"]]
        iterator = task.get("parameterIterator")
        if iterator:
            items = values[iterator["items"]["inputParameter"]]
            turns = [self._graph(component, values | {iterator["itemInput"]: item}, named) for item in items]
            return {key: [number for turn in turns for number in turn[key]] for key in turns[0]}
        if "dag" in component:
            return self._graph(component, values, named)
        container = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        said = [container["image"], container["command"], container["args"]]
        key = json.dumps([name, said, values, named], sort_keys=True)
        outputs = component.get("outputDefinitions", {}).get("artifacts", {})
        if key not in self.cache or not task.get("cachingOptions", {}).get("enableCache"):
            self.ran.append(name)
            self.cache[key] = {output: [next(self.numbers)] for output in outputs}
        return self.cache[key]


@pytest.fixture
def plan_says(spec):
    outputs = spec["components"]["comp-plan"]["outputDefinitions"]["parameters"]
    return {name: f"what plan says of {name}" for name in outputs} | {"Output": GANS, "arm_pods": ARMS}


def test_an_identical_run_repeats_plan_alone(spec, plan_says):
    cluster = Cluster(spec)
    assert len(cluster.submit(plan_says)) == 7 + len(GANS) + 2 * len(ARMS)
    assert cluster.submit(plan_says) == ["plan"]


def test_a_run_with_other_intervals_repeats_the_verdict_alone(spec, plan_says):
    cluster = Cluster(spec)
    cluster.submit(plan_says)
    assert cluster.submit(plan_says | {"plan_json": "other"}, confidence=0.9) == ["plan", "compare"]


def test_one_more_arm_leaves_the_others_as_they_are(spec, plan_says):
    cluster = Cluster(spec)
    cluster.submit(plan_says)
    more = {"plan_json": "other", "arm_pods": [*ARMS, {"arms": ["balanced"]}]}
    again = cluster.submit(plan_says | more, arms=["real", "gan:50", "balanced"])
    assert again.count("train-gan") == again.count("prepare") == 0
    # Synthesize looks at all arms; where it gives another set, all that take it are new.
    assert again.count("train-classifier") == 3


def test_changed_images_leave_nothing_in_the_cache(spec, plan_says):
    cluster = Cluster(spec)
    first = cluster.submit(plan_says)
    assert set(cluster.submit(plan_says | {"data_version": "other"})) == set(first) - {"fetch-classifier"}
