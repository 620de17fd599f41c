"""The worker that tells: a mail for each open alert, and one to those behind when nobody acknowledges in time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, exists, func, insert, select, update

from fhir_alliance.alerts.mailer import Mailer
from fhir_alliance.alerts.message import Kind, alert_mail
from fhir_alliance.alerts.opening import Change, stands, waits
from fhir_alliance.audit import Event, record
from fhir_alliance.errors import MailError
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import AlertSettings, SiteSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import alert_attempts, alerts

_POLL_SECONDS: Final = 1.0
_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(minutes=5)
SENT: Final = "sent"
SENT_TO_SOME: Final = "sent-to-some"
_log = structlog.get_logger(__name__)


_TOLD_AT: Final = {
    Kind.NOTIFIED: alerts.c.notified_at,
    Kind.ESCALATED: alerts.c.escalated_at,
    Kind.WITHDRAWN: alerts.c.withdrawn_told_at,
}
_EVENTS: Final = {
    Kind.NOTIFIED: Event.ALERT_NOTIFIED,
    Kind.ESCALATED: Event.ALERT_ESCALATED,
    Kind.WITHDRAWN: Event.ALERT_WITHDRAWAL_TOLD,
}


class Notifier(Rounds):
    """Sends what is due; each mail is written down before it is sent, so it may be sent twice and is never lost."""

    def __init__(
        self, engine: Engine, settings: AlertSettings, site: SiteSettings, *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__("notifier", pause=_POLL_SECONDS, paused="alert.paused")
        self._engine = engine
        self._settings = settings
        self._site = site
        self._mailer = Mailer(settings)
        self._clock = clock

    def tell_due(self, now: datetime) -> int:
        """Send every mail that is due once; returns how many were tried.

        Raises StoreError when what happens cannot be written down: then nothing more is sent.
        """
        tried = 0
        for alert, kind in self._due(now):
            if self._stopping.is_set():
                break
            tried += self._tell(alert, kind, now)
        return tried

    def _work(self) -> None:
        try:
            self._mailer.check()
        except MailError as error:
            # Mails are tried again when they are due: a clinic is told of a wrong setting before it needs one.
            _log.error("alert.mail-server", code=error.code, detail=error.detail)
        super()._work()

    def _make_round(self) -> None:
        self.tell_due(self._clock())

    def _due(self, now: datetime) -> list[tuple[RowMapping, Kind]]:
        """Return who has to be told of what, oldest alert first; after a failure a mail waits a while."""
        waiting = select(alerts).where(waits() | _withdrawn_untold()).order_by(alerts.c.id)
        with self._engine.connect() as connection:
            return [
                (alert, kind)
                for alert in connection.execute(waiting).mappings().all()
                for kind in self._untold(alert, now)
                if _rested(connection, alert["id"], kind, now)
            ]

    def _untold(self, alert: RowMapping, now: datetime) -> list[Kind]:
        if alert["change"] == Change.WITHDRAWN:
            return [Kind.WITHDRAWN]
        late = now - alert["opened_at"] >= self._settings.acknowledge_within
        kinds = {Kind.NOTIFIED: alert["notified_at"] is None, Kind.ESCALATED: late and alert["escalated_at"] is None}
        return [kind for kind, untold in kinds.items() if untold]

    def _tell(self, alert: RowMapping, kind: Kind, now: datetime) -> int:
        attempt = self._begin(alert["id"], kind, now)
        if attempt is None:
            return 0
        mail = alert_mail(
            alert["id"],
            alert["opened_at"],
            now=now,
            settings=self._settings,
            site=self._site,
            kind=kind,
            escalated=self._was_escalated(alert["id"]),
        )
        try:
            outcome = SENT_TO_SOME if self._mailer.send(mail) else SENT
        except MailError as error:
            outcome = error.detail
        self._end(alert, attempt, kind, outcome, now)
        level = _log.info if outcome == SENT else _log.error
        level("alert.told", alert=alert["id"], step=kind.value, code=outcome)
        return 1

    def _was_escalated(self, alert: int) -> bool:
        """Whether those behind the first recipients were told of an alert, or may have been."""
        tried = (alert_attempts.c.alert == alert) & (alert_attempts.c.kind == Kind.ESCALATED)
        with self._engine.connect() as connection:
            return connection.scalar(select(alert_attempts.c.id).where(tried).limit(1)) is not None

    def _begin(self, alert: int, kind: Kind, now: datetime) -> int | None:
        """Write down that a mail is about to be sent; returns the attempt, None when it is not due any more."""
        with transaction(self._engine) as connection:
            due = _withdrawn_untold() if kind is Kind.WITHDRAWN else waits()
            if connection.scalar(select(alerts.c.id).where(alerts.c.id == alert, due)) is None:
                return None
            values = {"alert": alert, "kind": kind, "started_at": now}
            attempt = insert(alert_attempts).values(**values).returning(alert_attempts.c.id)
            return int(connection.execute(attempt).scalar_one())

    def _end(self, alert: RowMapping, attempt: int, kind: Kind, outcome: str, now: datetime) -> None:
        with transaction(self._engine) as connection:
            mine = alert_attempts.c.id == attempt
            connection.execute(update(alert_attempts).where(mine).values(outcome=outcome))
            if outcome not in (SENT, SENT_TO_SOME):
                return
            connection.execute(update(alerts).where(alerts.c.id == alert["id"]).values({_TOLD_AT[kind]: now}))
            record(
                connection,
                at=now,
                event=_EVENTS[kind],
                actor="notifier",
                ehr=alert["ehr"],
                patient=alert["patient"],
                launch=None,
                outcome=outcome,
                request_id=alert["submission"],
            )


def _withdrawn_untold() -> ColumnElement[bool]:
    """Return what holds for an alert that is withdrawn, of which somebody was or may have been told."""
    tried = exists().where(alert_attempts.c.alert == alerts.c.id)
    return ~stands() & alerts.c.withdrawn_told_at.is_(None) & tried


def _rested(connection: Connection, alert: int, kind: Kind, now: datetime) -> bool:
    """Whether a mail that failed may be tried again: after 30 seconds, then twice as long each time, up to 5 minutes.

    An attempt without an outcome was cut off by a crash: whether that mail went out is unknown, so it is sent again.
    """
    mine = (alert_attempts.c.alert == alert) & (alert_attempts.c.kind == kind)
    found = select(func.count(), func.max(alert_attempts.c.started_at)).where(mine)
    tries, last = connection.execute(found).one()
    return not tries or now - last >= min(_FIRST * 2 ** min(tries - 1, 9), _LONGEST)
