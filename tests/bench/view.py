"""What the clinician's view costs us: from what the EHR sent to the page, without the way to the EHR and back."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.settings import SiteSettings
from fhir_alliance.trajectory.companions import read_companions
from fhir_alliance.trajectory.first_line import first_line
from fhir_alliance.trajectory.series import Rating, read_series, read_visits
from fhir_alliance.trajectory.usual import usual_range
from smart_app.web.pages.chart import chart_page
from smart_app.web.pages.frame import clinician_frame
from smart_app.web.pages.visit_rows import newest_responses
from smart_app.web.pages.window import MOST_COLUMNS

from .measuring import Row, seconds
from .samples import full_submission

sys.path.insert(0, str(Path(__file__).parents[1] / "web_pages"))

from gallery import TEMPLATES

ZONE: Final = ZoneInfo("America/New_York")
TODAY: Final = date(2026, 11, 12)
SHOWN: Final = PatientShown(id="p", name="Maria Lopez", birth_date="1988-03-04", identifiers=(("urn:x", "1"),))
SITE: Final = SiteSettings(name="Harbor", crisis_line="988", someone_else="555 0100", time_zone=ZONE)
CHECK_IN: Final = shipped().instrument("visit-check-in")
OTHERS: Final = tuple(shipped().instrument(name) for name in ("phq-9", "gad-7"))
FORMS: Final = {form.canonical: form for form in CHECK_IN.forms}


def view_rows() -> Iterator[Row]:
    """Measure both sizes, each by turns with only parsing what the EHR sent."""
    for visits, last, times, goal in (
        (50, "all", 2, "< 30 ms"),
        (3000, "", 1, "< 300 ms"),
        (3000, "all", 1, "< 300 ms"),
    ):
        sent = _record(visits)
        view, parsing = seconds(_shows(sent, last), lambda sent=sent: json.loads(sent), times=times)  # type: ignore[misc]
        what = f"view of {visits} visits x 3 instruments{', all of them' if last else ''} : parsing their JSON"
        yield what, f"{view / parsing:.1f}  ({view * 1e3:.1f} ms to {parsing * 1e3:.1f} ms)", goal


def _shows(sent: str, last: str) -> Callable[[], str]:
    resources = json.loads(sent)
    return lambda: _view(resources, last)


def _view(resources: dict[str, list[dict[str, Any]]], last: str) -> str:
    """Make the page as the view does."""
    visits = read_visits(resources["Encounter"], patient=SHOWN.id)
    observations = resources["Observation"]
    series = read_series(observations, visits, CHECK_IN, patient=SHOWN.id)
    scale, numbers = CHECK_IN.scales[0], {visit.encounter: visit.number for visit in visits}
    code = CHECK_IN.code(Rater.PATIENT, scale.name)
    points = [point for each in series if each.code == code for point in each.points]
    ratings = [
        Rating(visit=numbers[point.encounter or ""], day="", value=point.value)
        for point in points
        if point.value is not None
    ]
    newest = newest_responses(series, MOST_COLUMNS)
    answers = {
        reference: read_answers(each, FORMS[each["questionnaire"]])
        for each in resources["QuestionnaireResponse"]
        if (reference := f"QuestionnaireResponse/{each['id']}") in newest
    }
    page = chart_page(
        CHECK_IN,
        frame=clinician_frame(SITE, SHOWN, visit=visits[-1], today=TODAY),
        visits=visits,
        series=series,
        answers=answers,
        usual=usual_range(ratings[:-1], scale),
        first_line=first_line("Maria", ratings, scale),
        today=TODAY,
        companions=read_companions(observations, OTHERS, patient=SHOWN.id, zone=ZONE),
        last=last,
    )
    template = TEMPLATES.get_template("chart.html")
    return template.render(
        page=page, nonce="n", csrf_token="c", base="/l/a", asset=str, look="", tablet=None, languages=(), print=None
    )


def _record(visits: int) -> str:
    """Return what an EHR would send of weekly visits, each with both raters and two other measures."""
    found: dict[str, list[dict[str, Any]]] = {"Encounter": [], "Observation": [], "QuestionnaireResponse": []}
    for number in range(1, visits + 1):
        at = datetime(2026, 11, 12, 9, tzinfo=ZONE) - timedelta(weeks=visits - number)
        found["Encounter"].append(_encounter(number, at))
        full = "full" if number % 6 == 0 else "core"
        forms = [CHECK_IN.form(Rater.PATIENT, full), CHECK_IN.form(Rater.THERAPIST, "core")]
        asked = [(CHECK_IN, form) for form in forms] + [(each, each.forms[0]) for each in OTHERS]
        for place, (instrument, form) in enumerate(asked):
            for resource in _written(instrument, form, number * 4 + place, number, at):
                found[resource["resourceType"]].append(resource)
    return json.dumps(found)


def _encounter(number: int, at: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"v{number}",
        "status": "finished",
        "subject": {"reference": "Patient/p"},
        "period": {"start": at.isoformat()},
        "participant": [{"individual": {"reference": "Practitioner/t", "display": "Dr. Okafor"}}],
    }


def _written(instrument: Instrument, form: Form, key: int, number: int, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield what one form writes, with ids as an EHR gives them."""
    answers = Answers(
        given={
            item.link_id: item.options[(number + key) % len(item.options)].code for item in form.items if item.options
        }
    )
    submission = replace(
        full_submission(),
        key=f"7b0f9c1e-6c8f-4a51-9f0e-{key:012}",
        instrument=instrument,
        form=form,
        encounter=f"Encounter/v{number}",
        answers=answers,
        scores=Scorer(form).score(answers),
        authored=at,
        scored=at,
    )
    entries = write_bundle(submission)["entry"]
    ids = {each["fullUrl"]: f"{each['resource']['resourceType']}/{key}-{n}" for n, each in enumerate(entries)}
    for place, each in enumerate(entries):
        resource = each["resource"]
        if resource["resourceType"] in ("Observation", "QuestionnaireResponse"):
            text = json.dumps({**resource, "id": f"{key}-{place}"})
            for given, known in ids.items():
                text = text.replace(given, known)
            yield json.loads(text)
