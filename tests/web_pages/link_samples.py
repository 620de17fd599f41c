"""Links that a clinician has made, as the pages show them."""

from datetime import timedelta

from course_samples import NOW, TODAY
from page_samples import MODULES, THOMAS_FRAME

from fhir_alliance.visits.links import Standing
from smart_app.web.pages.chart import Offer
from smart_app.web.pages.links import LinkMadePage, LinkRow, link_made_page

OFFERS = (
    Offer(form="core", label="Visit check-in, short form"),
    Offer(form="full", label="Visit check-in, full form"),
)
LINK_ROWS = tuple(
    LinkRow(
        id=f"link-{number}",
        form="Visit check-in, short form",
        made=f"{day}, 3:42 pm",
        until=f"{end}, 3:42 pm",
        standing=standing,
    )
    for number, (day, end, standing) in enumerate(
        [
            ("today", "Sat 14 Nov", Standing.WAITING),
            ("Thu 5 Nov", "Sat 7 Nov", Standing.SENT),
            ("Thu 29 Oct", "Sat 31 Oct", Standing.LOCKED),
            ("Thu 22 Oct", "Sat 24 Oct", Standing.EXPIRED),
        ]
    )
)


def made(*, passed_on: bool | None) -> LinkMadePage:
    """Return the page of a new link."""
    return link_made_page(
        frame=THOMAS_FRAME,
        form_title="Visit check-in, short form",
        url="https://alliance.example.invalid/link/" + "a" * 43,
        modules=MODULES,
        expires_at=NOW + timedelta(hours=48),
        today=TODAY,
        passed_on=passed_on,
    )
