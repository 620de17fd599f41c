"""A clinic's tablet: it waits for a code, shows nobody and no list, and is back here after every form."""

from datetime import timedelta
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from fhir_alliance.errors import HandoverError, TabletRefused
from fhir_alliance.store import transaction
from smart_app.web.codes import plain_code
from smart_app.web.cookies import SESSION, TABLET, fingerprint, forget, new_secret, read_secret, set_secret, set_strict
from smart_app.web.failures import NotFound
from smart_app.web.frames import plain_frame
from smart_app.web.handovers import use_on_tablet
from smart_app.web.languages import chosen_here, speak_english
from smart_app.web.on_tablet import tablet_here, tablets
from smart_app.web.pages.kiosk import KioskPage
from smart_app.web.preferences import forget_choices, is_left_over, print_here
from smart_app.web.saying import say
from smart_app.web.services import services
from smart_app.web.sessions import leave_session

bp = Blueprint("kiosk", __name__, url_prefix="/kiosk")

# As long as browsers keep a cookie at all; a tablet in use gets it anew with every patient.
_COOKIE: Final = timedelta(days=400)


@bp.get("")
def wait() -> ResponseReturnValue:
    """Wait for a code; whoever had the tablet before is gone from it, and what they answered is kept.

    The next patient may read another language, or small print: what was chosen lasts until the tablet is back here.
    """
    if tablet_here() and (_left() or is_left_over()):
        response = redirect(url_for(".wait"), 303)
        forget(response, SESSION)
        forget_choices(response)
        return response
    return _waiting()


@bp.post("")
def use_code() -> ResponseReturnValue:
    """Take a patient's code, and go to the question who has the tablet now."""
    tablet = tablet_here()
    if tablet is None:
        raise TabletRefused("no tablet")
    try:
        secret, handle = use_on_tablet(request.form.get("code", ""), tablet.id)
    except HandoverError as error:
        return _waiting(problem=say(error.sentence)), error.http_status
    response = redirect(url_for("home.home", handle=handle), 303)
    set_secret(response, SESSION, secret)
    return response


@bp.post("/register")
def register() -> ResponseReturnValue:
    """Make this device the tablet that an administrator's code is for."""
    _require_on()
    speak_english()
    secret = new_secret()
    code = fingerprint(plain_code(request.form.get("code", "")))
    if tablets().register(code, device_mark=fingerprint(secret)) is None:
        page = KioskPage(frame=plain_frame(), registered=False, problem=TabletRefused.sentence)
        return render_template("kiosk.html", page=page), TabletRefused.http_status
    response = redirect(url_for(".wait"), 303)
    set_strict(response, TABLET, secret, seconds=int(_COOKIE.total_seconds()))
    return response


def _left() -> bool:
    """Close the session that is open in this browser; returns whether there was one."""
    secret = read_secret(SESSION)
    if secret is None:
        return False
    with transaction(services().engine) as connection:
        return leave_session(connection, secret, at=services().clock())


def _waiting(*, problem: str = "") -> Response:
    """Return the page that waits; a registered tablet's cookie begins its time anew."""
    _require_on()
    here = tablet_here()
    if here is None:
        speak_english()
    page = KioskPage(
        frame=plain_frame(),
        registered=here is not None,
        problem=problem,
        chosen=bool(chosen_here()) or print_here().large,
    )
    response = make_response(render_template("kiosk.html", page=page))
    if here:
        set_strict(response, TABLET, str(read_secret(TABLET)), seconds=int(_COOKIE.total_seconds()))
        # Nothing of the patient before can be gone back to.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _require_on() -> None:
    if services().settings.tablets is None:
        raise NotFound("no tablets")
