"""The worker that says when forms wait for long: one alarm per EHR and level, told once, over when nothing waits so."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fhir_alliance.alerts.mailer import Mailer
from fhir_alliance.delivery.alarm_mail import alarm_mail
from fhir_alliance.delivery.backlog import LEVELS, backlog, oldest_waiting
from fhir_alliance.errors import MailError
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import Settings
from fhir_alliance.store import transaction
from fhir_alliance.tables import backlog_alarms

_POLL_SECONDS: Final = 15.0
# Longer than a mail server may take: whoever claims an alarm and dies is followed by another.
_CLAIM: Final = timedelta(minutes=2)
_LONGEST: Final = timedelta(minutes=15)
_log = structlog.get_logger(__name__)

Opened = tuple[str, str]
"""An alarm, by its EHR and its level."""


class Alarms(Rounds):
    """Opens, tells and ends alarms; any number of processes may do so, and each alarm is told by one of them."""

    def __init__(self, engine: Engine, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        super().__init__("alarms", pause=_POLL_SECONDS, paused="backlog.paused")
        self._engine = engine
        self._settings = settings
        self._clock = clock

    def look(self, now: datetime) -> int:
        """Open what has begun, end what is over, and tell what is untold; returns how many mails were tried.

        Raises StoreError when that cannot be written down: then nothing is told.
        """
        waited = {ehr: now - oldest for ehr, oldest in oldest_waiting(self._engine).items()}
        due = {(ehr, level) for ehr, time in waited.items() for level, limit in LEVELS.items() if time >= limit}
        began, ended = self._settle(due, now)
        for ehr, level in ended:
            _log.info("backlog.over", ehr=ehr, step=level)
        for ehr, level in began:
            self._note(ehr, level, now)
        return sum(self._tell(ehr, now) for ehr in self._untold(now))

    def _make_round(self) -> None:
        self.look(self._clock())

    def _settle(self, due: set[Opened], now: datetime) -> tuple[list[Opened], list[Opened]]:
        """Make the table hold what is due; returns what began and what ended by this process."""
        table = backlog_alarms
        with self._engine.connect() as connection:
            known = {(row.ehr, row.level) for row in connection.execute(select(table.c.ehr, table.c.level))}
        if known == due:
            return [], []
        with transaction(self._engine) as connection:
            began = [each for each in sorted(due - known) if _open(connection, *each, now)]
            ended = [each for each in sorted(known - due) if _end(connection, *each)]
        return began, ended

    def _untold(self, now: datetime) -> list[str]:
        """Return the EHRs of which this process may have to tell, none without mail: looking writes nothing."""
        if self._settings.alerts is None or not self._settings.operations.alarm_recipients:
            return []
        with self._engine.connect() as connection:
            found = select(backlog_alarms.c.ehr).where(_free(now)).distinct().order_by(backlog_alarms.c.ehr)
            return list(connection.scalars(found))

    def _note(self, ehr: str, level: str, now: datetime) -> None:
        """Say it in the log, with or without mail."""
        if found := backlog(self._engine, ehr, level, now):
            reasons = "; ".join(f"{count}: {reason.words}" for reason, count in found.reasons)
            _log.error("backlog.waits", ehr=ehr, step=level, detail=f"{found.count} not in the chart: {reasons}")

    def _tell(self, ehr: str, now: datetime) -> int:
        """Send one mail about an EHR, of the longest level that was not told yet; the shorter ones are told with it."""
        claimed = self._claim(ehr, now)
        if not claimed:
            return 0
        level = max((level for level, *_ in claimed), key=LEVELS.__getitem__)
        opened_at, tries = next((opened, tries) for name, opened, tries in claimed if name == level)
        failed = self._send(ehr, level, opened_at, now)
        # The wait doubles from 30 seconds, until somebody could be told.
        waits = min(timedelta(seconds=30) * 2 ** min(tries - 1, 9), _LONGEST)
        values = {"claimed_until": now + waits} if failed else {"told_at": now, "claimed_until": None}
        with transaction(self._engine) as connection:
            mine = (backlog_alarms.c.ehr == ehr) & backlog_alarms.c.level.in_([name for name, *_ in claimed])
            connection.execute(update(backlog_alarms).where(mine).values(**values))
        return 1

    def _claim(self, ehr: str, now: datetime) -> list[tuple[str, datetime, int]]:
        """Return (level, when it began, tries) of what this process now has to tell of an EHR."""
        columns = backlog_alarms.c.level, backlog_alarms.c.opened_at, backlog_alarms.c.tries
        change = (
            update(backlog_alarms)
            .where(backlog_alarms.c.ehr == ehr, _free(now))
            .values(claimed_until=now + _CLAIM, tries=backlog_alarms.c.tries + 1)
            .returning(*columns)
        )
        with transaction(self._engine) as connection:
            return [(row.level, row.opened_at, row.tries) for row in connection.execute(change)]

    def _send(self, ehr: str, level: str, opened_at: datetime, now: datetime) -> bool:
        """Send the mail; returns whether it has to be tried again. When nothing waits any more none is sent."""
        found, alerts = backlog(self._engine, ehr, level, now), self._settings.alerts
        if found is None or alerts is None:
            return False
        registered = self._settings.ehrs.get(ehr)
        mail = alarm_mail(
            found,
            title=registered.title if registered else ehr,
            opened_at=opened_at,
            now=now,
            sender=alerts.sender,
            recipients=self._settings.operations.alarm_recipients,
            site=self._settings.site,
        )
        try:
            refused = Mailer(alerts).send(mail)
        except MailError as error:
            _log.error("backlog.untold", ehr=ehr, step=level, code=error.code, detail=error.detail)
            return True
        _log.info("backlog.told", ehr=ehr, step=level, code="sent-to-some" if refused else "sent")
        return False


def _free(now: datetime) -> ColumnElement[bool]:
    """Return the condition for what nobody was told of and nobody is telling just now."""
    claimed = backlog_alarms.c.claimed_until
    return backlog_alarms.c.told_at.is_(None) & (claimed.is_(None) | (claimed <= now))


def _open(connection: Connection, ehr: str, level: str, now: datetime) -> bool:
    """Open an alarm; returns False when another process was quicker."""
    values = {"ehr": ehr, "level": level, "opened_at": now, "tries": 0}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    change = insert(backlog_alarms).values(**values).on_conflict_do_nothing()
    return connection.scalar(change.returning(backlog_alarms.c.ehr)) is not None


def _end(connection: Connection, ehr: str, level: str) -> bool:
    mine = (backlog_alarms.c.ehr == ehr) & (backlog_alarms.c.level == level)
    return bool(connection.execute(delete(backlog_alarms).where(mine)).rowcount)
