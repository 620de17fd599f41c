"""How the patient of a launch answers, by the site's rules about ages (P8)."""

from typing import Final

from fhir_alliance.errors import AllianceError
from fhir_alliance.records.place import Place
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import Answering, Where
from fhir_alliance.visits.young import answering_of
from smart_app.web.frames import today
from smart_app.web.launches import Launch, Role
from smart_app.web.services import services

# Who is not in the room, as far as anybody knows: a code is only given out there.
_AT_HOME: Final = (Role.PATIENT, Role.PROXY, Role.BESIDE, Role.LINK)


class RoomOnly(AllianceError):
    """For this age the site has the form filled in at the clinic only, and somebody has opened it elsewhere."""

    code = "age.room-only"
    http_status = 403
    title = "Please fill this in at the clinic"
    sentence = (
        "At this age, the form is filled in at the clinic only. You get a tablet or a code there. "
        "Ask there, too, to see or take back what was sent. Answers begun here are kept."
    )


def answering_here(patient: PatientShown, place: Place) -> Answering:
    """Return how a patient, who lives at a place, answers at this site today."""
    rules = services().settings.age_rules
    return answering_of(rules, birth_date=patient.birth_date, place=place, today=today())


def answering_of_launch(launch: Launch) -> Answering:
    """Return how the patient of a launch answers."""
    return answering_here(launch.patient, launch.context.place)


def require_place(launch: Launch) -> None:
    """Raise RoomOnly where the patient of a launch answers in the room only, and this is not there."""
    if launch.role in _AT_HOME and answering_of_launch(launch).where is Where.ROOM_ONLY:
        raise RoomOnly(launch.role)
