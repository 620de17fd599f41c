"""The form itself, on a handed-over device, at home or for the therapist: answer, review, send."""

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.errors import InvalidAnswers, NotSignedIn, SubmissionConflict
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.sentences import marked
from smart_app.web.access import audit, close
from smart_app.web.coming_back import way_back
from smart_app.web.drafts import Draft, DraftConflict, drop_draft, save_draft
from smart_app.web.failures import explain
from smart_app.web.following import follow_visit
from smart_app.web.forms import (
    NotAsked,
    OpenForm,
    language_of,
    open_form,
    require_asked,
    send_form,
    sent_form,
    tell_audience,
)
from smart_app.web.frames import ends_of, frame_of, plain_frame, today
from smart_app.web.gates import launched
from smart_app.web.keeping import both, possible
from smart_app.web.launches import ANSWERING, Launch, Role, find_lapsed, find_launch
from smart_app.web.left_alone import closed_page
from smart_app.web.pages.form import form_page, read_answers
from smart_app.web.pages.message import Action, MessagePage, error_page
from smart_app.web.pages.review import review_page
from smart_app.web.pages.words import clock_words
from smart_app.web.preferences import chosen_on_form
from smart_app.web.saying import say
from smart_app.web.services import services
from smart_app.web.young import RoomOnly

_MOVED: Final = marked(
    "The date of this visit was changed in your record. Your answers are kept: look at the date and go on."
)

bp = Blueprint("filling", __name__, url_prefix="/l/<handle>")


@bp.get("/form")
@launched(*ANSWERING)
def form(launch: Launch) -> ResponseReturnValue:
    """Show the form with what was answered so far; a form that was sent shows its receipt."""
    if sent := sent_form(launch):
        return _to_receipt(launch, sent.key)
    opened = open_form(launch)
    require_asked(launch, opened)
    tell_audience(opened)
    audit(Event.FORM_OPENED, launch)
    return _show_form(launch, opened, opened.draft.answers, notice=say(_MOVED) if "moved" in request.args else "")


@bp.post("/form")
@launched(*ANSWERING)
def keep_answers(launch: Launch) -> ResponseReturnValue:
    """Keep the answers and go on to the review, or note that today is not the day."""
    if sent_form(launch):
        raise SubmissionConflict("sent before")
    opened = open_form(launch)
    answers = read_answers(opened.form, request.form)
    if request.form.get("action") == "decline":
        return _decline(launch, opened, answers)
    try:
        save_draft(launch, opened.draft, possible(opened, answers), seen_version=seen_version(opened.draft))
        require_asked(launch, opened)
        check_answers(opened.form, answers)
    except InvalidAnswers as error:
        return _show_form(launch, open_form(launch), answers, problems=error.problems), error.http_status
    except DraftConflict as error:
        opened = open_form(launch)
        together, twice = both(opened.draft.answers, possible(opened, answers))
        return _show_form(launch, opened, together, problems=twice, notice=say(error.sentence)), error.http_status
    if chosen := chosen_on_form():
        return redirect(url_for(".form", handle=launch.handle, **chosen), 303)
    return redirect(url_for(".review", handle=launch.handle), 303)


@bp.post("/form/keep")
@launched(*ANSWERING)
def keep(launch: Launch) -> ResponseReturnValue:
    """Keep the answers so far, for the page's script; it is told the next version, when, and how long the page lives.

    Answers of a page that another one has overtaken are not kept here: they would undo the others unseen (F32).
    """
    if sent_form(launch):
        raise SubmissionConflict("sent before")
    opened = open_form(launch)
    answers = possible(opened, read_answers(opened.form, request.form))
    saved = save_draft(launch, opened.draft, answers, seen_version=seen_version(opened.draft))
    now, zone = services().clock(), services().settings.site.time_zone
    at = clock_words(now, zone, today=today())
    return jsonify(version=saved.version, at=at, seconds=ends_of(launch).seconds)


