"""What the EHR wants opened: a form named by our own token or in fhirContext, or a kind of page by intent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fhir_alliance.ehr.app_context import read_app_context
from fhir_alliance.ehr.context import named
from fhir_alliance.ehr.launches import Granted
from fhir_alliance.errors import ForeignContext
from fhir_alliance.instruments.words import Rater
from smart_app.web.asked import forms_of
from smart_app.web.launches import Role
from smart_app.web.services import services

OPEN_FORM: Final = "alliance-form"
"""The intent of a launch that is for answering."""

OPEN_REVIEW: Final = "alliance-review"
"""The intent of a launch that is for looking at the ratings; every other intent changes nothing (S37)."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Forms by their pinned canonicals, empty when none is named: `form` for the person at the screen.

    `hand_over` is a patient's form that a clinician is to give; `to_form` says that the form comes before the ratings;
    `ignored` is why a token in `appContext` was not followed.
    """

    form: str = ""
    hand_over: str = ""
    to_form: bool = False
    ignored: str = ""


def read_wanted(granted: Granted, role: Role, *, ehr: str, now: datetime) -> Wanted:
    """Return what a launch of this role is to open; what is not ours, or not for this role, changes nothing (S36)."""
    token, ignored = _from_token(granted, ehr, now)
    asked = [token] if token else list(named(granted.fhir_context))
    by_patient = _first(asked, Rater.PATIENT)
    if role is not Role.CLINICIAN:
        return Wanted(form=by_patient, ignored=ignored)
    own = _first(asked, Rater.THERAPIST)
    if granted.intent == OPEN_REVIEW:
        return Wanted(form=own, ignored=ignored)
    to_form = bool(own) or (granted.intent == OPEN_FORM and not by_patient)
    return Wanted(form=own, hand_over="" if own else by_patient, to_form=to_form, ignored=ignored)


def _from_token(granted: Granted, ehr: str, now: datetime) -> tuple[str, str]:
    """Return the form of our token, and why there is none although a token came."""
    if granted.app_context is None:
        return "", ""
    try:
        form = read_app_context(services().vault, granted.app_context, ehr=ehr, patient=str(granted.patient), now=now)
    except ForeignContext as error:
        return "", error.detail
    known = any(form == each.canonical for rater in Rater for each in forms_of(rater))
    return (form, "") if known else ("", "not-asked-here")


def _first(asked: list[str], rater: Rater) -> str:
    """Return the first form of a rater that is named, with its version or without one."""
    ours = dict(_names(rater))
    return next((ours[name] for name in asked if name in ours), "")


def _names(rater: Rater) -> Iterator[tuple[str, str]]:
    for form in forms_of(rater):
        yield form.canonical.partition("|")[0], form.canonical
        yield form.canonical, form.canonical
