"""A YAML file as plain values that remember their lines, so that every fault can name its place."""

from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file read: its plain values, and the line of each path into them."""

    name: str
    values: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest part of it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fault(self, path: Path, reason: str) -> str:
        """Return `file:line: where: reason`."""
        where = ".".join(str(part) for part in path)
        return f"{self.name}:{self.line(path)}: {where + ': ' if where else ''}{reason}"


class SourceError(ValueError):
    """The file is not readable YAML of the kind we accept; the message names file, line and reason."""


def entries(name: str, folder: Traversable, faults: list[str]) -> dict[str, Traversable]:
    """Return what is in a folder by name, in order; one that cannot be listed is added to the faults as `name`."""
    try:
        return {each.name: each for each in sorted(folder.iterdir(), key=lambda each: each.name)}
    except OSError as error:
        faults.append(f"{name}:1: cannot be read: {error.strerror}")
        return {}


def read_bytes(name: str, file: Traversable) -> bytes:
    """Read one file, and no more of it than shows that it is too large.

    Raises SourceError for a larger one, and for what is no file or cannot be read, such as a link that leads nowhere.
    """
    if not file.is_file():
        raise SourceError(f"{name}:1: is no file that can be read")
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{name}:1: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise SourceError(f"{name}:1: the file is larger than {MAX_BYTES // 1024} KiB")
    return data


def read_source(name: str, data: bytes) -> Source:
    """Read the bytes of one YAML file: in UTF-8, without aliases, tags or repeated keys.

    Raises SourceError otherwise. Every scalar is read as text: what is a number is decided by the schema.
    """
    try:
        root = _compose(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{name}:{line}: the file is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SourceError(f"{name}:{mark.line + 1 if mark else 1}: {error.problem}") from None
    except yaml.YAMLError:
        raise SourceError(f"{name}:1: the file holds characters that YAML does not allow") from None
    lines: dict[Path, int] = {}
    return Source(name=name, values=_plain(root, (), lines, name), lines=lines)


# Six times as fast as the one in Python, which stands in where PyYAML was built without libyaml.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENS = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSES = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def _compose(text: str) -> yaml.Node | None:
    """Build the tree with nothing in it resolved: an alias would let a small file grow without bound.

    What is nested deeper than any instrument is refused before it is built: to build it would take all of the stack.
    """
    depth = 0
    for token in yaml.scan(text, Loader=_LOADER):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if isinstance(token, yaml.AliasToken):
            raise yaml.MarkedYAMLError(problem="aliases are not accepted", problem_mark=token.start_mark)
        if depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH}", problem_mark=token.start_mark)
    return yaml.compose(text, Loader=_LOADER)


_BOOLEANS = {"true": True, "false": False}


def _plain(node: yaml.Node | None, path: Path, lines: dict[Path, int], name: str) -> Any:
    if node is None:
        return None
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, name)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, index), lines, name) for index, child in enumerate(node.value)]
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    return _BOOLEANS.get(node.value, node.value) if plain else node.value


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int], name: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, child in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in values:
            raise SourceError(f"{name}:{key.start_mark.line + 1}: every key must be a word that occurs once")
        values[key.value] = _plain(child, (*path, key.value), lines, name)
        lines[(*path, key.value)] = key.start_mark.line + 1
    return values
