"""Alerts follow the answers: opened with them, brought up to date by a correction, closed when about somebody else."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.alerting import alerting_items
from fhir_alliance.tables import alerts
from fhir_alliance.vault import Vault


class Change(StrEnum):
    """What became of the answers of an alert; only WITHDRAWN closes it."""

    LOWERED = "lowered"
    TAKEN_BACK = "taken-back"
    WITHDRAWN = "withdrawn"


_EVENTS: Final = {
    Change.LOWERED: Event.ALERT_CHANGED,
    Change.TAKEN_BACK: Event.ALERT_CHANGED,
    Change.WITHDRAWN: Event.ALERT_WITHDRAWN,
}


def waits() -> ColumnElement[bool]:
    """Return what holds for an alert that somebody still has to take on."""
    return alerts.c.acknowledged_at.is_(None) & stands()


def stands() -> ColumnElement[bool]:
    """Return what holds for an alert that is about the patient in whose chart it is."""
    return alerts.c.change.is_distinct_from(Change.WITHDRAWN)


def said_place(ehr: str, submission: str) -> str:
    """Return where the words of an alert are kept, for the vault."""
    return f"{ehr}/alerts/{submission}/said"


def follow_answers(
    connection: Connection, vault: Vault, submission: Submission, *, earlier: Collection[str] = (), at: datetime
) -> None:
    """Open an alert for answers that call for one, in the transaction that accepts them: both are kept, or neither.

    `earlier` are the keys of earlier versions of the same form. An alert of theirs that waits gets the new answers;
    when these call for none it stays, marked, because what was said once may still be so. One that somebody has taken
    on for these very answers is enough. The words are kept, sealed, because the version that was answered may no
    longer be installed one day.
    """
    known = _newest(connection, earlier)
    items = alerting_items(submission.instrument, submission.answers)
    if not items:
        if known is not None and known["acknowledged_at"] is None:
            _mark(connection, known, Change.LOWERED, actor=submission.author, at=at)
        return
    said = _said(submission, items)
    if known is None or (known["acknowledged_at"] is not None and _words(vault, known) != said):
        _open(connection, vault, submission, said, at=at)
    elif known["acknowledged_at"] is None:
        _renew(connection, vault, known, submission, said, at=at)


def withdraw_alerts(
    connection: Connection, versions: Collection[str], *, wrong_person: bool, actor: str, at: datetime
) -> None:
    """Follow a form that was taken back, by the keys of its versions, in the caller's transaction.

    About another person, its alerts end here, also those that were taken on: nobody must act on another's answer.
    Otherwise the answer was this patient's, and an alert that waits stays, marked.
    """
    change = Change.WITHDRAWN if wrong_person else Change.TAKEN_BACK
    mine = alerts.c.submission.in_(versions) & (stands() if wrong_person else waits())
    for alert in connection.execute(select(alerts).where(mine)).mappings().all():
        _mark(connection, alert, change, actor=actor, at=at)


def _newest(connection: Connection, versions: Collection[str]) -> RowMapping | None:
    if not versions:
        return None
    mine = alerts.c.submission.in_(versions) & stands()
    return connection.execute(select(alerts).where(mine).order_by(alerts.c.id.desc()).limit(1)).mappings().one_or_none()


def _said(submission: Submission, items: Collection[str]) -> dict[str, Any]:
    words = submission.instrument.wordings[submission.language]
    answers = [{"item": item, "answer": words.option(submission.answers.given[item])} for item in items]
    return {"instrument": words.title, "answers": answers}


def _words(vault: Vault, alert: RowMapping) -> Any:
    return orjson.loads(vault.open(alert["said"], place=said_place(alert["ehr"], alert["submission"])))


def _open(connection: Connection, vault: Vault, submission: Submission, said: dict[str, Any], *, at: datetime) -> None:
    values = {
        "submission": submission.key,
        "ehr": submission.ehr,
        "patient": submission.patient.id,
        "said": vault.seal(orjson.dumps(said), place=said_place(submission.ehr, submission.key)),
        "answered_at": submission.authored,
        "opened_at": at,
    }
    connection.execute(insert(alerts).values(**values))
    record(
        connection,
        at=at,
        event=Event.ALERT_OPENED,
        actor="outbox",
        ehr=submission.ehr,
        patient=submission.patient.id,
        launch=submission.launch,
        outcome="done",
        request_id=submission.key,
    )


def _renew(
    connection: Connection,
    vault: Vault,
    alert: RowMapping,
    submission: Submission,
    said: dict[str, Any],
    *,
    at: datetime,
) -> None:
    """Give an alert that waits the answers of a correction; who was told of it finds these in the chart."""
    sealed = vault.seal(orjson.dumps(said), place=said_place(alert["ehr"], alert["submission"]))
    values = {"said": sealed, "answered_at": submission.authored, "change": None, "changed_at": at}
    connection.execute(update(alerts).where(alerts.c.id == alert["id"]).values(**values))
    _note(connection, alert, Event.ALERT_CHANGED, "renewed", actor=submission.author, at=at)


def _mark(connection: Connection, alert: RowMapping, change: Change, *, actor: str, at: datetime) -> None:
    connection.execute(update(alerts).where(alerts.c.id == alert["id"]).values(change=change, changed_at=at))
    _note(connection, alert, _EVENTS[change], change, actor=actor, at=at)


def _note(connection: Connection, alert: RowMapping, event: Event, outcome: str, *, actor: str, at: datetime) -> None:
    record(
        connection,
        at=at,
        event=event,
        actor=actor,
        ehr=alert["ehr"],
        patient=alert["patient"],
        launch=None,
        outcome=outcome,
        request_id=alert["submission"],
    )
