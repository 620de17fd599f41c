"""One response of others on its way into the outbox: whose it is, of which visit, and what it scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from fhir_alliance.delivery.chart import foreign
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError
from fhir_alliance.harvest.forms import Forms, Refusal
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.bundle import collect_scores
from fhir_alliance.records.checks import check_shape
from fhir_alliance.records.foreign import SCORED, differing_claims, referred, score_response
from fhir_alliance.records.harvested import is_by_others, source_key, version_key, version_of
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.scored import ScoredResponse
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.settings import EhrSettings
from fhir_alliance.terms import OBSERVATION_CATEGORY
from fhir_alliance.trajectory.series import therapist_of

LAUNCH: Final = "harvest"
"""What stands for the launch of a submission that came without one."""

_GONE: Final = frozenset({404, 410})

RawResource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Take:
    """A response ready to be accepted: what it says as a submission, its scores, and whether it claimed others."""

    submission: Submission
    bundle: bytes
    claim_differs: bool


class Taker:
    """Makes submissions of the responses in one EHR's charts; reads, and writes nothing."""

    def __init__(self, client: FhirClient, ehr: EhrSettings, forms: Forms, *, now: datetime) -> None:
        self._client = client
        self._ehr = ehr
        self._forms = forms
        self._now = now

    def take(self, response: RawResource, *, amends: bool) -> Take:
        """Return what to accept of a response; raises Refusal, and what the EHR's refusal is.

        `amends` says that scores of an earlier version were accepted.
        """
        instrument, form = self._forms.read(response)
        patient = self._patient(response)
        encounter, therapist = self._visit(response)
        source = source_key(self._ehr.fhir_base, response["id"])
        checked = {**response, "encounter": {"reference": encounter} if encounter else {}}
        scored = score_response(checked, instrument, form, key=str(source), at=self._now)
        status = "amended" if amends else SCORED[response["status"]]
        bundle = collect_scores(scored, response=f"QuestionnaireResponse/{response['id']}", status=status)
        check_shape(bundle)
        self._check_not_scored(bundle, response["id"], patient)
        return Take(
            submission=self._submission(response, scored, source, patient, therapist),
            bundle=orjson.dumps(bundle),
            claim_differs=any(differing_claims(scored.scores, response)),
        )

    def _patient(self, response: RawResource) -> PatientShown:
        """Return the patient as the EHR has them now: the courier compares before it writes (F35)."""
        try:
            patient = self._client.read("Patient", response["subject"]["reference"].removeprefix("Patient/"))
        except FhirError as error:
            if error.status not in _GONE:
                raise
            raise Refusal("patient-gone") from None
        with foreign():
            return read_patient(patient)

    def _visit(self, response: RawResource) -> tuple[str | None, str | None]:
        """Return the encounter and its therapist, when it is the same patient's (F36)."""
        named = referred(response, "encounter")
        if named is None:
            return None, None
        encounter = self._encounter(named)
        with foreign():
            if encounter and encounter.get("subject", {}).get("reference") == response["subject"]["reference"]:
                return named, therapist_of(encounter)[0]
        if self._ehr.harvest and self._ehr.harvest.foreign_visit == "hold":
            raise Refusal("foreign-visit", ["encounter: is another patient's, or not there"])
        return None, None

    def _encounter(self, reference: str) -> RawResource | None:
        kind, _, name = reference.partition("/")
        if kind != "Encounter":
            return None
        try:
            return self._client.read(kind, name)
        except FhirError as error:
            if error.status not in _GONE:
                raise
            return None

    def _check_not_scored(self, bundle: Mapping[str, Any], response_id: str, patient: PatientShown) -> None:
        """Refuse a response whose scores another program has written already: nothing is ever doubled."""
        scores = [entry["resource"] for entry in bundle["entry"]]
        codes = [each["code"]["coding"][0] for each in scores]
        own = {each["identifier"][0]["value"] for each in scores}
        params = [("patient", patient.id), ("category", f"{OBSERVATION_CATEGORY}|survey"), ("_count", "200")]
        found = self._client.search("Observation", params)
        with foreign():
            if is_by_others(found.resources, response_id, codes, own=own):
                raise Refusal("scored-elsewhere", ["scores with these codes derive from it already"])

    def _submission(
        self,
        response: RawResource,
        scored: ScoredResponse,
        source: UUID,
        patient: PatientShown,
        therapist: str | None,
    ) -> Submission:
        return Submission(
            key=version_key(source, version_of(response)),
            ehr=self._ehr.name,
            instrument=scored.instrument,
            form=scored.form,
            patient=patient,
            encounter=scored.encounter,
            therapist=therapist,
            source=scored.source or "",
            author=LAUNCH,
            launch=LAUNCH,
            answers=scored.answers,
            declined=scored.declined,
            scores=scored.scores,
            authored=datetime.fromisoformat(scored.authored_text),
            scored=self._now,
            language=_language(scored.instrument, scored.language),
            audience_digest="",
        )


def _language(instrument: Instrument, asked: str) -> str:
    """Return the language of the response where there are words in it: what an alert says is told in one we have."""
    return asked if asked in instrument.wordings else next(iter(instrument.wordings))
