"""The profiles of what we write: panel and score on US Core Screening Assessment, response on SDC (spec part 2)."""

from fhir_alliance.conformance.canonicals import SDC_VERSION, US_CORE_VERSION, Edition
from fhir_alliance.conformance.elements import constraint, element, pattern, profile, referring, required, sliced
from fhir_alliance.conformance.terminology import METHODS, PANELS, SCORES
from fhir_alliance.records.codes import ITEMS_ANSWERED, SURVEY, THERAPEUTIC_ALLIANCE, JsonObject, quantity
from fhir_alliance.terms import (
    ALLIANCE,
    ALLIANCE_PANEL,
    ALLIANCE_RESPONSE,
    ALLIANCE_SCORE,
    FHIR_EXTENSION,
    OBSERVATION_IDENTIFIER,
    SDC,
    URN,
    US_CORE_PATIENT,
    US_CORE_PRACTITIONER,
    US_CORE_RESPONSE,
    US_CORE_SCREENING,
)

PANEL, SCORE, RESPONSE = (url.rpartition("/")[2] for url in (ALLIANCE_PANEL, ALLIANCE_SCORE, ALLIANCE_RESPONSE))
_SCREENING, _US_RESPONSE, _PATIENT, _PRACTITIONER = (
    f"{url}|{US_CORE_VERSION}" for url in (US_CORE_SCREENING, US_CORE_RESPONSE, US_CORE_PATIENT, US_CORE_PRACTITIONER)
)

# Who signs in: a clinician may be known to the EHR by a role only.
_RATER = referring(_PATIENT, _PRACTITIONER, f"{FHIR_EXTENSION}/PractitionerRole")
_OWN_IDENTIFIER = constraint(
    "alliance-1",
    "Our identifier ends with the code, so that a repeated write finds what is there.",
    f"identifier.where(system = '{OBSERVATION_IDENTIFIER}').all("
    f"value.endsWith('.' + %resource.code.coding.where(system = '{ALLIANCE}').code.first()))",
)
_SCORE_RULES = [
    constraint(
        "alliance-2",
        "Either a number, or the reason why there is none; never a silent 0.",
        "value.ofType(Quantity).value.exists() xor dataAbsentReason.exists()",
    ),
    constraint(
        "alliance-3", "Why a score is missing is also said in words.", "dataAbsentReason.exists() implies note.exists()"
    ),
    constraint(
        "alliance-4",
        "No number comes from no answers.",
        f"component.where(code.coding.exists(system = '{ALLIANCE}' and code = 'items-answered'))"
        ".value.ofType(Quantity).exists(value = 0) implies value.empty()",
    ),
]
_MEMBERS_ONCE = constraint("alliance-5", "Each score is listed once.", "hasMember.reference.isDistinct()")
_RESPONSE_RULES = [
    constraint("alliance-6", "The questionnaire is pinned to its version.", "questionnaire.first().contains('|')"),
    constraint(
        "alliance-7",
        "Sent, changed or taken back; an unfinished form is never in the chart.",
        "status in ('completed' | 'amended' | 'entered-in-error')",
    ),
    constraint("alliance-8", "Each question stands there once.", "repeat(item).linkId.isDistinct()"),
    constraint("alliance-9", "A question has one answer, or none.", "repeat(item).all(answer.count() <= 1)"),
    constraint(
        "alliance-10",
        "A score item holds its number; it is left out when there is none.",
        "item.where(linkId.startsWith('score-')).all(answer.value.ofType(decimal).exists())",
    ),
]


def profiles(edition: Edition) -> list[JsonObject]:
    """Return the three profiles as differentials."""
    return [_panel(edition), _score(edition), _response(edition)]


def _panel(edition: Edition) -> JsonObject:
    return profile(
        edition,
        PANEL,
        title="Alliance panel",
        description="One completed form: no value of its own, a member for each score.",
        base=_SCREENING,
        elements=[
            element("Observation", constraint=[_OWN_IDENTIFIER, _MEMBERS_ONCE]),
            *_identified(edition, PANELS),
            element("Observation.performer", min=1, max="1", type=_RATER),
            element("Observation.value[x]", max="0"),
            element("Observation.dataAbsentReason", max="0"),
            _method(edition),
            element("Observation.hasMember", min=1, type=referring(edition.pinned("StructureDefinition", SCORE))),
            _derived_from(),
            element("Observation.component", max="0"),
        ],
    )


