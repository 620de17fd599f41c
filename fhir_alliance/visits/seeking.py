"""What is asked of the database about assignments: themselves, what was sent about them, and which are begun."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Result, Select, bindparam, exists, select

from fhir_alliance.fixed import Fixed
from fhir_alliance.tables import assignments, drafts, submissions

_TAKEN_BACK: Final = "withdrawal"  # as the outbox calls it in `kind`: a form that was taken back is due again
_later = submissions.alias("later")
_is_taken_back = exists().where(_later.c.corrects == submissions.c.key, _later.c.kind == _TAKEN_BACK)
_SENT = (
    select(
        submissions.c.key,
        submissions.c.patient,
        submissions.c.encounter,
        submissions.c.form,
        submissions.c.declined,
        submissions.c.accepted_at,
    )
    .where(submissions.c.corrects.is_(None), ~_is_taken_back)
    .order_by(submissions.c.sequence.desc())
)

_BEGUN = select(assignments.c.id).where(
    drafts.c.ehr == assignments.c.ehr,
    drafts.c.patient == assignments.c.patient,
    drafts.c.encounter == assignments.c.encounter,
    drafts.c.form == assignments.c.form,
    drafts.c.version > 0,
)


Ask = Callable[[Connection, Mapping[str, str]], Result[Any]]
"""Puts one question to the database, with its values."""


class Sought(NamedTuple):
    """What is asked of the database for some assignments: themselves, what was sent about them, which are begun."""

    rows: Ask
    sent: Ask
    begun: Ask


def _anew(question: Select[Any]) -> Ask:
    return lambda connection, values: connection.execute(question, values)


def _ready(question: Select[Any]) -> Ask:
    return Fixed(question).execute


def seek(which: ColumnElement[bool], how: Callable[[Select[Any]], Ask] = _anew) -> Sought:
    """Return what is asked for the assignments of which something holds."""
    about = exists().where(
        which,
        assignments.c.ehr == submissions.c.ehr,
        assignments.c.patient == submissions.c.patient,
        assignments.c.encounter == submissions.c.encounter,
    )
    return Sought(
        rows=how(select(assignments).where(which).order_by(assignments.c.id)),
        sent=how(_SENT.where(about)),
        begun=how(_BEGUN.where(which)),
    )


MINE: Final = (assignments.c.ehr == bindparam("of_ehr")) & (assignments.c.patient == bindparam("of_patient"))
"""One patient's, by `of_ehr` and `of_patient`."""

# These are asked at every look at a visit, so they are not put together anew.
_OF_VISIT: Final = MINE & (assignments.c.encounter == bindparam("of_visit"))
OF_VISIT: Final = seek(_OF_VISIT, _ready)
"""About the visit `of_visit` of one patient."""

CANCELLED: Final = Fixed(
    select(assignments.c.id).where(
        _OF_VISIT, assignments.c.form_url == bindparam("of_form"), assignments.c.cancelled_at.is_not(None)
    )
)
"""The assignment of the form `of_form` about that visit, if somebody has cancelled it."""

SENT_ABOUT: Final = Fixed(
    _SENT.where(submissions.c.ehr == bindparam("of_ehr"), submissions.c.patient == bindparam("of_patient"))
)
"""What was sent about one patient and not taken back."""
