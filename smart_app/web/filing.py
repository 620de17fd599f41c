"""Filing the clinician's view in the chart: asked once more, and then on its way like everything that is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from babel import Locale
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.errors import AllianceError
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.filed import FiledView
from fhir_alliance.settings import LANGUAGE
from fhir_alliance.trajectory.first_line import first_line
from fhir_alliance.trajectory.series import Series, Visit
from smart_app.web.access import audit
from smart_app.web.asked import instrument_in_use
from smart_app.web.blind import blinded
from smart_app.web.catalogues import in_language, page_locale
from smart_app.web.clinician import ratings_of, series_about, usual_of
from smart_app.web.filing_rights import may_file
from smart_app.web.forms import digest_of
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.languages import language
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.audience import chart_readers_text
from smart_app.web.pages.chart import ChartPage, chart_page
from smart_app.web.pages.filing import FilingPage, for_everybody
from smart_app.web.pages.frame import clinician_frame, first_name
from smart_app.web.pages.notes import part_notes
from smart_app.web.pages.words import day, local_day
from smart_app.web.reading import ChartData, read_chart
from smart_app.web.saying import say
from smart_app.web.services import services
from smart_app.web.sheet import chart_pdf

bp = Blueprint("filing", __name__, url_prefix="/l/<handle>")


class NothingToFile(AllianceError):
    """This view cannot be filed: the EHR does not take it, or there is nothing in it yet."""

    code = "filing.none"
    http_status = 409
    title = "This page cannot be filed"
    sentence = "The health record does not take it from this app, or the patient has not rated a visit with you yet."


class NotPrintable(AllianceError):
    """A letter of the page cannot be printed right, such as one of a name in another script."""

    code = "filing.letters"
    http_status = 409
    title = "This page cannot be filed"
    sentence = "A name on it is written in letters that cannot be printed here. Everything is still in the view."


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """The page as it would be filed now: what it shows, when that was rated, and its bytes."""

    page: ChartPage
    title: str
    rated: Sequence[datetime]
    encounter: str
    instrument: Instrument
    pdf: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What of a chart goes on the page: the patient's series about one therapist, and the visits that were rated."""

    data: ChartData
    instrument: Instrument
    series: tuple[Series, ...]
    visits: list[Visit]


@bp.get("/filing")
@launched(Role.CLINICIAN)
def ask(launch: Launch) -> ResponseReturnValue:
    """Say what would be filed and who can read it then."""
    return _asked(launch, _sheet(launch))


@bp.get("/filing.pdf")
@launched(Role.CLINICIAN)
def preview(launch: Launch) -> ResponseReturnValue:
    """Give the very page that would be filed."""
    name = {"Content-Disposition": 'attachment; filename="visits-for-the-chart.pdf"'}
    return Response(_sheet(launch).pdf, mimetype="application/pdf", headers=name)


@bp.post("/filing")
@launched(Role.CLINICIAN)
def file(launch: Launch) -> ResponseReturnValue:
    """Accept the page that was shown, and go to where it is; another one than that is shown first."""
    sheet = _sheet(launch)
    view = _view(launch, sheet)
    if view.digest != request.form.get("digest"):
        return _asked(launch, sheet, changed=True), 409
    services().filings.accept(view, launch.ehr.write.note_type, grant=launch.grant)
    return redirect(url_for("delivery.delivery", handle=launch.handle), 303)


def _asked(launch: Launch, sheet: _Sheet, *, changed: bool = False) -> str:
    zone = services().settings.site.time_zone
    page = FilingPage(
        frame=frame_of(launch),
        instrument=sheet.page.instrument,
        visits=sheet.page.status.answered,
        first=day(local_day(min(sheet.rated), zone), today=today()),
        last=day(local_day(max(sheet.rated), zone), today=today()),
        readers=chart_readers_text(launch.ehr.readers),
        digest=_view(launch, sheet).digest,
        language=_named(sheet.page.frame.language),
        changed=changed,
        usual=bool(sheet.page.trend and sheet.page.trend.usual),
    )
    return render_template("filing.html", page=page)


