"""What a message page shows: what happened, what is safe, what to do next."""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_alliance.errors import AllianceError
from smart_app.web.pages.frame import Frame
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class Action:
    """One next step: a link, or a button that posts when `post` is set."""

    label: str
    url: str
    post: bool = False


@dataclass(frozen=True, kw_only=True)
class MessagePage:
    """One message; `code` is for support, empty when nothing went wrong, `other` a second way on."""

    frame: Frame
    heading: str
    sentence: str
    safe: str = ""
    action: Action | None = None
    code: str = ""
    other: Action | None = None


@dataclass(frozen=True, kw_only=True)
class NewWindowPage:
    """The app opens beside the EHR's frame, by `url`: the browser kept our cookie out, or the site wants it so."""

    frame: Frame
    url: str
    blocked: bool = True


@dataclass(frozen=True, kw_only=True)
class GoOnPage:
    """On the way to the sign-in of `ehr`, which takes the request's fields as a form."""

    frame: Frame
    ehr: str
    endpoint: str
    fields: Mapping[str, str]


def error_page(error: AllianceError, *, frame: Frame, reference: str = "", action: Action | None = None) -> MessagePage:
    """Return the page of an error; `reference` is the request's id, so that support can find the log line."""
    return MessagePage(
        frame=frame,
        heading=say(error.title),
        sentence=say(error.sentence),
        action=action,
        code=" · ".join(part for part in (error.code, reference) if part),
    )


def closed_page(frame: Frame) -> MessagePage:
    """Return the page after "not me", and after a handed-over form: it shows nothing of the patient."""
    return MessagePage(
        frame=Frame(site=frame.site, language=frame.language),
        heading=say("This page has closed"),
        sentence=say("Nothing more is shown on this device."),
        safe=say("Answers that were sent are safe. Answers that were not sent are gone from this page."),
    )


def no_pdf_page(frame: Frame, back: Action) -> MessagePage:
    """Say that a page cannot be made as PDF, and what to do instead."""
    return MessagePage(
        frame=frame,
        heading=say("No PDF of this page"),
        sentence=say(
            "A name or a word on it has letters that the PDF cannot show right. Please print the page instead."
        ),
        action=back,
    )
