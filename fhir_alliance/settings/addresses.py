"""Which addresses a site may name."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

from marshmallow import ValidationError

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def origin(value: str) -> None:
    """Refuse what could widen a header or a comparison: only scheme, host and port, https outside loopback."""
    parts = _parts(value, "must be an origin such as https://ehr.example.org")
    if value != f"{parts.scheme}://{parts.netloc}" or _suspicious(value):
        raise ValidationError("must be an origin such as https://ehr.example.org")


def url(value: str) -> None:
    """Refuse what is not a plain address, secure outside loopback.

    A final slash stays: an issuer that ends in one is another than the one that does not (OpenID Connect Core 3.1.3.7).
    """
    fault = "must be an https address without query or fragment"
    parts = _parts(value, fault)
    if parts.query or parts.fragment or _suspicious(value):
        raise ValidationError(fault)


def base(value: str) -> None:
    """Refuse what is not a plain address to which paths can be appended."""
    if value.endswith("/"):
        raise ValidationError("must be an https address without a final slash")
    url(value)


def _parts(value: str, fault: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:  # brackets that hold no IPv6 address
        raise ValidationError(fault) from None


def _suspicious(value: str) -> bool:
    parts = urlsplit(value)
    if not _port_is_usable(value) or parts.netloc != parts.netloc.lower():
        return True
    local = parts.hostname in LOOPBACK
    secure = parts.scheme == "https" or (parts.scheme == "http" and local)
    return not secure or not parts.hostname or "@" in parts.netloc or any(char in value for char in " ;,'\"*\\<>\r\n")


def _port_is_usable(value: str) -> bool:
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False
