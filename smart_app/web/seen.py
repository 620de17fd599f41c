"""From what the view has read of one patient's ratings of one therapist to the reasons to look that they give."""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.gaps import gaps_of
from fhir_alliance.trajectory.reasons import reasons_of
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.seen import Name, Reason, Seen
from fhir_alliance.trajectory.series import Rating
from fhir_alliance.visits.finder import PatientRecord
from smart_app.web.blind import rated_visits
from smart_app.web.frames import today
from smart_app.web.launches import Launch
from smart_app.web.pages.frame import first_name
from smart_app.web.pages.words import local_day
from smart_app.web.reading import ChartData
from smart_app.web.services import services


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A reason, and the reference of the visit that it rests on: newer data means that it rests on another."""

    reason: Reason
    rests_on: str


def raised(launch: Launch, data: ChartData, instrument: Instrument, ratings: Sequence[Rating]) -> tuple[Raised, ...]:
    """Return the reasons that a patient's ratings of the therapist of a launch give now.

    `data` is what this clinician may see, `ratings` the patient's of the first scale out of that, oldest first. Where
    nobody has said that more is better, only missed forms are a reason. Those about precision, the therapist's ratings
    and the clinic's own figures need figures that no definition has.
    """
    zone = services().settings.site.time_zone
    numbers = {
        visit.encounter: visit.number
        for visit in data.visits
        if visit.therapist == launch.context.practitioner and local_day(visit.start, zone) <= today()
    }
    scale = instrument.scales[0]
    used = tuple(ratings) if scale.more_is_better and scale.has_range else ()
    seen = Seen(
        name=first_name(launch.patient.name),
        scale=scale,
        validated=instrument.validated,
        ratings=used,
        course=RULES.start(scale).over(rating.value for rating in used),
        visit=max(numbers.values(), default=0),
        gaps=gaps_of(*_closed(launch, data, instrument, numbers)),
    )
    places = {number: encounter for encounter, number in numbers.items()}
    return tuple(Raised(reason=reason, rests_on=places.get(_rests_on(reason, seen), "")) for reason in reasons_of(seen))


def _closed(
    launch: Launch, data: ChartData, instrument: Instrument, numbers: dict[str, int]
) -> tuple[list[int], set[int]]:
    """Return the visits, by number, that can be answered no more or were, and those that were.

    What was sent and is not in the chart yet was answered too.
    """
    record = PatientRecord(ehr=launch.ehr.name, patient=launch.patient.id, visits=data.seen, responses=data.responses)
    sent = services().assignments.answered(record.ehr, record.patient)
    urls = {form.url for form in instrument.forms_of(Rater.PATIENT)}
    answered = rated_visits(data, instrument, Rater.PATIENT, launch) | {
        encounter for form, encounter, _ in sent if encounter and form.partition("|")[0] in urls
    }
    closed = services().finder.closed(record, launch.context.practitioner)
    by_number = {number: encounter in answered for encounter, number in numbers.items()}
    counted = sorted(numbers[each] for each in numbers.keys() & (closed | answered))
    return counted, {number for number in counted if by_number[number]}


def _rests_on(reason: Reason, seen: Seen) -> int:
    return reason.visit if reason.name is Name.MISSED else seen.ratings[-1].visit