def _sheet(launch: Launch) -> _Sheet:
    """Read the chart and draw the page in the site's language, whichever the clinician reads this app in.

    Where that has letters that cannot be printed it is in English.

    Raises NothingToFile, NotPrintable, and what reading the chart raises.
    """
    if not may_file(launch):
        raise NothingToFile("not offered here")
    data = read_chart(launch)
    audit(Event.CHART_READ, launch)
    instrument = instrument_in_use()
    shown, _ = blinded(launch, data, instrument)
    about = series_about(launch.context.practitioner, shown, instrument)
    series = tuple(each for each in about if each.rater is Rater.PATIENT)
    rated = [point.at for each in series for point in each.points]
    visits = _rated_visits(launch, data, series)
    if not rated or not visits:
        raise NothingToFile("nothing was rated")
    seen = _Seen(data=data, instrument=instrument, series=series, visits=visits)
    for name in dict.fromkeys((services().settings.site.language, LANGUAGE)):
        with in_language(name):
            page = _page(launch, seen)
            pdf = chart_pdf(page, at=_midnight(), filed=True)
            title = say("%(form)s: what the patient rated, by visit", form=page.instrument)
        if pdf is not None:
            encounter = (launch.context.visit or visits[-1]).encounter
            return _Sheet(page=page, title=title, rated=rated, encounter=encounter, instrument=instrument, pdf=pdf)
    raise NotPrintable("letters")


def _page(launch: Launch, seen: _Seen) -> ChartPage:
    """Return the view as anybody may read it, whatever stands around it on this screen."""
    instrument, site = seen.instrument, services().settings.site.said_in(language())
    ratings, scale = ratings_of(seen.series, seen.data.visits, instrument), instrument.scales[0]
    page = chart_page(
        instrument,
        frame=clinician_frame(site, launch.patient, visit=None, today=today(), language=language()),
        visits=seen.visits,
        series=seen.series,
        answers={},
        usual=usual_of(seen.data, ratings, scale),
        first_line=say(first_line(first_name(launch.patient.name), ratings, scale, whole=not seen.data.cut)),
        today=today(),
        complete=seen.data.complete,
        whole=not seen.data.cut,
        told=part_notes(seen.data.cut, seen.data.since, numbered=seen.data.numbered, today=today()),
        can_hand_over=False,
        can_rate=False,
    )
    return for_everybody(page)


def _rated_visits(launch: Launch, data: ChartData, series: tuple[Series, ...]) -> list[Visit]:
    """Return the visits with this therapist that the patient has rated: who did not answer is not written about."""
    rated = {point.encounter for each in series for point in each.points}
    return [each for each in data.visits if each.therapist == launch.context.practitioner and each.encounter in rated]


def _named(tag: str) -> str:
    """Return the name of a language as this page says it; nothing for the language of this page."""
    return "" if tag == language() else str(Locale(tag).get_display_name(page_locale()))


def _midnight() -> datetime:
    """Return the beginning of the day at the site."""
    return datetime.combine(today(), time(), services().settings.site.time_zone)


def _view(launch: Launch, sheet: _Sheet) -> FiledView:
    site = services().settings.site
    return FiledView(
        ehr=launch.ehr.name,
        fhir_base=launch.ehr.fhir_base,
        patient=launch.patient,
        encounter=sheet.encounter,
        therapist=launch.context.practitioner,
        author=launch.user,
        launch=launch.handle,
        title=sheet.title,
        first=min(sheet.rated).astimezone(site.time_zone),
        last=max(sheet.rated).astimezone(site.time_zone),
        filed=services().clock().astimezone(site.time_zone),
        language=sheet.page.frame.language,
        audience_digest=digest_of(chart_readers_text(launch.ehr.readers)),
        instrument_digest=sheet.instrument.digest,
        pdf=sheet.pdf,
    )
