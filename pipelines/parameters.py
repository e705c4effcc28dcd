"""The pipeline's parameters as a user gives them: presets, name=value settings, and their table."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from components.contracts.errors import InputError
from components.contracts.plain_text import PLACEHOLDER
from components.data_set.external_test_sets import external_addresses
from components.data_set.further_sets import SetAddress
from components.data_set.synthetic_sets import addresses_of
from pipelines.compile import load_pipeline
from pipelines.yaml_files import parse_yaml, read_mapping

PRESETS = Path(__file__).parent / "presets"
# Parameters that hold a path: made absolute, for stages may run elsewhere than the user's shell.
PATHS = ("data_set", "table", "inception_weights", "classifier", "classifier_weights")
# Parameters of earlier versions and what they are called now.
RENAMED = {
    "groups": "table",
    "gan_checkpoint_epochs": "gan_checkpoint_updates",
    "gan_device": "device",
    "gan_gpus": "gpus",
    "gan_gpu_type": "gpu_type",
    "gan_node_selector": "node_selector",
    "gan_tolerations": "tolerations",
}


@dataclass(frozen=True)
class Parameter:
    """One pipeline parameter; `kind` is KFP's name of its type: String, Integer, Float, Boolean, List or Dict."""

    name: str
    kind: str
    default: Any
    required: bool
    description: str


@cache
def declared_parameters() -> dict[str, Parameter]:
    """Return all parameters in order, as the pipeline's signature and docstring declare them."""
    inputs = load_pipeline().component_spec.inputs
    return {
        name: Parameter(name, spec.type, spec.default, not spec.optional, " ".join((spec.description or "").split()))
        for name, spec in inputs.items()
    }


