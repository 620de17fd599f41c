"""What a browser may do on the sandbox's own pages."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response

from smart_app.sandbox.config import SandboxConfig


def content_security_policy(config: SandboxConfig) -> str:
    """Return the policy: nothing inline, nothing foreign but the registered apps in frames and as form targets.

    An app's frame passes through this server to be authorized, so the server itself may be framed too.
    """
    apps = _origins(url for client in config.clients for url in (client.launch_url, *client.redirect_uris) if url)
    own = _origins([config.base_url])
    partners = " ".join(dict.fromkeys(["'self'", *own, *apps]))
    return (
        "default-src 'self'; style-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
        f"frame-ancestors 'none'; frame-src {partners}; form-action {partners}"
    )


def guard(response: Response, policy: str) -> Response:
    """Add the headers of a page that shows a record."""
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _origins(urls: Iterable[str]) -> list[str]:
    """Return the origin of each URL."""
    return [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)]
