"""What the app asks of an EHR, as a CapabilityStatement of requirements (spec rows P02, S33)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_alliance.conformance.canonicals import FHIR_VERSION, Edition, definition
from fhir_alliance.conformance.guide import PACKAGE
from fhir_alliance.conformance.profiles import PANEL, RESPONSE, SCORE
from fhir_alliance.ehr.draft import HARVEST_SCOPES
from fhir_alliance.records.codes import JsonObject, concept
from fhir_alliance.terms import FHIR_EXTENSION

CLIENT = "alliance-client"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_SMART_CAPABILITY = "http://fhir-registry.smarthealthit.org/StructureDefinition/capabilities"

# Of SMART App Launch 2.2, what no launch works without.
SMART_CAPABILITIES = (
    "launch-ehr",
    "client-confidential-asymmetric",
    "context-ehr-patient",
    "permission-patient",
    "permission-user",
    "sso-openid-connect",
)
_LETTERS = {"create": "c", "read": "r", "update": "u", "search-type": "s"}


@dataclass(frozen=True, kw_only=True)
class Use:
    """What the app does with one resource type: at which levels of scope, how surely, and for what.

    `conditional` is whether its creates carry If-None-Exist.
    """

    interactions: tuple[str, ...]
    levels: tuple[str, ...] = ("user", "patient")
    expectation: str = "SHALL"
    searches: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    conditional: bool = True
    why: str

    @property
    def letters(self) -> str:
        """The interactions as letters of a SMART scope, in the order of its grammar."""
        return "".join(letter for name, letter in _LETTERS.items() if name in self.interactions)


USES: Mapping[str, Use] = {
    "Patient": Use(interactions=("read",), why="Shown on every page, and compared before a write."),
    "Encounter": Use(
        interactions=("read", "search-type"),
        searches={"patient": "reference", "date": "date"},
        why="The visits to choose from; the chosen one must be the patient's own. Those of the last year by date, "
        "where there are more than are read at once.",
    ),
    "Practitioner": Use(
        interactions=("read",),
        levels=("user",),
        expectation="MAY",
        why="Only where pages have several languages: the one in which a clinician is spoken to.",
    ),
    "PractitionerRole": Use(
        interactions=("read",),
        levels=("user",),
        expectation="MAY",
        why="Only where a clinician signs in by a role: who it is.",
    ),
    "QuestionnaireResponse": Use(
        interactions=("create", "read", "search-type"),
        searches={"identifier": "token", "patient": "reference", "authored": "date"},
        profiles=(RESPONSE,),
        why="The answers; found again by identifier, so that nothing is written twice, and read back. Those of the "
        "last year by authored, where there are more than are read at once.",
    ),
    "Observation": Use(
        interactions=("create", "search-type"),
        searches={"patient": "reference", "category": "token", "code": "token", "date": "date"},
        profiles=(PANEL, SCORE),
        why="The scores; read by patient and category, of long records by code and by date as well; and back by "
        "patient, category and date.",
    ),
    "Provenance": Use(
        interactions=("create",),
        levels=("user",),
        expectation="SHOULD",
        why="Who answered, and what computed the scores; a refusal blocks nothing.",
    ),
    "DocumentReference": Use(
        interactions=("create", "read", "search-type", "update"),
        levels=(),
        expectation="MAY",
        conditional=False,
        searches={"identifier": "token", "patient": "reference", "type": "token", "date": "date"},
        why="Where a site writes notes instead of results: one for each visit, which a later one replaces; and where "
        "clinicians may file the view in the chart.",
    ),
    "Questionnaire": Use(
        interactions=("create", "search-type"),
        levels=("system",),
        expectation="SHOULD",
        searches={"url": "uri"},
        why="Publishing the forms, by Backend Services.",
    ),
}


def client_statement(edition: Edition) -> JsonObject:
    """Return the CapabilityStatement of the app as a client."""
    return definition(
        edition,
        "CapabilityStatement",
        CLIENT,
        title="What FHIR Alliance asks of an EHR",
        description="Every interaction the app uses, with the searches and the SMART scopes it needs for them.",
        kind="requirements",
        fhirVersion=FHIR_VERSION,
        format=["json"],
        implementationGuide=[edition.pinned("ImplementationGuide", PACKAGE)],
        rest=[
            {
                "mode": "client",
                "documentation": "One completed form is one transaction that may be repeated without harm.",
                "security": _security(),
                "resource": [_resource(edition, name, use) for name, use in USES.items()],
                "interaction": [{"extension": [_expected("SHALL")], "code": "transaction"}],
            }
        ],
    )


def scopes(level: str) -> str:
    """Return the scopes a level of access needs, in the grammar of SMART 2."""
    return " ".join(f"{level}/{name}.{use.letters}" for name, use in USES.items() if level in use.levels)


def _security() -> JsonObject:
    said = [
        f"Clinician: launch openid fhirUser {scopes('user')}",
        f"Patient: launch/patient openid fhirUser {scopes('patient')}",
        f"Publishing: {scopes('system')}",
        f"Scoring responses of others, where a site wants it: {HARVEST_SCOPES}",
    ]
    return {
        "extension": [{"url": _SMART_CAPABILITY, "valueCode": each} for each in SMART_CAPABILITIES],
        "service": [concept(_SECURITY_SERVICE, "SMART-on-FHIR", "SMART-on-FHIR")],
        "description": "SMART App Launch 2.2 with PKCE (S256). Scopes:\n\n" + "\n".join(f"- {each}" for each in said),
    }


def _resource(edition: Edition, name: str, use: Use) -> JsonObject:
    expected = [_expected(use.expectation)]
    profiles = [edition.pinned("StructureDefinition", each) for each in use.profiles]
    searches = [{"extension": expected, "name": param, "type": kind} for param, kind in use.searches.items()]
    return {
        "extension": expected,
        "type": name,
        **({"supportedProfile": profiles} if profiles else {}),
        "documentation": use.why,
        "interaction": [{"extension": expected, "code": code} for code in use.interactions],
        **(
            {"conditionalCreate": True}
            if use.conditional and {"create", "search-type"} <= set(use.interactions)
            else {}
        ),
        **({"searchParam": searches} if searches else {}),
    }


def _expected(expectation: str) -> JsonObject:
    return {"url": f"{FHIR_EXTENSION}/capabilitystatement-expectation", "valueCode": expectation}
