"""What the package says of itself: its manifest for package tools, and its ImplementationGuide with all resources."""

from collections.abc import Iterable
from typing import NamedTuple

from fhir_alliance.conformance.canonicals import FHIR_VERSION, SDC_VERSION, US_CORE_VERSION, Edition, definition
from fhir_alliance.conformance.views import VIEW_MODEL
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.terms import CANONICAL_BASE, PUBLISHER, US_CORE, canonical

PACKAGE = "org.fhir-alliance.alliance"
LICENCE = "Apache-2.0"  # of what we wrote; each Questionnaire carries its own copyright
TITLE = "FHIR Alliance"
DESCRIPTION = (
    "The therapeutic alliance, measured at each visit: Questionnaires, codes, profiles and table views. The profiles "
    "on US Core and SDC are differentials without snapshots: a tool makes these from the packages this one depends "
    "on. All examples are synthetic."
)


class Dependency(NamedTuple):
    """A package that ours builds on."""

    package: str
    version: str
    guide: str


DEPENDENCIES = (
    Dependency("hl7.fhir.r4.core", FHIR_VERSION, "http://hl7.org/fhir/ImplementationGuide/fhir"),
    Dependency("hl7.fhir.us.core", US_CORE_VERSION, f"{US_CORE}/ImplementationGuide/hl7.fhir.us.core"),
    Dependency("hl7.fhir.uv.sdc", SDC_VERSION, "http://hl7.org/fhir/uv/sdc/ImplementationGuide/hl7.fhir.uv.sdc"),
    Dependency(
        "hl7.fhir.uv.extensions.r4",
        "5.1.0",
        "http://hl7.org/fhir/extensions/ImplementationGuide/hl7.fhir.uv.extensions",
    ),
)
_TOOLS = "http://hl7.org/fhir/tools/StructureDefinition/implementationguide-resource"
_VIEW = [
    {"url": f"{_TOOLS}-format", "valueCode": "application/fhir+json"},
    {"url": f"{_TOOLS}-logical", "valueString": VIEW_MODEL},
]


def manifest(edition: Edition) -> JsonObject:
    """Return `package.json` (spec row P01)."""
    return {
        "name": PACKAGE,
        "version": edition.version,
        "type": "IG",
        "canonical": CANONICAL_BASE,
        "url": canonical("ImplementationGuide", PACKAGE),
        "title": TITLE,
        "description": DESCRIPTION,
        "fhirVersions": [FHIR_VERSION],
        "dependencies": {each.package: each.version for each in DEPENDENCIES},
        "author": PUBLISHER,
        "license": LICENCE,
    }


def implementation_guide(
    edition: Edition, definitions: Iterable[JsonObject], examples: Iterable[JsonObject]
) -> JsonObject:
    """Return the ImplementationGuide that lists every resource of the package."""
    return definition(
        edition,
        "ImplementationGuide",
        PACKAGE,
        title=TITLE,
        description=DESCRIPTION,
        name="FhirAlliance",
        packageId=PACKAGE,
        license=LICENCE,
        fhirVersion=[FHIR_VERSION],
        dependsOn=[
            {"uri": each.guide, "packageId": each.package, "version": each.version} for each in DEPENDENCIES[1:]
        ],
        definition={"resource": [*map(_defined, definitions), *(_example(edition, each) for each in examples)]},
    )


def _defined(resource: JsonObject) -> JsonObject:
    """Return a definition's entry; a view is no resource of R4, so it is named as SQL on FHIR's own guide does it."""
    is_view = resource["resourceType"] == "ViewDefinition"
    resource_type = "Binary" if is_view else resource["resourceType"]
    return {
        **({"extension": _VIEW} if is_view else {}),
        "reference": {"reference": f"{resource_type}/{resource['id']}"},
        "name": resource["title"],
        "description": resource["description"],
        "exampleBoolean": False,
    }


def _example(edition: Edition, resource: JsonObject) -> JsonObject:
    """Return an example's entry, with the profile of ours that it shows."""
    shown = [each for each in resource.get("meta", {}).get("profile", []) if each.startswith(CANONICAL_BASE)]
    return {
        "reference": {"reference": f"{resource['resourceType']}/{resource['id']}"},
        "name": resource["id"],
        **({"exampleCanonical": f"{shown[0]}|{edition.version}"} if shown else {"exampleBoolean": True}),
    }
