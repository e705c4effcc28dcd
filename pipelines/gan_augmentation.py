"""The pipeline: does synthetic training data help, how much of it, and at what cost in missed disease?

plan -> prepare -> train_gan (class x replicate, on GPU nodes)
    |                 `-> synthesize -> embed -> train_classifier -> evaluate (over arms)
    |                                        `-> audit  |               `-> compare
    `-> fetch_classifier -------------------------------'
"""

from typing import Any

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.audit.component import audit
from components.compare.component import compare
from components.embed.component import embed
from components.evaluate.component import evaluate
from components.fetch_classifier.component import fetch_classifier
from components.plan.component import plan
from components.prepare.component import prepare
from components.synthesize.component import synthesize
from components.train_classifier.component import train_classifier
from components.train_gan.component import train_gan
from pipelines.placement import ask_for, place, place_on_gpu

NAME = "gan-augmentation"


def make_pipeline(images: dict[str, str], code_digest: str) -> BaseComponent:
    """Return the pipeline.

    `images` holds the names of its images (data, gan and classifier), `code_digest` identifies the code in them
    and is stated in the verdict.
    """

    @dsl.pipeline(name=NAME)
    def gan_augmentation(
        data_set: str,
        table: str = "",
        table_columns: dict = {},  # noqa: B006
        positive_class: str = "",
        image_size: int = 32,
        test_share: float = 0.2,
        test_folds: int = 1,
        test_fold: int = 0,
        validation_share: float = 0.2,
        max_bad_share: float = 0.05,
        bits_used: int = 16,
        on_leak: str = "drop",
        on_conflict: str = "drop",
        near_duplicate_correlation: float = 0.99,
        arms: list = ["real", "traditional", "gan:50%", "gan:100%", "traditional+gan:100%"],  # noqa: B006 (KFP copies it)
        synthetic_sets: dict = {},  # noqa: B006
        external_test_sets: dict = {},  # noqa: B006
        replicates: int = 5,
        replicates_why: str = "",
        gan_replicates: int = 1,
        seed: int = 0,
        pods: int = 0,
        gan_size: int = 0,
        gan_updates: int = 3000,
        gan_epochs: int = 0,
        gan_batch_size: int = 64,
        gan_learning_rate: float = 2e-4,
        gan_beta1: float = 0.5,
        gan_latent: int = 100,
        gan_width: int = 32,
        gan_flips: bool = True,
        gan_average: float = 0.999,
        gan_precision: str = "auto",
        gan_checkpoint_updates: int = 200,
        gan_threads: int = 1,
        gan_cpu: str = "2",
        gan_memory: str = "4Gi",
        device: str = "auto",
        gpus: str = "",
        gpu_stages: list = ["train_gan", "embed"],  # noqa: B006
        gpu_type: str = "nvidia.com/gpu",
        node_selector: dict = {},  # noqa: B006
        tolerations: list = [],  # noqa: B006
        inception_weights: str = "",
        classifier: str = "paper",
        classifier_weights: str = "",
        classifier_trainable: str = "all",
        classifier_start: str = "weights",
        classifier_epochs: int = 60,
        classifier_batch_size: int = 32,
        classifier_learning_rate: float = 1e-3,
        classifier_dropout: float = 0.25,
        classifier_patience: int = 10,
        classifier_threads: int = 1,
        confidence: float = 0.95,
        sensitivity_margin: float = 0.02,
        target_sensitivity: float = 0.9,
        endpoint: str = "auc",
        endpoint_specificity: float = 0.9,
        bootstrap_resamples: int = 2000,
    ) -> None:
        """Does synthetic training data help a medical image classifier, and at what cost in missed disease?

        Args:
            data_set: Folder or minio://bucket/prefix with a folder of images a class, also under train/ and test/.
            table: CSV or TSV about the images (label, patient, lesion, split, subgroups): file or minio://; "" if none.
            table_columns: Names of its columns where they aren't the usual ones, as JSON: image, label, group (a list),
                split, subgroups (a list: "sex", "age:40,60" cuts at edges, "age:q4" into quarters).
            positive_class: Class whose misses cost most; "" takes `malignant`.
            image_size: Height and width of the images, in pixels, 16 to 512.
            test_share: Share of the images drawn as test set where no test/ folder is given, 0 to 1.
            test_folds: Folds that all images are dealt into, those of a test/ folder too, so that each is tested once:
                as many runs, everything learnt anew in each, and one verdict. 1 takes a single test set.
            test_fold: Fold that one of these runs tests on, from 0; gansweep sets it, run by run.
            validation_share: Share of the development set that each replicate validates on, 0 to 0.5.
            max_bad_share: Share of unreadable files of a class above which the run stops, 0 to 1.
            bits_used: Bits in use in grey images of 16 bits, 8 to 16: 12 where values end at 4095, as X-rays' often do.
            on_leak: Development images that share a group with the test set, and synthetic images that are near-copies
                of test images: `drop`, `keep` or `fail`.
            on_conflict: Images with equal pixels under different labels: `drop` all of them, `keep` or `fail`.
            near_duplicate_correlation: Correlation of thumbnails above which two images are one group, 0.9 to 1.
            arms: Recipes of the training set, `real` among them: real, real:50%, traditional, balanced (class weights),
                oversampled, gan:120 (images a class), gan:50% (of the real ones of each class), gan:balance (each class
                up to the largest), traditional+gan:480, only-gan:1000; or a name of synthetic_sets for gan.
            synthetic_sets: Your own synthetic images, as JSON: {"diffusion": "FOLDER or minio://..."} with a folder of
                images a class, or {"diffusion": {"images": "...", "table": "...", "table_columns": {}}} where a table
                holds the labels; a list of these is as many draws of that generator.
            external_test_sets: Test sets from elsewhere, as JSON: {"hospital_b": "FOLDER or minio://..."}, or where a
                table holds the labels {"hospital_b": {"images": "...", "table": "...", "table_columns": {}}}.
            replicates: Trainings of each arm, each with its own seed and validation fold; `gansweep run --replicates
                auto` chooses how many.
            replicates_why: Why so many, a sentence for the report; `--replicates auto` fills it in.
            gan_replicates: GANs trained for each class; replicate r of an arm uses number r modulo this.
            seed: Seed of the first replicate; the others count up from it.
            pods: Pods that share the GANs, and then the arms, by expected work, each its own one after the other: as
                many as keep the nodes busy; 0 gives each GAN and each arm a pod of its own.
            gan_size: Height and width of a GAN's pictures, scaled up to image_size; 0 takes image_size, or where a
                DCGAN can't have that the largest power of two below it, 64 at most.
            gan_updates: Updates of each GAN, as many for a small class as for a large one.
            gan_epochs: Passes of each GAN over its class in place of gan_updates; 0 counts updates.
            gan_batch_size: Images a GAN update.
            gan_learning_rate: Step size of Adam, for both networks.
            gan_beta1: First decay rate of Adam, for both networks, 0 to 1.
            gan_latent: Entries of the latent vector that a synthetic image is made from.
            gan_width: Feature maps of the generator's last hidden layer; each layer before has twice as many.
            gan_flips: Show the GAN flipped and turned images too; a lesion has no upper side.
            gan_average: Decay of the running average of the generator's weights, an update; 0 keeps the last weights.
            gan_precision: Arithmetic of a GAN training: `float32`, `bfloat16`, or `auto` for bfloat16 where the
                processor (AMX) or the GPU has units for it.
            gan_checkpoint_updates: Updates between two checkpoints, at least.
            gan_threads: Processor threads of one GAN training on the CPU.
            gan_cpu: Processors of one GAN pod (request and limit).
            gan_memory: Memory of one GAN pod (request and limit).
            device: `auto` computes on a GPU where gpus asks for one, `cpu` never does (where GPUs are simulated).
            gpus: GPUs of each pod of gpu_stages, as text: "1"; "" asks for none and computes on the CPU.
            gpu_stages: Stages that want GPUs: `train_gan`, `embed`, `train_classifier`.
            gpu_type: Resource name of the GPUs.
            node_selector: Node labels that pods of gpu_stages need, as JSON.
            tolerations: Tolerations of pods of stages that may have GPUs, as JSON.
            inception_weights: Inception-v3 weights (.safetensors, also minio://) for the quality figures; "" takes
                the features of the pretrained network.
            classifier: What learns the classes: `paper`, its small network, or `paper-wide` and `paper-deep`, with
                twice the maps or convolutions; `pretrained`, a linear head on features of a frozen network
                (EfficientNet-Lite0, ImageNet); an architecture of keras.applications, such as `MobileNetV2`; or a
                model of your own, a .keras file (also minio://).
            classifier_weights: File of weights of an architecture of Keras, without its top (.h5, also minio://); ""
                draws them afresh.
            classifier_trainable: What learns of an architecture of Keras or a model of your own: `all` that is not
                frozen in its file, or its `head` alone.
            classifier_start: What a training of such a network begins with: the `weights` of its file, or weights drawn
                `afresh`; the head's are always new.
            classifier_epochs: Passes of each classifier over its training set, at most.
            classifier_batch_size: Images a classifier update.
            classifier_learning_rate: Step size of Adam.
            classifier_dropout: Share of activations dropped after each block of `paper` and its variants, 0 to 1.
            classifier_patience: Epochs without a lower validation loss that end a training; 0 never does.
            classifier_threads: Processor threads of one classifier training on the CPU.
            confidence: Level of all intervals, and 1 minus the error rate of the verdicts, 0.5 to 1.
            sensitivity_margin: Loss of sensitivity against `real` that an arm must be shown to stay within, 0 to 1.
            target_sensitivity: Validation sensitivity at which the operating threshold is set, 0 to 1.
            endpoint: Score that the verdicts are about, all others are secondary: `auc`, `balanced_accuracy` or
                `sensitivity_at_specificity`.
            endpoint_specificity: Specificity at which `sensitivity_at_specificity` is read off the ROC curve, 0 to 1.
            bootstrap_resamples: Draws of all arms' scores together behind the best amount.
        """
        parameters = {name: value for name, value in locals().items() if name not in ("images", "code_digest")}

        def own(stage: BaseComponent, prefix: str = "") -> dict[str, Any]:
            """Return what a stage takes of the parameters, by the same names; those with the prefix come first."""
            names = stage.component_spec.inputs
            same = {name: parameters[name] for name in names if name in parameters}
            return same | {name: parameters[f"{prefix}{name}"] for name in names if f"{prefix}{name}" in parameters}

        planned = place(plan(code_digest=code_digest, **parameters), "plan", images)
        planned.set_caching_options(False)
        prepared = prepare(
            **own(prepare),
            smallest_class=planned.outputs["smallest_class"],
            data_version=planned.outputs["data_version"],
            external_version=planned.outputs["external_version"],
        )
        place(prepared, "prepare", images)
        fetched = fetch_classifier(**own(fetch_classifier), classifier_version=planned.outputs["classifier_version"])
        place(fetched, "fetch_classifier", images)
        with dsl.ParallelFor(planned.outputs["Output"], name="gans") as pod:
            gan = train_gan(
                development_set=prepared.outputs["development_set"],
                pod=pod,
                **own(train_gan, "gan_"),
            )
            place(gan, "train_gan", images)
            place_on_gpu(gan, "train_gan", planned, gpu_type, tolerations, in_loop=True)
            ask_for(gan, gan_cpu, gan_memory)
        synthesized = synthesize(
            generators=dsl.Collected(gan.outputs["generator"]),
            development_set=prepared.outputs["development_set"],
            test_set=prepared.outputs["test_set"],
            external_set=prepared.outputs["external_set"],
            synthetic_version=planned.outputs["synthetic_version"],
            **own(synthesize),
            threads=gan_threads,
        )
        place(synthesized, "synthesize", images)
        embedded = embed(
            development_set=prepared.outputs["development_set"],
            test_set=prepared.outputs["test_set"],
            synthetic_set=synthesized.outputs["synthetic_set"],
            external_set=prepared.outputs["external_set"],
            **own(embed),
            threads=gan_threads,
        )
        place(embedded, "embed", images)
        place_on_gpu(embedded, "embed", planned, gpu_type, tolerations, in_loop=False)
        audited = audit(
            development_set=prepared.outputs["development_set"],
            test_set=prepared.outputs["test_set"],
            synthetic_set=synthesized.outputs["synthetic_set"],
            features=embedded.outputs["features"],
            **own(audit),
            threads=gan_threads,
        )
        place(audited, "audit", images)
        with dsl.ParallelFor(planned.outputs["arm_pods"], name="arms") as pod:
            trained = train_classifier(
                development_set=prepared.outputs["development_set"],
                synthetic_set=synthesized.outputs["synthetic_set"],
                features=embedded.outputs["features"],
                network=fetched.outputs["network"],
                pod=pod,
                **own(train_classifier, "classifier_"),
            )
            place(trained, "train_classifier", images)
            place_on_gpu(trained, "train_classifier", planned, gpu_type, tolerations, in_loop=True)
            evaluated = evaluate(
                models=trained.outputs["models"],
                test_set=prepared.outputs["test_set"],
                external_set=prepared.outputs["external_set"],
                synthetic_set=synthesized.outputs["synthetic_set"],
                features=embedded.outputs["features"],
                pod=pod,
                **own(evaluate, "classifier_"),
            )
            place(evaluated, "evaluate", images)
        compared = compare(
            plan_json=planned.outputs["plan_json"],
            evaluations=dsl.Collected(evaluated.outputs["evaluation"]),
            development_set=prepared.outputs["development_set"],
            test_set=prepared.outputs["test_set"],
            external_set=prepared.outputs["external_set"],
            synthetic_set=synthesized.outputs["synthetic_set"],
            data_report=prepared.outputs["data_report"],
            synthetic_report=synthesized.outputs["synthetic_report"],
            audit_report=audited.outputs["audit_report"],
        )
        place(compared, "compare", images)

    return gan_augmentation
