"""Security headers of every response; the policy says who may frame a page, and that nothing inline runs."""

import secrets
from collections.abc import Iterable
from typing import Final

from flask import Response, g, request
from requests import codes

NO_STORE: Final = "no-store"
FOR_EVER: Final = "public, max-age=31536000, immutable"
_ALWAYS: Final = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=(), display-capture=()"
    ),
}
_TOP_LEVEL: Final = {"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}
_NOT_A_PAGE: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def style_nonce() -> str:
    """Return this response's nonce for the stylesheet that the page carries inside."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def allow_framing(ancestors: Iterable[str]) -> None:
    """Let an EHR's registered origins frame this response; without this call nobody may."""
    g.frame_ancestors = tuple(ancestors)


def allow_caching(seconds: int) -> None:
    """Let anybody keep this response for a while; without this call nobody may."""
    g.max_age = seconds


def allow_form_to(origin: str) -> None:
    """Let the form of this response post to another origin; without this call only to ours."""
    g.form_action = origin


def add_headers(response: Response) -> Response:
    """Put every header where it is not set yet."""
    headers = {**_ALWAYS, "Cache-Control": _caching(response)}
    response.vary.update(("Cookie", "Origin", "Sec-Fetch-Site"))
    if response.mimetype == "text/html":
        ancestors = g.get("frame_ancestors", ())
        headers["Content-Security-Policy"] = _policy(ancestors)
        headers |= {} if ancestors else _TOP_LEVEL
    else:
        headers |= _NOT_A_PAGE
    for name, value in headers.items():
        response.headers[name] = value
    return response


def _caching(response: Response) -> str:
    # A file's address holds its fingerprint, so it may be kept for ever.
    if request.endpoint == "static" and "v" in request.args and response.status_code == codes.ok:
        return FOR_EVER
    return f"public, max-age={g.max_age}" if "max_age" in g else NO_STORE


def _policy(ancestors: Iterable[str]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{style_nonce()}'",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *([g.form_action] if "form_action" in g else []))),
            "base-uri 'none'",
            "object-src 'none'",
            "frame-src 'none'",
            "frame-ancestors " + (" ".join(ancestors) or "'none'"),
            "require-trusted-types-for 'script'",
        )
    )