def preset_names() -> list[str]:
    """Return the names of the presets that come with gansweep."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_preset(name: str) -> dict[str, Any]:
    """Return the arguments of a preset, given by name or as the path of a YAML file; raises InputError."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else PRESETS / f"{name}.yaml"
    if not path.is_file():
        close = difflib.get_close_matches(name, preset_names(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"take one of {', '.join(preset_names())} or a .yaml file"
        raise InputError(f"--preset: there is no preset '{name}'; {hint}")
    values = read_mapping("", path, "one 'parameter: value' a line")
    return {name: typed(name, value) for name, value in values.items()}


def load_presets(names: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of several presets together, later ones before earlier ones; raises InputError."""
    return {name: value for preset in names for name, value in load_preset(preset).items()}


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """Read `name=value` texts; raises InputError on unknown names (with the nearest one) and wrong types."""
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: write it as name=value")
        kind = _parameter(name).kind
        values[name] = typed(name, text if kind == "String" else _value(name, kind, text))
    return values


def split_settings(text: str) -> list[str]:
    """Return the settings of a text such as 'seed=1 gan_node_selector={"my/label": "yes"}', as make passes them on.

    A setting ends at a blank before the name of another parameter and "=": values may hold blanks and quotes.
    """
    names = "|".join(map(re.escape, declared_parameters()))
    return [part.strip() for part in re.split(rf"\s+(?=(?:{names})=)", text.strip()) if part.strip()]


def resolve(preset: dict[str, Any], settings: dict[str, Any], data_set: str = "") -> dict[str, Any]:
    """Return every parameter's value: defaults, then the preset, then the settings, then the data set.

    Paths are made absolute. Raises InputError if a parameter without a default has no value, and for what KFP would
    put another value in place of.
    """
    given = {**preset, **settings, **({"data_set": data_set} if data_set else {})}
    values = {}
    for name, parameter in declared_parameters().items():
        if name not in given and parameter.required:
            raise InputError(f"{name}: no value is given; name the data set with --data FOLDER")
        value = given.get(name, parameter.default)
        if PLACEHOLDER in json.dumps(value):
            raise InputError(f"{name}: holds '{PLACEHOLDER}', which Kubeflow would put a value in place of; rename it")
        values[name] = _absolute(value) if _is_path(name, value) else value
    values["synthetic_sets"] = {
        name: [_absolute_set(one) for one in given] if isinstance(given, list) else _absolute_set(given)
        for name, given in values["synthetic_sets"].items()
    }
    values["external_test_sets"] = {name: _absolute_set(given) for name, given in values["external_test_sets"].items()}
    return values


def _absolute_set(given: Any) -> Any:
    """Return one address of synthetic_sets, alone or with its table, made absolute."""
    if not isinstance(given, dict):
        return _absolute(given)
    return given | {key: _absolute(given[key]) for key in ("images", "table") if key in given}


def _is_path(name: str, value: Any) -> bool:
    """Whether a parameter holds a path or an address; that of the classifier may be a name as well."""
    return name in PATHS and (name != "classifier" or str(value).endswith(".keras"))


def _absolute(address: Any) -> Any:
    """Return a path of this machine made absolute; addresses, and what is no text, as they are."""
    if not isinstance(address, str) or not address or "://" in address:
        return address
    return str(Path(address).expanduser().resolve())


def addresses(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the parameters that hold paths or addresses, each with what it holds."""
    held = [(name, values[name]) for name in PATHS if _is_path(name, values[name])]
    for name, one in _further_sets(values):
        held += [(name, one.images), (f"{name}: table", one.table)]
    return [(name, address) for name, address in held if address]


def image_folders(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the parameters that hold images of the user's, each with the folder or address of them."""
    return [("data_set", values["data_set"]), *((name, one.images) for name, one in _further_sets(values))]


def _further_sets(values: dict[str, Any]) -> list[tuple[str, SetAddress]]:
    synthetic, external = addresses_of(values["synthetic_sets"]), external_addresses(values["external_test_sets"])
    return [(f"synthetic_sets: {name}", one) for name, sets in synthetic.items() for one in sets] + [
        (f"external_test_sets: {name}", one) for name, one in external.items()
    ]


def parse_sets(synthetic: Sequence[str], external: Sequence[str]) -> dict[str, Any]:
    """Read `name=address` and `name=address,table=file` options into `synthetic_sets` and `external_test_sets`.

    Only those of them that are given. A synthetic set whose name comes again has one draw more. Raises InputError for
    what is neither.
    """
    draws: dict[str, list[Any]] = {}
    for name, given in _named("--synthetic", synthetic):
        draws.setdefault(name, []).append(given)
    tests: dict[str, Any] = {}
    for name, given in _named("--external", external):
        if name in tests:
            raise InputError(f"--external {name}: there are two test sets of that name; call one of them otherwise")
        tests[name] = given
    sets = {
        "synthetic_sets": {name: given if len(given) > 1 else given[0] for name, given in draws.items()},
        "external_test_sets": tests,
    }
    return {parameter: given for parameter, given in sets.items() if given}


def _named(option: str, values: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for value in values:
        name, _, given = value.partition("=")
        images, with_table, table = given.partition(",table=")
        if not images or (with_table and not table):
            raise InputError(
                f"{option} {value}: write it as name=FOLDER or name=minio://bucket/prefix; where a table holds the "
                "labels, add ,table=FILE"
            )
        yield name, {"images": images, "table": table} if table else images


def parameters_table() -> str:
    """Return the parameters as a Markdown table, for the README."""
    lines = ["| parameter | default | meaning |", "| --- | --- | --- |"]
    for parameter in declared_parameters().values():
        default = "" if parameter.required else f"`{json.dumps(parameter.default)}`"
        lines.append(f"| `{parameter.name}` | {default} | {parameter.description} |")
    return "\n".join(lines) + "\n"


def typed(name: str, value: Any) -> Any:
    """Return a value as its parameter's type has it; raises InputError on unknown names and wrong types."""
    kind = _parameter(name).kind
    if kind == "Float" and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    python_type = {"String": str, "Integer": int, "Float": float, "Boolean": bool, "List": list, "Dict": dict}[kind]
    if not isinstance(value, python_type) or (kind == "Integer" and isinstance(value, bool)):
        if kind == "String" and isinstance(value, bool | int | float):
            raise InputError(
                f"{name}: {value!r} is no text; YAML takes words such as yes, no and 1 for something else, so write it "
                f'between quotes: {name}: "..."'
            )
        hint = f"; write it as a list, {name}: [a, b]" if kind == "List" and isinstance(value, str) else ""
        if (name, value) == ("replicates", "auto"):
            hint = "; give --replicates auto to gansweep run, or replicates: auto in a sweep's file, for a cluster too"
        raise InputError(f"{name}: {value!r} is not a value of type {kind}{hint}")
    return value


def _parameter(name: str) -> Parameter:
    known = declared_parameters()
    if name in RENAMED:
        raise InputError(f"{name}: there is no such parameter any more; it is {RENAMED[name]} now")
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "see the table of parameters in the README"
        raise InputError(f"{name}: there is no such parameter; {hint}")
    return known[name]


def _value(name: str, kind: str, text: str) -> Any:
    if kind == "List" and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",")]
    try:
        # YAML 1.1 reads 2e-4 as text; JSON reads it as a number, so JSON goes first.
        return json.loads(text)
    except (ValueError, RecursionError):
        try:
            return parse_yaml(text)
        except ValueError as error:
            raise InputError(f"{name}: '{text}' is not a value of type {kind} ({error})") from None
