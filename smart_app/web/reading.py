"""What the app reads from an EHR: in parallel, so that a page costs one round trip, and with a token that is good."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.last_year import search_last_year
from fhir_alliance.errors import SignInNeeded
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.kept import is_of_form
from fhir_alliance.trajectory.companions import companion_codes
from fhir_alliance.trajectory.series import Series, Visit, read_series, read_visits, score_codes
from fhir_alliance.visits.due import SeenVisit
from fhir_alliance.visits.reading import seen_visits
from smart_app.web.asked import instrument_in_use
from smart_app.web.frames import today
from smart_app.web.launches import Launch
from smart_app.web.record import Code, RawResource, Read, if_allowed, may, read_record
from smart_app.web.services import services

T = TypeVar("T")
# More than the pages that are made at the same time ask for at once.
_READERS: Final = ThreadPoolExecutor(64, thread_name_prefix="reads")


@dataclass(frozen=True, kw_only=True)
class ChartData:
    """A patient's visits, scores and responses as the EHR holds them; not `complete` when it gave us only a part.

    `seen` are the visits as schedules see them, `withheld` the types of resources that we have no permission to read.
    What the EHR cannot give back is among them from our own store; `kept` are the references of those responses.
    `cut` says that the EHR holds more than is read at once: no visit here is known to be the first, so that nothing may
    be compared with earlier ones. `since` is the day from which on it is all here, None where that is not known. Visits
    are `numbered` where all of them are here.
    """

    patient: str
    visits: tuple[Visit, ...]
    seen: tuple[SeenVisit, ...]
    observations: tuple[RawResource, ...]
    responses: tuple[RawResource, ...]
    complete: bool
    withheld: tuple[str, ...]
    kept: frozenset[str]
    cut: bool = False
    since: date | None = None
    numbered: bool = True
    _series: dict[str, tuple[Series, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def series(self, instrument: Instrument) -> tuple[Series, ...]:
        """Return every series of an instrument's scores, read once however often a page asks."""
        name = instrument.method_code
        if name not in self._series:
            self._series[name] = read_series(self.observations, self.visits, instrument, patient=self.patient)
        return self._series[name]


def read_chart(launch: Launch) -> ChartData:
    """Return everything the clinician's view shows, in one round trip; raises what the EHR's refusal is.

    A record that holds more than is read at once costs a second one.
    """
    patient = launch.patient.id
    scopes = services().grants.scopes(launch.grant)
    record = read_record(
        patient,
        scopes,
        lambda reads: with_ehr(launch, lambda client: together(client, reads)),
        codes=_shown(),
        today=today(),
    )
    since = record.since
    visits = read_visits(record.encounters, patient=patient, numbered=record.numbered)
    kept_responses, kept_scores = _kept(launch)
    # Who has just withdrawn a form must not be shown it as the last answer until the chart says so as well.
    gone = services().outbox.taken_back(ehr=launch.ehr.name, patient=patient)
    return ChartData(
        patient=patient,
        visits=tuple(each for each in visits if not since or each.start.date() >= since),
        seen=seen_visits(record.encounters, patient=patient),
        observations=_dated(since, "effectiveDateTime", (*_without(gone, record.observations), *kept_scores)),
        responses=_dated(since, "authored", (*_without(gone, _of_patient(record.responses, patient)), *kept_responses)),
        complete=record.complete,
        withheld=tuple(kind for kind in ("Encounter", "QuestionnaireResponse") if not may(scopes, kind)),
        kept=frozenset(f"QuestionnaireResponse/{each['id']}" for each in kept_responses),
        cut=record.cut,
        since=since,
        numbered=record.numbered,
    )


def read_own_visits(launch: Launch) -> ChartData:
    """Return the patient's visits and responses, without any score, in one round trip, or two of a long record."""
    patient = launch.patient.id
    scopes = services().grants.scopes(launch.grant)
    reads = [
        if_allowed(scopes, kind, partial(search_last_year, kind=kind, patient=patient, today=today()))
        for kind in ("Encounter", "QuestionnaireResponse")
    ]
    encounters, responses = with_ehr(launch, lambda client: together(client, reads))
    gone = services().outbox.taken_back(ehr=launch.ehr.name, patient=patient)
    kept, _ = _kept(launch)
    return ChartData(
        patient=patient,
        visits=read_visits(encounters.resources, patient=patient, numbered=encounters.whole),
        seen=seen_visits(encounters.resources, patient=patient),
        observations=(),
        responses=(*_without(gone, _of_patient(responses.resources, patient)), *kept),
        complete=encounters.complete and responses.complete,
        withheld=(),
        kept=frozenset(),
        numbered=encounters.whole,
    )


def with_ehr(launch: Launch, read: Callable[[FhirClient], T]) -> T:
    """Read with the launch's permission; a token that the EHR has just refused is renewed once.

    Raises SignInNeeded when the permission has ended, and whatever the EHR's answer raises.
    """
    grants = services().grants
    token = grants.token(launch.grant)
    try:
        return read(_client(launch, token))
    except SignInNeeded:
        return read(_client(launch, grants.token(launch.grant, rejected=token)))


def _shown() -> frozenset[Code]:
    """Return the codes of the scores that a view shows: of the site's instrument, and of what is shown beside it."""
    instrument = instrument_in_use()
    others = (each for each in services().catalogue.instruments if each.name != instrument.name)
    return score_codes(instrument) | companion_codes(others)


def _dated(since: date | None, name: str, resources: tuple[RawResource, ...]) -> tuple[RawResource, ...]:
    """Drop what is older, or has no date, where only what is new can be whole: servers may ignore what was asked."""
    return tuple(each for each in resources if str(each.get(name, "")) >= str(since)) if since else resources


def _kept(launch: Launch) -> tuple[tuple[RawResource, ...], tuple[RawResource, ...]]:
    """Return the responses and the scores of this patient that the EHR cannot give back."""
    kept = services().keeping.kept(ehr=launch.ehr.name, patient=launch.patient.id)
    responses = tuple(each for each in kept if each["resourceType"] == "QuestionnaireResponse")
    return responses, tuple(each for each in kept if each["resourceType"] == "Observation")


def _client(launch: Launch, token: str) -> FhirClient:
    return FhirClient(services().registry.door(launch.ehr), launch.ehr.fhir_base, token)


def together(client: FhirClient, reads: Sequence[Read]) -> list[Any]:
    """Read side by side, so that all of it takes as long as the slowest; raises what one that fails raises.

    The last is read here, the others in threads that wait for the next page when they are done.
    """
    *others, last = reads
    meanwhile = [_READERS.submit(read, client) for read in others]
    try:
        mine = last(client)
    finally:
        wait(meanwhile)
    return [*(done.result() for done in meanwhile), mine]


def _without(gone: Collection[str], resources: Sequence[RawResource]) -> tuple[RawResource, ...]:
    return tuple(each for each in resources if not is_of_form(each, gone)) if gone else tuple(resources)


def _of_patient(resources: Sequence[RawResource], patient: str) -> tuple[RawResource, ...]:
    """Drop what a search returned about anybody else: it is never shown (T46)."""
    return tuple(each for each in resources if each.get("subject", {}).get("reference") == f"Patient/{patient}")
