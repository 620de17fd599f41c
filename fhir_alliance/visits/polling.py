"""Searching an EHR for visits of a time, in parts as small as the EHR needs, one search at a time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import EhrError

_SHORTEST: Final = timedelta(minutes=1)
_MAX_SEARCHES: Final = 256

RawResource = dict[str, Any]
Ask = Callable[[datetime, datetime], SearchResult]


def visits_between(ask: Ask, since: datetime, until: datetime) -> Iterator[RawResource]:
    """Yield the visits that `ask` finds in a time; a part that the EHR does not give in full is halved.

    Raises EhrError when even the shortest part is not given in full, or there are too many of them: then the round has
    not seen everything, and may not say so.
    """
    waiting = [(since, until)]
    for _ in range(_MAX_SEARCHES):
        if not waiting:
            return
        start, end = waiting.pop()
        found = ask(start, end)
        if found.complete:
            yield from found.resources
        elif end - start <= _SHORTEST:
            raise EhrError("more visits in a minute than the EHR gives")
        else:
            middle = start + (end - start) / 2
            waiting += [(middle, end), (start, middle)]
    raise EhrError("more searches for visits than one round may make")


def search_visits(client: FhirClient, kind: str, since: datetime, until: datetime) -> SearchResult:
    """Return the Encounters or Appointments that are dated in a time, whatever their status: cancelled ones count."""
    return client.search(kind, [("date", f"ge{_text(since)}"), ("date", f"lt{_text(until)}"), ("_count", "100")])


def search_of_appointment(client: FhirClient, appointment: str) -> list[str]:
    """Return the references of the Encounters that an appointment has become; servers may ignore the parameter."""
    found = client.search("Encounter", [("appointment", appointment), ("_count", "10")])
    return [f"Encounter/{each['id']}" for each in found.resources if appointment in _appointments(each)]


def _appointments(encounter: RawResource) -> list[str]:
    return [str(each.get("reference")) for each in encounter.get("appointment", ()) if isinstance(each, dict)]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
