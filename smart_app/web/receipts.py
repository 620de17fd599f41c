"""After sending: thank you, and where the answers are now."""

from typing import Final

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from fhir_alliance.delivery.receipts import IN_REVIEW, NOT_IN_CHART, OWN_RATING, Receipt, State
from fhir_alliance.records.answers import read_answers
from fhir_alliance.settings import Rung
from smart_app.web.frames import frame_of
from smart_app.web.gates import launched
from smart_app.web.launches import ANSWERING, Launch, Role
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.review import AnswerRow, ReceiptPage, ReceiptState, answer_rows
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


@bp.get("")
@launched(*ANSWERING)
def receipt(launch: Launch, key: str) -> ResponseReturnValue:
    """Say thank you, and where the answers are."""
    found = _own_receipt(launch, key)
    handed_over = launch.role is Role.HANDOVER
    page = ReceiptPage(
        frame=Frame(site=services().settings.site) if handed_over else frame_of(launch),
        key=found.key,
        state=shown_as(found),
        declined=found.declined,
        handover=handed_over,
        rows=() if handed_over else _rows(launch, found),
        repeats_help=bool(services().catalogue.of_form(found.form)[0].alert_items),
    )
    return render_template("receipt.html", page=page)


@bp.get("/state")
@launched(*ANSWERING)
def receipt_state(launch: Launch, key: str) -> ResponseReturnValue:
    """Return where the answers are, for the script of the receipt page."""
    return jsonify(state=shown_as(_own_receipt(launch, key)))


def _rows(launch: Launch, found: Receipt) -> tuple[AnswerRow, ...]:
    """Return what was sent, in words; a handed-over device does not keep it on the screen, nor do we for ever."""
    instrument, form = services().catalogue.of_form(found.form)
    response = services().outbox.response(found.key, ehr=launch.ehr.name, patient=launch.patient.id)
    return answer_rows(form, instrument.wordings["en"], read_answers(response, form)) if response else ()


def shown_as(found: Receipt) -> ReceiptState:
    """Return where a submission is, as the person is told; only what was read back is in the chart."""
    if found.reason in _SHOWN_FOR:
        return _SHOWN_FOR[found.reason]
    if found.state is State.DELIVERED and found.rung is Rung.NOTE:
        return ReceiptState.NOTED
    return _SHOWN_AS.get(found.state, ReceiptState.RECEIVED)


def _own_receipt(launch: Launch, key: str) -> Receipt:
    """Return a receipt of this patient; to a launch for anybody else it does not exist."""
    return services().outbox.receipt(key, ehr=launch.ehr.name, patient=launch.patient.id)
