"""What the backend client of an EHR does for us, and which scopes each of it takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_alliance.ehr.draft import (
    APPOINTMENT_SCOPE,
    BACKEND_SCOPES,
    BULK_SCOPES,
    HARVEST_SCOPES,
    MESSAGE_SCOPE,
    TASK_SCOPES,
    TOPIC_SCOPES,
    VISIT_SCOPES,
)
from fhir_alliance.ehr.rungs import PROBE_SCOPES, not_granted
from fhir_alliance.settings import EhrSettings


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing that the backend client does: the scopes that it takes, those not `asked` for, those not `granted`.

    `granted` is None while it is not known.
    """

    what: str
    unasked: tuple[str, ...]
    ungranted: tuple[str, ...] | None


def jobs(ehr: EhrSettings, granted: frozenset[str] | None) -> Iterator[Job]:
    """Yield what the backend client may be for at an EHR; nothing without one."""
    if ehr.backend is None:
        return
    asked = frozenset(ehr.backend.scopes.split())
    for what, scopes in _needs(ehr):
        yield Job(
            what=what,
            unasked=tuple(not_granted(scopes, asked)),
            ungranted=None if granted is None else tuple(not_granted(scopes, granted)),
        )


def _needs(ehr: EhrSettings) -> Iterator[tuple[str, list[str]]]:
    yield "publish forms", BACKEND_SCOPES.split()
    if delivered := PROBE_SCOPES[ehr.write.rung]:
        yield "deliver for who has left", [*delivered, "system/Encounter.r"]
    yield "score what others wrote", HARVEST_SCOPES.split()
    yield "find visits by asking", VISIT_SCOPES.split()
    yield "find visits in appointments", [*VISIT_SCOPES.split(), APPOINTMENT_SCOPE]
    yield "hear of visits from the EHR", [*VISIT_SCOPES.split(), TOPIC_SCOPES]
    yield "keep Tasks of what is asked", TASK_SCOPES.split()
    yield "export a group in bulk", BULK_SCOPES.split()
    yield "pass on links and reminders", [MESSAGE_SCOPE]
