"""The limits of every pipeline parameter.

Names, defaults, units and meanings stand in the pipeline's signature and docstring
(`pipelines/gan_augmentation.py`); here stands what values make sense.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from components.contracts.arms import parse_arms
from components.contracts.errors import InputError
from components.data_set.external_test_sets import external_addresses
from components.data_set.synthetic_sets import addresses_of, check_sources

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]


class Parameters(BaseModel):
    """Every parameter of the pipeline, checked one by one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    data_set: Annotated[str, Field(min_length=1)]
    table: str
    table_columns: dict[str, Any]
    positive_class: str
    image_size: Annotated[int, Field(ge=16, le=512)]
    test_share: Share
    test_folds: Annotated[int, Field(ge=1, le=20)]
    test_fold: Annotated[int, Field(ge=0)]
    validation_share: Annotated[float, Field(gt=0, le=0.5)]
    max_bad_share: Annotated[float, Field(ge=0, lt=1)]
    bits_used: Annotated[int, Field(ge=8, le=16)]
    on_leak: Literal["drop", "keep", "fail"]
    on_conflict: Literal["drop", "keep", "fail"]
    near_duplicate_correlation: Annotated[float, Field(ge=0.9, le=1)]
    arms: list[str]
    synthetic_sets: dict[str, Any]
    external_test_sets: dict[str, Any]
    replicates: Annotated[int, Field(ge=1, le=100)]
    replicates_why: Annotated[str, Field(max_length=1000)]
    gan_replicates: Annotated[int, Field(ge=1, le=20)]
    seed: Annotated[int, Field(ge=0, lt=2**31 - 100)]
    pods: Annotated[int, Field(ge=0, le=80)]

    gan_size: int
    gan_updates: Annotated[int, Field(ge=1, le=1_000_000)]
    gan_epochs: Annotated[int, Field(ge=0, le=100_000)]
    gan_batch_size: Annotated[int, Field(ge=2, le=4096)]
    gan_learning_rate: Annotated[float, Field(gt=0, le=1)]
    gan_beta1: Annotated[float, Field(ge=0, lt=1)]
    gan_latent: Annotated[int, Field(ge=1, le=4096)]
    gan_width: Annotated[int, Field(ge=1, le=512)]
    gan_flips: bool
    gan_average: Annotated[float, Field(ge=0, lt=1)]
    gan_precision: Literal["auto", "float32", "bfloat16"]
    gan_checkpoint_updates: Count
    gan_threads: Annotated[int, Field(ge=1, le=256)]
    gan_cpu: Quantity
    gan_memory: Quantity

    device: Literal["auto", "cpu"]
    gpus: Annotated[str, Field(pattern=r"^[0-9]*$")]
    gpu_stages: list[Literal["train_gan", "embed", "train_classifier"]]
    gpu_type: Annotated[str, Field(min_length=1)]
    node_selector: dict[str, str]
    tolerations: list[dict[str, Any]]

    inception_weights: str

    classifier: str
    classifier_weights: str
    classifier_trainable: Literal["all", "head"]
    classifier_start: Literal["weights", "afresh"]
    classifier_epochs: Annotated[int, Field(ge=1, le=100_000)]
    classifier_batch_size: Annotated[int, Field(ge=1, le=65_536)]
    classifier_learning_rate: Annotated[float, Field(gt=0, le=1)]
    classifier_dropout: Annotated[float, Field(ge=0, lt=1)]
    classifier_patience: Annotated[int, Field(ge=0)]
    classifier_threads: Annotated[int, Field(ge=1, le=256)]

    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    sensitivity_margin: Annotated[float, Field(ge=0, lt=1)]
    target_sensitivity: Share
    endpoint: Literal["auc", "balanced_accuracy", "sensitivity_at_specificity"]
    endpoint_specificity: Share
    bootstrap_resamples: Annotated[int, Field(ge=100, le=100_000)]

    @property
    def drawn_share(self) -> float:
        """The share of the images that a drawn test set holds, 0 to 1."""
        return 1 / self.test_folds if self.test_folds > 1 else self.test_share

    @field_validator("arms")
    @classmethod
    def _each_is_an_arm(cls, arms: list[str]) -> list[str]:
        parse_arms(arms)
        return arms


def check_parameters(values: dict[str, Any]) -> Parameters:
    """Return the checked parameters; raises InputError naming the first wrong one, its value and its limits."""
    try:
        parameters = Parameters.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "missing":
            raise InputError(f"{name}: no value is given; set it with --set {name}=...") from None
        if first["type"] == "extra_forbidden":
            raise InputError(f"{name}: there is no such parameter") from None
        message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
        raise InputError(f"{name}: {message}; it is {first['input']!r}") from None
    if parameters.test_fold >= parameters.test_folds:
        raise InputError(
            f"test_fold: there is no fold {parameters.test_fold} of {parameters.test_folds}; they count from 0"
        )
    external_addresses(parameters.external_test_sets)
    check_sources(parse_arms(parameters.arms), list(addresses_of(parameters.synthetic_sets)))
    return parameters
