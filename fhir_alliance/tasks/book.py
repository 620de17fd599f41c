"""What is known of the Tasks of an EHR, written down before anything is sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, insert, select, update

from fhir_alliance.settings.tasks import TaskShape
from fhir_alliance.store import transaction
from fhir_alliance.tables import assignments, task_mirrors
from fhir_alliance.tasks.writer import Known


class TaskState(StrEnum):
    """Where a Task stands: UNKNOWN was sent, or is about to be; LEFT was changed by somebody else.

    One that is WITHHELD was never sent: its patient answers in the room only, or may.
    """

    UNKNOWN = "unknown"
    WRITTEN = "written"
    REFUSED = "refused"
    LEFT = "changed-elsewhere"
    WITHHELD = "withheld"


class Page(NamedTuple):
    """What is written of one Task of one assignment."""

    known: Known
    state: TaskState
    attempts: int
    next_at: datetime


Key = tuple[int, TaskShape]
"""An assignment, and the shape of one of its Tasks."""


class TaskBook:
    """Keeps one page for each assignment and shape; nothing of a patient."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def first(self, ehr: str, *, since: datetime) -> int | None:
        """Return the id of the first assignment of an EHR that closes after an instant; None without one."""
        which = (assignments.c.ehr == ehr) & (assignments.c.closes_at > since)
        with self.engine.connect() as connection:
            first: int | None = connection.scalar(select(func.min(assignments.c.id)).where(which))
        return first

    def pages(self, ehr: str, *, since: int) -> dict[Key, Page]:
        """Return what is known of the Tasks of an EHR, from an assignment on."""
        mine = (task_mirrors.c.ehr == ehr) & (task_mirrors.c.assignment >= since)
        with self.engine.connect() as connection:
            rows = connection.execute(select(task_mirrors).where(mine)).all()
        return {
            (row.assignment, TaskShape(row.shape)): Page(
                known=Known(task=row.task, told=row.told, held=row.held),
                state=TaskState(row.state),
                attempts=row.attempts,
                next_at=row.next_at,
            )
            for row in rows
        }

    def keep(
        self,
        ehr: str,
        key: Key,
        known: Known,
        state: TaskState,
        *,
        next_at: datetime,
        attempts: int = 0,
        reason: str | None = None,
    ) -> None:
        """Write down where a Task stands. Raises StoreError when nothing was saved."""
        mine = {"ehr": ehr, "assignment": key[0], "shape": key[1].value}
        values: dict[str, Any] = {"task": known.task, "told": known.told, "held": known.held, "state": state.value}
        values |= {"reason": reason, "attempts": attempts, "next_at": next_at}
        which = [task_mirrors.c[name] == value for name, value in mine.items()]
        with transaction(self.engine) as connection:
            if not connection.execute(update(task_mirrors).where(*which).values(**values)).rowcount:
                connection.execute(insert(task_mirrors).values(**mine, **values))
