"""What is shown in place of a form that was left alone too long."""

from fhir_alliance.errors import NotSignedIn
from smart_app.web.frames import plain_frame
from smart_app.web.pages.form import WayBack
from smart_app.web.pages.message import Action, MessagePage
from smart_app.web.saying import say


def closed_page(back: WayBack) -> MessagePage:
    """Return what is shown in place of a form that was left alone too long, of which every answer was kept."""
    return MessagePage(
        frame=plain_frame(),
        heading=say("This page has closed"),
        sentence=back.sentence,
        safe=say("Your answers so far are kept."),
        action=Action(label=back.label, url=back.url) if back.url else None,
        code=NotSignedIn.code,
    )
