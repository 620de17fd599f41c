"""The clinician's path: the view of one patient, and handing a form over."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import segno
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.delivery.reasons import reason_of
from fhir_alliance.delivery.released import count_released
from fhir_alliance.ehr.findings import lapsed
from fhir_alliance.ehr.rungs import NEEDS
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.trajectory.companions import Companion, read_companions
from fhir_alliance.trajectory.first_line import first_line
from fhir_alliance.trajectory.series import Rating, Series, UsualRange, Visit
from fhir_alliance.trajectory.usual import usual_range
from smart_app.web.access import audit
from smart_app.web.alerts import alerts_of
from smart_app.web.asked import instrument_in_use, on_request
from smart_app.web.blind import blinded
from smart_app.web.due import assign_by_hand, declined_at, due_at, reminded_at
from smart_app.web.filing_rights import may_file
from smart_app.web.forms import may_rate
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.handovers import create_handover
from smart_app.web.launches import Launch, Role
from smart_app.web.linking import links_for
from smart_app.web.links import lockings
from smart_app.web.offered import chosen_form, offered
from smart_app.web.pages.ages import age_words
from smart_app.web.pages.chart import ChartPage, SentHere, chart_page
from smart_app.web.pages.frame import first_name
from smart_app.web.pages.handover import AskedPage, handover_page
from smart_app.web.pages.message import Action, no_pdf_page
from smart_app.web.pages.notes import UNPLANNED, part_notes, released_note
from smart_app.web.pages.visit_rows import newest_responses
from smart_app.web.pages.window import MOST_COLUMNS
from smart_app.web.pages.words import day, local_day, short_day
from smart_app.web.reading import ChartData, read_chart
from smart_app.web.receipts import shown_as
from smart_app.web.saying import say
from smart_app.web.seen import raised
from smart_app.web.sent import is_of_launch, newest_sent
from smart_app.web.services import services
from smart_app.web.sheet import chart_pdf
from smart_app.web.talks import talk_of
from smart_app.web.titles import title_here
from smart_app.web.young import answering_of_launch

bp = Blueprint("clinician", __name__, url_prefix="/l/<handle>")


@bp.get("/chart")
@launched(Role.CLINICIAN)
def chart(launch: Launch) -> ResponseReturnValue:
    """Show how this patient has rated the visits with this therapist, live from the EHR."""
    return render_template("chart.html", page=_chart(launch))


@bp.get("/chart.pdf")
@launched(Role.CLINICIAN)
def chart_as_pdf(launch: Launch) -> ResponseReturnValue:
    """Give the same as one page of PDF."""
    pdf = chart_pdf(_chart(launch), at=services().clock())
    if pdf is None:
        back = Action(label=say("Back to the view"), url=url_for(".chart", handle=launch.handle))
        return render_template("message.html", page=no_pdf_page(frame_of(launch), back))
    name = {"Content-Disposition": 'attachment; filename="visits.pdf"'}
    return Response(pdf, mimetype="application/pdf", headers=name)


def _chart(launch: Launch) -> ChartPage:
    """Read the chart and return the page that shows it."""
    # First, as the chart has whatever arrives in the meantime.
    released = count_released(services().engine, launch.ehr.name, launch.patient.id)
    data = read_chart(launch)
    audit(Event.CHART_READ, launch)
    instrument = instrument_in_use()
    shown, blind = blinded(launch, data, instrument)
    # Another therapist's series stays hidden, also from a colleague who opens the chart.
    therapist = launch.context.practitioner
    series = series_about(therapist, shown, instrument)
    own_visits = [visit for visit in data.visits if visit.therapist == therapist]
    ratings = ratings_of(series, data.visits, instrument)
    scale, site = instrument.scales[0], services().settings.site
    of_others = len(own_visits) < len(data.visits)
    return chart_page(
        instrument,
        frame=frame_of(launch),
        visits=own_visits,
        series=series,
        answers=answers_of(shown, series),
        usual=usual_of(data, ratings, scale),
        first_line=say(first_line(first_name(launch.patient.name), ratings, scale, whole=not data.cut)),
        today=today(),
        complete=data.complete,
        whole=not data.cut,
        withheld=data.withheld,
        of_others=of_others and not site.other_therapists,
        elsewhere=of_others and site.other_therapists,
        can_rate=may_rate(launch),
        on_request=on_request(),
        companions=_companions(data, instrument, launch),
        alerts=alerts_of(launch),
        kept=data.kept,
        lapsed=_lapsed(launch),
        due=due_at(launch, data),
        wish=services().wishes.of(launch.ehr.name, launch.patient.id),
        declined=declined_at(launch),
        reminded=reminded_at(launch),
        sent=_sent(launch),
        held=_held(launch),
        blind=blind,
        can_link=links_for(launch) is not None,
        has_overview=launch.ehr.therapist_overview,
        can_file=may_file(launch),
        told=(*_parts(data), *lockings(launch), *filter(None, [released_note(released)])),
        at_age=age_words(answering_of_launch(launch).where),
        last=request.args.get("last", ""),
        talk=talk_of(launch, instrument, raised(launch, shown, instrument, ratings, series)),
    )


@bp.get("/handover")
@launched(Role.CLINICIAN)
def asked(launch: Launch) -> ResponseReturnValue:
    """Offer the one form that the health record asked to be handed over; whatever else is asked for, show the view."""
    wanted = launch.context.hand_over
    for name, instrument, form in offered():
        if form.canonical == wanted:
            title = title_here(instrument, form)
            return render_template("asked.html", page=AskedPage(frame=frame_of(launch), form=name, form_title=title))
    return redirect(url_for(".chart", handle=launch.handle), 303)


@bp.post("/handover")
@launched(Role.CLINICIAN)
def handover(launch: Launch) -> ResponseReturnValue:
    """Show a code that works once, for the form that was chosen."""
    instrument, form = chosen_form()
    assign_by_hand(launch, form)
    code = create_handover(launch, form.canonical)
    site = services().settings
    url = f"{site.public_url}{url_for('handed.start', link=code.link)}"
    page = handover_page(
        frame=frame_of(launch),
        form_title=title_here(instrument, form),
        url=url,
        enter_at=f"{site.host}{url_for('handed.enter')}",
        short_code=code.short,
        modules=list(segno.make(url, error="m", micro=False).matrix),
        expires_at=code.expires_at,
        now=services().clock(),
    )
    return render_template("handover.html", page=page)


def _sent(launch: Launch) -> list[SentHere]:
    """Return what was sent through this app about visits with this clinician, and can be withdrawn."""
    zone = services().settings.site.time_zone
    found = []
    for each in newest_sent(launch, since=datetime.min.replace(tzinfo=UTC)):
        if is_of_launch(launch, each):
            instrument, form = services().catalogue.of_form(each.form)
            on = day(local_day(each.accepted_at, zone), today=today())
            title = title_here(instrument, form)
            found.append(SentHere(key=each.key, form=title, on=on, state=shown_as(each)))
    return found


def _held(launch: Launch) -> list[str]:
    """Return why each form that waits for a person, here or at the EHR, is not in the chart, in words."""
    held = services().outbox.held_for(launch.ehr.name, launch.patient.id)
    return [say(reason_of(receipt.state, receipt.reason).told) for receipt in held]


def _lapsed(launch: Launch) -> bool:
    """Whether the EHR has stopped to state what is written there: said before anything is handed over (F19)."""
    with services().engine.connect() as connection:
        return bool(lapsed(connection, launch.ehr.name, NEEDS[launch.ehr.write.rung]))


def _companions(data: ChartData, instrument: Instrument, launch: Launch) -> tuple[Companion, ...]:
    """Return the outcome measures of the record, but for the instrument that the view is about."""
    others = [each for each in services().catalogue.instruments if each.name != instrument.name]
    zone = services().settings.site.time_zone
    return read_companions(data.observations, others, patient=launch.patient.id, zone=zone)


def series_about(therapist: str, data: ChartData, instrument: Instrument) -> tuple[Series, ...]:
    """Return the series of one therapist: another's stays hidden."""
    return tuple(series for series in data.series(instrument) if series.therapist == therapist)


