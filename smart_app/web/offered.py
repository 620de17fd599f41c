"""What a clinician can give a patient to fill in, by the names that pages use."""

from collections.abc import Iterator

from flask import request

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.words import Rater
from smart_app.web.asked import instrument_in_use, on_request
from smart_app.web.failures import BadRequest


def chosen_form() -> tuple[Instrument, Form]:
    """Return the form that the field `form` of this request names; BadRequest when there is none."""
    chosen = request.form.get("form", "")
    for name, instrument, form in offered():
        if name == chosen:
            return instrument, form
    raise BadRequest("no such form")


def offered() -> Iterator[tuple[str, Instrument, Form]]:
    """Yield what can be given by name: `form` of the instrument in use, `instrument/form` of one on request."""
    usual = instrument_in_use()
    for instrument in (usual, *on_request()):
        for form in instrument.forms_of(Rater.PATIENT):
            yield form.form if instrument is usual else f"{instrument.name}/{form.form}", instrument, form
