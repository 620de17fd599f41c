"""What a patient at home sees first: the forms that wait, and what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.settings import LANGUAGE
from fhir_alliance.trajectory.series import Visit
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.review import ReceiptState
from smart_app.web.pages.words import When, local_day, moment_words, relative_day

# Somebody who reads slowly answers this many questions in a minute.
_A_MINUTE = 8


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One form that waits, before it is in words; `begun` counts its answers so far, `choice` is what names it."""

    choice: str
    instrument: Instrument
    form: Form
    visit: Visit
    until: datetime
    begun: int = 0
    declined: bool = False
    language: str = LANGUAGE


@dataclass(frozen=True, kw_only=True)
class WaitingForm:
    """One form that waits: which visit it is about, how long it takes, until when, and how far it is."""

    choice: str
    title: str
    day: When
    therapist: str
    questions: int
    minutes: int
    until: str
    begun: int
    declined: bool
    language: str = LANGUAGE


@dataclass(frozen=True, kw_only=True)
class SentForm:
    """One form that was sent; `key` leads to its receipt, `until` says how long it may be changed, if it may."""

    key: str
    title: str
    day: When
    state: ReceiptState
    declined: bool = False
    until: str = ""
    language: str = LANGUAGE


@dataclass(frozen=True, kw_only=True)
class HomePage:
    """What waits and what was sent; `notice` is about what was just done."""

    frame: Frame
    forms: tuple[WaitingForm, ...]
    sent: tuple[SentForm, ...] = ()
    notice: str = ""


def waiting_form(waiting: Waiting, *, frame: Frame, today: date) -> WaitingForm:
    """Return a form that waits in words."""
    wording = waiting.instrument.wordings[waiting.language]
    day = relative_day(local_day(waiting.visit.start, frame.site.time_zone), today=today)
    questions = len(waiting.form.items)
    return WaitingForm(
        choice=waiting.choice,
        title=wording.title,
        day=day,
        therapist=waiting.visit.therapist_name,
        questions=questions,
        minutes=-(-questions // _A_MINUTE),
        until=moment_words(waiting.until, frame.site.time_zone, today=today),
        begun=waiting.begun,
        declined=waiting.declined,
        language=wording.language,
    )


def home_page(
    frame: Frame, waiting: Sequence[Waiting], *, sent: Sequence[SentForm] = (), today: date, notice: str = ""
) -> HomePage:
    """Return the page."""
    forms = tuple(waiting_form(each, frame=frame, today=today) for each in waiting)
    return HomePage(frame=frame, forms=forms, sent=tuple(sent), notice=notice)
