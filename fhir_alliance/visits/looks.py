"""Which visits have to be looked at: written down by whatever notices a change, worked off in the background."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from fhir_alliance.store import transaction
from fhir_alliance.tables import visit_looks, visit_rounds
from fhir_alliance.visits.assignments import Trigger

_NOT_OF_IT = ("meta", "text")


@dataclass(frozen=True, kw_only=True)
class Look:
    """A visit, or an appointment, that may have changed; `wanted` is since when, which a newer change moves on."""

    reference: str
    trigger: Trigger
    wanted: datetime
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Polled:
    """When an EHR was last tried, and up to when its visits were seen."""

    looked_until: datetime
    tried_at: datetime


def fingerprint(resource: Mapping[str, Any]) -> str:
    """Return what is the same for as long as a resource is, whatever its version is called."""
    told = {name: value for name, value in resource.items() if name not in _NOT_OF_IT}
    return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Looks:
    """Keeps what is to be looked at; nothing of a patient but the references of visits."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def want(self, ehr: str, seen: Mapping[str, str], trigger: Trigger, *, at: datetime) -> int:
        """Have visits looked at, given by reference with a fingerprint; returns how many of them have changed.

        One that is as it was at the last look is left alone; "" has no fingerprint, and is looked at anyway. Cheap and
        durable, so that who has only a moment can call it. Raises StoreError.
        """
        changed = 0
        with transaction(self.engine) as connection:
            for reference, print_ in seen.items():
                changed += _want(connection, ehr, reference, print_, trigger, at)
        return changed

    def wanted(self, ehr: str, *, now: datetime) -> tuple[Look, ...]:
        """Return what is to be looked at now, the oldest first."""
        due = (visit_looks.c.ehr == ehr) & (visit_looks.c.wanted_at <= now)
        order = (visit_looks.c.wanted_at, visit_looks.c.reference)
        with self.engine.connect() as connection:
            rows = connection.execute(select(visit_looks).where(due).order_by(*order)).all()
        return tuple(
            Look(reference=row.reference, trigger=Trigger(row.trigger), wanted=row.wanted_at, attempts=row.attempts)
            for row in rows
        )

    def done(self, ehr: str, look: Look, *, at: datetime, again_if_unchanged: bool = False) -> None:
        """Leave a visit alone until it changes, or `again_if_unchanged` until it is noticed next.

        One that has changed since the look began stays wanted.
        """
        values = {"wanted_at": None, "attempts": 0, "looked_at": at}
        self._change(ehr, look, **values, **({"fingerprint": ""} if again_if_unchanged else {}))

    def put_off(self, ehr: str, look: Look, *, until: datetime) -> None:
        """Look again later at a visit that could not be read."""
        self._change(ehr, look, wanted_at=until, attempts=look.attempts + 1)

    def purge(self, before: datetime) -> int:
        """Forget visits that nothing was noticed of since then, those of an EHR that is gone too; returns how many."""
        last = func.coalesce(visit_looks.c.wanted_at, visit_looks.c.looked_at)
        with transaction(self.engine) as connection:
            return connection.execute(delete(visit_looks).where(last <= before)).rowcount

    def last(self, ehr: str) -> Polled | None:
        """Return the last round through an EHR, None when there was none."""
        with self.engine.connect() as connection:
            row = connection.execute(select(visit_rounds).where(visit_rounds.c.ehr == ehr)).one_or_none()
        return None if row is None else Polled(looked_until=row.looked_until, tried_at=row.tried_at)

    def keep_round(self, ehr: str, *, looked_until: datetime, at: datetime) -> None:
        """Write down how far an EHR was looked through; never back behind what another process has seen since."""
        mine = visit_rounds.c.ehr == ehr
        with transaction(self.engine) as connection:
            known = connection.scalar(select(visit_rounds.c.looked_until).where(mine))
            if known is None:
                connection.execute(insert(visit_rounds).values(ehr=ehr, looked_until=looked_until, tried_at=at))
            else:
                furthest = max(known, looked_until)
                connection.execute(update(visit_rounds).where(mine).values(looked_until=furthest, tried_at=at))

    def _change(self, ehr: str, look: Look, **values: Any) -> None:
        mine = (visit_looks.c.ehr == ehr) & (visit_looks.c.reference == look.reference)
        with transaction(self.engine) as connection:
            connection.execute(update(visit_looks).where(mine, visit_looks.c.wanted_at == look.wanted).values(**values))


def _want(connection: Connection, ehr: str, reference: str, print_: str, trigger: Trigger, at: datetime) -> bool:
    mine = (visit_looks.c.ehr == ehr) & (visit_looks.c.reference == reference)
    known = connection.execute(select(visit_looks.c.fingerprint).where(mine)).one_or_none()
    values = {"fingerprint": print_, "trigger": trigger.value, "wanted_at": at, "attempts": 0}
    if known is None:
        connection.execute(insert(visit_looks).values(ehr=ehr, reference=reference, **values))
    elif print_ and known.fingerprint == print_:
        return False
    else:
        connection.execute(update(visit_looks).where(mine).values(**values))
    return True
