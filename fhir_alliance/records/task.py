"""A form that is asked about a visit as an SDC Task: who is to answer what until when, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.codes import JsonObject, concept, reference
from fhir_alliance.records.provenance import software
from fhir_alliance.terms import ASSIGNMENT_IDENTIFIER, SDC, SDC_TASK_CODES, URN


class Asked(StrEnum):
    """Where a form that is asked is, by the code of `Task.status` (spec row W03).

    What is planned is not open yet, what is overdue has failed.
    """

    PLANNED = "draft"
    DUE = "requested"
    BEGUN = "in-progress"
    COMPLETED = "completed"
    DECLINED = "rejected"
    OVERDUE = "failed"
    CANCELLED = "cancelled"


_REASONS = {
    Asked.DECLINED: "Declined for this visit",
    Asked.OVERDUE: "Not answered in time",
    Asked.CANCELLED: "Not asked any more",
}


@dataclass(frozen=True, kw_only=True)
class AskedForm:
    """One form asked of one person about one visit; references are to resources of the EHR at `fhir_base`.

    `form` is a canonical with its version, `owner` who answers, None where nobody is named; `response` is the key of
    the submission that answers it. `id` names it here, `key` everywhere.
    """

    id: str
    key: str
    patient: str
    encounter: str
    form: str
    rater: Rater
    owner: str | None
    asked: datetime
    opens: datetime
    closes: datetime
    state: Asked
    response: str | None
    fhir_base: str


def build_task(form: AskedForm) -> JsonObject:
    """Return the Task of a form (spec rows W01 to W03); there is one for each visit and form.

    It is named by our identifier, its response by that of the submission: both stay the same wherever they are filed.
    """
    reason = _REASONS.get(form.state)
    owner = form.owner or (f"Patient/{form.patient}" if form.rater is Rater.PATIENT else None)
    return {
        "resourceType": "Task",
        "id": form.id,
        "meta": {"profile": [f"{SDC}/sdc-task"]},
        "identifier": [{"system": ASSIGNMENT_IDENTIFIER, "value": form.key}],
        "status": form.state.value,
        **({"statusReason": {"text": reason}} if reason else {}),
        "intent": "order",
        "code": concept(SDC_TASK_CODES, "complete-questionnaire", "Complete Questionnaire"),
        "for": reference(f"Patient/{form.patient}"),
        "encounter": reference(form.encounter),
        "authoredOn": _text(form.asked),
        "requester": software(),
        **({"owner": reference(owner)} if owner else {}),
        "restriction": {"period": {"start": _text(form.opens), "end": _text(form.closes)}},
        "input": [
            {"type": _kind("questionnaire"), "valueCanonical": form.form},
            {"type": _kind("response-endpoint"), "valueUrl": f"{form.fhir_base}/QuestionnaireResponse"},
        ],
        **({"output": [_output(form.response)]} if form.response else {}),
    }


def _output(key: str) -> JsonObject:
    named = {"type": "QuestionnaireResponse", "identifier": {"system": URN, "value": f"urn:uuid:{key}"}}
    return {"type": _kind("questionnaire-response"), "valueReference": named}


def _kind(code: str) -> JsonObject:
    return {"coding": [{"system": SDC_TASK_CODES, "code": code}]}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
