"""What is remembered from one round to the next: how far it came, and what was not scored, and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, Select, exists, func, insert, select, true, update

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.reason_table import Reason
from fhir_alliance.delivery.reasons import refusal_reason
from fhir_alliance.store import transaction
from fhir_alliance.tables import harvest_refusals, harvest_rounds, submissions

# Made once: an alias copies every column.
_later = harvest_refusals.alias("later")


@dataclass(frozen=True, kw_only=True)
class Round:
    """When an EHR was last tried, and up to when everything in it was seen."""

    looked_until: datetime
    tried_at: datetime


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A response of others that is not scored, by the EHR's id, and since when; `code` says why."""

    ehr: str
    response: str
    code: str
    found_at: datetime

    @property
    def reason(self) -> Reason:
        """Why it is not scored, in words."""
        return refusal_reason(self.code)


class Book:
    """Keeps rounds and refusals; no answers, and of the reasons the plain codes only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last(self, ehr: str) -> Round | None:
        """Return the last round of an EHR, None when there was none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(harvest_rounds).where(harvest_rounds.c.ehr == ehr)).one_or_none()
        return None if row is None else Round(looked_until=row.looked_until, tried_at=row.tried_at)

    def is_refused(self, ehr: str, response: str, version: str) -> bool:
        """Whether this version was refused before."""
        with self._engine.connect() as connection:
            return connection.scalar(_refusal(ehr, response, version)) is not None

    def refused(self, ehr: str | None = None, *, limit: int) -> tuple[Refused, ...]:
        """Return what is not scored as it stands now, of one EHR or all, newest first."""
        newest = select(harvest_refusals).where(_stands(), _of(ehr)).order_by(harvest_refusals.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(newest).all()
        return tuple(
            Refused(ehr=row.ehr, response=row.response, code=row.reason, found_at=row.found_at) for row in rows
        )

    def count_refused(self, ehr: str | None = None) -> int:
        """Return how many are not scored as it stands now, of one EHR or all."""
        with self._engine.connect() as connection:
            return int(
                connection.scalar(select(func.count()).select_from(harvest_refusals).where(_stands(), _of(ehr))) or 0
            )

    def keep_round(self, ehr: str, *, looked_until: datetime, at: datetime) -> None:
        """Write down that an EHR was looked through; never back behind what another process has seen since."""
        mine = harvest_rounds.c.ehr == ehr
        with transaction(self._engine) as connection:
            known = connection.execute(select(harvest_rounds).where(mine)).one_or_none()
            if known is None:
                values = {"ehr": ehr, "looked_until": looked_until, "tried_at": at}
                connection.execute(insert(harvest_rounds).values(**values))
            else:
                furthest = max(looked_until, known.looked_until)
                connection.execute(update(harvest_rounds).where(mine).values(looked_until=furthest, tried_at=at))
            _audit(connection, Event.HARVEST_LOOKED, ehr, None, at=at, outcome="done", request_id=None)

    def refuse(self, ehr: str, response: str, version: str, *, patient: str | None, reason: str, at: datetime) -> bool:
        """Write down that a version is not scored, and why; returns whether that is new."""
        with transaction(self._engine) as connection:
            known = connection.scalar(_refusal(ehr, response, version))
            if known == reason:
                return False
            values = {"reason": reason, "patient": patient, "found_at": at}
            mine = (harvest_refusals.c.ehr == ehr) & (harvest_refusals.c.response == response)
            if known is None:
                named = {"ehr": ehr, "response": response, "version": version}
                connection.execute(insert(harvest_refusals).values(**named, **values))
            else:
                same = mine & (harvest_refusals.c.version == version)
                connection.execute(update(harvest_refusals).where(same).values(**values))
            _audit(connection, Event.HARVEST_REFUSED, ehr, patient, at=at, outcome=reason, request_id=response)
        return True

    def claim_differs(self, ehr: str, *, patient: str, key: str, at: datetime) -> None:
        """Write down that a response claims another score than its answers give; ours is what is written."""
        with transaction(self._engine) as connection:
            _audit(connection, Event.HARVEST_CLAIM_DIFFERS, ehr, patient, at=at, outcome="done", request_id=key)


def _refusal(ehr: str, response: str, version: str) -> Select[str]:
    return select(harvest_refusals.c.reason).where(
        harvest_refusals.c.ehr == ehr, harvest_refusals.c.response == response, harvest_refusals.c.version == version
    )


def _of(ehr: str | None) -> ColumnElement[bool]:
    return true() if ehr is None else harvest_refusals.c.ehr == ehr


def _stands() -> ColumnElement[bool]:
    """Return what holds for a refusal that no later version has overtaken, be that one scored or refused too."""
    same = (_later.c.ehr == harvest_refusals.c.ehr) & (_later.c.response == harvest_refusals.c.response)
    scored = (submissions.c.ehr == harvest_refusals.c.ehr) & (submissions.c.response_id == harvest_refusals.c.response)
    after = submissions.c.harvested_version.is_not(None) & (submissions.c.accepted_at >= harvest_refusals.c.found_at)
    return ~exists().where(same, _later.c.id > harvest_refusals.c.id) & ~exists().where(scored, after)


def _audit(
    connection: Connection,
    event: Event,
    ehr: str,
    patient: str | None,
    *,
    at: datetime,
    outcome: str,
    request_id: str | None,
) -> None:
    record(
        connection,
        at=at,
        event=event,
        actor="harvest",
        ehr=ehr,
        patient=patient,
        launch=None,
        outcome=outcome,
        request_id=request_id,
    )
