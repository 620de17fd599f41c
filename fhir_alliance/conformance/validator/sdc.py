"""The rules of the SDC profiles we claim, as differentials: their snapshots cannot be had in a final version."""

from collections.abc import Mapping, Sequence

from fhir_alliance.conformance.validator.findings import JsonObject
from fhir_alliance.terms import FHIR_EXTENSION, SDC

_QUESTIONNAIRE = "Questionnaire"
_ITEM = "Questionnaire.item"
_RESPONSE = "QuestionnaireResponse"

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition"
_R5_ALGORITHM = f"extension('{_R5}/extension-Questionnaire.versionAlgorithm[x]').exists()"
_OPTIONS = "(answerOption.exists() or answerValueSet.exists())"
_MINIMUM = f"extension('{FHIR_EXTENSION}/minValue').value"
_MAXIMUM = f"extension('{FHIR_EXTENSION}/maxValue').value"
_ONE_ITEM = "item.where(answer.exists()).linkId.isDistinct()"

Rule = tuple[str, str, str, str, str]

# (path, key, severity, sentence, FHIRPath). Source: SDC 4.0.0-ballot, invariants of the profiles, and its text on
# behaviour for those named after a profile and a word (spec rows Q04, Q07).
_COMMON: Sequence[Rule] = (
    (
        _QUESTIONNAIRE,
        "sdc-2",
        "error",
        "A form with a version says how its versions are compared (extension versionAlgorithm).",
        f"version.empty() or extension('{FHIR_EXTENSION}/artifact-versionAlgorithm').exists() or {_R5_ALGORITHM}",
    ),
    (
        f"{_QUESTIONNAIRE}.url",
        "sdc-url",
        "error",
        "A form's url has no “|” and no “#”: they would end the canonical too early.",
        "matches('^[^|#]+$')",
    ),
    (
        _ITEM,
        "sdc-1",
        "error",
        "An item with an answerExpression has no answerOption and no answerValueSet.",
        f"extension('{SDC}/sdc-questionnaire-answerExpression').empty() or {_OPTIONS}.not()",
    ),
    (
        f"{_ITEM}.linkId",
        "que-15",
        "error",
        "A linkId has at most 255 characters.",
        "$this.length() <= 255",
    ),
    (
        f"{_ITEM}.answerOption.value[x]",
        "sdc-coding",
        "error",
        "A Coding has a code or a display, and a code has a system.",
        "($this is Coding).not() or ((code.exists() or display.exists()) and (code.empty() or system.exists()))",
    ),
)
_BEHAVE: Sequence[Rule] = (
    (
        _ITEM,
        "sdc-behave-1",
        "error",
        "An item has an initial value or an initialExpression, and not both.",
        f"initial.empty() or extension('{SDC}/sdc-questionnaire-initialExpression').empty()",
    ),
    (
        _ITEM,
        "sdc-behave-2",
        "error",
        "An item has enableWhen or an enableWhenExpression, and not both.",
        f"enableWhen.empty() or extension('{SDC}/sdc-questionnaire-enableWhenExpression').empty()",
    ),
    (
        _ITEM,
        "sdc-behave-options",
        "error",
        "A question with options has no other limits on its value.",
        f"{_OPTIONS}.not() or ({_MINIMUM}.empty() and {_MAXIMUM}.empty() and maxLength.empty())",
    ),
    (
        _ITEM,
        "sdc-behave-choice",
        "warning",
        "A question has at least two options.",
        "answerOption.count() != 1",
    ),
    (
        _ITEM,
        "sdc-behave-range",
        "error",
        "The least value allowed is not above the greatest.",
        f"{_MINIMUM}.empty() or {_MAXIMUM}.empty() or {_MINIMUM} <= {_MAXIMUM}",
    ),
)
_RESPONSE_COMMON: Sequence[Rule] = (
    (
        _RESPONSE,
        "sdcqr-1",
        "warning",
        "A response says whom it is about: without a subject it is hard to find.",
        "subject.exists()",
    ),
    (
        _RESPONSE,
        "qrs-2",
        "error",
        "A question has one item, with all its answers in it.",
        f"{_ONE_ITEM} and descendants().where(item.exists()).all({_ONE_ITEM})",
    ),
)


def _profile(name: str, base: str, rules: Sequence[Rule] = (), *, needed: Sequence[str] = ()) -> JsonObject:
    elements = [
        *({"id": path, "path": path, "min": 1} for path in needed),
        *(
            {
                "id": path,
                "path": path,
                "constraint": [{"key": key, "severity": severity, "human": human, "expression": expression}],
            }
            for path, key, severity, human, expression in rules
        ),
    ]
    kind = _RESPONSE if name.startswith("sdc-questionnaireresponse") else _QUESTIONNAIRE
    return {"url": f"{SDC}/{name}", "type": kind, "baseDefinition": base, "differential": {"element": elements}}


_COMMON_URL = f"{SDC}/sdc-questionnairecommon"
_RESPONSE_URL = f"{SDC}/sdc-questionnaireresponsecommon"

_ALL = (
    _profile("sdc-questionnairecommon", f"{FHIR_EXTENSION}/{_QUESTIONNAIRE}", _COMMON),
    _profile("sdc-questionnaire", _COMMON_URL, needed=[f"{_QUESTIONNAIRE}.url"]),
    _profile("sdc-questionnaire-render", _COMMON_URL),
    _profile("sdc-questionnaire-behave", _COMMON_URL, _BEHAVE),
    _profile(
        "sdc-questionnaireresponsecommon",
        f"{FHIR_EXTENSION}/{_RESPONSE}",
        _RESPONSE_COMMON,
        needed=[
            f"{_RESPONSE}.questionnaire",
            f"{_RESPONSE}.authored",
        ],
    ),
    _profile("sdc-questionnaireresponse", _RESPONSE_URL),
)

SDC_PROFILES: Mapping[str, JsonObject] = {each["url"]: each for each in _ALL}
