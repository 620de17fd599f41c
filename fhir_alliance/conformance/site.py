"""What the endpoint of a site serves: our profiles and codes as the package has them, and the forms the site asks."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date

from fhir_alliance.conformance.canonicals import Edition
from fhir_alliance.conformance.contents import choose, edition_of, forms_of, publishable
from fhir_alliance.conformance.profiles import profiles
from fhir_alliance.conformance.terminology import alliance_terminology, answers
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.codes import JsonObject


@dataclass(frozen=True, kw_only=True)
class Served:
    """The definitions by resource type, and the edition of those that are ours."""

    edition: Edition
    by_type: dict[str, tuple[JsonObject, ...]]


def served(catalogue: Catalogue, asked: Collection[str], *, today: date, alerts: bool) -> Served:
    """Return what a site serves today; `asked` are the names of the instruments that it asks.

    A form is among it only when publishing would send it (see `publishable`): wording that a licence keeps out of an
    EHR, or that has run out, is not handed to anybody.
    """
    chosen = choose(
        replace(catalogue, instruments=tuple(each for each in catalogue.instruments if not each.own)), today=today
    )
    edition = edition_of(chosen)
    found: dict[str, list[JsonObject]] = {}
    for each in [*profiles(edition), *alliance_terminology(edition, chosen.instruments)]:
        found.setdefault(each["resourceType"], []).append(each)
    for instrument in publishable(catalogue, today=today, alerts=alerts):
        if instrument.name in asked:
            for each in _of_instrument(edition, instrument):
                found.setdefault(each["resourceType"], []).append(each)
    return Served(edition=edition, by_type={name: tuple(each) for name, each in found.items()})


def _of_instrument(edition: Edition, instrument: Instrument) -> Iterator[JsonObject]:
    """Yield an instrument's forms and answers; a site's own form brings its own codes, and gets an id from us."""
    if not instrument.own:
        yield from answers(edition, instrument)
        yield from forms_of(instrument)
        return
    for form, questionnaire in zip(instrument.forms, forms_of(instrument), strict=True):
        yield {**questionnaire, "id": form.name}
