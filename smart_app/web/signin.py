"""From the EHR into the app: the two requests of a SMART launch."""

from typing import Final, Literal
from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from fhir_alliance.audit import Event, record
from fhir_alliance.ehr.authorize import Authorization, begin_launch
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.launches import Granted, PendingLaunch
from fhir_alliance.ehr.scopes import allows
from fhir_alliance.ehr.smart import finish_launch, wants_wider_scopes
from fhir_alliance.errors import LaunchError, MissingScope, UnknownIssuer
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from smart_app.web.asked import forms_of
from smart_app.web.cookies import (
    PRE_LAUNCH,
    PRE_LAUNCH_SECONDS,
    SESSION,
    fingerprint,
    new_secret,
    read_secret,
    set_secret,
)
from smart_app.web.headers import allow_form_to, allow_framing
from smart_app.web.launches import Context, Role, open_launch
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.message import GoOnPage, NewWindowPage
from smart_app.web.pending import keep_pending, take_pending
from smart_app.web.reading import read_launch_facts
from smart_app.web.services import services
from smart_app.web.sessions import begin_session

bp = Blueprint("signin", __name__)

_LONGEST: Final = 2048
# Without these an answer could not be saved, so the form is not even started.
_Need = tuple[str, Literal["r", "c", "s"]]
_NEEDED: Final[tuple[_Need, ...]] = (("Patient", "r"), ("QuestionnaireResponse", "c"), ("Observation", "c"))
_READ_BY_CLINICIAN: Final[tuple[_Need, ...]] = (("Observation", "s"), ("Encounter", "s"))
_ROLES: Final = {
    "Practitioner": Role.CLINICIAN,
    "PractitionerRole": Role.CLINICIAN,
    "Patient": Role.PATIENT,
}


@bp.get("/launch")
def launch() -> ResponseReturnValue:
    """Begin an EHR launch: the issuer must be registered before anything else happens."""
    iss, opaque = _single("iss"), _single("launch")
    ehr = services().registry.by_issuer(iss)
    allow_framing(ehr.frame_ancestors)
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
    allow_framing(ehr.frame_ancestors)
    if read_secret(PRE_LAUNCH) is None:
        return _without_cookie(ehr)
    if any(len(values) > 1 for _, values in request.args.lists()):
        raise LaunchError("repeated parameter")
    pending = take_pending(ehr)
    if wants_wider_scopes(ehr, pending, request.args):
        role = Role.CLINICIAN if pending.role == "clinician" else Role.PATIENT
        return _begin(ehr, role, aud=pending.aud, opaque=pending.launch, widened=True)
    granted = finish_launch(services().registry, ehr, pending, request.args, now=services().clock())
    role = _role(granted)
    _require_scopes(granted, role)
    return _open(ehr, pending, granted, role)


def _single(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1 or not values[0] or len(values[0]) > _LONGEST:
        raise (UnknownIssuer if name == "iss" else LaunchError)(f"{name} parameter")
    return values[0]


def _begin(ehr: EhrSettings, role: Role, *, aud: str, opaque: str | None, widened: bool = False) -> Response:
    client: Literal["clinician", "patient"] = "clinician" if role is Role.CLINICIAN else "patient"
    redirect_uri = f"{services().settings.public_url}{url_for('.callback', name=ehr.name)}"
    offers = services().registry.check(ehr).capabilities
    asked, pending = begin_launch(
        ehr, role=client, redirect_uri=redirect_uri, aud=aud, launch=opaque, offers=offers, widened=widened
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
    frame = Frame(site=services().settings.site)
    page = GoOnPage(frame=frame, ehr=ehr.title, endpoint=asked.endpoint, fields=asked.fields)
    return make_response(render_template("go_on.html", page=page))


def _role(granted: Granted) -> Role:
    role = _ROLES.get(granted.user.kind)
    if role is None:
        raise LaunchError(f"{granted.user.kind} cannot rate the alliance for somebody else")
    if role is Role.PATIENT and granted.user.reference != f"Patient/{granted.patient}":
        raise LaunchError("a patient with another patient's chart")
    return role


def _require_scopes(granted: Granted, role: Role) -> None:
    level: Literal["user", "patient"] = "user" if role is Role.CLINICIAN else "patient"
    needed = _NEEDED + (_READ_BY_CLINICIAN if role is Role.CLINICIAN else ())
    missing = [f"{kind}.{letter}" for kind, letter in needed if not allows(granted.scopes, kind, letter, level)]
    if missing:
        raise MissingScope(" ".join(missing))
    if granted.patient is None:
        raise LaunchError("no patient in the launch")


def _open(ehr: EhrSettings, pending: PendingLaunch, granted: Granted, role: Role) -> Response:
    patient_id = str(granted.patient)
    client = FhirClient(services().registry.door(ehr), ehr.fhir_base, granted.access_token)
    facts = read_launch_facts(client, patient_id, user=granted.user.reference)
    visit = next((each for each in facts.visits if each.encounter == f"Encounter/{granted.encounter}"), None)
    user_key = fingerprint(f"{ehr.name} {granted.user.issuer} {granted.user.subject}")
    grant = services().grants.keep(ehr.name, pending.role, granted)
    now = services().clock()
    with transaction(services().engine) as connection:
        secret = begin_session(connection, user_key=user_key, at=now)
        handle = open_launch(
            connection,
            session=fingerprint(secret),
            ehr=ehr.name,
            role=role,
            user=granted.user.reference,
            user_key=user_key,
            grant=grant,
            context=Context(
                patient=facts.patient, visit=visit, practitioner=facts.practitioner, form=_asked_form(granted, role)
            ),
            at=now,
        )
        record(
            connection,
            at=now,
            event=Event.LAUNCH_OPENED,
            actor=granted.user.reference,
            ehr=ehr.name,
            patient=patient_id,
            launch=handle,
            outcome="done",
            request_id=None,
        )
    services().outbox.renew(ehr=ehr.name, patient=patient_id, grant=grant)
    response = redirect(url_for("home.home", handle=handle), 303)
    set_secret(response, SESSION, secret)
    return response


def _asked_form(granted: Granted, role: Role) -> str:
    """Return the form of ours that the launch context names for this role, empty when it names none (S36)."""
    rater = Rater.THERAPIST if role is Role.CLINICIAN else Rater.PATIENT
    ours = {form.canonical for form in forms_of(rater)}
    named = [str(item.get("canonical", "")) for item in granted.fhir_context]
    return next((canonical for canonical in named if canonical in ours), "")


def _without_cookie(ehr: EhrSettings) -> ResponseReturnValue:
    """Offer a window of its own: the browser keeps our cookies out of the EHR's frame.

    The authorization cannot be finished without proof that it is this browser's, so it starts over there.
    """
    page = NewWindowPage(frame=Frame(site=services().settings.site), url=url_for(".again", name=ehr.name))
    return render_template("new_window.html", page=page), 400


@bp.get("/again/<name>")
def again(name: str) -> ResponseReturnValue:
    """Begin a clinician's standalone launch in a window of its own; the EHR asks which patient."""
    ehr = services().registry.by_name(name)
    return _begin(ehr, Role.CLINICIAN, aud=ehr.fhir_base, opaque=None)
