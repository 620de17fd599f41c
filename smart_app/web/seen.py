"""From what the view has read of one patient's ratings of one therapist to the reasons to look that they give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.readiness import words_for
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.agreement import differing_over
from fhir_alliance.trajectory.gaps import gaps_of
from fhir_alliance.trajectory.reasons import reasons_of
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.seen import Name, Reason, Seen
from fhir_alliance.trajectory.series import Rating, Series
from smart_app.web.blind import rated_visits
from smart_app.web.due import record_of
from smart_app.web.frames import today
from smart_app.web.languages import language
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


def raised(
    launch: Launch, data: ChartData, instrument: Instrument, ratings: Sequence[Rating], series: Sequence[Series]
) -> tuple[Raised, ...]:
    """Return the reasons that a patient's ratings of the therapist of a launch give now.

    `data` is what this clinician may see, `series` are the scores out of that, and `ratings` the patient's of the first
    scale, oldest first. Where nobody has said that more is better, or the first ratings could not be read, only missed
    forms are a reason, and not even they where visits have no numbers. Those about precision, the therapist's ratings
    and early means need figures, the clinic's own or those of the definition.
    """
    zone, now = services().settings.site.time_zone, today()
    numbers = {
        visit.encounter: visit.number
        for visit in data.visits
        if visit.number and visit.therapist == launch.context.practitioner and local_day(visit.start, zone) <= now
    }
    scale = instrument.scales[0]
    called = words_for(instrument, language(), today=now).scores[scale.name]
    used = tuple(ratings) if scale.more_is_better and scale.has_range and not data.cut else ()
    figures = services().figures
    precision, of_therapist = (instrument.precision.get((rater, scale.name)) for rater in Rater)
    seen = Seen(
        name=first_name(launch.patient.name),
        scale=replace(scale, title=called),
        validated=instrument.validated,
        ratings=used,
        course=RULES.start(scale).over(rating.value for rating in used),
        visit=max(numbers.values(), default=0),
        gaps=gaps_of(*_closed(launch, data, instrument, numbers)),
        precision=precision,
        of_therapist=of_therapist,
        site=figures.early_of(instrument, scale.name),
    )
    if precision and of_therapist:
        pairs = _rated_by_both(used, series, instrument.code(Rater.THERAPIST, scale.name), numbers)
        least = seen.share(seen.rules.differing_share)
        differing = differing_over(pairs, of_patient=precision, of_therapist=of_therapist, least=least)
        seen = replace(seen, differing=differing)
    places = {number: encounter for encounter, number in numbers.items()}
    return tuple(Raised(reason=reason, rests_on=places.get(_rests_on(reason, seen), "")) for reason in reasons_of(seen))


def _rated_by_both(
    ratings: Sequence[Rating], series: Sequence[Series], code: str, numbers: dict[str, int]
) -> Iterator[tuple[int, Decimal, Decimal]]:
    """Yield the visits that both rated, by number and oldest first; `code` is of the therapist's score."""
    guesses = {
        numbers[point.encounter]: point.value
        for each in series
        if each.code == code
        for point in each.points
        if point.value is not None and point.encounter in numbers
    }
    yield from ((each.visit, each.value, guesses[each.visit]) for each in ratings if each.visit in guesses)


def _closed(
    launch: Launch, data: ChartData, instrument: Instrument, numbers: dict[str, int]
) -> tuple[list[int], set[int]]:
    """Return the visits, by number, that can be answered no more or were, and those that were.

    What was sent and is not in the chart yet was answered too.
    """
    record = record_of(launch, data)
    sent = services().assignments.answered(record.ehr, record.patient)
    urls = {form.url for form in instrument.forms_of(Rater.PATIENT)}
    answered = rated_visits(data, instrument, Rater.PATIENT) | {
        encounter for form, encounter, _ in sent if encounter and form.partition("|")[0] in urls
    }
    closed = services().finder.closed(record, launch.context.practitioner)
    by_number = {number: encounter in answered for encounter, number in numbers.items()}
    counted = sorted(numbers[each] for each in numbers.keys() & (closed | answered))
    return counted, {number for number in counted if by_number[number]}


def _rests_on(reason: Reason, seen: Seen) -> int:
    return reason.visit if reason.name is Name.MISSED else seen.ratings[-1].visit
