"""Where each stage runs: its image, the memory and processors it asks for, GPUs for the trainers, the way to MinIO."""

from kfp import kubernetes
from kfp.dsl import PipelineTask
from kfp.dsl.pipeline_channel import PipelineParameterChannel

from components.storage.objects import ACCESS_KEY, ENDPOINT, REGION, SECRET_KEY

# Stage -> (image, processors, memory). `train_gan` takes its own from the run's parameters; a user's own network, of up
# to 500 MB, is held in memory once and a half by `plan` and `fetch_classifier`.
STAGES = {
    "plan": ("data", "1", "2Gi"),
    "prepare": ("data", "2", "4Gi"),
    "fetch_classifier": ("data", "1", "2Gi"),
    "train_gan": ("gan", "", ""),
    "synthesize": ("gan", "2", "4Gi"),
    "embed": ("gan", "2", "4Gi"),
    "audit": ("gan", "2", "4Gi"),
    "train_classifier": ("classifier", "2", "6Gi"),
    "evaluate": ("classifier", "1", "4Gi"),
    "compare": ("data", "2", "4Gi"),
}
DAY = 24 * 3600
# Stages that read data in object storage, and the Secret that holds the way there, made by `make deploy`.
READERS = ("plan", "prepare", "fetch_classifier", "train_gan", "synthesize", "audit")
STORAGE_SECRET = "gansweep-storage"
LOGIN = {"endpoint": ENDPOINT, "access-key": ACCESS_KEY, "secret-key": SECRET_KEY, "region": REGION}
CHECKPOINTS = {"checkpoints": "GANSWEEP_CHECKPOINTS"}


def place(task: PipelineTask, stage: str, images: dict[str, str]) -> PipelineTask:
    """Give a task its image, requests and limits.

    `images` maps data, gan and classifier to image names. Requests equal limits: such pods are the last that a
    full node evicts. Which pods are tried again is set in the cluster (manifests/kfp/workflow-defaults.yaml): the
    retries of KFP 2.17 know no reasons, would repeat refused values, and wait a pause out even where nothing is to be
    repeated.
    """
    image, cpu, memory = STAGES[stage]
    task.set_container_image(images[image])
    task.set_display_name(stage)
    kubernetes.set_image_pull_policy(task, "IfNotPresent")  # a tag names a commit, so it never means another image
    if cpu:
        task.set_cpu_request(cpu).set_cpu_limit(cpu).set_memory_request(memory).set_memory_limit(memory)
    kubernetes.set_timeout(task, DAY)
    if stage in READERS:
        # Optional: data may lie on a volume, and then there is no such Secret; MinIO has no regions.
        variables = LOGIN | (CHECKPOINTS if stage == "train_gan" else {})
        kubernetes.use_secret_as_env(task, STORAGE_SECRET, variables, optional=True)
    kubernetes.add_pod_label(task, "app.kubernetes.io/part-of", "gansweep")
    kubernetes.add_pod_label(task, "gansweep/stage", stage.replace("_", "-"))
    return task


def place_on_gpu(
    task: PipelineTask,
    stage: str,
    planned: PipelineTask,
    gpu_type: PipelineParameterChannel,
    tolerations: PipelineParameterChannel,
    *,
    in_loop: bool,
) -> PipelineTask:
    """Give a task the GPUs and nodes that `plan` has found for its stage; "" GPUs asks for none.

    Channels are registered by hand: inside a loop KFP 2.17 would otherwise compile them to an input that nothing feeds.
    """
    gpus, nodes = (planned.outputs[f"{stage}_{what}"] for what in ("gpus", "nodes"))
    task.register_pipeline_channels([gpus, gpu_type, nodes, tolerations])
    task.set_accelerator_type(gpu_type).set_accelerator_limit(gpus)
    kubernetes.add_node_selector_json(task, nodes)
    if in_loop:
        # KFP 2.17 writes the name of the other task, which a loop's body does not have: there it is an input.
        source = {"componentInputParameter": nodes.full_name}
        task.platform_config["kubernetes"]["nodeSelector"]["nodeSelectorJson"] = source
    kubernetes.add_toleration_json(task, tolerations)
    return _share_memory(task)


def ask_for(task: PipelineTask, cpu: PipelineParameterChannel, memory: PipelineParameterChannel) -> PipelineTask:
    """Ask for processors and memory by run-time parameters."""
    task.register_pipeline_channels([cpu, memory])
    return task.set_cpu_request(cpu).set_cpu_limit(cpu).set_memory_request(memory).set_memory_limit(memory)


def _share_memory(task: PipelineTask) -> PipelineTask:
    """Give a trainer /dev/shm in memory; a container's default of 64 MiB stops data loaders and NCCL."""
    return kubernetes.empty_dir_mount(task, "shared-memory", "/dev/shm", medium="Memory", size_limit="1Gi")
