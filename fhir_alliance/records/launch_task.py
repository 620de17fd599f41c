"""A Task in the EHR's own task list that launches the app for one form that is due (SMART App Launch 2.2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from fhir_alliance.records.codes import RESTRICTED, JsonObject, concept, reference
from fhir_alliance.records.task import Asked
from fhir_alliance.terms import LAUNCH_TASK_IDENTIFIER, SMART, SMART_CODES

_APPLICATION: Final = concept(SMART_CODES, "smartonfhir-application", "SMART on FHIR application URL.")
_APP_CONTEXT: Final = concept(SMART_CODES, "smartonfhir-appcontext", "Application context related to this launch.")


class LaunchKind(Enum):
    """How the EHR opens the app: its profile, the code of the Task, and the code in words."""

    EHR = ("task-ehr-launch", "launch-app-ehr", "Launch application using the SMART EHR launch")
    STANDALONE = (
        "task-standalone-launch",
        "launch-app-standalone",
        "Launch application using the SMART standalone launch",
    )


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """What a Task is about: `key` names the assignment and nobody else, the references are relative.

    `application` is our launch address as it is registered at the EHR (for a standalone launch where it starts),
    `app_context` the sealed token of `ehr.app_context`, which holds the form: the EHR hands it back and reads nothing.
    `owner` is who is asked, None where nobody is named; whoever sees the task list reads `title`, so it names the form
    and no answer.
    """

    key: str
    patient: str
    encounter: str
    owner: str | None
    application: str
    app_context: str
    title: str
    authored: datetime
    until: datetime
    state: Asked = Asked.DUE


def launch_task(order: LaunchOrder, kind: LaunchKind) -> JsonObject:
    """Return the Task (FHIR R4) that asks for one form; the same order always has the same identifier."""
    profile, code, display = kind.value
    return {
        "resourceType": "Task",
        "meta": {"profile": [f"{SMART}/StructureDefinition/{profile}"], "security": [RESTRICTED]},
        "identifier": [{"system": LAUNCH_TASK_IDENTIFIER, "value": order.key}],
        "status": order.state.value,
        "intent": "order",
        "code": concept(SMART_CODES, code, display),
        "description": order.title,
        "for": reference(order.patient),
        "encounter": reference(order.encounter),
        "authoredOn": order.authored.isoformat(timespec="seconds"),
        **({"owner": reference(order.owner)} if order.owner else {}),
        "restriction": {"period": {"end": order.until.isoformat(timespec="seconds")}},
        "input": [
            {"type": _APPLICATION, "valueUrl": order.application},
            {"type": _APP_CONTEXT, "valueString": order.app_context},
        ],
    }
