"""Taking a test entry back: everything of it that is in the chart becomes entered-in-error, or is named (O21)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from fhir_alliance.delivery.chart import foreign
from fhir_alliance.delivery.outcomes import Outcome, Stop
from fhir_alliance.delivery.receipts import IN_REVIEW
from fhir_alliance.delivery.trial import RETRACT, Memory, Place, Trial
from fhir_alliance.ehr.bundles import entry_types
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.outcomes import Written
from fhir_alliance.ehr.probed import Left
from fhir_alliance.errors import AllianceError, EhrError, FhirError
from fhir_alliance.records.corrections import STRUCK
from fhir_alliance.records.marked import is_marked

ACCEPTED: Final = 202

Resource = Mapping[str, Any]


class NotingClient(FhirClient):
    """A client that notes the type and id of all that it creates, as far as the EHR tells the id."""

    def __init__(self, door: Door, fhir_base: str, token: str, *, memory: Memory) -> None:
        super().__init__(door, fhir_base, token)
        self._memory = memory

    def create(self, resource: dict[str, Any], *, if_none_exist: str | None = None) -> Written:
        """Create a resource, and note it."""
        answer = super().create(resource, if_none_exist=if_none_exist)
        self._memory.note(resource["resourceType"], answer.id)
        return answer

    def transaction(self, bundle: bytes) -> tuple[Written, ...]:
        """Send a transaction, and note what it has created."""
        answers = super().transaction(bundle)
        for kind, answer in zip(entry_types(bundle), answers, strict=True):
            self._memory.note(kind, answer.id)
        return answers


class Retraction:
    """What of a trial is in the chart, and its way out; `connect` returns a client with a token that is still good.

    A Ctrl-C ends one step of it, never the way: what was not seen or not retracted is named in the end.
    """

    def __init__(self, memory: Memory, trial: Trial, connect: Callable[[], FhirClient], *, by: str) -> None:
        self._memory = memory
        self._trial = trial
        self._connect = connect
        self._item = trial.item(by)
        self._found: dict[Place, Resource] = {}
        self._unread: dict[Place, str] = {}

    def seen(self, kind: str) -> list[Resource]:
        """Return what was seen of a type, as it was before it was retracted."""
        return [resource for (each, _), resource in self._found.items() if each == kind]

    @property
    def astray(self) -> bool:
        """Whether the EHR has filed anything of it for somebody else (F21), where the courier would never find it."""
        return any(_subject(each) != self._trial.patient.reference for each in self._found.values())

    def look(self, client: FhirClient, search: Callable[[], list[Resource]]) -> None:
        """Look for everything that may have been written: by the ids that the EHR gave, and by searching.

        Only what bears the trial's mark is taken for it: a value of somebody else may stand in the same row.
        """
        for place in self._memory.noted:
            try:
                self._found[place] = client.read(*place)
            except (EhrError, KeyboardInterrupt) as error:
                self._unread[place] = why_not(error)
        if not self._left_us():
            return
        try:
            found = search()
            with foreign():
                ours = {(each["resourceType"], each["id"]): each for each in found if is_marked(each, self._trial.key)}
        except (Stop, EhrError, KeyboardInterrupt):
            return  # what was not seen is named by `run`
        self._found |= ours
        self._unread = {place: why for place, why in self._unread.items() if place not in ours}

    def run(self) -> list[Left]:
        """Retract everything that was seen; returns what was not retracted, or never seen, with the reason."""
        left = [Left(place="/".join(place), why=why, key=self._trial.key) for place, why in self._unread.items()]
        for number, (place, resource) in enumerate(self._found.items(), 1):
            if why := self._retract(f"{RETRACT}-{number}", place, resource):
                left.append(Left(place="/".join(place), why=why, key=self._trial.key))
        return [*left, *self._missing()]

    def _retract(self, step: str, place: Place, resource: Resource) -> str:
        """Mark one resource as entered in error, and read it again; returns why it is not, nothing when it is."""
        why = "not-retracted"
        try:
            with foreign():
                version = str(resource["meta"]["versionId"])
            client = self._connect()
            change = partial(client.update, {**resource, "status": STRUCK}, if_match=version)
            answer = self._memory.sender(client, self._item).write(step, change)
            why = IN_REVIEW if answer.status == ACCEPTED else why
        except (AllianceError, KeyboardInterrupt) as error:
            why = self._refused(step) or why_not(error)
        try:
            after = self._connect().read(*place)
        except (AllianceError, KeyboardInterrupt) as error:
            return why_not(error)
        return "" if after.get("status") == STRUCK else why

    def _refused(self, step: str) -> str:
        last = self._memory.last_send(self._item, step)
        return f"http-{last.status}" if last and last.status else ""

    def _missing(self) -> Iterator[Left]:
        """Yield the types of which more was sent than is accounted for: it may be there all the same."""
        sends = self._left_us()
        sent = Counter(kind for step, _ in sends for kind in self._trial.sent_by(step))
        known = Counter(kind for kind, _ in (*self._found, *self._unread))
        whys = [_unseen(send.outcome, send.status) for _, send in sends]
        yield from (Left(place=kind, why=whys[-1], key=self._trial.key) for kind in sent - known)

    def _left_us(self) -> list[tuple[str, Any]]:
        return [
            (step, send) for step, send in self._memory.creates if send.outcome in (Outcome.WRITTEN, Outcome.UNKNOWN)
        ]


def why_not(error: BaseException) -> str:
    """Return a plain code for what went wrong."""
    if isinstance(error, Stop):
        return error.reason
    if isinstance(error, FhirError):
        return f"http-{error.status}"
    if isinstance(error, AllianceError):
        return error.code
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


def _subject(resource: Resource) -> str:
    subject = resource.get("subject")
    return str(subject.get("reference") if isinstance(subject, dict) else None).partition("/_history/")[0]


def _unseen(outcome: Outcome, status: int | None) -> str:
    if status == ACCEPTED:
        return IN_REVIEW
    return "not-read-back" if outcome is Outcome.WRITTEN else "outcome-unknown"
