"""What has been accepted, sent and delivered, counted in the database: the same whichever process is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from fhir_alliance.delivery.backlog import LEVELS, oldest_waiting
from fhir_alliance.delivery.entries import waiting
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.tables import (
    attempts,
    backlog_alarms,
    harvest_refusals,
    submissions,
    task_mirrors,
    visit_subscriptions,
)

Counts = Mapping[tuple[str, str], int]
"""How many, by EHR and by what the field says."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts by state, of what waits by reason ("" without one), and of sends by outcome.

    `alarms` are those open, `ages` is how many wait for longer than a level; `oldest` is, for each
    EHR that something waits for, when the oldest of it was accepted. `refused` are versions of others' responses that
    were not scored, by reason; `tasks` are those in the EHR, by where they stand,
    `topics` the Subscriptions by state.
    """

    states: Counts
    reasons: Counts
    outcomes: Counts
    alarms: Counts
    ages: Counts
    oldest: Mapping[str, datetime]
    refused: Counts = field(default_factory=dict)
    tasks: Counts = field(default_factory=dict)
    topics: Counts = field(default_factory=dict)


def read_figures(engine: Engine, now: datetime) -> Figures:
    """Count everything as it is now; each count is one query over a whole table, so it is for once in a while."""
    ehr, outcome = submissions.c.ehr, func.coalesce(attempts.c.outcome, Outcome.UNKNOWN)
    reason = func.coalesce(submissions.c.reason, "")
    sends = attempts.join(submissions, submissions.c.key == attempts.c.submission)
    refused = harvest_refusals.c.ehr, harvest_refusals.c.reason
    tasks = task_mirrors.c.ehr, task_mirrors.c.state
    topics = visit_subscriptions.c.ehr, visit_subscriptions.c.state
    alarms = backlog_alarms.c.ehr, backlog_alarms.c.level
    with engine.connect() as connection:
        return Figures(
            states=_counts(
                connection, select(ehr, submissions.c.state, func.count()).group_by(ehr, submissions.c.state)
            ),
            reasons=_counts(connection, select(ehr, reason, func.count()).where(waiting()).group_by(ehr, reason)),
            outcomes=_counts(connection, select(ehr, outcome, func.count()).select_from(sends).group_by(ehr, outcome)),
            alarms=_counts(connection, select(*alarms, func.count()).group_by(*alarms)),
            ages=_ages(connection, now),
            oldest=oldest_waiting(engine),
            refused=_counts(connection, select(*refused, func.count()).group_by(*refused)),
            tasks=_counts(connection, select(*tasks, func.count()).group_by(*tasks)),
            topics=_counts(connection, select(*topics, func.count()).group_by(*topics)),
        )


def _ages(connection: Connection, now: datetime) -> Counts:
    found: dict[tuple[str, str], int] = {}
    for level, limit in LEVELS.items():
        late = waiting() & (submissions.c.accepted_at <= now - limit)
        counted = select(submissions.c.ehr, func.count()).where(late).group_by(submissions.c.ehr)
        found |= {(row[0], level): row[1] for row in connection.execute(counted)}
    return found


def _counts(connection: Connection, query: Select[Any]) -> Counts:
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}
