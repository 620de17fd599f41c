"""A person lets a form go on: tried again where nothing has to be decided, released where somebody has looked."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.entries import Entries, Entry
from fhir_alliance.delivery.findings import finding
from fhir_alliance.delivery.reason_table import CLIENT_CHANGED, EHR_CHANGED, Again
from fhir_alliance.delivery.receipts import State
from fhir_alliance.errors import AllianceError
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants, submissions

_RETRIED: Final = (Again.ITSELF, Again.RETRY)


class NotReleased(AllianceError):
    """This form may not go on like that; nothing was changed."""

    code = "outbox.not-released"
    http_status = 409
    title = "Nothing was changed"
    sentence = "This form cannot go on like that, or it has moved since the page was made. Please look at it again."


class Releasing:
    """Lets submissions go on; whatever was decided, the courier compares the patient and reconciles before it sends."""

    def __init__(self, engine: Engine, ehrs: Mapping[str, EhrSettings], clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._ehrs = ehrs
        self._clock = clock
        self._entries = Entries(engine)

    def retry(self, key: str, *, by: str) -> None:
        """Try one again now; NotReleased when a person has to look at it first, or it is not waiting."""
        entry = self._entries.one(key)
        if entry.reason.again not in _RETRIED:
            raise NotReleased(_why_not(entry))
        self._let_go(entry, Event.SUBMISSION_RETRIED, by=by, said=entry.code or "waiting")

    def retry_all(self, code: str, *, by: str, ehr: str | None = None) -> int:
        """Try everything again that waits for one reason; returns how many that were.

        NotReleased when a person has to look at each first. What is being sent just now is left alone.
        """
        found = self._entries.all(code=code, ehr=ehr)
        if looked_at := [entry for entry in found if entry.reason.again is Again.RELEASE]:
            raise NotReleased(_why_not(looked_at[0]))
        return sum(self._retry(entry, by) for entry in found if entry.reason.again in _RETRIED)

    def release(self, key: str, *, by: str, said: str, ticket: str = "", base: str | None = None) -> None:
        """Let one go on after a person has looked at it; `said` is what they found, one of `Found`.

        For a form bound to another address `base` is the one they agreed to, which must be the EHR's present one.
        NotReleased when that differs, or when there is nothing to look at; UnclearFinding when
        `said` is another, or the ticket is none.
        """
        entry = self._entries.one(key)
        if entry.reason.again is not Again.RELEASE:
            raise NotReleased(_why_not(entry))
        words = finding(said, ticket)
        if entry.code == EHR_CHANGED and base != self.present_base(entry):
            raise NotReleased("the address agreed to is not the one in the settings")
        self._let_go(entry, Event.SUBMISSION_RELEASED, by=by, said=f"{entry.code}: {words}")

    def present_base(self, entry: Entry) -> str:
        """Return the address that the settings have now for a submission's EHR; NotReleased when they have none."""
        if entry.ehr not in self._ehrs:
            raise NotReleased("its EHR is not in the settings")
        return self._ehrs[entry.ehr].fhir_base

    def _retry(self, entry: Entry, by: str) -> bool:
        """Try one of several again; returns False when it has moved since it was read, which is no reason to stop."""
        try:
            self._let_go(entry, Event.SUBMISSION_RETRIED, by=by, said=entry.code or "waiting")
        except NotReleased:
            return False
        return True

    def _let_go(self, entry: Entry, event: Event, *, by: str, said: str) -> None:
        """Put it back; NotReleased when it has moved since it was read. An unknown outcome stays unknown."""
        now = self._clock()
        seen = (submissions.c.key == entry.key) & (submissions.c.state == entry.state)
        same = seen & submissions.c.reason.is_not_distinct_from(entry.code)
        state = State.UNKNOWN if entry.state is State.UNKNOWN else State.ACCEPTED
        values: dict[str, Any] = {"state": state, "reason": None, "next_attempt_at": now}
        with transaction(self._engine) as connection:
            if entry.code == EHR_CHANGED:
                values["fhir_base"] = self.present_base(entry)
            if entry.code == CLIENT_CHANGED:
                values["grant_id"] = _ended_permission(connection, entry, now)
            change = update(submissions).where(same).values(**values).returning(submissions.c.launch)
            row = connection.execute(change).one_or_none()
            if row is None:
                raise NotReleased("it has moved meanwhile")
            record(
                connection,
                at=now,
                event=event,
                actor=by,
                ehr=entry.ehr,
                patient=entry.patient,
                launch=row.launch,
                outcome=said,
                request_id=entry.key,
            )


def _ended_permission(connection: Connection, entry: Entry, now: datetime) -> str:
    """Return a permission that has ended and is bound to no client, in place of one that another client was given.

    So the tokens of that client are never used by this one: a backend client delivers, or the next launch brings its
    own permission. Other submissions keep theirs until somebody has looked at them.
    """
    mine = select(submissions.c.grant_id).where(submissions.c.key == entry.key).scalar_subquery()
    old = connection.execute(select(grants).where(grants.c.id == mine)).mappings().one()
    stripped = {"id": str(uuid4()), "access_token": b"", "refresh_token": None, "ended_at": now, "client_mark": None}
    connection.execute(insert(grants).values({**old, **stripped}))
    return str(stripped["id"])


def _why_not(entry: Entry) -> str:
    """Return why a form may not go on in the way that was asked for."""
    if entry.reason.again is Again.RELEASE:
        return f"{entry.code}: a person has to look at it first: release it"
    if entry.reason.again is Again.NEVER:
        return f"it is {entry.state.value}: {entry.reason.words}"
    return f"{entry.code or entry.state.value}: there is nothing to look at first: retry it"
