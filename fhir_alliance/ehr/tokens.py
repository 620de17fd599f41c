"""What a token endpoint answered, read once and strictly: a token that is odd in any part is not used."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from fhir_alliance.ehr.http import Reply
from fhir_alliance.errors import EhrError, EhrUnreachable

DEFAULT_LIFE: Final = 3600
MAX_LIFE: Final = 24 * 3600
_TOKEN = re.compile(r"[!-~]{1,16384}")
_SECONDS = re.compile(r"[1-9][0-9]{0,9}")
_ERROR = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The part of a token response that is the same for every grant; `scopes` is None when the server left it out."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime
    scopes: frozenset[str] | None


def error_code(values: Any) -> str:
    """Return the OAuth error code of an answer or a callback; "" when it has none that may be shown."""
    code = values.get("error") if isinstance(values, Mapping) else None
    return code if isinstance(code, str) and _ERROR.fullmatch(code) else ""


def token_values(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object a token endpoint answered; raises EhrUnreachable when there is none."""
    values = reply.json()
    if not isinstance(values, dict):
        raise EhrUnreachable("malformed token response")
    return values


def read_tokens(values: Mapping[str, Any], *, now: datetime) -> Tokens:
    """Check a token response (RFC 6749 section 5.1, SMART App Launch 2.2); raises EhrError when it is odd.

    Without `expires_in` a token is taken to live for one hour; it is never taken to live longer than a day.
    """
    token_type, scope = values.get("token_type"), values.get("scope")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise EhrError("token response: token_type")
    if scope is not None and not isinstance(scope, str):
        raise EhrError("token response: scope")
    refresh_token = values.get("refresh_token")
    return Tokens(
        access_token=_token(values.get("access_token"), "access_token"),
        refresh_token=None if refresh_token is None else _token(refresh_token, "refresh_token"),
        expires_at=now + timedelta(seconds=_life(values.get("expires_in"))),
        scopes=None if scope is None else frozenset(scope.split()),
    )


def _token(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise EhrError(f"token response: {name}")
    return value


def _life(value: Any) -> int:
    """Read `expires_in`; some servers send the number as text."""
    if value is None:
        return DEFAULT_LIFE
    if not _SECONDS.fullmatch(str(value)):
        raise EhrError("token response: expires_in")
    return min(int(value), MAX_LIFE)
