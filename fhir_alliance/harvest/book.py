"""What is remembered from one round to the next: how far it came, and what was not scored, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    true,
    update,
)

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.reason_table import Reason
from fhir_alliance.delivery.reasons import refusal_reason
from fhir_alliance.delivery.receipts import SCORED_ELSEWHERE
from fhir_alliance.fixed import Fixed
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
    """A version of a response of others that nobody has scored, by the EHR's id, and since when; `code` says why."""

    ehr: str
    response: str
    version: str
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
        """Return what nobody has scored as it stands now, of one EHR or all, newest first."""
        newest = select(harvest_refusals).where(_stands(), _of(ehr)).order_by(harvest_refusals.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return tuple(_refused(row) for row in connection.execute(newest))

    def of_patient(self, ehr: str, patient: str) -> tuple[Refused, ...]:
        """Return what nobody has scored of one patient as it stands now, newest first."""
        rows = _OF_PATIENT.read(self._engine, {"of_ehr": ehr, "of_patient": patient})
        return tuple(_refused(row) for row in rows)

    def unanswered(self, ehr: str, patient: str) -> frozenset[tuple[str, str]]:
        """Return the responses of a patient, each with its version, that answer nothing: nobody has scored them."""
        return frozenset((each.response, each.version) for each in self.of_patient(ehr, patient))

    def count_refused(self, ehr: str | None = None) -> int:
        """Return how many nobody has scored as it stands now, of one EHR or all."""
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

    def forget(self, ehr: str, response: str) -> None:
        """Drop what was written down of a response that was entered in error: there is nothing to mend any more."""
        mine = (harvest_refusals.c.ehr == ehr) & (harvest_refusals.c.response == response)
        with transaction(self._engine) as connection:
            connection.execute(delete(harvest_refusals).where(mine))

    def claim_differs(self, ehr: str, *, patient: str, key: str, at: datetime) -> None:
        """Write down that a response claims another score than its answers give; ours is what is written."""
        with transaction(self._engine) as connection:
            _audit(connection, Event.HARVEST_CLAIM_DIFFERS, ehr, patient, at=at, outcome="done", request_id=key)


def _refusal(ehr: str, response: str, version: str) -> Select[str]:
    return select(harvest_refusals.c.reason).where(
        harvest_refusals.c.ehr == ehr, harvest_refusals.c.response == response, harvest_refusals.c.version == version
    )


def _refused(row: Row[Any]) -> Refused:
    return Refused(ehr=row.ehr, response=row.response, version=row.version, code=row.reason, found_at=row.found_at)


def _of(ehr: str | None) -> ColumnElement[bool]:
    return true() if ehr is None else harvest_refusals.c.ehr == ehr


def _stands() -> ColumnElement[bool]:
    """Return what holds for a refusal that no later version has overtaken, be that one scored or refused too.

    What another program has scored is not scored twice, and nothing is amiss with it.
    """
    same = (_later.c.ehr == harvest_refusals.c.ehr) & (_later.c.response == harvest_refusals.c.response)
    scored = (submissions.c.ehr == harvest_refusals.c.ehr) & (submissions.c.response_id == harvest_refusals.c.response)
    after = submissions.c.harvested_version.is_not(None) & (submissions.c.accepted_at >= harvest_refusals.c.found_at)
    overtaken = exists().where(same, _later.c.id > harvest_refusals.c.id) | exists().where(scored, after)
    return (harvest_refusals.c.reason != SCORED_ELSEWHERE) & ~overtaken


# A view may ask this, so it is not put together anew.
_OF_PATIENT: Final = Fixed(
    select(harvest_refusals)
    .where(
        _stands(), harvest_refusals.c.ehr == bindparam("of_ehr"), harvest_refusals.c.patient == bindparam("of_patient")
    )
    .order_by(harvest_refusals.c.id.desc())
)


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
