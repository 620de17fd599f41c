"""A page for both: the clinician turns the screen, and nothing on it is about the patient behind their back."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from smart_app.web.access import audit
from smart_app.web.asked import instrument_in_use
from smart_app.web.blind import blinded
from smart_app.web.clinician import answers_of, series_about
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.notes import part_notes
from smart_app.web.pages.together import together_page
from smart_app.web.reading import read_chart
from smart_app.web.talks import agreements_with

bp = Blueprint("together", __name__, url_prefix="/l/<handle>")


@bp.get("/together")
@launched(Role.CLINICIAN)
def together(launch: Launch) -> ResponseReturnValue:
    """Show the patient's own answers and what the two agreed, for both to look at."""
    data = read_chart(launch)
    audit(Event.CHART_READ, launch)
    instrument, therapist = instrument_in_use(), launch.context.practitioner
    shown, _ = blinded(launch, data, instrument)
    series = series_about(therapist, shown, instrument)
    page = together_page(
        instrument,
        frame=frame_of(launch),
        visits=[visit for visit in data.visits if visit.therapist == therapist],
        series=series,
        answers=answers_of(shown, series),
        agreed=agreements_with(launch),
        today=today(),
        complete=data.complete,
        withheld=data.withheld,
        told=part_notes(data.cut, data.since, numbered=data.numbered, today=today()),
    )
    return render_template("together.html", page=page)
