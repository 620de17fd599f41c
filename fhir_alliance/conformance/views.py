"""The tables a health system makes of our records: ViewDefinitions of SQL on FHIR 2 (spec rows B07, B08).

Paths keep to what every runner of shared views has to know. Rows entered in error stay, with their status.
"""

from collections.abc import Iterable, Mapping, Sequence

from fhir_alliance.conformance.canonicals import FHIR_VERSION, Edition, definition
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.terms import ALLIANCE, OBSERVATION_CATEGORY

_SQL_ON_FHIR = "https://sql-on-fhir.org/ig/StructureDefinition"
VIEW_MODEL = f"{_SQL_ON_FHIR}/ViewDefinition"
_PROFILES = [f"{_SQL_ON_FHIR}/ShareableViewDefinition", f"{_SQL_ON_FHIR}/TabularViewDefinition"]

# Name of a column, its FHIR type, and its path.
_Columns = Mapping[str, tuple[str, str]]

_SURVEY = f"category.coding.exists(system = '{OBSERVATION_CATEGORY}' and code = 'survey')"
_OUR_CODE = f"code.coding.exists(system = '{ALLIANCE}')"
_ITEMS_ANSWERED = f"component.where(code.coding.exists(system = '{ALLIANCE}' and code = 'items-answered'))"
# Runners on fhirpathpy (2.2.4) take the extension that stands beside the address for a second value of it.
_QUESTIONNAIRE = "questionnaire.first()"

_ABOUT: _Columns = {
    "patient_key": ("string", "subject.getReferenceKey(Patient)"),
    "encounter_key": ("string", "encounter.getReferenceKey(Encounter)"),
    "status": ("code", "status"),
}
_INSTRUMENT: _Columns = {"instrument": ("code", f"method.coding.where(system = '{ALLIANCE}').code.first()")}
_SCORE: _Columns = {
    "observation_key": ("string", "getResourceKey()"),
    **_ABOUT,
    "effective": ("dateTime", "effective.ofType(dateTime)"),
    "issued": ("instant", "issued"),
    **_INSTRUMENT,
    "score_code": ("code", f"code.coding.where(system = '{ALLIANCE}').code.first()"),
    "value": ("decimal", "value.ofType(Quantity).value"),
    "unit": ("string", "value.ofType(Quantity).unit"),
    "absent_reason": ("code", "dataAbsentReason.coding.code.first()"),
    "items_answered": ("decimal", f"{_ITEMS_ANSWERED}.value.ofType(Quantity).value.first()"),
    "response_key": ("string", "derivedFrom.getReferenceKey(QuestionnaireResponse).first()"),
}
_PANEL: _Columns = {
    "panel_key": ("string", "getResourceKey()"),
    **_ABOUT,
    **_INSTRUMENT,
    "panel_code": ("code", f"code.coding.where(system = '{ALLIANCE}').code.first()"),
}
_MEMBER: _Columns = {"member_key": ("string", "getReferenceKey(Observation)")}
_RESPONSE: _Columns = {
    "response_key": ("string", "getResourceKey()"),
    **_ABOUT,
    "authored": ("dateTime", "authored"),
    "questionnaire": ("canonical", _QUESTIONNAIRE),
    "source_patient_key": ("string", "source.getReferenceKey(Patient)"),
    "source_practitioner_key": ("string", "source.getReferenceKey(Practitioner)"),
}
_OF_RESPONSE: _Columns = {
    key: _RESPONSE[key] for key in ("response_key", "patient_key", "status", "authored", "questionnaire")
}
_ANSWER: _Columns = {
    "link_id": ("string", "linkId"),
    "answered": ("boolean", "answer.exists()"),
    "value_code": ("code", "answer.value.ofType(Coding).code.first()"),
    "value_decimal": ("decimal", "answer.value.ofType(decimal).first()"),
}


def views(edition: Edition, instruments: Sequence[Instrument]) -> list[JsonObject]:
    """Return the four tables: scores, panels with their members, responses, and answers."""
    ours = " or ".join(f"{_QUESTIONNAIRE} = '{form.canonical}'" for each in instruments for form in each.forms)
    scores, panels = [_SURVEY, _OUR_CODE, "hasMember.empty()"], [_SURVEY, _OUR_CODE]
    members = {"forEach": "hasMember", **_columns(_MEMBER)}
    # Groups have no answer of their own, so only what holds no further items is a row.
    answers = {"repeat": ["item", "answer.item"], "select": [{"forEach": "where(item.empty())", **_columns(_ANSWER)}]}
    return [
        _view(edition, "score", "One row for each score.", "Observation", [_columns(_SCORE)], scores),
        _view(
            edition,
            "panel-member",
            "One row for each score of a panel, to join both.",
            "Observation",
            [_columns(_PANEL), members],
            panels,
        ),
        _view(
            edition,
            "response",
            "One row for each completed form.",
            "QuestionnaireResponse",
            [_columns(_RESPONSE)],
            [ours],
        ),
        _view(
            edition,
            "answer",
            "One row for each question of a completed form, and for each score in it.",
            "QuestionnaireResponse",
            [_columns(_OF_RESPONSE), answers],
            [ours],
        ),
    ]


def _columns(columns: _Columns) -> JsonObject:
    return {"column": [{"name": name, "path": path, "type": kind} for name, (kind, path) in columns.items()]}


def _view(
    edition: Edition, name: str, description: str, resource: str, select: Sequence[JsonObject], where: Iterable[str]
) -> JsonObject:
    full_name = f"alliance-{name}"
    return definition(
        edition,
        "ViewDefinition",
        full_name,
        title=f"Table {full_name.replace('-', '_')}",
        description=description,
        name=full_name.replace("-", "_"),
        meta={"profile": _PROFILES},
        fhirVersion=[FHIR_VERSION],
        resource=resource,
        select=list(select),
        where=[{"path": path} for path in where],
    )
