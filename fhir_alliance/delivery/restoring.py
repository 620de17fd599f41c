"""After a database was restored from a backup: what had left before the loss is looked for before it is sent (T84)."""

from datetime import datetime

from sqlalchemy import Engine, insert, select

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.entries import waiting
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.sends import RESTORED
from fhir_alliance.store import transaction
from fhir_alliance.tables import attempts, submissions


def doubt_everything(engine: Engine, *, by: str, at: datetime) -> int:
    """Note that a send may have left of each submission that is not in the chart; returns how many those are.

    For the quiet time after it an empty search of the chart proves nothing, as after any send. Doing it again begins
    that time anew. The row about the restore itself is what reminders look for, which may have been sent, too.
    StoreError when it cannot be written down.
    """
    with transaction(engine) as connection:
        record(
            connection,
            at=at,
            event=Event.STORE_RESTORED,
            actor=by,
            ehr="",
            patient=None,
            launch=None,
            outcome="done",
            request_id=None,
        )
        rows = connection.execute(select(submissions).where(waiting())).mappings().all()
        for row in rows:
            values = {"submission": row["key"], "started_at": at, "step": RESTORED, "outcome": Outcome.UNKNOWN}
            connection.execute(insert(attempts).values(**values))
            record(
                connection,
                at=at,
                event=Event.SUBMISSION_DOUBTED,
                actor=by,
                ehr=row["ehr"],
                patient=row["patient"],
                launch=row["launch"],
                outcome=RESTORED,
                request_id=row["key"],
            )
    return len(rows)
