"""Where the forms of a launch's patient are, for the clinician who wonders what is not in the chart."""

from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.harvest.book import Book
from smart_app.web.access import audit
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.delivery import delivery_page
from smart_app.web.sent import is_of_launch, newest_sent
from smart_app.web.services import services
from smart_app.web.titles import title_of

bp = Blueprint("delivery", __name__, url_prefix="/l/<handle>/delivery")

_DAYS: Final = 30


@bp.get("")
@launched(Role.CLINICIAN)
def delivery(launch: Launch) -> ResponseReturnValue:
    """Show what is not in this patient's chart yet and why, and what has come into it."""
    audit(Event.DELIVERY_READ, launch)
    since = services().clock() - timedelta(days=_DAYS)
    found = services().entries.of_patient(launch.ehr.name, launch.patient.id, since=since)
    newest = newest_sent(launch, since=datetime.min.replace(tzinfo=UTC))
    filed = services().filings.of_therapist(launch.ehr.name, launch.patient.id, launch.context.practitioner)
    mine = (*(each for each in newest if is_of_launch(launch, each)), *filed)
    still_open = {each.key for each in mine if each.kind is not Kind.WITHDRAWAL}
    frame = frame_of(launch)
    refused = Book(services().engine).of_patient(launch.ehr.name, launch.patient.id)
    page = delivery_page(
        frame, found, title=title_of, days=_DAYS, today=today(), still_open=still_open, refused=refused
    )
    return render_template("delivery.html", page=page)
