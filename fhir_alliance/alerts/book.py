"""The alerts kept here: opened together with the answers, closed by the clinician who takes them on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import Engine, RowMapping, bindparam, func, select, update

from fhir_alliance.alerts.opening import Change, said_place, stands, waits
from fhir_alliance.audit import Event, record
from fhir_alliance.errors import AllianceError
from fhir_alliance.fixed import Fixed
from fhir_alliance.store import transaction
from fhir_alliance.tables import alert_attempts, alerts
from fhir_alliance.vault import Vault


class State(StrEnum):
    """How far an alert has come; ACKNOWLEDGED: a person has taken it on; WITHDRAWN: it is another's."""

    OPEN = "open"
    NOTIFIED = "notified"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class AlertAnswer:
    """One answer that opened an alert: the item's linkId and the answer in words."""

    item: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert as a clinician in this patient's chart sees it; `acknowledged_by` is a relative reference.

    `change` is what became of the answers since; of one that is withdrawn there are none, as they are another's.
    """

    id: int
    instrument: str
    answers: tuple[AlertAnswer, ...]
    answered_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    change: Change | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One alert as an administrator sees it: ids and times; `tries` counts mails, `last` is what the last came to."""

    id: int
    state: State
    ehr: str
    patient: str
    opened_at: datetime
    notified_at: datetime | None
    escalated_at: datetime | None
    acknowledged_at: datetime | None
    tries: int
    last: str


class UnknownAlert(AllianceError):
    """This patient has no such alert."""

    code = "alert.unknown"
    http_status = 404
    title = "There is no such alert"
    sentence = "This patient's chart has no such alert, so nothing was changed. Please open the chart again."


class AlertBook:
    """Reads and acknowledges alerts."""

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def of_patient(self, ehr: str, patient: str, *, since: datetime) -> tuple[Alert, ...]:
        """Return a patient's alerts, oldest first: all that wait, and those taken on or withdrawn since."""
        about = {"of_ehr": ehr, "of_patient": patient, "since": since}
        return tuple(self._alert(row) for row in _OF_PATIENT.read(self._engine, about).mappings())

    def acknowledge(
        self, alert: int, *, ehr: str, patient: str, user: str, launch: str, request_id: str | None
    ) -> None:
        """Note that a clinician takes an alert on; who was first stays. UnknownAlert when it is not this patient's."""
        now = self._clock()
        mine = (alerts.c.id == alert) & (alerts.c.ehr == ehr) & (alerts.c.patient == patient)
        change = update(alerts).where(mine, waits())
        with transaction(self._engine) as connection:
            if connection.execute(change.values(acknowledged_at=now, acknowledged_by=user)).rowcount:
                record(
                    connection,
                    at=now,
                    event=Event.ALERT_ACKNOWLEDGED,
                    actor=user,
                    ehr=ehr,
                    patient=patient,
                    launch=launch,
                    outcome=f"alert-{alert}",
                    request_id=request_id,
                )
            elif connection.scalar(select(alerts.c.id).where(mine)) is None:
                raise UnknownAlert

    def entries(self) -> tuple[Entry, ...]:
        """Return every alert, oldest first, without what was answered."""
        each = select(alert_attempts.c.alert, func.count().label("tries"), func.max(alert_attempts.c.id).label("last"))
        told = each.group_by(alert_attempts.c.alert).subquery()
        found = (
            select(alerts, told.c.tries, alert_attempts.c.outcome)
            .join_from(alerts, told, told.c.alert == alerts.c.id, isouter=True)
            .join(alert_attempts, alert_attempts.c.id == told.c.last, isouter=True)
            .order_by(alerts.c.id)
        )
        with self._engine.connect() as connection:
            return tuple(_entry(row) for row in connection.execute(found).mappings())

    def _alert(self, row: RowMapping) -> Alert:
        place, change = said_place(row["ehr"], row["submission"]), row["change"] and Change(row["change"])
        said: dict[str, Any] = orjson.loads(self._vault.open(row["said"], place=place))
        answers = () if change is Change.WITHDRAWN else said["answers"]
        return Alert(
            id=row["id"],
            instrument=said["instrument"],
            answers=tuple(AlertAnswer(**answer) for answer in answers),
            answered_at=row["answered_at"],
            acknowledged_at=row["acknowledged_at"],
            acknowledged_by=row["acknowledged_by"],
            change=change,
        )


_TAKEN_ON: Final = stands() & (alerts.c.acknowledged_at >= bindparam("since"))
_OF_PATIENT: Final = Fixed(
    select(alerts)
    .where(alerts.c.ehr == bindparam("of_ehr"), alerts.c.patient == bindparam("of_patient"))
    .where(waits() | _TAKEN_ON | (~stands() & (alerts.c.changed_at >= bindparam("since"))))
    .order_by(alerts.c.id)
)


def _entry(row: RowMapping) -> Entry:
    times = {name: row[name] for name in ("opened_at", "notified_at", "escalated_at", "acknowledged_at")}
    reached = [state for state in (State.ACKNOWLEDGED, State.ESCALATED, State.NOTIFIED) if times[f"{state}_at"]]
    return Entry(
        id=row["id"],
        state=State.WITHDRAWN if row["change"] == Change.WITHDRAWN else (reached or [State.OPEN])[0],
        ehr=row["ehr"],
        patient=row["patient"],
        tries=row["tries"] or 0,
        last=(row["outcome"] or "unknown") if row["tries"] else "",
        **times,
    )
