"""Templates compiled once in a process: most tests have apps of their own, all of the same templates."""

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


def _of(bucket: Bucket) -> tuple[object, ...]:
    read = bucket.environment
    return bucket.key, bucket.checksum, read.trim_blocks, read.lstrip_blocks, tuple(sorted(read.extensions))
