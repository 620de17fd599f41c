"""What is noted of a program that reads at the endpoint."""

from sqlalchemy import Connection

from fhir_alliance.audit import Event, record
from smart_app.web.failures import request_id
from smart_app.web.services import services


def note(
    connection: Connection, event: Event, *, actor: str, ehr: str, patient: str | None = None, outcome: str = "done"
) -> None:
    """Append a row to the audit trail within the caller's transaction."""
    record(
        connection,
        at=services().clock(),
        event=event,
        actor=actor,
        ehr=ehr,
        patient=patient,
        launch=None,
        outcome=outcome,
        request_id=request_id(),
    )
