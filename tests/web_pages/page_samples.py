"""Sample values of every page in every state, made by the builders the views use."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import segno
from course_samples import (
    INSTRUMENT,
    NOW,
    TODAY,
    Course,
    answers_of,
    corrected,
    form,
    series_of,
    weekly,
)

from fhir_alliance.alerts.book import Alert, AlertAnswer
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.settings import SiteSettings
from fhir_alliance.trajectory.companions import Companion, Reading
from fhir_alliance.trajectory.series import UsualRange
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.planning import asked_form
from fhir_alliance.visits.schedule import Rule
from smart_app.web.pages import (
    AlertBox,
    ChartPage,
    FormPage,
    Frame,
    ReceiptPage,
    ReceiptState,
    ReviewPage,
    SentHere,
    TakeBackPage,
    alert_box,
    answer_rows,
    audience_text,
    chart_page,
    clinician_frame,
    form_page,
    patient_frame,
    review_page,
    take_back_page,
)
from smart_app.web.pages.agreed import Before
from smart_app.web.pages.others import OthersPage, other_part
from smart_app.web.pages.taking_back import BY_CLINICIAN, BY_PATIENT
from smart_app.web.pages.together import TogetherPage, together_page
from smart_app.web.pages.words import day

SITE = SiteSettings(
    name="Harbor Counseling",
    crisis_line="Call or text 988. In an emergency call 911.",
    someone_else="Patient relations, 555 0100",
    time_zone=ZoneInfo("America/New_York"),
)
WORDING = INSTRUMENT.wordings["en"]
KEY = "6f0c2f6e-6a0e-4a80-9c5b-0d6a4f0f8f11"
MARIA = PatientShown(id="maria", name="Maria Santos", birth_date="1990-03-04", identifiers=(("urn:mrn", "MRN0099120"),))
THOMAS = PatientShown(id="thomas", name="Thomas Reyes", birth_date="1988-03-04", identifiers=(("urn:mrn", "10044821"),))
PATIENT_FRAME = patient_frame(SITE, MARIA)
NOBODY = Frame(site=SITE)


THOMAS_FRAME = clinician_frame(SITE, THOMAS, visit=weekly(14)[-1], today=TODAY)
# Where the EHR shows its own banner around the app.
SHORT_FRAME = clinician_frame(SITE, THOMAS, visit=weekly(14)[-1], today=TODAY, full=False)


def thomas_chart(
    course: Course,
    first_line: str,
    *,
    visits: int = 14,
    numbered: bool = True,
    amended: Sequence[int] = (),
    **more: object,
) -> ChartPage:
    """Return the clinician's view of a course with weekly visits, the last of them today unless fewer are shown.

    The patient's answers of the visits that are `amended` were corrected later.
    """
    planned = weekly(max(visits, 14))
    series, sheets = series_of({number: both for number, both in course.items() if number <= visits}, planned)
    if not numbered:
        planned = [replace(each, number=None) for each in planned]
        more["frame"] = clinician_frame(SITE, THOMAS, visit=planned[-1], today=TODAY)
    series = corrected(series, *(planned[number - 1] for number in amended))
    usual = UsualRange(low=Decimal("7.2"), high=Decimal("8.6"), first_visit=1, last_visit=5) if visits > 5 else None
    more.setdefault("frame", THOMAS_FRAME)
    more.setdefault("usual", usual)
    return chart_page(
        INSTRUMENT,
        visits=planned[: max(visits, 1)],
        series=series,
        answers=sheets,
        first_line=first_line,
        today=TODAY,
        **more,  # type: ignore[arg-type]
    )


def thomas_together(course: Course, *agreed: Before, complete: bool = True) -> TogetherPage:
    """Return what both look at, of the same visits."""
    planned = weekly(14)
    series, sheets = series_of(course, planned)
    return together_page(
        INSTRUMENT,
        frame=THOMAS_FRAME,
        visits=planned,
        series=series,
        answers=sheets,
        agreed=agreed,
        today=TODAY,
        complete=complete,
    )


def thomas_elsewhere(course: Course, *, nobody: bool = False) -> OthersPage:
    """Return what Thomas rated of visits with somebody else, and a second therapist without a rating."""
    planned = weekly(14)
    series, _ = series_of(course, planned)
    line = "Last answer (Thu 12 Nov): 4.8. Thomas rated the last 2 visits below the usual 7.2 to 8.6 (visits 1 to 5)."
    known = {"frame": THOMAS_FRAME, "visits": planned, "today": TODAY}
    usual = UsualRange(low=Decimal("7.2"), high=Decimal("8.6"), first_visit=1, last_visit=5)
    parts = (
        other_part(INSTRUMENT, name="Dr. Lindqvist", first_line=line, series=series, usual=usual, **known),
        other_part(INSTRUMENT, name="", first_line="No answers yet.", series=(), usual=None, **known),
    )
    return OthersPage(frame=THOMAS_FRAME, notes=(), parts=() if nobody else parts)


def companions() -> tuple[Companion, ...]:
    """Return what the record holds of two other measures, eight days of one of them."""
    values = {"phq-9": (19, 17, 17, 14, 12, 13, 10, 9), "gad-7": (12, 8)}
    return tuple(
        Companion(
            instrument=(measure := shipped().instrument(name)),
            scale=measure.scales[0],
            readings=tuple(
                Reading(on=TODAY - timedelta(days=14 * (len(values[name]) - place)), value=Decimal(value))
                for place, value in enumerate(values[name])
            ),
        )
        for name in values
    )


def patient_form(name: str, answers: Answers, problems: dict[str, str] | None = None, *, changes: str = "") -> FormPage:
    """Return Maria's form."""
    return form_page(
        INSTRUMENT,
        form(Rater.PATIENT, name),
        frame=PATIENT_FRAME,
        visit_start=NOW,
        today=TODAY,
        audience=audience_text(Rater.PATIENT, therapist="Dr. Okafor"),
        answers=answers,
        key=KEY,
        version=3,
        problems=problems,
        changes=changes,
    )


