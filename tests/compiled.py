"""Templates and statements compiled once in a process: most tests have apps and databases of their own, all alike."""

from typing import Any

from jinja2.bccache import Bucket, BytecodeCache


class Compiled(BytecodeCache):
    """Keeps the code of each template, by its file, its text and how it is read."""

    def __init__(self) -> None:
        self._code: dict[tuple[object, ...], object] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template the code it was compiled to before."""
        bucket.code = self._code.get(_of(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template that was compiled now."""
        self._code[_of(bucket)] = bucket.code


class Statements(dict[tuple[Any, ...], Any]):
    """Keeps the SQL of each statement by the kind of database, where an engine keeps it for its own database alone."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """Return the SQL that a statement was compiled to before."""
        return super().get(_alike(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        """Keep the SQL of a statement that was compiled now."""
        super().__setitem__(_alike(key), compiled)


def _of(bucket: Bucket) -> tuple[object, ...]:
    read = bucket.environment
    return bucket.key, bucket.checksum, read.trim_blocks, read.lstrip_blocks, tuple(sorted(read.extensions))


def _alike(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return type(dialect), dialect.server_version_info, *statement
