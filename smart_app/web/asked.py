"""Which instruments this site asks: one at each visit, others on request."""

from collections.abc import Iterator
from datetime import date

from fhir_alliance.errors import AllianceError, InvalidDefinition, InvalidSettings
from fhir_alliance.instruments.catalogue import Catalogue, installed
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.readiness import State, may_be_asked_in, readiness, require_ready
from fhir_alliance.instruments.reviews import reviewed
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import LANGUAGE, Settings
from smart_app.web.form_languages import language_faults
from smart_app.web.frames import today
from smart_app.web.services import services


def instrument_in_use() -> Instrument:
    """Return the instrument that this site asks at each visit; NotReady when it may not be used."""
    return _ready(services().catalogue.instrument(services().settings.instruments.each_visit))


def on_request() -> tuple[Instrument, ...]:
    """Return the other instruments of this site that may be used today."""
    named = [services().catalogue.instrument(name) for name in services().settings.instruments.on_request]
    alerts = services().settings.alerts is not None
    return tuple(each for each in named if readiness(each, today=today(), alerts=alerts).state is State.READY)


def instrument_named(name: str) -> Instrument:
    """Return an instrument that this site asks by its name; NotReady when it may not be used."""
    return _ready(services().catalogue.instrument(name))


def form_named(canonical: str) -> tuple[Instrument, Form]:
    """Return a form by its pinned canonical, with its instrument; NotReady when it may not be used any more."""
    instrument, form = services().catalogue.of_form(canonical)
    return _ready(instrument), form


def forms_of(rater: Rater) -> Iterator[Form]:
    """Yield every form that this site may ask of a rater."""
    for instrument in (instrument_in_use(), *on_request()):
        yield from (form for form in instrument.forms if form.rater is rater)


def site_catalogue(settings: Settings) -> Catalogue:
    """Return what is installed at a site: its words and forms, its reviewers, the codes it has a licence for.

    Raises InvalidSettings when the settings name a reviewer of words that are not there.
    """
    catalogue = installed(
        settings.wording_folder,
        snomed=settings.site.snomed,
        own_forms=settings.questionnaire_folder,
        free_text=settings.free_text.sentence if settings.free_text else "",
    )
    return reviewed(catalogue, settings.instruments.reviewed_by)


def score_codes(settings: Settings, catalogue: Catalogue) -> set[str]:
    """Return the code of every score that this site may ask for."""
    named = (settings.instruments.each_visit, *settings.instruments.on_request)
    instruments = [catalogue.instrument(name) for name in named]
    return {
        instrument.code(form.rater, scale.name)
        for instrument in instruments
        for form in instrument.forms
        for scale in form.scales
    }


def check_instruments(settings: Settings, catalogue: Catalogue, *, today: date) -> None:
    """Raise InvalidSettings with a reason for each instrument that the settings name and nobody may be asked."""
    usual, others = settings.instruments.each_visit, settings.instruments.on_request
    alerts = settings.alerts is not None
    faults = [fault for name in (usual, *others) if (fault := _fault(catalogue, name, today, alerts=alerts))]
    if not faults and not catalogue.instrument(usual).scales:
        faults = [f"instruments: {usual} has no score that could be shown over time"]
    faults += (
        [*_schedule_faults(settings, catalogue), *_language_faults(settings, catalogue, today)] if not faults else []
    )
    faults += language_faults(settings, catalogue, today=today)
    if usual in others or len(set(others)) < len(others):
        faults.append("instruments: on_request names an instrument twice, or the one of each visit")
    if faults:
        raise InvalidSettings(faults)


def _schedule_faults(settings: Settings, catalogue: Catalogue) -> Iterator[str]:
    """Yield what a schedule asks that is not asked here, or that no instrument has."""
    asked = (settings.instruments.each_visit, *settings.instruments.on_request)
    for name, schedule in settings.schedules.items():
        for ask in schedule.ask:
            where = f"schedule.{name}: {ask.instrument}/{ask.form}"
            if ask.instrument not in asked:
                yield f"{where} is not asked here; name {ask.instrument} in instruments.on_request"
            elif (Rater(ask.rater), ask.form) not in [
                (each.rater, each.form) for each in catalogue.instrument(ask.instrument).forms
            ]:
                yield f"{where} is no form for a {ask.rater}"


def _language_faults(settings: Settings, catalogue: Catalogue, today: date) -> Iterator[str]:
    """Yield each language of the site in which the form of each visit has no reviewed words."""
    usual = catalogue.instrument(settings.instruments.each_visit)
    for language in settings.site.languages:
        if not may_be_asked_in(usual, language, today=today):
            key = f"{usual.method_code}.{language}"
            yield f"site.languages.{language}: {key} has no words, or instruments.reviewed_by names nobody for them"


def _fault(catalogue: Catalogue, name: str, today: date, *, alerts: bool) -> str:
    try:
        instrument = require_ready(catalogue.instrument(name), today=today, alerts=alerts)
    except InvalidDefinition as error:
        return f"instruments: {error.faults[0]}"
    except AllianceError as error:
        return f"instruments: {error.detail}"
    has_patient_form = any(form.rater is Rater.PATIENT for form in instrument.forms)
    if LANGUAGE not in instrument.wordings:
        return f"instruments: {name} has no words in {LANGUAGE}, the language of the pages"
    return "" if has_patient_form else f"instruments: {name} has no form for patients"


def _ready(instrument: Instrument) -> Instrument:
    return require_ready(instrument, today=today(), alerts=services().settings.alerts is not None)
