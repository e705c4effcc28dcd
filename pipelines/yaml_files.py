"""Reads the YAML that people write: presets, sweeps, values of parameters. Plain values only, within bounds."""

from pathlib import Path
from typing import Any

import yaml

from components.contracts.errors import InputError
from components.contracts.user_files import read_text

DEEPEST = 20


class _Loader(yaml.SafeLoader):
    """Refuses what lets a small file grow (aliases), what nests too deep for a person, and a name given twice."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            _refuse("aliases (*name) are not read; write the value out", self.peek_event().start_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            _refuse(f"nested more than {DEEPEST} deep", self.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, ((key, _), name) in enumerate(zip(node.value, names, strict=True)):
            if not isinstance(name, str):
                said = f'{key.value} is read as {name!r}, not as a name; write it in quotes, "{key.value}"'
                _refuse(said if isinstance(key, yaml.ScalarNode) else "a name must be a text", key.start_mark)
            if name in names[:number]:
                _refuse(f"{name} stands there twice; keep one", key.start_mark)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str) -> Any:
    """Return the value that a text holds; raises ValueError that says in one line what is wrong and where."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(where + " ".join(str(error.problem or error.context).split())) from None
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
    ) as error:  # a date or a number that is none; an unprintable character
        raise ValueError(" ".join(str(error).split())) from None


def read_mapping(name: str, path: Path, expected: str, *, follow: bool = True) -> dict[str, Any]:
    """Return the content of a file of `name: value` lines, `expected` in words.

    Raises InputError if it can't be read, is no such file, or holds anything else.
    """
    text = read_text(name, path, follow=follow)
    try:
        value = parse_yaml(text)
    except ValueError as error:
        raise InputError(f"{name}{path}: not valid YAML ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{name}{path}: expected {expected}")
    return value


def _refuse(said: str, where: Any) -> None:
    raise yaml.MarkedYAMLError(problem=said, problem_mark=where)
