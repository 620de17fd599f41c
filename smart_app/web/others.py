"""What a patient rated of visits with other therapists, where the site lets clinicians see it."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.trajectory.first_line import first_line
from smart_app.web.access import audit
from smart_app.web.asked import instrument_in_use
from smart_app.web.clinician import ratings_of, series_about, usual_of
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.frame import first_name
from smart_app.web.pages.notes import notes_of, part_notes
from smart_app.web.pages.others import Other, OthersPage, other_part
from smart_app.web.reading import read_chart
from smart_app.web.saying import say
from smart_app.web.services import services

bp = Blueprint("others", __name__, url_prefix="/l/<handle>")


@bp.get("/others")
@launched(Role.CLINICIAN)
def others(launch: Launch) -> ResponseReturnValue:
    """Show each other therapist's series with its own baseline; no reasons, and nothing that a therapist has rated.

    Where the site does not let clinicians see it, show the view.
    """
    if not services().settings.site.other_therapists:
        return redirect(url_for("clinician.chart", handle=launch.handle), 303)
    data = read_chart(launch)
    audit(Event.CHART_READ, launch)
    instrument, frame = instrument_in_use(), frame_of(launch)
    names = {visit.therapist: visit.therapist_name for visit in data.visits if visit.therapist}
    names.pop(launch.context.practitioner, None)
    parts: list[Other] = []
    for therapist, name in names.items():
        series = series_about(therapist, data, instrument)
        ratings = ratings_of(series, data.visits, instrument)
        part = other_part(
            instrument,
            frame=frame,
            name=name,
            first_line=say(
                first_line(first_name(launch.patient.name), ratings, instrument.scales[0], whole=not data.cut)
            ),
            visits=[visit for visit in data.visits if visit.therapist == therapist],
            series=series,
            usual=usual_of(data, ratings, instrument.scales[0]),
            today=today(),
        )
        parts.append(part)
    told = part_notes(data.cut, data.since, numbered=data.numbered, today=today())
    notes = (*told, *notes_of(data.complete, data.withheld, False, any_kept=False))
    return render_template("others.html", page=OthersPage(frame=frame, notes=notes, parts=tuple(parts)))
