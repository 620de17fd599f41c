"""Unsafe requests come from our own pages: the browser says so, and a token bound to the launch proves it."""

from typing import Final

from flask import g, request
from itsdangerous import BadSignature, URLSafeSerializer

from fhir_alliance.errors import CsrfError
from smart_app.web.cookies import ADMIN, SESSION, fingerprint, read_secret
from smart_app.web.fhir.refusals import is_ours
from smart_app.web.services import services

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD: Final = "_csrf"
_KINDS: Final = {ADMIN: "admin", SESSION: "session"}


def csrf_token() -> str:
    """Return the token for forms of the present page: of the launch it was opened for, else of this browser's.

    A launch outlives the session's id, which changes at every sign-in, so its token does not depend on that.
    """
    return str(_signer().dumps(_of_launch(g.launch) if "launch" in g else _of_browser()))


def protect() -> None:
    """Raise CsrfError for an unsafe request that is not from a page of ours (runs before every view).

    The FHIR endpoint, the card services and what EHRs tell read no cookie, so no other page can make a browser act
    there in a person's name.
    Fetch metadata decides; a browser that sends none must name our exact origin; one that sends neither is refused.
    """
    if request.method in _SAFE or is_ours() or request.blueprint in ("hooks", "notified"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    ours = site == "same-origin" if site else request.headers.get("Origin") == services().settings.public_url
    if not ours:
        raise CsrfError("another origin")
    try:
        handle = (request.view_args or {}).get("handle")
        proven = _signer().loads(request.form.get(FIELD, "")) == (_of_launch(handle) if handle else _of_browser())
    except BadSignature:
        proven = False
    if not proven:
        raise CsrfError("token")


def _signer() -> URLSafeSerializer:
    # Derived from the vault, so that every worker has the same and no file more is needed; all of them, because a page
    # that was made before the keys were rotated may still be sent.
    return URLSafeSerializer(list(services().vault.derive_all("csrf")), salt="csrf")


def _of_launch(handle: str) -> list[str]:
    return ["launch", handle]


def _of_browser() -> list[str]:
    """Return what a page without a launch is bound to: an administrator's sign-in, else this browser's session."""
    name = ADMIN if request.blueprint == "admin" else SESSION
    return [_KINDS[name], fingerprint(read_secret(name) or "")]
