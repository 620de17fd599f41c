"""How whoever answers comes back to a form that was left alone: said beforehand, when it closes, and afterwards."""

from dataclasses import dataclass
from typing import Final

from flask import url_for

from fhir_alliance.sentences import marked
from smart_app.web.launches import Launch, Role
from smart_app.web.on_tablet import tablet_here
from smart_app.web.pages.form import WayBack
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class _Words:
    before: str
    over: str
    sentence: str
    label: str = ""


_WORDS: Final = {
    Role.PATIENT: _Words(
        before=marked("After that, sign in again: your answers are kept."),
        over=marked("This page has closed. Your answers so far are kept. Sign in again to go on."),
        sentence=marked(
            "This page was left alone for a while, so it has closed. Sign in again to go on where you were."
        ),
        label=marked("Sign in again"),
    ),
    Role.HANDOVER: _Words(
        before=marked("After that, type your code here again: your answers are kept for half an hour."),
        over=marked("This page has closed. Your answers so far are kept. Type your code here again to go on."),
        sentence=marked(
            "This page was left alone for a while, so it has closed. Type your code here again to go on where you were."
        ),
        label=marked("Type your code"),
    ),
    Role.LINK: _Words(
        before=marked("After that, open your link again: your answers are kept."),
        over=marked("This page has closed. Your answers so far are kept. Open your link again to go on."),
        sentence=marked(
            "This page was left alone for a while, so it has closed. Open your link again to go on where you were."
        ),
    ),
}


def way_back(launch: Launch) -> WayBack | None:
    """Return the way back to a form; None where there is none, as for a clinician, who opens the app again."""
    words = _WORDS.get(launch.role)
    if words is None:
        return None
    return WayBack(
        before=say(words.before),
        over=say(words.over),
        sentence=say(words.sentence),
        label=say(words.label) if words.label else "",
        url=_address(launch),
    )


def _address(launch: Launch) -> str:
    """Return where to go; the address of a link is nowhere but in the patient's hands."""
    if launch.role is Role.PATIENT:
        return url_for("signin.start", name=launch.ehr.name)
    if launch.role is Role.HANDOVER:
        return url_for("kiosk.wait" if tablet_here() else "handed.enter")
    return ""
