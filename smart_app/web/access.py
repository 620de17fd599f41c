"""What is noted of a request in the audit trail, and how a device is left behind."""

from collections.abc import Callable
from functools import partial

from flask import Response, make_response

from fhir_alliance.audit import Event, record
from fhir_alliance.store import transaction
from smart_app.web.cookies import SESSION, forget, read_secret
from smart_app.web.failures import request_id
from smart_app.web.launches import ABSOLUTE, IDLE, Launch
from smart_app.web.on_tablet import tablet_here
from smart_app.web.preferences import forget_choices
from smart_app.web.services import Services, services
from smart_app.web.sessions import end_session


def audit(event: Event, launch: Launch, *, outcome: str = "done", of_several: bool = False) -> None:
    """Note what happened in a launch; `of_several` patients, it is not about the one of the launch alone."""
    with transaction(services().engine) as connection:
        record(
            connection,
            at=services().clock(),
            event=event,
            actor=launch.user,
            ehr=launch.ehr.name,
            patient=None if of_several else launch.patient.id,
            launch=launch.handle,
            outcome=outcome,
            request_id=request_id(),
        )


def end_unused_grants(parts: Services) -> Callable[[], object]:
    """Return what gives back permissions that nobody needs any more, to be done after the answer has been sent."""
    return partial(parts.grants.end_unused, idle=max(IDLE.values()), absolute=ABSOLUTE)


def close(page: str) -> Response:
    """End this browser's session and show a last page that leaves nothing behind."""
    response = make_response(page)
    if secret := read_secret(SESSION):
        with transaction(services().engine) as connection:
            end_session(connection, secret, at=services().clock())
    forget(response, SESSION)
    forget_choices(response)
    response.call_on_close(end_unused_grants(services()))
    # A clinic's tablet stays one: its cookie shows nobody, and takes codes only.
    response.headers["Clear-Site-Data"] = '"cache", "storage"' if tablet_here() else '"cache", "cookies", "storage"'
    return response
