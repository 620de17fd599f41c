"""Sample values of a patient's first page at home."""

from datetime import timedelta

from course_samples import INSTRUMENT, NOW, TODAY, visit
from page_samples import KEY, PATIENT_FRAME, UNTIL

from fhir_alliance.instruments.words import Rater
from smart_app.web.pages import HomePage, ReceiptState, SentForm, Waiting, home_page
from smart_app.web.pages.words import day

SENT_AT_HOME = tuple(
    SentForm(
        key=KEY,
        title="Visit check-in",
        day=day(TODAY - timedelta(days=days), today=TODAY),
        state=state,
        declined=declined,
        until=until,
    )
    for days, state, declined, until in (
        (1, ReceiptState.RECEIVED, False, UNTIL),
        (7, ReceiptState.IN_CHART, False, ""),
        (14, ReceiptState.TAKEN_BACK, False, ""),
        (21, ReceiptState.IN_CHART, True, ""),
    )
)


def home(*, begun: int = 0, declined: bool = False) -> HomePage:
    """Return the page with two forms: of yesterday's visit, and of one two days ago."""
    waits = [
        Waiting(
            choice=f"Encounter/v{number}",
            instrument=INSTRUMENT,
            form=INSTRUMENT.form(Rater.PATIENT, form),
            visit=visit(number, days_ago=days),
            until=NOW + timedelta(days=2 - days, hours=1),
            begun=begun if days == 1 else 0,
            declined=declined and days == 2,
        )
        for number, days, form in ((6, 1, "core"), (5, 2, "full"))
    ]
    return home_page(PATIENT_FRAME, waits, sent=SENT_AT_HOME, today=TODAY)
