"""What the handover pages show: the code for a second device, and the question who has it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from fhir_alliance.records.submission import PatientShown
from smart_app.web.layout.qr import QrCode, lay_out_modules
from smart_app.web.pages.frame import Frame, first_name, name_and_initial
from smart_app.web.pages.words import birthday_words
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class HandoverPage:
    """The clinician's view of a one-time code; `enter_at` is the address where the short code is typed."""

    frame: Frame
    form_title: str
    url: str
    enter_at: str
    short_code: str
    qr: QrCode
    expires: str


@dataclass(frozen=True, kw_only=True)
class AskedPage:
    """The one form that the health record asks for; `form` is its name where it is handed over."""

    frame: Frame
    form: str
    form_title: str


@dataclass(frozen=True, kw_only=True)
class StartPage:
    """The one-time link before it is used: nothing about anybody; `action` is where Start is posted."""

    frame: Frame
    action: str


@dataclass(frozen=True, kw_only=True)
class EnterCodePage:
    """Where a short code is typed on a second device."""

    frame: Frame
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ConfirmPage:
    """The question whether the right person has the device; `birthday` is empty when the record has none.

    `only` is the first name of a young patient at home, for whom nobody else answers; empty for everybody else.
    """

    frame: Frame
    name: str
    birthday: str
    only: str = ""


@dataclass(frozen=True, kw_only=True)
class ProxyPage:
    """For somebody who is signed in for a patient, by first name; `beside` says that this device may be given on."""

    frame: Frame
    patient: str
    beside: bool = True


def handover_page(
    *,
    frame: Frame,
    form_title: str,
    url: str,
    enter_at: str,
    short_code: str,
    modules: Sequence[Sequence[bool | int]],
    expires_at: datetime,
    now: datetime,
) -> HandoverPage:
    """Return the page; `modules` is the QR matrix of `url` without its quiet zone."""
    minutes = max(ceil((expires_at - now).total_seconds() / 60), 0)
    local = expires_at.astimezone(frame.site.time_zone)
    clock = f"{local.hour}:{local:%M}"
    return HandoverPage(
        frame=frame,
        form_title=form_title,
        url=url,
        enter_at=enter_at,
        short_code=grouped(short_code),
        qr=lay_out_modules(modules),
        expires=say("%(clock)s, in %(number)s minutes", clock=clock, number=minutes),
    )


def confirm_page(frame: Frame, patient: PatientShown, *, at_home: bool = False) -> ConfirmPage:
    """Return the page with a part of the name and of the birth date only."""
    return ConfirmPage(
        frame=frame,
        name=name_and_initial(patient.name),
        birthday=birthday_words(patient.birth_date),
        only=first_name(patient.name) if at_home else "",
    )


def grouped(code: str) -> str:
    """Return a short code in groups of three: "K7M-4QX"."""
    plain = code.replace("-", "")
    return "-".join(plain[start : start + 3] for start in range(0, len(plain), 3))
