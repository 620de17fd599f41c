"""In which language a form is asked at an EHR, and what is wrong with those that the settings name."""

from collections.abc import Iterator
from datetime import date

from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.readiness import may_be_asked_in
from fhir_alliance.settings import LANGUAGE, EhrSettings, Settings
from smart_app.web.languages import chosen_here, language


def form_language(ehr: EhrSettings, instrument: Instrument, *, today: date) -> str:
    """Return the language of the page where an instrument has usable words in it, else the first such one of the EHR's.

    English is what a page is in when nobody asked for anything, so unless somebody has chosen it the EHR's come first.
    Without any of them it is the language of the original.
    """
    chosen, of_page = chosen_here(), language()
    asked_for = chosen or ("" if of_page == LANGUAGE else of_page)
    originals_first = sorted(instrument.wordings, key=lambda each: instrument.wordings[each].method != "original")
    wanted = (asked_for, *ehr.languages, *originals_first)
    return next((each for each in wanted if may_be_asked_in(instrument, each, today=today)), "en")


def language_faults(settings: Settings, catalogue: Catalogue, *, today: date) -> Iterator[str]:
    """Yield each language of an EHR in which nothing that this site asks may be asked, with what to do."""
    names = (settings.instruments.each_visit, *settings.instruments.on_request)
    asked = [each for each in catalogue.instruments if each.name in names]
    for ehr in settings.ehrs.values():
        for spoken in ehr.languages:
            if not any(may_be_asked_in(each, spoken, today=today) for each in asked):
                yield f"ehr.{ehr.name}.languages: {spoken}: {_reason(asked, spoken)}"


def _reason(asked: list[Instrument], spoken: str) -> str:
    found = [f"{each.method_code}.{spoken}" for each in asked if spoken in each.wordings]
    if not found:
        return "no form that is asked here has words in it"
    return f"nobody has reviewed {found[0]}, or it may not be used any more; instruments.reviewed_by names who has"
