"""An update of what is in a chart, on the condition that nobody has changed it since it was read (F17)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import CHANGED_IN_CHART, GONE_FROM_CHART, NO_UPDATES, State
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import Conflict, FhirError
from fhir_alliance.records.corrections import STRUCK, says_the_same

RACES: Final = 5
"""So often an update is tried again that came too late although nothing was changed: then a person looks."""
_GONE: Final = frozenset({404, 410})
_NO_UPDATES: Final = frozenset({403, 405, 501})

Resource = Mapping[str, Any]


class Updater:
    """Changes resources of a chart for one leased correction; a conflict is looked at, never forced."""

    def __init__(self, queue: Queue, client: FhirClient, item: Item, sender: Sender) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._sender = sender

    def strike(self, step: str, theirs: Resource) -> None:
        """Mark a resource as entered in error and leave the rest as it is; raises as `update` does."""
        self.update(step, theirs, {**theirs, "status": STRUCK}, is_done=partial(_is_struck, theirs))

    def update(self, step: str, theirs: Resource, wanted: Resource, *, is_done: Callable[[Resource], bool]) -> None:
        """Put `wanted` in the place of what was read as `theirs`.

        After a conflict `is_done` says whether what is there now is right all the same, as after an answer that was
        lost; it raises Stop when somebody else has changed it. Raises Stop when this cannot be done, or not yet, and
        EhrError.
        """
        version = _version(theirs)
        if not version:
            # Without a version nobody could say whose change would be overwritten.
            raise Stop(State.HELD, NO_UPDATES)
        try:
            self._sender.write(step, partial(self._client.update, dict(wanted), if_match=version))
        except Conflict:
            now = self._client.read(str(theirs["resourceType"]), str(theirs["id"]))
            if not is_done(now):
                raise self._race(step, moved=_version(now) != version) from None
        except FhirError as error:
            if error.status in _GONE:
                raise Stop(State.HELD, GONE_FROM_CHART) from None
            raise Stop(State.HELD, NO_UPDATES) if error.status in _NO_UPDATES else error from None

    def _race(self, step: str, *, moved: bool) -> Stop:
        """Return what to raise where only the version has moved, or not even that: then a new try would not help."""
        again = moved and self._queue.conflicts(self._item, step) < RACES
        return Stop(State.UNKNOWN if again else State.HELD, "conflict")


def _is_struck(before: Resource, now: Resource) -> bool:
    if now.get("status") == STRUCK:
        return True
    if not says_the_same(before, now):
        raise Stop(State.HELD, CHANGED_IN_CHART)
    return False


def _version(resource: Resource) -> str:
    return str(resource.get("meta", {}).get("versionId", ""))
