"""The limits some EHRs put on what an app may write, beyond those of FHIR."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from smart_app.sandbox.fhir.outcomes import Unprocessable
from smart_app.sandbox.fhir.terms import Resource, elements

Others = Callable[..., Iterable[Resource]]
"""Search parameters as (name, value) pairs -> the resources of the same type they find."""
Check = Callable[[Resource, Others], None]

LONGEST_NOTE = 254
"""Characters of a comment on a flowsheet value (seen in third-party code for Epic, 2026)."""

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def check_flowsheet_row(observation: Resource, others: Others) -> None:
    """Raise Unprocessable unless this is one final value, with a time, of one vital-signs row that has none then."""
    _check_category(observation, "vital-signs")
    if len(list(elements(observation, ("code", "coding")))) != 1:
        raise _limit("code", "a flowsheet row has exactly one coding")
    if observation["status"] != "final":
        raise _limit("status", "only final values can be filed")
    if _moment(observation.get("effectiveDateTime")) is None:
        raise _limit("effectiveDateTime", "a date and time with an offset is needed")
    if not isinstance(observation.get("valueQuantity", {}).get("value"), int | float):
        raise _limit("valueQuantity", "a number is needed")
    if any(len(str(text)) > LONGEST_NOTE for text in elements(observation, ("note", "text"))):
        raise _limit("note", f"a comment has at most {LONGEST_NOTE} characters")
    _check_first(observation, others)


def check_lab_or_vital(observation: Resource, _others: Others) -> None:
    """Raise Unprocessable unless the Observation is of the category laboratory or vital-signs."""
    _check_category(observation, "laboratory", "vital-signs")


def check_modifiers(resource: Resource, _others: Others) -> None:
    """Raise Unprocessable for an extension that changes what the resource means."""
    if "modifierExtension" in resource or "implicitRules" in resource:
        raise _limit("modifierExtension", "modifier elements are not understood here", resource)


def check_document(document: Resource, _others: Others) -> None:
    """Raise Unprocessable unless a note says whose, of what type and by whom it is, and has its content inside."""
    for name in ("type", "subject", "author", "context"):
        if name not in document:
            raise _limit(name, "is needed", document)
    kinds = list(elements(document, ("content", "attachment", "contentType")))
    if len(list(elements(document, ("content", "attachment", "data")))) != len(kinds) or not kinds:
        raise _limit("content.attachment", "needs contentType and data", document)
    if not {kind.partition(";")[0] for kind in kinds} <= {"text/plain", "application/pdf"}:
        raise _limit("content.attachment.contentType", "text/plain and application/pdf are taken", document)
    if _moment(document["context"].get("period", {}).get("end")) is None:
        raise _limit("context.period.end", "a date and time with an offset is needed", document)


def check_in_visit(document: Resource, _others: Others) -> None:
    """Raise Unprocessable unless the note belongs to an encounter."""
    if not list(elements(document, ("context", "encounter", "reference"))):
        raise _limit("context.encounter", "a note belongs to an encounter", document)


def without(resource: Resource, names: Sequence[str]) -> Resource:
    """Return the resource without some elements, as a server that does not know them keeps it."""
    return {name: value for name, value in resource.items() if name not in names}


def _check_category(observation: Resource, *codes: str) -> None:
    given = {
        each.get("code") for each in elements(observation, ("category", "coding")) if each.get("system") == _CATEGORY
    }
    if not given or not given <= set(codes):
        raise _limit("category", f"must be {' or '.join(codes)}")


def _check_first(observation: Resource, others: Others) -> None:
    (coding,) = elements(observation, ("code", "coding"))
    at = _moment(observation["effectiveDateTime"])
    same = others(
        ("subject", observation["subject"]["reference"]), ("code", f"{coding.get('system', '')}|{coding['code']}")
    )
    if any(_moment(each.get("effectiveDateTime")) == at for each in same):
        raise _limit("effectiveDateTime", "this row has a value at this time already")


def _moment(text: Any) -> datetime | None:
    """Return a FHIR dateTime that has a time and an offset, None for any other."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _limit(path: str, detail: str, resource: Resource | None = None) -> Unprocessable:
    expression = f"{resource['resourceType'] if resource else 'Observation'}.{path}"
    return Unprocessable(f"{expression}: {detail}", expression=expression)
