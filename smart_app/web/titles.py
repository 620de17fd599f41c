"""What a form is called on the page of this request."""

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import form_title
from fhir_alliance.instruments.readiness import words_for
from fhir_alliance.terms import FILED_VIEW
from smart_app.web.frames import today
from smart_app.web.languages import language
from smart_app.web.saying import say
from smart_app.web.services import services


def title_here(instrument: Instrument, form: Form) -> str:
    """Return a form's title in the language of the page, or of the original where it has no such words."""
    return form_title(words_for(instrument, language(), today=today()), form)


def title_of(canonical: str) -> str:
    """Return a form's title, or that of a filed page; what is not installed any more is named by its canonical."""
    if canonical == FILED_VIEW:
        return say("A page of the view")
    try:
        instrument, form = services().catalogue.of_form(canonical)
    except InvalidDefinition:
        return canonical
    return title_here(instrument, form)
