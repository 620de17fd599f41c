"""Newline-delimited JSON as it comes in, packed or not: one resource after the other, never a file as a whole."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_alliance.errors import ExportFailed
from fhir_alliance.strict_json import strict_json

MAX_LINE: Final = 16 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Line:
    """One resource: the bytes as they came, without the newline, and what they say."""

    raw: bytes = field(repr=False)
    resource: dict[str, Any] = field(repr=False)


def resources(
    chunks: Iterable[bytes], resource_type: str, *, max_bytes: int, max_line: int = MAX_LINE
) -> Iterator[Line]:
    """Yield the resources of a file; empty lines are nothing.

    Raises ExportFailed when a line is longer than `max_line`, is no JSON resource or one of another type, when the
    file is larger than `max_bytes` after unpacking, and when it is packed and ends too early.
    """
    for raw in _lines(_unpacked(chunks, max_bytes), max_line):
        try:
            resource = strict_json(raw)
        except ValueError:
            raise ExportFailed(f"a line of a {resource_type} file is no JSON") from None
        if not isinstance(resource, dict) or resource.get("resourceType") != resource_type:
            raise ExportFailed(f"a {resource_type} file holds something else")
        yield Line(raw=raw, resource=resource)


def _lines(chunks: Iterable[bytes], max_line: int) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in (_short(line, max_line).strip() for line in whole) if line)
        _short(rest, max_line)
    if last := rest.strip():
        yield last


def _short(line: bytes, max_line: int) -> bytes:
    if len(line) > max_line:
        raise ExportFailed(f"a line is longer than {max_line} bytes")
    return line


def _unpacked(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of a file that may be gzip by itself, as a file that is stored packed is."""
    count, unpack = 0, None
    for number, chunk in enumerate(_from_two_bytes(chunks)):
        if number == 0 and chunk.startswith(_GZIP):
            unpack = _Gzip()
        for piece in unpack.pieces(chunk) if unpack else (chunk,):
            count += len(piece)
            if count > max_bytes:
                raise ExportFailed(f"a file is larger than {max_bytes} bytes")
            yield piece
    if unpack and not unpack.ended:
        raise ExportFailed("a packed file ends too early")


def _from_two_bytes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks of which the first has two bytes at least, where there are two."""
    head: bytes | None = b""
    for chunk in chunks:
        if head is None:
            yield chunk
        elif len(head := head + chunk) >= len(_GZIP):
            yield head
            head = None
    if head:
        yield head


class _Gzip:
    """Unpacks gzip bit by bit, so that a small file cannot become a large piece of memory; members may follow on."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def ended(self) -> bool:
        """Whether the last member is whole."""
        return self._member.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what comes out of more bytes of the file; ExportFailed when they are no gzip."""
        try:
            while data:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                yield self._member.decompress(data, _PIECE)
                data = self._member.unconsumed_tail or self._member.unused_data
        except zlib.error:
            raise ExportFailed("a packed file is damaged") from None
