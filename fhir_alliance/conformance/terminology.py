"""Our code systems and value sets, so that nobody has to ask what a code of ours means."""

from collections.abc import Sequence
from typing import Any

from fhir_alliance.conformance.canonicals import Edition, definition
from fhir_alliance.conformance.codes import Code, alliance_codes, answer_codes, language_of
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.terms import ALLIANCE

PANELS, SCORES, METHODS = "alliance-panels", "alliance-scores", "alliance-methods"

# Which kind of code a value set holds, and what it says of itself.
_CHOSEN = {
    PANELS: ("panel", "Alliance panels", "The code of a panel: an instrument, for each rater."),
    SCORES: ("score", "Alliance scores", "The code of a score: a scale of an instrument, for each rater."),
    METHODS: ("method", "Alliance methods", "The method of a panel or score: an instrument with its version."),
}

_PROPERTIES = [
    {"code": "kind", "description": "Panel, score, method, component or category.", "type": "code"},
    {
        "code": "status",
        "uri": "http://hl7.org/fhir/concept-properties#status",
        "description": "Of the instrument: active, or retired when a newer version takes its place.",
        "type": "code",
    },
]


def alliance_terminology(edition: Edition, instruments: Sequence[Instrument]) -> list[JsonObject]:
    """Return the code system of everything that is not an answer, and the value sets that our profiles bind to."""
    codes = alliance_codes(instruments)
    system = definition(
        edition,
        "CodeSystem",
        "alliance",
        title="Therapeutic alliance",
        description="Instruments and their scores, for each rater, and the versions of instruments as methods.",
        property=_PROPERTIES,
        **_complete([_concept(each) | _described(each) for each in codes]),
    )
    return [system, *(_value_set(edition, name, codes) for name in _CHOSEN)]


def answers(edition: Edition, instrument: Instrument) -> list[JsonObject]:
    """Return the code system of an instrument's answers, and the value set of all of them; nothing without any."""
    codes = answer_codes(instrument)
    if not codes:
        return []
    name = f"{instrument.name}-answers"
    said: dict[str, Any] = {
        "title": f"{instrument.title}: answers",
        "description": f"The answers that {instrument.title} {instrument.version} offers.",
        "version": instrument.version,
        "experimental": not instrument.validated,
        "date": instrument.date,
        "copyright": instrument.wordings[language_of(instrument)].copyright,
    }
    system = _complete([_concept(each) for each in codes])
    include = [{"system": instrument.answers_system, "version": instrument.version}]
    return [
        definition(edition, "CodeSystem", name, **said, **system),
        definition(edition, "ValueSet", name, **said, compose={"include": include}),
    ]


def _complete(concepts: list[JsonObject]) -> JsonObject:
    return {"caseSensitive": True, "content": "complete", "count": len(concepts), "concept": concepts}


def _concept(code: Code) -> JsonObject:
    designations = [{"language": language, "value": said} for language, said in code.translations.items()]
    shown = {"code": code.code, "display": code.display}
    return {**shown, "designation": designations} if designations else shown


def _described(code: Code) -> JsonObject:
    properties = [{"code": "kind", "valueCode": code.kind}, {"code": "status", "valueCode": code.status}]
    return {"definition": code.definition, "property": properties}


def _value_set(edition: Edition, name: str, codes: Sequence[Code]) -> JsonObject:
    kind, title, description = _CHOSEN[name]
    chosen = [{"code": each.code, "display": each.display} for each in codes if each.kind == kind]
    include = [{"system": ALLIANCE, "version": edition.version, "concept": chosen}]
    return definition(edition, "ValueSet", name, title=title, description=description, compose={"include": include})
