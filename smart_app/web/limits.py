"""How often one address may ask: few guesses, and as many honest requests as a whole clinic behind it makes (T71)."""

from typing import Final

from flask import Flask, Response
from flask.typing import RouteCallable
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

PERIOD: Final = 60
"""Seconds after which somebody who was refused may ask again."""

# What is guessed right costs nothing: a waiting room shares one address.
_GUESSES: Final = {
    "handed.use_code": 10,
    "linked.begin": 20,
    "kiosk.use_code": 20,
    "kiosk.register": 10,
    "admin.begin": 60,
    "fhir_tokens.token": 60,
    "metrics.figures": 60,
}
_REQUESTS: Final = {
    "signin.launch": 1200,
    "signin.start": 1200,
    "choosing.portals": 1200,
    "hooks.cards": 1200,
    "notified.take": 1200,
    "hooks.feedback": 600,
    "fhir_records.search": 600,
    "fhir_records.read": 600,
    "fhir_tasks.search": 600,
    "fhir_tasks.read": 600,
}


def limit_requests(app: Flask) -> None:
    """Refuse with 429 what one address asks too often; each serving process counts for itself."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    for endpoint, most in _GUESSES.items():
        _set(app, endpoint, limiter.limit(f"{most} per minute", deduct_when=_was_refused))
    for endpoint, most in _REQUESTS.items():
        _set(app, endpoint, limiter.limit(f"{most} per minute"))


def _set(app: Flask, endpoint: str, limited: object) -> None:
    view: RouteCallable = limited(app.view_functions[endpoint])  # type: ignore[operator]  # it wraps async views too
    app.view_functions[endpoint] = view


def _was_refused(answer: Response) -> bool:
    return answer.status_code >= 400
