"""Which forms have waited for a sign-in that has come, and are on their way."""

from typing import Final

from sqlalchemy import Engine, bindparam, func, or_, select

from fhir_alliance.delivery.receipts import IN_REVIEW, State, is_form
from fhir_alliance.fixed import Fixed
from fhir_alliance.tables import grants, submissions

_MOVING: Final = (State.ACCEPTED, State.LEASED, State.UNKNOWN)
# Such a form goes with a permission that was given after it was accepted.
_RELEASED: Final = Fixed(
    select(func.count().label("number"))
    .select_from(submissions.join(grants, grants.c.id == submissions.c.grant_id))
    .where(
        submissions.c.ehr == bindparam("of_ehr"),
        submissions.c.patient == bindparam("of_patient"),
        or_(*(submissions.c.state == each for each in _MOVING)),
        func.coalesce(submissions.c.reason, "") != IN_REVIEW,
        submissions.c.accepted_at < grants.c.created_at,
        is_form(),
    )
)


def count_released(engine: Engine, ehr: str, patient: str) -> int:
    """Return how many of a patient's forms have waited for a sign-in, and are on their way now."""
    return int(_RELEASED.read(engine, {"of_ehr": ehr, "of_patient": patient}).scalar_one())
