"""From the EHR into the app: the two requests of a SMART launch."""

from typing import Final, Literal
from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from fhir_alliance.ehr.authorize import Authorization, begin_launch
from fhir_alliance.ehr.smart import finish_launch, wants_wider_scopes
from fhir_alliance.errors import LaunchError, UnknownIssuer
from fhir_alliance.settings import EhrSettings, Embedding
from smart_app.web.cookies import (
    PRE_LAUNCH,
    PRE_LAUNCH_SECONDS,
    new_secret,
    read_secret,
    set_secret,
)
from smart_app.web.frames import is_framed, plain_frame
from smart_app.web.headers import allow_form_to, allow_framing
from smart_app.web.launches import Role
from smart_app.web.opening import open_granted
from smart_app.web.pages.message import GoOnPage, NewWindowPage
from smart_app.web.pending import keep_pending, take_pending
from smart_app.web.services import services

bp = Blueprint("signin", __name__)

_LONGEST: Final = 2048


@bp.get("/launch")
def launch() -> ResponseReturnValue:
    """Begin an EHR launch: the issuer must be registered before anything else happens."""
    iss, opaque = _single("iss"), _single("launch")
    ehr = services().registry.by_issuer(iss)
    framed = is_framed()
    if framed and ehr.embedding is Embedding.NEW_WINDOW:
        allow_framing(ehr.frame_ancestors)  # for the page that offers the window; no other is ever framed
        return _new_window(url_for(".launch", iss=iss, launch=opaque), blocked=False)
    allow_framing(ehr.framed_by)
    if framed and read_secret(PRE_LAUNCH) is None:
        return _try_cookie(iss, opaque)
    return _begin(ehr, Role.CLINICIAN, aud=iss, opaque=opaque)


@bp.get("/start/<name>")
def start(name: str) -> ResponseReturnValue:
    """Begin a standalone launch of a patient, from the portal of the named EHR."""
    ehr = services().registry.by_name(name)
    return _begin(ehr, Role.PATIENT, aud=ehr.fhir_base, opaque=None)


@bp.get("/callback/<name>")
def callback(name: str) -> ResponseReturnValue:
    """Finish a launch: the answer must belong to a launch that this very browser began."""
    ehr = services().registry.by_name(name)
    allow_framing(ehr.framed_by)
    if read_secret(PRE_LAUNCH) is None:
        # The authorization cannot be finished without proof that it is this browser's: it starts over in a window.
        return _new_window(url_for(".again", name=ehr.name))
    if any(len(values) > 1 for _, values in request.args.lists()):
        raise LaunchError("repeated parameter")
    pending = take_pending(ehr)
    if wants_wider_scopes(ehr, pending, request.args):
        role = Role.CLINICIAN if pending.role == "clinician" else Role.PATIENT
        return _begin(ehr, role, aud=pending.aud, opaque=pending.launch, widened=True)
    granted = finish_launch(services().registry, ehr, pending, request.args, now=services().clock())
    return open_granted(ehr, pending.role, granted)


def _try_cookie(iss: str, opaque: str) -> ResponseReturnValue:
    """See by one redirect to ourselves whether a frame may have our cookie, before the launch is spent (S16).

    Where it may not, a window of its own opens the same launch; there the browser says that it is no frame.
    """
    if "framed" in request.args:
        return _new_window(url_for(".launch", iss=iss, launch=opaque))
    response = redirect(url_for(".launch", iss=iss, launch=opaque, framed="1"), 303)
    set_secret(response, PRE_LAUNCH, new_secret(), seconds=PRE_LAUNCH_SECONDS)
    return response


def _single(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1 or not values[0] or len(values[0]) > _LONGEST:
        raise (UnknownIssuer if name == "iss" else LaunchError)(f"{name} parameter")
    return values[0]


def _begin(ehr: EhrSettings, role: Role, *, aud: str, opaque: str | None, widened: bool = False) -> Response:
    client: Literal["clinician", "patient"] = "clinician" if role is Role.CLINICIAN else "patient"
    redirect_uri = f"{services().settings.public_url}{url_for('.callback', name=ehr.name)}"
    found = services().registry.check(ehr)
    asked, pending = begin_launch(
        ehr,
        role=client,
        redirect_uri=redirect_uri,
        aud=aud,
        launch=opaque,
        offers=found.capabilities,
        names_itself=found.names_itself,
        widened=widened,
    )
    # Several launches may be under way in one browser: they share the cookie, each has its own state.
    secret = read_secret(PRE_LAUNCH) or new_secret()
    keep_pending(ehr, pending, secret)
    response = _posting(ehr, asked) if asked.by_post else redirect(asked.url, 303)
    set_secret(response, PRE_LAUNCH, secret, seconds=PRE_LAUNCH_SECONDS)
    return response


def _posting(ehr: EhrSettings, asked: Authorization) -> Response:
    """Return a page whose form posts the request; the script sends it, without one a person presses the button."""
    parts = urlsplit(asked.endpoint)
    allow_form_to(f"{parts.scheme}://{parts.netloc}")
    frame = plain_frame()
    page = GoOnPage(frame=frame, ehr=ehr.title, endpoint=asked.endpoint, fields=asked.fields)
    return make_response(render_template("go_on.html", page=page))


def _new_window(url: str, *, blocked: bool = True) -> ResponseReturnValue:
    """Offer a window of its own: the browser keeps our cookies out of the EHR's frame, or the site wants it so."""
    page = NewWindowPage(frame=plain_frame(), url=url, blocked=blocked)
    return render_template("new_window.html", page=page), 400 if blocked else 200


@bp.get("/again/<name>")
def again(name: str) -> ResponseReturnValue:
    """Begin a clinician's standalone launch in a window of its own; the EHR asks which patient."""
    ehr = services().registry.by_name(name)
    return _begin(ehr, Role.CLINICIAN, aud=ehr.fhir_base, opaque=None)
