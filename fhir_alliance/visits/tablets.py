"""The clinic's tablets: each is registered once with a code, and may then do nothing but take patients' codes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.store import transaction
from fhir_alliance.tables import tablets

CODE_LIFE: Final = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Tablet:
    """One tablet by its name at the clinic; `registered_at` is None while its code was not used."""

    id: str
    name: str
    invited_at: datetime
    registered_at: datetime | None


class Tablets:
    """Keeps tablets; codes and cookies are known here by what recognises them only."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def invite(self, name: str, *, code_mark: str, by: str) -> None:
        """Let a tablet be registered under a name with a code, once and within CODE_LIFE."""
        row = {"id": str(uuid4()), "name": name, "code_hash": code_mark, "invited_at": self._clock()}
        with transaction(self._engine) as connection:
            connection.execute(insert(tablets).values(row))
            self._note(connection, Event.TABLET_INVITED, name, actor=by)

    def register(self, code_mark: str, *, device_mark: str) -> str | None:
        """Make a device the tablet that a code is for; returns its name, None when the code is no good."""
        now = self._clock()
        unused = tablets.c.device_hash.is_(None) & tablets.c.removed_at.is_(None)
        live = (tablets.c.code_hash == code_mark) & unused & (tablets.c.invited_at > now - CODE_LIFE)
        values = {"device_hash": device_mark, "registered_at": now}
        with transaction(self._engine) as connection:
            name: str | None = connection.scalar(update(tablets).where(live).values(values).returning(tablets.c.name))
            if name is not None:
                self._note(connection, Event.TABLET_REGISTERED, name, actor=f"tablet {name}")
        return name

    def known(self, device_mark: str) -> str | None:
        """Return the id of the registered tablet that a device is, None when it is none."""
        mine = (tablets.c.device_hash == device_mark) & tablets.c.removed_at.is_(None)
        with self._engine.connect() as connection:
            found: str | None = connection.scalar(select(tablets.c.id).where(mine))
        return found

    def all(self) -> tuple[Tablet, ...]:
        """Return every tablet that was not removed, by name."""
        columns = (tablets.c.id, tablets.c.name, tablets.c.invited_at, tablets.c.registered_at)
        present = select(*columns).where(tablets.c.removed_at.is_(None)).order_by(tablets.c.name, tablets.c.invited_at)
        with self._engine.connect() as connection:
            return tuple(Tablet(**row) for row in connection.execute(present).mappings())

    def remove(self, name: str, *, by: str) -> int:
        """Let the tablets of a name take no code any more; returns how many these were."""
        mine = (tablets.c.name == name) & tablets.c.removed_at.is_(None)
        with transaction(self._engine) as connection:
            removed = connection.execute(update(tablets).where(mine).values(removed_at=self._clock())).rowcount
            if removed:
                self._note(connection, Event.TABLET_REMOVED, name, actor=by)
        return removed

    def _note(self, connection: Connection, event: Event, name: str, *, actor: str) -> None:
        record(
            connection,
            at=self._clock(),
            event=event,
            actor=actor,
            ehr="",
            patient=None,
            launch=None,
            outcome=name,
            request_id=None,
        )
