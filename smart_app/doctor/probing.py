"""The write probe of doctor: whose chart it may be, what is written into it, and where the result is kept."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import orjson
from sqlalchemy import Engine

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.ladder import way_into
from fhir_alliance.delivery.probing import Probe
from fhir_alliance.delivery.retracting import NotingClient
from fhir_alliance.delivery.trial import Memory, Trial
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.findings import Kind, keep, last
from fhir_alliance.ehr.probed import Probed, Verdict, Waiting, read_probed
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.rungs import PROBE_SCOPES, not_granted
from fhir_alliance.errors import FhirError, InvalidResource, ProbeRefused, SignInNeeded
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.marked import marked_bundle, marked_pieces
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.settings import EhrSettings, Rung, Settings
from fhir_alliance.store import transaction
from smart_app.doctor.begun import Begun
from smart_app.doctor.entry import entries

GIVEN_UP: Final = timedelta(days=14)
"""After which an entry in review is taken for rejected there, and a new one is written."""


class WriteProbe:
    """One write probe of one EHR by one person, with the EHR's backend client; `clock` returns the present in UTC."""

    def __init__(
        self, settings: Settings, ehr: EhrSettings, engine: Engine, *, by: str, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._ehr = ehr
        self._engine = engine
        self._by = by
        self._clock = clock
        self._registry = Registry(settings)
        self._tokens = BackendTokens(self._registry, clock)

    def patient(self, patient_id: str, *, encounter: str | None) -> PatientShown:
        """Return the patient that the operator has named, read now; `encounter` is the id of a visit, or None.

        Raises ProbeRefused when the EHR has no such patient or visit, or does not let the backend client do what a
        probe does; EhrError when it does not answer.
        """
        self._check_scopes(encounter)
        self._audit(Event.PROBE_OPENED, patient_id, "read")
        if encounter:
            self._read("Encounter", encounter)
        return read_patient(self._read("Patient", patient_id))

    def finishes(self, patient: PatientShown) -> bool:
        """Whether a probe of this chart finishes the entry of the last one; ProbeRefused when that is in another."""
        return self._waiting(patient) is not None

    def run(self, patient: PatientShown, *, birth_date: str, encounter: str | None) -> Probed:
        """Write a test entry into the patient's chart, read it back and retract it; returns what that showed.

        Where the last one is still in review nothing new is written: it is looked for, read back and retracted.
        Raises ProbeRefused before anything is sent when the birth date is another one, or no score can be written.
        """
        if not patient.birth_date or birth_date != patient.birth_date:
            self._audit(Event.PROBE_REFUSED, patient.id, "birth-date")
            raise ProbeRefused([f"That is not the birth date of Patient/{patient.id}. Nothing was sent."])
        waiting = self._waiting(patient)
        begun = Begun.again(waiting) if waiting else Begun.now(encounter, self._clock())
        trial = self._trial(patient, begun)
        memory = Memory(self._engine, trial, by=self._by, clock=self._clock)
        memory.recall(begun.steps, at=begun.made)
        probed = Probe(memory, trial, partial(self._client, memory), by=self._by).run()
        if probed.verdict is not Verdict.PENDING:
            return probed
        return replace(probed, waiting=begun.waiting(patient.id, memory.reviewed))

    def _waiting(self, patient: PatientShown) -> Waiting | None:
        """Return what the last probe by this rung left in review; ProbeRefused when it is in another chart."""
        with self._engine.connect() as connection:
            found = last(connection, self._ehr.name, Kind.PROBED)
        probed = read_probed(found.facts) if found else NOTHING
        waiting = probed.waiting if probed.rung is self._ehr.write.rung else None
        if waiting is None or self._clock() - Begun.again(waiting).made > GIVEN_UP:
            return None
        if waiting.patient != patient.id:
            place = f"Patient/{waiting.patient}"
            raise ProbeRefused([f"The last test entry is still in review, in the chart of {place}: name that patient."])
        return waiting

    def keep(self, probed: Probed, *, patient: str | None) -> None:
        """Keep what a probe showed, with its date; StoreError when that cannot be done."""
        now = self._clock()
        with transaction(self._engine) as connection:
            keep(connection, self._ehr.name, Kind.PROBED, probed.facts, at=now)
        self._audit(Event.PROBE_ENDED, patient, "left" if probed.left else probed.verdict.value)

    def _check_scopes(self, encounter: str | None) -> None:
        """Raise ProbeRefused, naming the setting, unless the backend client may write, find and retract."""
        ehr, name = self._ehr, f"[ehr.{self._ehr.name}.backend]"
        if ehr.backend is None:
            raise ProbeRefused([f"There is no {name}: a probe writes with the backend client. Nothing was sent."])
        needed = (*PROBE_SCOPES[ehr.write.rung], *(("system/Encounter.r",) if encounter else ()))
        try:
            granted = self._tokens.token(ehr).scopes
        except SignInNeeded as error:
            raise ProbeRefused([f"The EHR refuses the client of {name} ({error.detail}). Nothing was sent."]) from None
        if lacking := not_granted(needed, granted):
            raise ProbeRefused(list(_to_ask_for(name, lacking, asked=frozenset(ehr.backend.scopes.split()))))

    def _read(self, kind: str, resource_id: str) -> dict[str, Any]:
        try:
            return self._client().read(kind, resource_id)
        except InvalidResource:
            raise ProbeRefused([f"{resource_id[:64]!r} is no id of FHIR's. Nothing was sent."]) from None
        except FhirError as error:
            if error.status not in (404, 410):
                raise
            raise ProbeRefused([f"{self._ehr.name} has no {kind}/{resource_id}. Nothing was sent."]) from None

    def _trial(self, patient: PatientShown, begun: Begun) -> Trial:
        forms = entries(
            self._settings, self._ehr.name, patient, encounter=begun.encounter, key=begun.key, now=begun.made
        )
        for form in forms:
            if (trial := self._marked(form, begun.made)) is not None:
                return trial
        raise ProbeRefused(["No score that this site asks has a row in the mapping. Nothing was sent."])

    def _marked(self, form: Submission, now: datetime) -> Trial | None:
        """Return the test entry as the EHR's rung writes it, None when it writes nothing of this form."""
        way = way_into(form, self._ehr.write, now=now)
        if way.rung is not Rung.OBSERVATIONS and way.pieces is None:
            return None
        pieces = orjson.dumps(marked_pieces(orjson.loads(way.pieces), form.key)) if way.pieces else b""
        return Trial(
            key=form.key,
            ehr=self._ehr.name,
            fhir_base=self._ehr.fhir_base,
            patient=form.patient,
            encounter=form.encounter,
            rung=way.rung,
            bundle=orjson.dumps(marked_bundle(write_bundle(form), form.key)),
            pieces=pieces,
        )

    def _client(self, memory: Memory | None = None) -> FhirClient:
        door, token = self._registry.door(self._ehr), self._tokens.token(self._ehr).access_token
        if memory is None:
            return FhirClient(door, self._ehr.fhir_base, token)
        return NotingClient(door, self._ehr.fhir_base, token, memory=memory)

    def _audit(self, event: Event, patient: str | None, outcome: str) -> None:
        with transaction(self._engine) as connection:
            record(
                connection,
                at=self._clock(),
                event=event,
                actor=self._by,
                ehr=self._ehr.name,
                patient=patient,
                launch=None,
                outcome=outcome,
                request_id=None,
            )


NOTHING = Probed(rung=Rung.HOLD, verdict=Verdict.UNTRIED, why="")
"""What a probe shows of an EHR into which the site writes nothing."""


def _to_ask_for(name: str, lacking: list[str], *, asked: frozenset[str]) -> Iterator[str]:
    yield f"The EHR grants its backend client too little for a probe: {' '.join(lacking)} is missing. Nothing was sent."
    if unasked := not_granted(lacking, asked):
        yield f"Add to scopes of {name} in the settings: {' '.join(unasked)}"
    yield "Then the EHR's administrator has to allow it for that client. A form whose sender has left needs it as well."