def ratings_of(series: tuple[Series, ...], visits: tuple[Visit, ...], instrument: Instrument) -> list[Rating]:
    """Return the patient's ratings of the first scale, the one that every form has."""
    code = instrument.code(Rater.PATIENT, instrument.scales[0].name)
    numbers = {visit.encounter: visit.number for visit in visits}
    points = [point for each in series if each.code == code for point in each.points]
    zone = services().settings.site.time_zone
    return [
        Rating(
            visit=numbers.get(point.encounter or "") or index,
            day=short_day(local_day(point.at, zone)),
            value=point.value,
        )
        for index, point in enumerate(points, 1)
        if point.value is not None
    ]


def _parts(data: ChartData) -> Iterator[str]:
    yield from part_notes(data.cut, data.since, numbered=data.numbered, today=today())
    if not data.numbered:
        yield say(UNPLANNED)


def usual_of(data: ChartData, ratings: Sequence[Rating], scale: Scale) -> UsualRange | None:
    """Return the range that the last rating is compared with; None where the first ratings could not be read."""
    return None if data.cut else usual_range(ratings[:-1], scale)


def answers_of(data: ChartData, series: tuple[Series, ...]) -> dict[str, Answers]:
    """Return the patient's newest answers by response, as many as a table shows, of forms that are installed."""
    forms = {form.canonical: form for form in instrument_in_use().forms}
    newest = frozenset(newest_responses(series, MOST_COLUMNS))
    return {
        reference: read_answers(response, forms[response["questionnaire"]])
        for response in data.responses
        if (reference := f"QuestionnaireResponse/{response['id']}") in newest
        if response.get("questionnaire") in forms and response.get("status") in ("completed", "amended")
    }
