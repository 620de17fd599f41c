"""A launch opened with what the EHR granted: who, which patient, which visit; less where it allows less."""

from functools import partial
from typing import Final, Literal

from flask import redirect, url_for
from werkzeug import Response

from fhir_alliance.audit import Event, record
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.launches import Granted
from fhir_alliance.ehr.launches import Role as ClientRole
from fhir_alliance.ehr.scopes import allows
from fhir_alliance.errors import LaunchError, MissingScope
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from smart_app.web.access import end_unused_grants
from smart_app.web.cookies import SESSION, fingerprint, set_secret
from smart_app.web.frames import today
from smart_app.web.languages import chosen_in
from smart_app.web.launch_facts import read_launch_facts
from smart_app.web.launches import Context, Role, open_launch
from smart_app.web.look.showing import fetch_look
from smart_app.web.services import services
from smart_app.web.sessions import begin_session
from smart_app.web.wanted import read_wanted
from smart_app.web.young import answering_here

# Without these an answer could not be saved, so the form is not even started.
_Need = tuple[str, Literal["r", "c", "s"]]
_NEEDED: Final[tuple[_Need, ...]] = (("Patient", "r"), ("QuestionnaireResponse", "c"), ("Observation", "c"))
_READ_BY_CLINICIAN: Final[tuple[_Need, ...]] = (("Observation", "s"),)
_ROLES: Final = {
    "Practitioner": Role.CLINICIAN,
    "PractitionerRole": Role.CLINICIAN,
    "Patient": Role.PATIENT,
    "RelatedPerson": Role.PROXY,
    "Person": Role.PROXY,
}


def _role(granted: Granted) -> Role:
    role = _ROLES[granted.user.kind]
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


def open_granted(ehr: EhrSettings, client: ClientRole, granted: Granted) -> Response:
    """Open a launch with what the EHR granted to one of our clients, and send the browser to its first page.

    Raises MissingScope when saving is not allowed, LaunchError when there is no patient or the person is somebody that
    cannot answer here, and whatever the EHR's answers raise.
    """
    role = _role(granted)
    _require_scopes(granted, role)
    patient_id = str(granted.patient)
    fhir = FhirClient(services().registry.door(ehr), ehr.fhir_base, granted.access_token)
    facts = read_launch_facts(
        fhir,
        patient_id,
        encounter=granted.encounter,
        user=granted.user.reference,
        scopes=granted.scopes,
        look=partial(fetch_look, services().styles, ehr, granted.style_url),
        today=today(),
        speaking=len(services().settings.site.offered) > 1,
    )
    user_key = fingerprint(f"{ehr.name} {granted.user.issuer} {granted.user.subject}")
    grant = services().grants.keep(ehr.name, client, granted)
    now = services().clock()
    wanted = read_wanted(granted, role, ehr=ehr.name, now=now)
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
                patient=facts.patient,
                visit=facts.visit,
                practitioner=facts.practitioner,
                form=wanted.form,
                hand_over=wanted.hand_over,
                to_form=wanted.to_form,
                full_banner=granted.need_patient_banner,
                look=facts.look,
                place=facts.place,
                speaks=chosen_in(facts.spoken),
            ),
            at=now,
            ask_who=role is Role.PATIENT and answering_here(facts.patient, facts.place).ask_who,
        )
        noted = {Event.LAUNCH_OPENED: "done"} | ({Event.CONTEXT_IGNORED: wanted.ignored} if wanted.ignored else {})
        for event, outcome in noted.items():
            record(
                connection,
                at=now,
                event=event,
                actor=granted.user.reference,
                ehr=ehr.name,
                patient=patient_id,
                launch=handle,
                outcome=outcome,
                request_id=None,
            )
    services().outbox.renew(ehr=ehr.name, patient=patient_id, grant=grant)
    response = redirect(url_for("home.home", handle=handle), 303)
    set_secret(response, SESSION, secret)
    response.call_on_close(end_unused_grants(services()))
    return response
