"""Addresses compared by their parts: what only looks like a registered address is refused."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

MAX_LENGTH: Final = 2048
_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"[!-~]+")  # visible ASCII: parsers drop or fold the rest, each in its own way
_DOTS = re.compile(r"(?:\A|/)\.{1,2}(?:/|\Z)|%2e|%2f|%5c", re.IGNORECASE)  # a client or proxy would rewrite the path


class Address(NamedTuple):
    """Where a URL leads: scheme, host, port and path, with the query left out."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What the browser's same-origin rule compares (RFC 6454)."""
        return self[:3]


def address(url: str) -> Address | None:
    """Take an absolute http(s) URL apart; None when any part could be read in two ways.

    Refused: upper case in scheme or host, userinfo, fragment, backslash, control characters, spaces, non-ASCII,
    dot segments (also percent-encoded), and an empty or padded port.
    """
    if not _ADDRESS.fullmatch(url) or "\\" in url or "#" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    if parts.scheme not in _PORTS or not host or _DOTS.search(parts.path):
        return None
    if not url.startswith(f"{parts.scheme}://{parts.netloc}") or parts.netloc not in (shown, f"{shown}:{port}"):
        return None
    return Address(parts.scheme, host, port or _PORTS[parts.scheme], parts.path)


def same_address(one: str, other: str) -> bool:
    """Whether two URLs are the same place; one final slash does not matter, a query or more than 2 KB never matches."""
    if "?" in one + other or len(one) > MAX_LENGTH:
        return False
    found, wanted = address(one), address(other)
    if found is None or wanted is None:
        return False
    return (found.origin, found.path.removesuffix("/")) == (wanted.origin, wanted.path.removesuffix("/"))


def is_under(url: str, base: str) -> bool:
    """Whether `url` is `base` or inside it, at a path boundary: `/fhir-evil` is not under `/fhir`."""
    found, wanted = address(url), address(base)
    if found is None or wanted is None or found.origin != wanted.origin:
        return False
    path = wanted.path.removesuffix("/")
    return found.path == path or found.path.startswith(f"{path}/")