def _score(edition: Edition) -> JsonObject:
    return profile(
        edition,
        SCORE,
        title="Alliance score",
        description="One scale of one completed form: a number, or the reason why there is none.",
        base=_SCREENING,
        elements=[
            element("Observation", constraint=[_OWN_IDENTIFIER, *_SCORE_RULES]),
            *_identified(edition, SCORES),
            element("Observation.performer", max="0"),
            element("Observation.value[x]", type=[{"code": "Quantity"}], patternQuantity=_unit("score")),
            _method(edition),
            element("Observation.hasMember", max="0"),
            _derived_from(),
            *_items_answered(),
        ],
    )


def _identified(edition: Edition, codes: str) -> list[JsonObject]:
    """Return what panel and score share, from the identifier to the time it was scored."""
    category = "Observation.category"
    return [
        element("Observation.identifier", min=1, slicing=sliced("value", "system")),
        element("Observation.identifier:alliance", min=1, max="1"),
        element("Observation.identifier:alliance.system", min=1, patternUri=OBSERVATION_IDENTIFIER),
        element("Observation.identifier:alliance.value", min=1),
        element(category, min=2, slicing=sliced("pattern", "$this")),
        element(f"{category}:survey", min=1, max="1", patternCodeableConcept=pattern(SURVEY)),
        element(f"{category}:alliance", min=1, max="1", patternCodeableConcept=pattern(THERAPEUTIC_ALLIANCE)),
        element("Observation.code", binding=required(edition.pinned("ValueSet", codes))),
        element("Observation.subject", min=1, type=referring(_PATIENT)),
        element("Observation.effective[x]", min=1, type=[{"code": "dateTime"}]),
        element("Observation.issued", min=1),
    ]


def _method(edition: Edition) -> JsonObject:
    return element("Observation.method", min=1, binding=required(edition.pinned("ValueSet", METHODS)))


def _derived_from() -> JsonObject:
    return element("Observation.derivedFrom", min=1, type=referring(_US_RESPONSE, _SCREENING))


def _items_answered() -> list[JsonObject]:
    component = "Observation.component"
    return [
        element(component, min=1, slicing=sliced("pattern", "code")),
        element(f"{component}:items-answered", min=1, max="1"),
        element(f"{component}:items-answered.code", patternCodeableConcept=pattern(ITEMS_ANSWERED)),
        element(
            f"{component}:items-answered.value[x]", min=1, type=[{"code": "Quantity"}], patternQuantity=_unit("items")
        ),
    ]


def _unit(unit: str) -> JsonObject:
    """Return the unit that our quantities have, without the number."""
    return {key: value for key, value in quantity(0, unit).items() if key in ("system", "code")}


def _response(edition: Edition) -> JsonObject:
    response = "QuestionnaireResponse"
    return profile(
        edition,
        RESPONSE,
        title="Alliance response",
        description="One completed form with its answers and the scores that were computed from them. "
        "It also meets US Core QuestionnaireResponse.",
        base=f"{SDC}/sdc-questionnaireresponse|{SDC_VERSION}",
        elements=[
            element(response, constraint=_RESPONSE_RULES),
            element(f"{response}.identifier", min=1),
            element(f"{response}.identifier.system", min=1, patternUri=URN),
            element(f"{response}.identifier.value", min=1),
            element(f"{response}.questionnaire", min=1),
            element(f"{response}.subject", min=1, type=referring(_PATIENT)),
            element(f"{response}.authored", min=1),
            element(f"{response}.author", min=1, type=_RATER),
            element(f"{response}.source", min=1, type=_RATER),
            element(f"{response}.item", min=1),
        ],
        extension=[{"url": f"{FHIR_EXTENSION}/structuredefinition-imposeProfile", "valueCanonical": _US_RESPONSE}],
    )
