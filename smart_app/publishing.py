"""Publishing: every form of the instrument in use, into every registered EHR that lets us."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_alliance.conformance.contents import forms_of, publishable
from fhir_alliance.ehr.backend import backend_token
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.publishing import publish
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import SignInNeeded
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.settings import ClientSettings, EhrSettings, Settings
from smart_app.web.asked import check_instruments, site_catalogue
from smart_app.web.services import utc_now

SCOPE = "system/Questionnaire.crus"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One form in one EHR; `outcome` is "created" or "unchanged"."""

    ehr: str
    canonical: str
    outcome: str


def ready_instruments(settings: Settings) -> list[Instrument]:
    """Return the instruments of a site that may be published today."""
    return publishable(site_catalogue(settings), today=utc_now().date(), alerts=settings.alerts is not None)


def publish_all(settings: Settings, *, ehr: str | None = None) -> Iterator[Published]:
    """Publish into one EHR, or into all that have a backend client; publishing twice changes nothing.

    Raises InvalidSettings for an instrument that the site names and may not ask, UnknownIssuer for an EHR that is not
    registered, PublishConflict when a version is there with other content, EhrError when the EHR does not play along.
    """
    check_instruments(settings, site_catalogue(settings), today=utc_now().date())
    registry = Registry(settings)
    chosen = [registry.by_name(ehr)] if ehr else list(settings.ehrs.values())
    for each in chosen:
        if each.backend is None:
            continue
        put = _publisher(registry, each, each.backend)
        for instrument in ready_instruments(settings):
            for form, questionnaire in zip(instrument.forms, forms_of(instrument), strict=True):
                outcome = put(questionnaire)
                yield Published(ehr=each.name, canonical=form.canonical, outcome=outcome)


def _publisher(registry: Registry, ehr: EhrSettings, client: ClientSettings) -> Callable[[dict[str, Any]], str]:
    """Return what publishes one form after another: a backend token may live seconds, so it is renewed on the way."""

    def signed_in() -> FhirClient:
        token = backend_token(registry, ehr, client, SCOPE, now=utc_now())
        return FhirClient(registry.door(ehr), ehr.fhir_base, token.access_token)

    fhir = signed_in()

    def put(form: dict[str, Any]) -> str:
        nonlocal fhir
        try:
            return publish(fhir, form)
        except SignInNeeded:
            fhir = signed_in()
            return publish(fhir, form)  # looks first, so what was written before the token ended is found

    return put
