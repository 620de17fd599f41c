"""Who is signed in to the sandbox's own pages: one signed cookie, and the token that its forms must carry."""

import secrets

from flask import Request, Response, abort, request
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "sandbox_user"
FORM_FIELD = "form_token"
_KEY = secrets.token_hex(32)  # per process: restarting the sandbox signs everybody out
_session = URLSafeSerializer(_KEY, salt="session")
_form = URLSafeSerializer(_KEY, salt="form")


def current_user() -> str | None:
    """Return the signed-in user as "Practitioner/id" or "Patient/id", None when nobody is signed in."""
    return _signed_in(request)[0]


def sign_in(response: Response, reference: str) -> Response:
    """Sign in `reference` ("Practitioner/id" or "Patient/id"): set the cookie on `response` and return it."""
    value = _session.dumps([reference, secrets.token_hex(16)])
    response.set_cookie(COOKIE, value, httponly=True, samesite="Lax", path="/")
    return response


def sign_out(response: Response) -> Response:
    """Forget who is signed in: delete the cookie on `response` and return it."""
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", path="/")
    return response


def form_token() -> str:
    """Return the token a form of this session must send back in the field `form_token`."""
    return str(_form.dumps(_signed_in(request)[1]))


def require_form_token() -> None:
    """Refuse (400) a posted form that was not rendered in this session."""
    try:
        nonce = _form.loads(request.form.get(FORM_FIELD, ""))
    except BadSignature:
        nonce = None
    if nonce is None or not secrets.compare_digest(str(nonce), _signed_in(request)[1]):
        abort(400, "This form is out of date. Go back, reload the page and try again.")


def _signed_in(of: Request) -> tuple[str | None, str]:
    """Return the user's reference and the session's nonce; (None, "") when the cookie is missing or not ours."""
    try:
        reference, nonce = _session.loads(of.cookies.get(COOKIE, ""))
    except BadSignature:
        return None, ""
    return str(reference), str(nonce)
