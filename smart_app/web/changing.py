"""Changing what was sent, until its time is over: the same form with the answers as they were, review, send."""

from collections.abc import Mapping
from contextlib import suppress

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.delivery.receipts import UnknownReceipt
from fhir_alliance.errors import CorrectionRefused, InvalidAnswers, NotSignedIn
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.trajectory.series import Visit
from smart_app.web.access import audit
from smart_app.web.coming_back import way_back
from smart_app.web.drafts import DraftConflict, save_draft
from smart_app.web.failures import explain
from smart_app.web.filling import seen_version
from smart_app.web.forms import OpenForm, language_of, tell_audience
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.keeping import both, possible
from smart_app.web.launches import Launch, Role, find_lapsed, find_launch
from smart_app.web.left_alone import closed_page
from smart_app.web.pages.form import form_page, read_answers
from smart_app.web.pages.review import review_page
from smart_app.web.preferences import chosen_on_form
from smart_app.web.saying import say
from smart_app.web.sent import Sent, open_change, open_to_change, send_change, sent_in
from smart_app.web.young import RoomOnly

bp = Blueprint("changing", __name__, url_prefix="/l/<handle>/receipt/<key>/change")


@bp.get("")
@launched(Role.PATIENT)
def form(launch: Launch, key: str) -> ResponseReturnValue:
    """Show the form with the answers as they were sent, or as they were changed so far."""
    sent = open_to_change(launch, key)
    opened, visit = open_change(launch, sent)
    tell_audience(opened)
    audit(Event.FORM_OPENED, launch)
    return _show_form(launch, sent, opened, visit, opened.draft.answers)


@bp.post("")
@launched(Role.PATIENT)
def keep_answers(launch: Launch, key: str) -> ResponseReturnValue:
    """Keep the changed answers and go on to the review."""
    sent = open_to_change(launch, key)
    opened, visit = open_change(launch, sent)
    answers = read_answers(opened.form, request.form)
    try:
        checked = check_answers(opened.form, answers)
        save_draft(launch, opened.draft, checked, seen_version=seen_version(opened.draft))
    except InvalidAnswers as error:
        return _show_form(launch, sent, opened, visit, answers, problems=error.problems), error.http_status
    except DraftConflict as error:
        return _show_form(launch, sent, opened, visit, checked, notice=say(error.sentence)), error.http_status
    if chosen := chosen_on_form():
        return redirect(url_for(".form", handle=launch.handle, key=sent.newest.key, **chosen), 303)
    return redirect(url_for(".review", handle=launch.handle, key=sent.newest.key), 303)


@bp.get("/review")
@launched(Role.PATIENT)
def review(launch: Launch, key: str) -> ResponseReturnValue:
    """Show the changed answers in words before they are sent."""
    sent = open_to_change(launch, key)
    opened, visit = open_change(launch, sent)
    page = review_page(
        opened.instrument,
        opened.form,
        frame=frame_of(launch),
        language=language_of(launch, opened.instrument),
        visit_start=visit.start if visit else None,
        today=today(),
        answers=opened.draft.answers,
        key=opened.draft.key,
        version=opened.draft.version,
        changes=_path(sent),
    )
    return render_template("review.html", page=page)


@bp.post("/send")
@launched(Role.PATIENT)
def send(launch: Launch, key: str) -> ResponseReturnValue:
    """Accept the changed answers; a second press, or another page of the same change, gets the first receipt."""
    sent = sent_in(launch, key)
    if sent.newest.key == request.form.get("key"):
        return _to_receipt(launch, sent.newest.key)
    sent = open_to_change(launch, key)
    opened, _ = open_change(launch, sent)
    declined = opened.draft.answers.empty
    seen = seen_version(opened.draft) == opened.draft.version
    if not seen or (declined and request.form.get("declined") != "yes"):
        return redirect(url_for(".review", handle=launch.handle, key=sent.newest.key), 303)
    return _to_receipt(launch, send_change(launch, sent, opened, declined=declined).key)


@bp.errorhandler(NotSignedIn)
def keep_late_answers(error: NotSignedIn) -> ResponseReturnValue:
    """Keep what a page still changes after it was left alone too long, show nothing, and say the way back."""
    launch = find_lapsed((request.view_args or {}).get("handle", ""))
    back = way_back(launch) if launch and launch.role is Role.PATIENT else None
    if launch is None or back is None:
        return explain(error)
    _keep_what_came(launch)
    return render_template("message.html", page=closed_page(back)), error.http_status


@bp.errorhandler(RoomOnly)
def keep_for_the_room(error: RoomOnly) -> ResponseReturnValue:
    """Keep what was changed on a page that was open when its patient came of an age for the room, and say why it ends.

    What was sent before stays as it is.
    """
    launch = find_launch((request.view_args or {})["handle"])
    if launch.confirmed:
        _keep_what_came(launch)
    return explain(error)


def _keep_what_came(launch: Launch) -> None:
    """Keep the answers of a request that nothing else is done with, unless they cannot be changed any more."""
    if request.endpoint != "changing.keep_answers":
        return
    with suppress(CorrectionRefused, UnknownReceipt):
        opened, _ = open_change(launch, open_to_change(launch, (request.view_args or {})["key"]))
        answers, _ = both(opened.draft.answers, possible(opened, read_answers(opened.form, request.form)))
        save_draft(launch, opened.draft, answers, seen_version=opened.draft.version)


def _to_receipt(launch: Launch, key: str) -> ResponseReturnValue:
    return redirect(url_for("receipts.receipt", handle=launch.handle, key=key), 303)


def _path(sent: Sent) -> str:
    """Return the path of the receipt below the launch."""
    return f"/receipt/{sent.newest.key}"


def _show_form(
    launch: Launch,
    sent: Sent,
    opened: OpenForm,
    visit: Visit | None,
    answers: Answers,
    *,
    problems: Mapping[str, str] | None = None,
    notice: str = "",
) -> str:
    page = form_page(
        opened.instrument,
        opened.form,
        frame=frame_of(launch),
        language=language_of(launch, opened.instrument),
        visit_start=visit.start if visit else None,
        today=today(),
        audience=opened.audience,
        answers=answers,
        key=opened.draft.key,
        version=opened.draft.version,
        problems=problems,
        notice=notice,
        changes=_path(sent),
    )
    return render_template("form.html", page=page)
