"""Unsafe requests come from our own pages: the browser says so, and a token bound to session and launch proves it."""

from typing import Final

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from fhir_alliance.errors import CsrfError
from smart_app.web.cookies import SESSION, fingerprint, read_secret
from smart_app.web.services import services

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD: Final = "_csrf"


def csrf_token() -> str:
    """Return the token for forms of the present page."""
    return str(_signer().dumps(_subject()))


def protect() -> None:
    """Raise CsrfError for an unsafe request that is not from a page of ours (runs before every view).

    Fetch metadata decides; a browser that sends none must name our exact origin; one that sends neither is refused.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    ours = site == "same-origin" if site else request.headers.get("Origin") == services().settings.public_url
    if not ours:
        raise CsrfError("another origin")
    try:
        proven = _signer().loads(request.form.get(FIELD, "")) == _subject()
    except BadSignature:
        proven = False
    if not proven:
        raise CsrfError("token")


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt="csrf")


def _subject() -> list[str]:
    handle = (request.view_args or {}).get("handle", "")
    return [fingerprint(read_secret(SESSION) or ""), handle]
