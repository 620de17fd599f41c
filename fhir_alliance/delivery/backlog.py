"""How long forms have been waiting to get into the chart, counted per EHR; numbers only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, func, select

from fhir_alliance.delivery.entries import waiting
from fhir_alliance.delivery.reason_table import Reason
from fhir_alliance.delivery.reasons import reason_of
from fhir_alliance.delivery.receipts import State
from fhir_alliance.tables import submissions

LEVELS: Final[Mapping[str, timedelta]] = {
    "15 min": timedelta(minutes=15),
    "4 h": timedelta(hours=4),
    "24 h": timedelta(hours=24),
}
"""When somebody has to know that forms wait (F01), by name, shortest first."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What has been waiting at one EHR for longer than a level: how many for each reason, and since when."""

    ehr: str
    level: str
    oldest: datetime
    reasons: tuple[tuple[Reason, int], ...]

    @property
    def count(self) -> int:
        """How many forms these are."""
        return sum(count for _, count in self.reasons)


def oldest_waiting(engine: Engine) -> dict[str, datetime]:
    """Return, for each EHR that something waits for, when the oldest of it was accepted; held forms wait too."""
    found = select(submissions.c.ehr, func.min(submissions.c.accepted_at)).where(waiting()).group_by(submissions.c.ehr)
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(found)}


def backlog(engine: Engine, ehr: str, level: str, now: datetime) -> Backlog | None:
    """Return what waits at an EHR for longer than a level, the commonest reason first; None when nothing does."""
    mine = waiting() & (submissions.c.ehr == ehr) & (submissions.c.accepted_at <= now - LEVELS[level])
    columns = submissions.c.state, submissions.c.reason
    found = select(*columns, func.count(), func.min(submissions.c.accepted_at)).where(mine).group_by(*columns)
    with engine.connect() as connection:
        rows = connection.execute(found).all()
    if not rows:
        return None
    counts: dict[Reason, int] = {}
    for state, code, count, _ in rows:
        reason = reason_of(State(state), code)
        counts[reason] = counts.get(reason, 0) + count
    reasons = sorted(counts.items(), key=lambda each: (-each[1], each[0].words))
    return Backlog(ehr=ehr, level=level, oldest=min(row[3] for row in rows), reasons=tuple(reasons))
