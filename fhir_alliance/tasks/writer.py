"""Bringing one Task of an EHR up to date: made once, and never written over what somebody else has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import orjson

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import EhrError, FhirError

Resource = Mapping[str, Any]

_FOLLOWS: Final = ("status", "statusReason", "restriction", "output")
_CANNOT_CREATE_IF: Final = frozenset({400, 405, 422, 501})


class ChangedElsewhere(EhrError):
    """Somebody at the EHR has changed what of a Task is ours to change."""

    code = "task.changed-elsewhere"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a Task: its id there, and digests of what was read back last and of what was sent since.

    There may be several in `told`, with spaces between them, when nobody knows what became of the last sends.
    """

    task: str | None = None
    told: str = ""
    held: str = ""


def digest(task: Resource) -> str:
    """Return what is the same for as long as a Task says the same of a form, however a server writes it down."""
    period = task.get("restriction", {}).get("period", {})
    moments = [_moment(period.get(name)) for name in ("start", "end")]
    told = [task.get("status"), moments, [_identifier(each) for each in task.get("output", ())]]
    return sha256(orjson.dumps(told)).hexdigest()


def bring(client: FhirClient, task: dict[str, Any], known: Known) -> Known:
    """Make or change a Task so that it says what `task` says, and return what was read back of it.

    It is looked for first, by its id or else its identifier, so a send whose outcome nobody knows is not repeated.
    Raises ChangedElsewhere, FhirError when the EHR refuses, EhrError when it cannot be told what is there.
    """
    current = _current(client, task, known)
    if current is None:
        made = _create(client, task)
        return _read_back(client, task, made)
    if digest(current) not in (known.held, *known.told.split(), digest(task)):
        raise ChangedElsewhere(str(current.get("status")))
    if digest(current) == digest(task):
        return Known(task=current["id"], told=digest(task), held=digest(current))
    version = current.get("meta", {}).get("versionId")
    if not version:
        raise EhrError("the EHR does not say which version of a Task it holds")
    client.update(_changed(current, task), if_match=str(version))
    return _read_back(client, task, str(current["id"]))


def _current(client: FhirClient, task: Resource, known: Known) -> dict[str, Any] | None:
    if known.task:
        return _read(client, known.task)
    (own,) = task["identifier"]
    found = client.search("Task", [("identifier", f"{own['system']}|{own['value']}")])
    # A server may not know the parameter, and then gives every Task.
    mine = [each for each in found.resources if _is_named(each, own)]
    if len(mine) > 1 or not (mine or found.complete):
        raise EhrError("it cannot be told which Task is the one of a form")
    return dict(mine[0]) if mine else None


def _read(client: FhirClient, name: str) -> dict[str, Any]:
    try:
        return client.read("Task", name)
    except FhirError as error:
        if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise
        raise ChangedElsewhere("removed") from None


def _create(client: FhirClient, task: dict[str, Any]) -> str | None:
    (own,) = task["identifier"]
    try:
        return client.create(task, if_none_exist=f"identifier={own['system']}|{own['value']}").id
    except FhirError as error:
        if error.status not in _CANNOT_CREATE_IF:
            raise
    return client.create(task).id


def _read_back(client: FhirClient, task: Resource, name: str | None) -> Known:
    found = _current(client, task, Known(task=name))
    if found is None or found.get("status") != task["status"]:
        raise EhrError("a Task that was written is not in the EHR")
    return Known(task=str(found["id"]), told=digest(task), held=digest(found))


def _changed(current: Resource, task: Resource) -> dict[str, Any]:
    """Return what is there with our part of it as it is now; whatever others have added stays."""
    kept = {name: value for name, value in current.items() if name not in _FOLLOWS}
    ours = {name: task[name] for name in _FOLLOWS if name in task}
    types = [_code(each) for each in task["input"]]
    added = [each for each in current.get("input", ()) if _code(each) not in types]
    return {**kept, **ours, "input": [*task["input"], *added]}


def _code(part: Resource) -> str | None:
    codings = part.get("type", {}).get("coding") or [{}]
    code: str | None = codings[0].get("code")
    return code


def _identifier(output: Resource) -> Any:
    return output.get("valueReference", {}).get("identifier", {}).get("value")


def _is_named(task: Resource, own: Resource) -> bool:
    return any((each.get("system"), each.get("value")) == (own["system"], own["value"]) for each in _names(task))


def _names(task: Resource) -> list[Any]:
    return [each for each in task.get("identifier", ()) if isinstance(each, dict)]


def _moment(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
