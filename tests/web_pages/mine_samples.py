"""A therapist's own patients, in every state that the list can show."""

from datetime import timedelta
from typing import Any, Final

from course_samples import NOW, TODAY
from delivery_samples import FORM, FORM_TITLE, TITLES, entry
from page_samples import THOMAS_FRAME

from fhir_alliance.delivery.receipts import State
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.talks.reasons import OpenReason
from fhir_alliance.trajectory.seen import Look
from fhir_alliance.visits.standing import Assignment, Standing
from smart_app.web.pages.mine import MinePage, OwnPatient, mine_page

OWN_FORM: Final = FORM.replace("patient", "therapist")
TITLES[OWN_FORM] = "Visit check-in (therapist, short form)"


def asked(number: int, *, opens: float, closes: float, form: str = FORM) -> Assignment:
    """Return a form that is asked from so many hours on until so many hours from now."""
    return Assignment(
        id=number,
        patient="p",
        encounter=f"Encounter/{number}",
        form=form,
        rater=Rater.PATIENT if form == FORM else Rater.THERAPIST,
        number=number,
        opens=NOW + timedelta(hours=opens),
        closes=NOW + timedelta(hours=closes),
        standing=Standing.DUE,
        submission=None,
        assigned=NOW,
        begun=False,
        planned=True,
        schedule="site",
        clinic="",
        therapist="Practitioner/okafor",
        cancelled_why="",
    )


def own_patient(name: str, **facts: Any) -> OwnPatient:
    """Return a patient of the list by name; "" is one whose name is not kept any more."""
    key = name.casefold().replace(" ", "-")
    identifiers = (("urn:mrn", f"0000{len(name)}{sum(map(ord, name))}"),)
    shown = PatientShown(id=key, name=name, birth_date="1988-03-04", identifiers=identifiers)
    return OwnPatient(patient=key, shown=shown if name else None, **facts)


def open_reasons(*looks: Look) -> tuple[OpenReason, ...]:
    """Return open reasons of these levels, a day apart."""
    return tuple(OpenReason(look=look, since=NOW - timedelta(days=days)) for days, look in enumerate(looks, 1))


OWN_PATIENTS: Final = (
    own_patient("Zoë Adler", last_sent=NOW - timedelta(days=9)),
    own_patient(
        "Thomas Reyes",
        is_open=True,
        asked=(asked(1, opens=-3, closes=20), asked(2, opens=-3, closes=45, form=OWN_FORM)),
        reasons=open_reasons(Look.WORTH, Look.ASK, Look.WORTH),
        last_sent=NOW - timedelta(days=7),
    ),
    own_patient("Aoife O’Brien", asked=(asked(3, opens=30, closes=60),), last_sent=NOW - timedelta(days=6)),
    own_patient("Maria Lopez", asked=(asked(4, opens=-1, closes=9),)),
    own_patient(
        "Bartholomew Featherstonehaugh-Cholmondeley",
        reasons=open_reasons(Look.WORTH),
        stuck=(entry(1, State.HELD, "not-allowed", hours=27), entry(2, State.HELD, "not-allowed", hours=3)),
        last_sent=NOW - timedelta(days=1),
    ),
    own_patient("", last_sent=NOW - timedelta(days=90)),
)


def mine(*patients: OwnPatient, known: bool = True) -> MinePage:
    """Return the page of these patients."""
    return mine_page(
        THOMAS_FRAME, patients, title=FORM_TITLE, ehr="Harbor EHR (sandbox)", known=known, now=NOW, today=TODAY
    )
