"""The cookies: for the minutes before a launch is finished, for the session after it, an administrator, a tablet."""

import hashlib
import re
import secrets
from typing import Final

from flask import request
from werkzeug import Response

PRE_LAUNCH: Final = "__Host-ta_pre"
ADMIN: Final = "__Host-ta_adm"
SESSION: Final = "__Host-ta_sid"
TABLET: Final = "__Host-ta_tab"
PRE_LAUNCH_SECONDS: Final = 600
_SECRET: Final = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")


def new_secret() -> str:
    """Return 256 unguessable bits as text."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return what is stored of a secret: enough to recognise it, not to use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_secret(name: str) -> str | None:
    """Return the value of one of our cookies, None when there is none of our making."""
    value = request.cookies.get(name, "")
    return value if _SECRET.match(value) else None


def set_secret(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set one of our cookies so that it comes back inside an EHR's frame, and only there when set there.

    `Partitioned` keeps it apart per top-level site, which browsers ask of every third-party cookie.
    """
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="None", partitioned=True
    )


def set_strict(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set one of our cookies so that it comes back at the top level only, and never with a request from elsewhere."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="Strict")


def forget(response: Response, name: str) -> None:
    """Delete one of our cookies; its attributes must be those it was set with."""
    set_secret(response, name, "", seconds=0)
