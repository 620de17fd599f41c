"""After sending: thank you, and where the answers are now."""

from collections import defaultdict
from typing import Final

from flask import Blueprint, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.delivery.correcting import NEVER_SENT
from fhir_alliance.delivery.receipts import (
    CHANGED_IN_CHART,
    GONE_FROM_CHART,
    IN_REVIEW,
    NEEDS_SIGN_IN,
    NO_UPDATES,
    NOT_IN_CHART,
    OTHER_WAY,
    OWN_RATING,
    Kind,
    Receipt,
    State,
)
from fhir_alliance.records.answers import read_answers
from fhir_alliance.settings import Rung
from smart_app.web.blind import hides
from smart_app.web.form_languages import form_language
from smart_app.web.frames import frame_of, plain_frame, today
from smart_app.web.gates import launched
from smart_app.web.launches import ANSWERING, PASSING, Launch
from smart_app.web.pages.review import AnswerRow, ReceiptPage, ReceiptState, answer_rows
from smart_app.web.pages.words import moment_words
from smart_app.web.sent import Sent, sent_in
from smart_app.web.services import services

bp = Blueprint("receipts", __name__, url_prefix="/l/<handle>/receipt/<key>")

_SHOWN_FOR: Final = {
    NOT_IN_CHART: ReceiptState.KEPT,
    OWN_RATING: ReceiptState.OWN,
    IN_REVIEW: ReceiptState.IN_REVIEW,
}
_SHOWN_AS: Final = {
    State.DELIVERED: ReceiptState.IN_CHART,
    State.HELD: ReceiptState.HELD,
    State.REJECTED: ReceiptState.HELD,
}
_TAKEN_BACK_FOR: Final = {NEVER_SENT: ReceiptState.NEVER_SENT, NEEDS_SIGN_IN: ReceiptState.TAKING_BACK}
# The states in which something is taken back; the others are on its way.
_TAKEN_BACK_AS: Final = defaultdict(
    lambda: ReceiptState.TAKING_BACK,
    {
        State.DELIVERED: ReceiptState.TAKEN_BACK,
        State.HELD: ReceiptState.TAKE_BACK_HELD,
        State.REJECTED: ReceiptState.TAKE_BACK_HELD,
    },
)
# A Practitioner or a PractitionerRole; whoever answers for a patient takes back as the patient does.
_CLINICIAN: Final = "Practitioner"
# Why a change is not in the chart, which shows what was sent before until a person has done something.
_CHART_IS_OLD: Final = (CHANGED_IN_CHART, GONE_FROM_CHART, NO_UPDATES, OTHER_WAY)


@bp.get("")
@launched(*ANSWERING)
def receipt(launch: Launch, key: str) -> ResponseReturnValue:
    """Say thank you, and where the answers are."""
    sent = sent_in(launch, key)
    found = sent.newest
    if found.key != key:
        return redirect(url_for(".receipt", handle=launch.handle, key=found.key), 303)
    handed_over = launch.role in PASSING
    page = ReceiptPage(
        frame=plain_frame() if handed_over else frame_of(launch),
        key=found.key,
        state=shown_as(found),
        declined=found.declined,
        handover=handed_over,
        rows=() if handed_over or hides(launch, found) else _rows(launch, found),
        language=form_language(launch.ehr, services().catalogue.of_form(found.form)[0], today=today()),
        repeats_help=bool(services().catalogue.of_form(found.form)[0].alert_items),
        changed=found.kind is Kind.AMENDMENT,
        can_change=sent.open,
        change_until=_until(sent),
        by_clinic=(found.asked_by or "").startswith(_CLINICIAN),
    )
    return render_template("receipt.html", page=page)


@bp.get("/state")
@launched(*ANSWERING)
def receipt_state(launch: Launch, key: str) -> ResponseReturnValue:
    """Return where the answers are, and whether a newer version has another receipt, for the script of the page."""
    newest = sent_in(launch, key).newest
    return jsonify(state=shown_as(newest), newer=newest.key != key)


def _until(sent: Sent) -> str:
    """Return until when a form can be, or could have been, changed; empty where that is not for this person to do."""
    if sent.until is None or sent.newest.kind is Kind.WITHDRAWAL:
        return ""
    return moment_words(sent.until, services().settings.site.time_zone, today=today())


def _rows(launch: Launch, found: Receipt) -> tuple[AnswerRow, ...]:
    """Return what was sent, in words; a handed-over device does not keep it on the screen, nor do we for ever."""
    instrument, form = services().catalogue.of_form(found.form)
    language = form_language(launch.ehr, instrument, today=today())
    response = services().outbox.response(found.key, ehr=launch.ehr.name, patient=launch.patient.id)
    return answer_rows(form, instrument.wordings[language], read_answers(response, form)) if response else ()


def shown_as(found: Receipt) -> ReceiptState:
    """Return where a submission is, as the person is told; only what was read back is in the chart."""
    if found.kind is Kind.WITHDRAWAL:
        return _TAKEN_BACK_FOR.get(found.reason or "") or _TAKEN_BACK_AS[found.state]
    if found.kind is Kind.AMENDMENT and found.reason in _CHART_IS_OLD:
        return ReceiptState.CHANGE_HELD
    if found.reason in _SHOWN_FOR:
        return _SHOWN_FOR[found.reason]
    if found.state is State.DELIVERED and found.rung is Rung.NOTE:
        return ReceiptState.NOTED
    return _SHOWN_AS.get(found.state, ReceiptState.RECEIVED)
