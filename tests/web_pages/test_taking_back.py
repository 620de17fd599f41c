"""Before something is withdrawn it is said whose answers they are, and who will see that."""

from dataclasses import replace

import gallery
import pytest
from course_samples import TODAY
from page_samples import PATIENT_FRAME, THOMAS_FRAME

from smart_app.web.pages import ReceiptState, TakeBackPage, take_back_page
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.taking_back import BY_CLINICIAN
from smart_app.web.pages.words import day

NAMED = "On the receipt Thomas can see that the clinic took these answers back."


def asked(frame: Frame = THOMAS_FRAME, *, state: ReceiptState = ReceiptState.IN_CHART, **more: bool) -> TakeBackPage:
    """Return the page before a form is withdrawn."""
    on = day(TODAY, today=TODAY)
    return take_back_page(frame, path="/x", form_title="Form", on=on, state=state, causes=BY_CLINICIAN, **more)


@pytest.mark.parametrize("state", ReceiptState)
def test_no_sentence_begins_with_they(state: ReceiptState) -> None:
    """Wherever the answers are, what happens is said of the answers: nobody has to guess who "they" are."""
    said = asked(state=state).consequence

    assert "answers" in said.partition("They")[0]


def test_the_patient_is_named() -> None:
    """A clinician reads by first name what the patient will see; without a name it is the patient."""
    assert THOMAS_FRAME.banner is not None
    nameless = replace(THOMAS_FRAME, banner=replace(THOMAS_FRAME.banner, first_name=""))

    assert asked().seen == NAMED
    assert asked(nameless).seen == NAMED.replace("Thomas", "the patient")
    assert NAMED in gallery.render("withdraw")


def test_who_has_no_receipt_is_not_spoken_of() -> None:
    """A therapist's own rating and a filed page have none; to a patient nobody speaks of somebody else."""
    assert asked(by_patient=False).seen == ""
    assert asked(filed=True).seen == ""
    assert asked(PATIENT_FRAME).seen == ""
    assert "On the receipt" not in gallery.render("take-back")
