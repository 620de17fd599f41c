"""Taking back what was sent: the patient until the time is over, a clinician whenever it was a mistake."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.delivery.correcting import Cause
from fhir_alliance.delivery.receipts import Kind, UnknownReceipt
from fhir_alliance.errors import CorrectionRefused, EhrError
from fhir_alliance.instruments.questionnaire import form_title
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import Rung
from smart_app.web.failures import BadRequest
from smart_app.web.forms import language_of
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.taking_back import BY_CLINICIAN, BY_FILER, BY_PATIENT, TakeBackPage, take_back_page
from smart_app.web.pages.words import day, local_day
from smart_app.web.reading import with_ehr
from smart_app.web.receipts import shown_as
from smart_app.web.saying import say
from smart_app.web.sent import Sent, is_of_launch, open_to_change, sent_in, take_back
from smart_app.web.services import services
from smart_app.web.titles import title_of

bp = Blueprint("taking_back", __name__, url_prefix="/l/<handle>")


@bp.get("/receipt/<key>/take-back")
@launched(Role.PATIENT)
def ask(launch: Launch, key: str) -> ResponseReturnValue:
    """Ask the patient once more, and say what happens then."""
    return render_template("take_back.html", page=_page(launch, open_to_change(launch, key), BY_PATIENT))


@bp.post("/receipt/<key>/take-back")
@launched(Role.PATIENT)
def take(launch: Launch, key: str) -> ResponseReturnValue:
    """Take it back; a second press shows the receipt of the first."""
    sent = sent_in(launch, key)
    if sent.newest.kind is not Kind.WITHDRAWAL:
        sent = open_to_change(launch, key)
        return _to_receipt(launch, take_back(launch, sent, _cause(BY_PATIENT) or Cause.CHANGED_MIND).key)
    return _to_receipt(launch, sent.newest.key)


@bp.get("/sent/<key>/withdraw")
@launched(Role.CLINICIAN)
def ask_clinician(launch: Launch, key: str) -> ResponseReturnValue:
    """Name the patient, the form and its day, and ask why."""
    return render_template("take_back.html", page=_page(launch, _of_clinician(launch, key), BY_CLINICIAN))


@bp.post("/sent/<key>/withdraw")
@launched(Role.CLINICIAN)
def withdraw(launch: Launch, key: str) -> ResponseReturnValue:
    """Withdraw it and go back to the page that says how far that is: the view, or for a filed page delivery.

    Delivery needs no EHR, so that it tells of everything that was withdrawn while that cannot be read.
    """
    sent = _of_clinician(launch, key)
    cause = _cause(BY_CLINICIAN)
    if cause is None:
        page = _page(launch, sent, BY_CLINICIAN, problem=say("Please choose a reason."))
        return render_template("take_back.html", page=page), BadRequest.http_status
    if sent.newest.kind is not Kind.WITHDRAWAL:
        take_back(launch, sent, cause)
    told = "delivery.delivery" if _is_filed(sent) or not _reads(launch) else "clinician.chart"
    return redirect(url_for(told, handle=launch.handle), 303)


def _reads(launch: Launch) -> bool:
    """Whether the EHR lets its patient be read just now."""
    try:
        with_ehr(launch, lambda client: client.read("Patient", launch.patient.id))
    except EhrError:
        return False
    return True


def _of_clinician(launch: Launch, key: str) -> Sent:
    """Return a form that this clinician may see: about a visit with them, or about none."""
    sent = sent_in(launch, key, filed=True)
    if not is_of_launch(launch, sent.first):
        raise UnknownReceipt
    if sent.newest.key != key and sent.newest.kind is not Kind.WITHDRAWAL:
        raise CorrectionRefused("there is a newer version")
    return sent


def _page(launch: Launch, sent: Sent, causes: dict[Cause, str], *, problem: str = "") -> TakeBackPage:
    site, filed = services().settings.site, _is_filed(sent)
    return take_back_page(
        frame_of(launch),
        path=request.path.removeprefix(launch.base),
        form_title=_title(launch, sent),
        on=day(local_day(sent.first.accepted_at, site.time_zone), today=today()),
        state=shown_as(sent.newest),
        causes=BY_FILER if filed else causes,
        problem=problem,
        filed=filed,
        by_patient=sent.first.rater == Rater.PATIENT,
    )


def _title(launch: Launch, sent: Sent) -> str:
    """Return what a form is called in the language in which it is asked, or what a filed page is called here."""
    if _is_filed(sent):
        return title_of(sent.first.form)
    instrument, form = services().catalogue.of_form(sent.first.form)
    return form_title(instrument.wordings[language_of(launch, instrument)], form)


def _is_filed(sent: Sent) -> bool:
    return sent.first.rung is Rung.DOCUMENT


def _cause(offered: dict[Cause, str]) -> Cause | None:
    return next((cause for cause in offered if cause == request.form.get("cause")), None)


def _to_receipt(launch: Launch, key: str) -> ResponseReturnValue:
    return redirect(url_for("receipts.receipt", handle=launch.handle, key=key), 303)
