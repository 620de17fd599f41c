"""The form itself, on a handed-over device, at home or for the therapist: answer, review, send."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.errors import InvalidAnswers, SubmissionConflict
from fhir_alliance.scoring.answers import Answers, check_answers
from smart_app.web.access import audit, close
from smart_app.web.drafts import Draft, DraftConflict, drop_draft, save_draft
from smart_app.web.forms import OpenForm, form_frame, open_form, send_form, sent_form
from smart_app.web.frames import today
from smart_app.web.gates import launched
from smart_app.web.launches import ANSWERING, Launch
from smart_app.web.pages.form import form_page, read_answers
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.message import MessagePage
from smart_app.web.pages.review import review_page
from smart_app.web.services import services

bp = Blueprint("filling", __name__, url_prefix="/l/<handle>")


@bp.get("/form")
@launched(*ANSWERING)
def form(launch: Launch) -> ResponseReturnValue:
    """Show the form with what was answered so far; a form that was sent shows its receipt."""
    if sent := sent_form(launch):
        return _to_receipt(launch, sent.key)
    opened = open_form(launch)
    audit(Event.FORM_OPENED, launch)
    return _show_form(launch, opened, opened.draft.answers)


@bp.post("/form")
@launched(*ANSWERING)
def keep_answers(launch: Launch) -> ResponseReturnValue:
    """Keep the answers and go on to the review, or note that today is not the day."""
    if sent_form(launch):
        raise SubmissionConflict("sent before")
    opened = open_form(launch)
    if request.form.get("action") == "decline":
        return _decline(launch, opened.draft)
    answers = read_answers(opened.form, request.form)
    try:
        checked = check_answers(opened.form, answers)
        save_draft(launch, opened.draft, checked, seen_version=seen_version(opened.draft))
    except InvalidAnswers as error:
        return _show_form(launch, opened, answers, problems=error.problems), error.http_status
    except DraftConflict as error:
        return _show_form(launch, opened, checked, notice=error.sentence), error.http_status
    return redirect(url_for(".review", handle=launch.handle), 303)


@bp.get("/review")
@launched(*ANSWERING)
def review(launch: Launch) -> ResponseReturnValue:
    """Show questions and answers in words before anything is sent."""
    if sent := sent_form(launch):
        return _to_receipt(launch, sent.key)
    opened = open_form(launch)
    page = review_page(
        opened.instrument,
        opened.form,
        frame=form_frame(launch, opened.instrument),
        visit_start=launch.context.visit.start if launch.context.visit else None,
        today=today(),
        answers=opened.draft.answers,
        key=opened.draft.key,
        version=opened.draft.version,
    )
    return render_template("review.html", page=page)


@bp.post("/send")
@launched(*ANSWERING)
def send(launch: Launch) -> ResponseReturnValue:
    """Accept the reviewed form: durable before the thank-you page, delivered afterwards; a repeat changes nothing."""
    if sent := sent_form(launch):
        return _to_receipt(launch, sent.key)
    opened = open_form(launch)
    declined = opened.draft.answers.empty
    seen = seen_version(opened.draft) == opened.draft.version
    if not seen or (declined and request.form.get("declined") != "yes"):
        return redirect(url_for(".review", handle=launch.handle), 303)
    return _to_receipt(launch, send_form(launch, opened, declined=declined).key)


def _to_receipt(launch: Launch, key: str) -> ResponseReturnValue:
    return redirect(url_for("receipts.receipt", handle=launch.handle, key=key), 303)


def _decline(launch: Launch, draft: Draft) -> ResponseReturnValue:
    """Note that the person did not want to answer today; nothing goes into the chart."""
    drop_draft(draft.key)
    audit(Event.FORM_DECLINED, launch)
    page = MessagePage(
        frame=Frame(site=services().settings.site),
        heading="Not today",
        sentence="Thank you. Nothing was sent, and your care does not change.",
        safe="You can answer later, if you like. If this device is not yours, please give it back.",
    )
    return close(render_template("message.html", page=page))


def _show_form(
    launch: Launch, opened: OpenForm, answers: Answers, *, problems: dict[str, str] | None = None, notice: str = ""
) -> str:
    page = form_page(
        opened.instrument,
        opened.form,
        frame=form_frame(launch, opened.instrument),
        visit_start=launch.context.visit.start if launch.context.visit else None,
        today=today(),
        audience=opened.audience,
        answers=answers,
        key=opened.draft.key,
        version=opened.draft.version,
        problems=problems,
        notice=notice,
    )
    return render_template("form.html", page=page)


def seen_version(draft: Draft) -> int:
    """Return the draft version that the page was made from; a page of another draft is as old as can be."""
    text = request.form.get("version", "")
    known = request.form.get("key") == draft.key and text.isdecimal() and len(text) < 9
    return int(text) if known else -1
