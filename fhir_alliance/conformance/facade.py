"""What our own FHIR endpoint offers, stated once for the package and for the endpoint itself (spec row P02)."""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_alliance.conformance.canonicals import FHIR_VERSION, Edition, definition
from fhir_alliance.conformance.guide import PACKAGE
from fhir_alliance.records.codes import JsonObject, concept

FACADE = "alliance-endpoint"
_TITLE = "What the FHIR endpoint of FHIR Alliance offers"
_DESCRIPTION = (
    "Definitions that anybody may read, by id and by canonical URL; and for registered programs the answers and scores "
    "that an EHR did not take, and the forms that are asked."
)
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One resource type that may be read and searched: by which parameters, of which kind."""

    searches: Mapping[str, str]
    why: str


_BY_CANONICAL = {"_id": "token", "url": "uri", "version": "token", "status": "token"}

DEFINITIONS: Mapping[str, Offer] = {
    "Questionnaire": Offer(searches=_BY_CANONICAL, why="The forms that this site asks, as they are published."),
    "CodeSystem": Offer(searches=_BY_CANONICAL, why="Our codes, and the answers of the forms."),
    "ValueSet": Offer(searches=_BY_CANONICAL, why="What our profiles bind to, and the answers of the forms."),
    "StructureDefinition": Offer(searches=_BY_CANONICAL, why="The profiles of what is written."),
}

_OF_PATIENT = {"_id": "token", "_lastUpdated": "date", "patient": "reference", "identifier": "token"}

RECORDS: Mapping[str, Offer] = {
    "QuestionnaireResponse": Offer(searches=_OF_PATIENT, why="Answers that are not in the chart of the EHR."),
    "Observation": Offer(searches={**_OF_PATIENT, "code": "token"}, why="Scores that are not in the chart of the EHR."),
}


ASSIGNED: Mapping[str, Offer] = {
    "Task": Offer(
        searches={name: kind for name, kind in _OF_PATIENT.items() if name != "_lastUpdated"}
        | {"encounter": "reference", "status": "token"},
        why="Forms that are asked about visits, and what became of them.",
    ),
}

PROTECTED: Mapping[str, Offer] = {**RECORDS, **ASSIGNED}
"""What only a program that may read records can read."""


def facade_statement(edition: Edition) -> JsonObject:
    """Return the CapabilityStatement of the endpoint, wherever it runs."""
    return definition(
        edition,
        "CapabilityStatement",
        FACADE,
        title=_TITLE,
        description=_DESCRIPTION,
        kind="capability",
        **_offered(edition, {**DEFINITIONS, **PROTECTED}),
    )


def instance_statement(edition: Edition, *, base: str, site: str, records: bool) -> JsonObject:
    """Return what `GET /metadata` answers at the endpoint of a site, under the address `base`.

    `records` says whether the site has registered anybody who may read records.
    """
    stated = facade_statement(edition) | _offered(edition, {**DEFINITIONS, **(PROTECTED if records else {})})
    return {
        **{name: value for name, value in stated.items() if name != "url"},
        "kind": "instance",
        "instantiates": [edition.pinned("CapabilityStatement", FACADE)],
        "implementation": {"description": f"FHIR Alliance at {site}", "url": base},
    }


def _offered(edition: Edition, offers: Mapping[str, Offer]) -> JsonObject:
    return {
        "software": {"name": "FHIR Alliance", "version": edition.version},
        "fhirVersion": FHIR_VERSION,
        "format": ["json"],
        "implementationGuide": [edition.pinned("ImplementationGuide", PACKAGE)],
        "rest": [
            {
                "mode": "server",
                "documentation": "Read only.",
                "security": _security(),
                "resource": [_resource(name, offer) for name, offer in offers.items()],
            }
        ],
    }


def _security() -> JsonObject:
    said = "Definitions need no token. Records need one of SMART Backend Services, for one EHR: its patients are meant."
    return {
        "cors": False,
        "service": [concept(_SECURITY_SERVICE, "SMART-on-FHIR", "SMART-on-FHIR")],
        "description": said,
    }


def _resource(name: str, offer: Offer) -> JsonObject:
    return {
        "type": name,
        "documentation": offer.why,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": [{"name": name, "type": kind} for name, kind in offer.searches.items()],
    }