def therapist_form() -> FormPage:
    """Return the guess of Thomas's answers."""
    return form_page(
        INSTRUMENT,
        form(Rater.THERAPIST, "core"),
        frame=THOMAS_FRAME,
        visit_start=NOW,
        today=TODAY,
        audience=audience_text(Rater.THERAPIST, therapist="Dr. Okafor"),
        answers=Answers(),
        key=KEY,
        version=1,
    )


def patient_review(answers: Answers, *, changes: str = "") -> ReviewPage:
    """Return Maria's answers before they are sent."""
    return review_page(
        INSTRUMENT,
        form(Rater.PATIENT, "core"),
        frame=PATIENT_FRAME,
        visit_start=NOW,
        today=TODAY,
        answers=answers,
        key=KEY,
        version=4,
        changes=changes,
    )


def alert(number: int, *, acknowledged_by: str | None = None) -> AlertBox:
    """Return an alert on item 9, which Dr. Okafor looks at."""
    found = Alert(
        id=number,
        instrument="PHQ-9",
        answers=(AlertAnswer(item="9", answer="Several days"),),
        answered_at=NOW,
        acknowledged_at=NOW if acknowledged_by else None,
        acknowledged_by=acknowledged_by,
    )
    return alert_box(found, user="Practitioner/okafor", zone=SITE.time_zone, today=TODAY)


def receipt(
    state: ReceiptState,
    *,
    handover: bool = False,
    declined: bool = False,
    frame: Frame = PATIENT_FRAME,
    repeats_help: bool = False,
    **more: object,
) -> ReceiptPage:
    """Return the page after sending."""
    rows = () if handover or declined else answer_rows(form(Rater.PATIENT, "core"), WORDING, FILLED)
    return ReceiptPage(
        frame=frame,
        key=KEY,
        state=state,
        declined=declined,
        handover=handover,
        rows=rows,
        repeats_help=repeats_help,
        **more,  # type: ignore[arg-type]
    )


def due(rater: Rater, name: str = "core") -> Due:
    """Return a form that is due at the last of the visits."""
    rule = Rule(form=asked_form(form(rater, name)), when=Advice(visits=frozenset({14})))
    return Due(rule=rule, why=Why.VISIT, number=14, opens=NOW, closes=NOW)


ALERTS = (alert(1), alert(2, acknowledged_by="Practitioner/okafor"), alert(3, acknowledged_by="Practitioner/lee"))
FILLED = answers_of("8 7 s 9 10 0", harder="a-little", talk="yes")
PROBLEM = "Please choose one of the answers shown."
MODULES = segno.make("http://localhost:8081/h/V1StGXR8_Z5jdHi6B-myT4kq3mB1wq2o", micro=False).matrix
RECEIPT_PATH = f"/receipt/{KEY}"
UNTIL = "tomorrow, 3:42 pm"


def take_back(*, clinician: bool = False, problem: str = "") -> TakeBackPage:
    """Return the question before a form is taken back, for the patient or for a clinician."""
    return take_back_page(
        THOMAS_FRAME if clinician else PATIENT_FRAME,
        path=f"/sent/{KEY}/withdraw" if clinician else f"{RECEIPT_PATH}/take-back",
        form_title="Visit check-in (patient, short form)",
        on=day(TODAY, today=TODAY),
        state=ReceiptState.IN_CHART,
        causes=BY_CLINICIAN if clinician else BY_PATIENT,
        problem=problem,
    )


SENT_HERE = tuple(
    SentHere(
        key=KEY,
        form="Visit check-in (patient, short form)",
        on=day(TODAY - timedelta(days=days), today=TODAY),
        state=state,
    )
    for days, state in ((0, ReceiptState.TAKING_BACK), (7, ReceiptState.TAKE_BACK_HELD), (14, ReceiptState.IN_CHART))
)
