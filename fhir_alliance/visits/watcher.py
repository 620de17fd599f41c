"""Rounds through the EHRs' visits without anybody signed in: what has changed is noticed, looked at, and assigned."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog

from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.last_year import search_last_year
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import AllianceError, EhrError, FhirError, NotSent, SignInNeeded, StoreError
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import EhrSettings, VisitSettings
from fhir_alliance.store import alone
from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.due import NO_VISIT
from fhir_alliance.visits.finder import DueFinder, PatientRecord
from fhir_alliance.visits.looks import Look, Looks, fingerprint
from fhir_alliance.visits.polling import search_of_appointment, search_visits, visits_between
from fhir_alliance.visits.reading import seen_visits
from fhir_alliance.visits.settling import CANCELLED

OVERLAP: Final = timedelta(hours=2)
"""How far behind the last round the next one begins: a visit may be filed late, and clocks differ."""

BACK: Final = timedelta(hours=50)
"""How far each round looks back at least: for as long as a form about a visit may be open, and a little more."""

_FURTHEST_BACK: Final = timedelta(days=30)
# Longer ago than any round looks back; a visit that changes after that is looked at as a new one.
_KEPT: Final = timedelta(days=31)
_PURGE_EVERY: Final = timedelta(hours=1)
_POLL_SECONDS: Final = 15.0
_MAX_ATTEMPTS: Final = 12
_GONE: Final = frozenset({404, 410})
_log = structlog.get_logger(__name__)


class VisitWatcher(Rounds):
    """Follows the visits of every EHR that has a backend client; each EHR is asked by one process at a time.

    Whatever hears of a visit calls `looks.want`, which is quick; the look follows in the background.
    """

    def __init__(
        self,
        looks: Looks,
        assignments: Assignments,
        finder: DueFinder,
        tokens: BackendTokens,
        ehrs: Mapping[str, EhrSettings],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__("visits", pause=_POLL_SECONDS, paused="visits.paused")
        self.looks = looks
        self._assignments = assignments
        self._finder = finder
        self._tokens = tokens
        self._ehrs = ehrs
        self._clock = clock
        self._tried: dict[str, datetime] = {}
        self._purge_at: datetime | None = None

    def watch(self, now: datetime) -> int:
        """Poll every EHR whose time has come, and look at what has changed; returns how many visits were looked at.

        An EHR that cannot be read is logged and tried again after its usual time. Raises StoreError.
        """
        looked = 0
        if self._purge_at is None or now >= self._purge_at:
            self.looks.purge(now - _KEPT)
            self._purge_at = now + _PURGE_EVERY
        for ehr in self._ehrs.values():
            if ehr.backend is None or self._stopping.is_set():
                continue
            try:
                with alone(self.looks.engine, f"visits {ehr.name}"):
                    if ehr.visits and now - self._last(ehr) >= ehr.visits.every:
                        self._tried[ehr.name] = now
                        self.poll(ehr, ehr.visits, now)
                    looked += self.look_at_wanted(ehr, now)
            except StoreError:
                raise
            except AllianceError as error:
                _log.warning("visits.unread", ehr=ehr.name, code=error.code)
        return looked

    def poll(self, ehr: EhrSettings, how: VisitSettings, now: datetime) -> int:
        """Notice what has changed among an EHR's visits; returns how many visits that is.

        A form that is still open is noticed, too, when its visit is not found any more where it was: it may have been
        moved, merged or removed. Raises EhrError; then the next round begins where this one did.
        """
        known = self.looks.last(ehr.name)
        since = max(min(now - BACK, known.looked_until - OVERLAP if known else now), now - _FURTHEST_BACK)

        def ask(start: datetime, end: datetime) -> SearchResult:
            return self._tokens.read(ehr, lambda client: search_visits(client, how.search, start, end))

        found = visits_between(ask, since, now + how.ahead)
        seen = {f"{how.search}/{each['id']}": fingerprint(each) for each in found}
        lost = self._assignments.open_visits(ehr.name) - set(seen) if how.search == "Encounter" else frozenset()
        changed = self.looks.want(ehr.name, {**seen, **dict.fromkeys(lost, "")}, Trigger.POLL, at=now)
        self.looks.keep_round(ehr.name, looked_until=now, at=now)
        return changed

    def look_at_wanted(self, ehr: EhrSettings, now: datetime) -> int:
        """Look at every visit that has changed, one after the other; returns how many that were.

        One that cannot be read waits, and stops no other. Raises StoreError, and SignInNeeded or NotSent, which would
        be the same for all others.
        """
        looks = self.looks.wanted(ehr.name, now=now)
        for look in looks:
            if self._stopping.is_set():
                break
            try:
                self._look(ehr, look, now)
            except (StoreError, SignInNeeded, NotSent):
                raise
            except Exception as error:  # one that nobody foresaw must not stop the others
                self._put_off(ehr, look, now, error)
        return len(looks)

    def _make_round(self) -> None:
        self.watch(self._clock())

    def _last(self, ehr: EhrSettings) -> datetime:
        """Return when an EHR was last tried, by any process."""
        known = self.looks.last(ehr.name)
        tried = self._tried.get(ehr.name, datetime.min.replace(tzinfo=UTC))
        return max(tried, known.tried_at) if known else tried

    def _look(self, ehr: EhrSettings, look: Look, now: datetime) -> None:
        if look.reference.startswith("Appointment/"):
            visits = self._tokens.read(ehr, lambda client: search_of_appointment(client, look.reference))
            self.looks.want(ehr.name, dict.fromkeys(visits, ""), look.trigger, at=now)
            # The Encounter may only be made when the patient comes.
            self.looks.done(ehr.name, look, at=now, again_if_unchanged=not visits)
            for each in self.looks.wanted(ehr.name, now=now):
                if each.reference in visits:
                    self._look(ehr, each, now)
            return
        self._tokens.read(ehr, lambda client: self._find(client, ehr, look, now))
        self.looks.done(ehr.name, look, at=now)

    def _find(self, client: FhirClient, ehr: EhrSettings, look: Look, now: datetime) -> None:
        """Assign what is due about a visit, and about the patient's others of these days, whose numbers hang on it."""
        kind, _, name = look.reference.partition("/")
        try:
            encounter = client.read(kind, name)
        except FhirError as error:
            if error.status not in _GONE:
                raise
            self._assignments.cancel_elsewhere(ehr.name, look.reference, patient="", why="visit-gone")
            return
        patient = str(encounter.get("subject", {}).get("reference", "")).removeprefix("Patient/")
        self._assignments.cancel_elsewhere(ehr.name, look.reference, patient=patient, why="patient-changed")
        if encounter.get("status") in NO_VISIT:
            self._assignments.cancel_visit(ehr.name, patient, look.reference, why=CANCELLED)
        record = _record(client, ehr, patient, now.date())
        ahead = ehr.visits.ahead if ehr.visits else timedelta(0)
        near = {each.encounter for each in record.visits if now - BACK <= each.start <= now + ahead}
        for each in sorted(near | {look.reference}):
            self._finder.find(record, each, look.trigger)

    def _put_off(self, ehr: EhrSettings, look: Look, now: datetime, error: Exception) -> None:
        code = error.code if isinstance(error, AllianceError) else type(error).__name__
        _log.warning("visits.unread", ehr=ehr.name, code=code, attempts=look.attempts + 1)
        if look.attempts + 1 >= _MAX_ATTEMPTS:
            self.looks.done(ehr.name, look, at=now)
        else:
            self.looks.put_off(ehr.name, look, until=now + timedelta(minutes=min(2**look.attempts, 60)))


def _record(client: FhirClient, ehr: EhrSettings, patient: str, today: date) -> PatientRecord:
    encounters = search_last_year(client, "Encounter", patient, today=today)
    responses = search_last_year(client, "QuestionnaireResponse", patient, today=today)
    if not encounters.complete:
        raise EhrError("not all visits of a patient could be read, so none can be numbered")
    mine = (each for each in responses.resources if each.get("subject", {}).get("reference") == f"Patient/{patient}")
    return PatientRecord(
        ehr=ehr.name,
        patient=patient,
        visits=seen_visits(encounters.resources, patient=patient),
        responses=tuple(mine),
        numbered=encounters.whole,
    )