@bp.get("/review")
@launched(*ANSWERING)
def review(launch: Launch) -> ResponseReturnValue:
    """Show questions and answers in words before anything is sent."""
    if sent := sent_form(launch):
        return _to_receipt(launch, sent.key)
    opened = open_form(launch)
    require_asked(launch, opened)
    if follow_visit(launch):
        return redirect(url_for(".form", handle=launch.handle, moved="yes"), 303)
    if problems := _problems(opened):
        return _show_form(launch, opened, opened.draft.answers, problems=problems), InvalidAnswers.http_status
    page = review_page(
        opened.instrument,
        opened.form,
        frame=frame_of(launch),
        language=language_of(launch, opened.instrument),
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
    require_asked(launch, opened)
    declined = opened.draft.answers.empty
    seen = seen_version(opened.draft) == opened.draft.version
    if not seen or _problems(opened) or (declined and request.form.get("declined") != "yes"):
        return redirect(url_for(".review", handle=launch.handle), 303)
    sent = send_form(launch, opened, declined=declined)
    if launch.role is Role.LINK:
        audit(Event.LINK_USED, launch)
    return _to_receipt(launch, sent.key)


def _to_receipt(launch: Launch, key: str) -> ResponseReturnValue:
    return redirect(url_for("receipts.receipt", handle=launch.handle, key=key), 303)


@bp.errorhandler(NotAsked)
def explain_not_asked(error: NotAsked) -> ResponseReturnValue:
    """Say what became of the form, and lead a patient at home back to what waits."""
    url = url_for("patient.visits", handle=(request.view_args or {})["handle"])
    action = Action(label=say("See what waits now"), url=url) if error.at_home else None
    page = error_page(error, frame=plain_frame(), action=action)
    return render_template("message.html", page=page), error.http_status


@bp.errorhandler(NotSignedIn)
def keep_late_answers(error: NotSignedIn) -> ResponseReturnValue:
    """Keep what a patient's page still sends after it was left alone too long, show nothing, and say the way back."""
    launch = find_lapsed((request.view_args or {}).get("handle", ""))
    back = way_back(launch) if launch else None
    if launch is None or back is None:
        return explain(error)
    _keep_what_came(launch)
    if request.endpoint == "filling.keep":
        return jsonify(again=back.url), error.http_status
    return render_template("message.html", page=closed_page(back)), error.http_status


@bp.errorhandler(RoomOnly)
def keep_for_the_room(error: RoomOnly) -> ResponseReturnValue:
    """Keep what a page still sends that was open when its patient came of an age for the room, and say why it ends."""
    launch = find_launch((request.view_args or {})["handle"])
    if launch.confirmed:
        _keep_what_came(launch)
    return explain(error)


def _keep_what_came(launch: Launch) -> None:
    """Keep the answers of a request that nothing else is done with."""
    if request.endpoint in ("filling.keep", "filling.keep_answers") and not sent_form(launch):
        opened = open_form(launch)
        answers, _ = both(opened.draft.answers, possible(opened, read_answers(opened.form, request.form)))
        save_draft(launch, opened.draft, answers, seen_version=opened.draft.version)


def _problems(opened: OpenForm) -> Mapping[str, str]:
    """Return what has to be looked at again in answers that were kept on the way."""
    try:
        check_answers(opened.form, opened.draft.answers)
    except InvalidAnswers as error:
        return error.problems
    return {}


def _decline(launch: Launch, opened: OpenForm, answers: Answers) -> ResponseReturnValue:
    """Note that the person did not want to answer today; nothing goes into the chart.

    At home the form stays until its time is over, with what was answered so far.
    """
    audit(Event.FORM_DECLINED, launch)
    if visit := launch.context.visit:
        services().assignments.decline(launch.ehr.name, launch.patient.id, visit.encounter, opened.form.url)
    if launch.role is Role.PATIENT:
        kept, _ = both(opened.draft.answers, possible(opened, answers))
        save_draft(launch, opened.draft, kept, seen_version=opened.draft.version)
        return redirect(url_for("patient.visits", handle=launch.handle, said="not-today"), 303)
    drop_draft(opened.draft.key)
    page = MessagePage(
        frame=plain_frame(),
        heading=say("Not today"),
        sentence=say("Thank you. Nothing was sent, and your care does not change."),
        safe=say("You can answer later, if you like. If this device is not yours, please give it back."),
    )
    return close(render_template("message.html", page=page))


def _show_form(
    launch: Launch, opened: OpenForm, answers: Answers, *, problems: Mapping[str, str] | None = None, notice: str = ""
) -> str:
    page = form_page(
        opened.instrument,
        opened.form,
        frame=frame_of(launch),
        language=language_of(launch, opened.instrument),
        visit_start=launch.context.visit.start if launch.context.visit else None,
        today=today(),
        audience=opened.audience,
        answers=answers,
        key=opened.draft.key,
        version=opened.draft.version,
        problems=problems,
        notice=notice,
        ends=ends_of(launch),
        at_home=launch.role is Role.PATIENT,
    )
    return render_template("form.html", page=page)


def seen_version(draft: Draft) -> int:
    """Return the draft version that the page was made from; a page of another draft is as old as can be."""
    text = request.form.get("version", "")
    known = request.form.get("key") == draft.key and text.isdecimal() and len(text) < 9
    return int(text) if known else -1
