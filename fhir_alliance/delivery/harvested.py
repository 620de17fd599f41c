"""Responses of others as the outbox knows them: which are ours after all, which are accepted, how one is retracted."""

from dataclasses import dataclass, field
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy import Engine, RowMapping, exists, insert, select

from fhir_alliance.alerts.opening import withdraw_alerts
from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.receipts import DELETED, STAYS_HERE, Source, State, is_form, place, versions_of
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions
from fhir_alliance.vault import Vault

_RETRACTED = "retracted"
_MOVING = (State.ACCEPTED, State.LEASED, State.UNKNOWN)
# What a retraction has in common with the version it takes back.
_SAME = (
    *("ehr", "patient", "encounter", "launch", "form", "rater", "declined", "instrument_digest", "language"),
    *("audience_digest", "therapist", "response_id", "rung", "fhir_base"),
)
# Made once: an alias copies every column.
_later = submissions.alias("later")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The version of a response that was accepted last; `bundle` are its scores, None when they were deleted here."""

    key: str
    version: str
    retracted: bool
    bundle: bytes | None = field(repr=False)


class HarvestedResponses:
    """Looks up what was accepted of one EHR's responses, by their ids there."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def is_ours(self, ehr: str, response: str, key: str) -> bool:
        """Whether we wrote a response: it has the key of a submission, or the id under which the EHR keeps one."""
        mine = (submissions.c.key == key) | (submissions.c.response_id == response)
        # A filed page has an id of another type, which may be the same.
        found = exists().where(submissions.c.ehr == ehr, submissions.c.harvested_version.is_(None), is_form(), mine)
        return self._is(found)

    def may_be_ours(self, ehr: str, patient: str, form: str) -> bool:
        """Whether a form of this patient is on its way: a response without an identifier may be what was sent."""
        mine = (submissions.c.ehr == ehr) & (submissions.c.patient == patient) & (submissions.c.form == form)
        own = submissions.c.harvested_version.is_(None) & submissions.c.state.in_(_MOVING)
        return self._is(exists().where(mine, own))

    def is_accepted(self, key: str) -> bool:
        """Whether a version was accepted, by its submission key."""
        return self._is(exists().where(submissions.c.key == key))

    def latest(self, ehr: str, response: str) -> Accepted | None:
        """Return the version that was accepted last and is or comes into the chart, None when there is none.

        Raises VaultError when it was tampered with.
        """
        mine = (submissions.c.ehr == ehr) & (submissions.c.response_id == response)
        newest = select(submissions).where(mine, _stands(submissions)).order_by(submissions.c.sequence.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(newest).mappings().one_or_none()
        if row is None:
            return None
        bundle = None if row["payload"] == DELETED else self._open(row, "payload")
        retracted = row["answers_digest"] == _RETRACTED
        return Accepted(key=row["key"], version=row["harvested_version"], retracted=retracted, bundle=bundle)

    def scored(self, ehr: str) -> tuple[str, ...]:
        """Return the ids of the responses whose scores are or come into the chart, while they can be taken back."""
        same = (_later.c.ehr == submissions.c.ehr) & (_later.c.response_id == submissions.c.response_id)
        overtaken = exists().where(same, _later.c.sequence > submissions.c.sequence, _stands(_later))
        kept = (submissions.c.payload != DELETED) & (submissions.c.answers_digest != _RETRACTED)
        found = select(submissions.c.response_id).where(
            submissions.c.ehr == ehr, kept, _stands(submissions), ~overtaken
        )
        with self._engine.connect() as connection:
            return tuple(connection.scalars(found.order_by(submissions.c.sequence)))

    def retract(self, accepted: Accepted, *, key: str, source: Source, grant: str, now: datetime) -> None:
        """Accept that a response was entered in error, so that its scores become it too; a repeat changes nothing."""
        bundle = orjson.loads(accepted.bundle or b"")
        for entry in bundle["entry"]:
            entry["resource"]["status"] = "entered-in-error"
        with transaction(self._engine) as connection:
            if connection.scalar(select(submissions.c.key).where(submissions.c.key == key)):
                return
            before = connection.execute(select(submissions).where(submissions.c.key == accepted.key)).mappings().one()
            sealed = {"payload": orjson.dumps(bundle), "shown": self._open(before, "shown")}
            values = {
                **{name: before[name] for name in _SAME},
                **{
                    name: self._vault.seal(text, place=place(before["ehr"], key, name)) for name, text in sealed.items()
                },
                "key": key,
                "grant_id": grant,
                "answers_digest": _RETRACTED,
                "state": State.ACCEPTED,
                "attempts": 0,
                "next_attempt_at": now,
                "accepted_at": now,
                "harvested_version": source.version,
            }
            connection.execute(insert(submissions).values(**values))
            # An EHR does not say why a response was entered in error: it may be about somebody else.
            versions = versions_of(connection, key)
            withdraw_alerts(connection, versions, wrong_person=True, actor="harvest", at=now)
            record(
                connection,
                at=now,
                event=Event.SUBMISSION_ACCEPTED,
                actor="harvest",
                ehr=before["ehr"],
                patient=before["patient"],
                launch=before["launch"],
                outcome=_RETRACTED,
                request_id=key,
            )

    def _is(self, found: object) -> bool:
        with self._engine.connect() as connection:
            return bool(connection.scalar(select(found)))  # type: ignore[call-overload]  # an EXISTS is selectable

    def _open(self, row: RowMapping, column: str) -> bytes:
        return self._vault.open(row[column], place=place(row["ehr"], row["key"], column))


def _stands(which: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return what holds for a version of a response of others that is or comes into the chart."""
    never = sa.func.coalesce(which.c.reason.in_(STAYS_HERE), sa.false())
    return which.c.harvested_version.is_not(None) & ~never
