"""The one way that every trigger goes: from a visit, and what the record says, to forms that are assigned once."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.readiness import require_ready
from fhir_alliance.records.harvested import named_key
from fhir_alliance.settings import SITE, Settings
from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.due import NO_VISIT, Answered, Due, History, SeenVisit, counts, due, planned
from fhir_alliance.visits.planning import asked_form, newest_forms, plan
from fhir_alliance.visits.reading import answered_forms, flags
from fhir_alliance.visits.schedule import Schedule
from fhir_alliance.visits.settling import CANCELLED
from fhir_alliance.visits.wishes import Wish, Wishes

RawResource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PatientRecord:
    """What is known of one patient of an EHR: the visits as schedules see them, and the responses as they are kept.

    The visits are `numbered` unless earlier ones may be missing.
    """

    ehr: str
    patient: str
    visits: tuple[SeenVisit, ...]
    responses: Iterable[RawResource] = field(repr=False)
    numbered: bool = True


class DueFinder:
    """Finds what is due about a visit, and assigns it; thread safe, `clock` returns the present.

    `unanswered` returns the responses of an EHR's patient, by id and version, that others wrote and that are no answer.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        assignments: Assignments,
        wishes: Wishes,
        *,
        unanswered: Callable[[str, str], Container[tuple[str, str]]],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._assignments = assignments
        self._wishes = wishes
        self._unanswered = unanswered
        self._clock = clock
        newest = newest_forms(catalogue.instruments)
        self._forms = {url: asked_form(form) for url, form in newest.items()}
        self._pins = {url: form.canonical for url, form in newest.items()}

    @property
    def pins(self) -> Mapping[str, str]:
        """The canonical of each form with the version that is assigned now, by the one without."""
        return self._pins

    def find(self, record: PatientRecord, encounter: str, trigger: Trigger) -> tuple[Due, ...] | None:
        """Assign, and return, what is due about a visit; None when it is not known, or no schedule is for it.

        However often and from wherever this is called, each form is assigned once; what is assigned follows the visit
        when that is moved or cancelled. Raises NotReady when the site's instrument may not be used, and StoreError.
        """
        visit = next((each for each in record.visits if each.encounter == encounter), None)
        if visit is None:
            return None
        if visit.status in NO_VISIT:
            self._assignments.cancel_visit(record.ehr, record.patient, encounter, why=CANCELLED)
            return None
        wish = self._wishes.of(record.ehr, record.patient)
        name = self._named(visit, wish)
        schedule = self._plan(name)
        found = due(schedule, self._history(record, wish, _last_start(schedule, record, visit)), visit)
        self._assignments.settle(
            record.ehr,
            record.patient,
            encounter,
            found,
            self.pins,
            trigger,
            opens=schedule.opens(visit.start, visit.end),
            closes=schedule.closes(visit.start, visit.end),
            schedule=name,
            clinic=visit.clinic,
            therapist=visit.therapist or "",
        )
        return found if counts(schedule, visit) else None

    def closed(self, record: PatientRecord, therapist: str | None) -> frozenset[str]:
        """Return the visits with a therapist about which the patient was to be asked and cannot answer any more.

        What is agreed with the patient holds for earlier visits as well: who is not asked has missed nothing.
        """
        wish, now, named = self._wishes.of(record.ehr, record.patient), self._clock(), dict[str, set[str]]()
        for visit in record.visits:
            named.setdefault(self._named(visit, wish), set()).add(visit.encounter)
        pauses = (wish.pause,) if wish.pause else ()
        history = History(visits=record.visits, pauses=pauses, never=wish.never, numbered=record.numbered)
        return frozenset(
            visit.encounter
            for name, own in named.items()
            for visit in planned(self._plan(name), history, therapist, closed_at=now)
            if visit.encounter in own
        )

    def schedule_of(self, ehr: str, patient: str, visit: SeenVisit) -> str:
        """Return the name of the schedule that a visit follows, also one that asks nothing about it."""
        return self._named(visit, self._wishes.of(ehr, patient))

    def _named(self, visit: SeenVisit, wish: Wish) -> str:
        """Name the schedule that is agreed with the patient, or the one of the visit's clinic, or else the site's."""
        schedules = self._settings.schedules
        if wish.schedule in schedules:
            return wish.schedule
        own = (name for name, each in schedules.items() if name != SITE and each.clinics & visit.clinics)
        return next(own, SITE)

    def _plan(self, name: str) -> Schedule:
        return plan(self._settings.schedules[name], self._usual(), self._instrument)

    def _history(self, record: PatientRecord, wish: Wish, since: datetime | None) -> History:
        """Return what is known of a patient, of flags those after the visit before: older ones were for that one."""
        responses = tuple(record.responses)
        # Where all of them are ours nobody is asked.
        foreign = not all(map(named_key, responses))
        unanswered = self._unanswered(record.ehr, record.patient) if foreign else frozenset[tuple[str, str]]()
        return History(
            visits=record.visits,
            answered=(*answered_forms(responses, self._forms, unanswered), *self._sent(record)),
            flags=tuple(flags(responses, self._usual(), since=since)),
            pauses=(wish.pause,) if wish.pause else (),
            opted_out=wish.unasked,
            never=wish.never,
            numbered=record.numbered,
        )

    def _sent(self, record: PatientRecord) -> Iterable[Answered]:
        """Yield what was sent, which the record may not hold yet, or never will."""
        for canonical, encounter, at in self._assignments.answered(record.ehr, record.patient):
            if form := self._forms.get(canonical.partition("|")[0]):
                yield Answered(form=form, encounter=encounter, at=at)

    def _usual(self) -> Instrument:
        return self._instrument(self._settings.instruments.each_visit)

    def _instrument(self, name: str) -> Instrument:
        today = self._clock().astimezone(self._settings.site.time_zone).date()
        return require_ready(self._catalogue.instrument(name), today=today, alerts=self._settings.alerts is not None)


def _last_start(schedule: Schedule, record: PatientRecord, visit: SeenVisit) -> datetime | None:
    """Return when the visit before one began, of those with its therapist that the schedule is for."""
    mine = (each for each in record.visits if each.therapist == visit.therapist and counts(schedule, each))
    return max((each.start for each in mine if each.start < visit.start), default=None)
