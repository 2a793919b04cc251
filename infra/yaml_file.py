"""YAML files that people write: read into a model, with every mistake named by field and line.

Only plain YAML is read (no tags that make objects). A name that stands twice is refused, since YAML itself
would quietly take the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

LARGEST_FILE: Final = 1_000_000
"""Bytes."""
_DEEPEST: Final = 40

M = TypeVar("M", bound=BaseModel)


class Mistake(NamedTuple):
    """One thing that is wrong in a file."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "the file"
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class FileRefused(Exception):
    """The file cannot be used; `mistakes` says all that is wrong."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(map(str, mistakes)))


def read_yaml(path: Path, model: type[M]) -> M:
    """The file as this model. Raises `FileRefused`."""
    node = _compose(path)
    content = _plain(node)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise FileRefused([_mistake(one, node) for one in error.errors(include_url=False)]) from error


def _compose(path: Path) -> yaml.Node:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FileRefused([Mistake(0, "", f"larger than {LARGEST_FILE:,} bytes")])
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused([Mistake(0, "", f"cannot be read: {error}")]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise FileRefused([Mistake(line, "", str(error.problem or error))]) from error
    except yaml.YAMLError as error:
        raise FileRefused([Mistake(0, "", str(error))]) from error
    if node is None:
        raise FileRefused([Mistake(0, "", "is empty")])
    return node


def _plain(node: yaml.Node) -> Any:
    twice = [Mistake(line, name, "stands twice") for line, name in _repeated(node, 0)]
    if twice:
        raise FileRefused(twice)
    try:
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise FileRefused([Mistake(line, "", str(error.problem or error))]) from error
    except ValueError as error:
        raise FileRefused([Mistake(0, "", str(error))]) from error


def _repeated(node: yaml.Node, depth: int) -> Iterator[tuple[int, str]]:
    if depth > _DEEPEST:
        raise FileRefused([Mistake(node.start_mark.line + 1, "", "is nested too deeply")])
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(key.value if isinstance(key.value, str) else id(key))
            yield from _repeated(value, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value, depth + 1)


def _mistake(error: Any, node: yaml.Node) -> Mistake:
    path = [part for part in error["loc"] if part != "__root__"]
    message = str(error["msg"]).removeprefix("Value error, ")
    return Mistake(_line_of(node, path), ".".join(map(str, path)), message)


def _line_of(node: yaml.Node, path: list[Any]) -> int:
    """The line (from 1) where this field stands, or where it is missing from."""
    line = node.start_mark.line + 1
    for part in path:
        found = _step(node, part)
        if found is None:
            return line
        line, node = found
    return line


def _step(node: yaml.Node, part: Any) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None
