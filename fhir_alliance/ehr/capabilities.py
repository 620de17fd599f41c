"""What an EHR states of itself, as plain facts that can be kept and compared (spec row E01)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

CLOCK: Final = "clock within 90 seconds of ours"
S256: Final = "PKCE with S256"
TRANSACTION: Final = "transaction"
TREND: Final = "Observation search by patient and category"

_TYPES: Final = ("Questionnaire", "QuestionnaireResponse", "Observation", "DocumentReference", "Provenance")
_INTERACTIONS: Final = ("create", "read", "update", "search-type")
_SIGN_IN: Final = (
    "launch-ehr",
    "launch-standalone",
    "client-confidential-asymmetric",
    "client-confidential-symmetric",
    "client-public",
    "permission-v1",
    "permission-v2",
)


def stated_facts(configuration: Any, statement: Any) -> frozenset[str]:
    """Return what a smart-configuration and a CapabilityStatement state, such as "Observation create".

    Both are JSON values; what is odd states nothing. A statement over- and understates: only a write confirms it.
    """
    rest = next((each for each in _dicts(statement, "rest") if each.get("mode") == "server"), {})
    types = {str(each.get("type")): each for each in _dicts(rest, "resource")}
    return frozenset((*_signing_in(configuration), *_doing(types), *_finding(types), *_together(rest)))


def create(resource_type: str) -> str:
    """Return the fact that resources of a type may be created."""
    return f"{resource_type} create"


def conditional(resource_type: str) -> str:
    """Return the fact that `If-None-Exist` is understood for a type."""
    return f"{resource_type} conditional create"


def _signing_in(configuration: Any) -> Iterator[str]:
    stated = _words(configuration, "capabilities")
    yield from (name for name in _SIGN_IN if name in stated)
    if "S256" in _words(configuration, "code_challenge_methods_supported"):
        yield S256


def _doing(types: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name in _TYPES:
        codes = _codes(types.get(name, {}))
        yield from (f"{name} {code}" for code in _INTERACTIONS if code in codes)
        if types.get(name, {}).get("conditionalCreate") is True:
            yield conditional(name)


def _finding(types: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    values = types.get("Observation", {})
    names = {str(each.get("name")) for each in _dicts(values, "searchParam")}
    if "search-type" in _codes(values) and {"patient", "category"} <= names:
        yield TREND


def _together(rest: Mapping[str, Any]) -> Iterator[str]:
    if "transaction" in _codes(rest):
        yield TRANSACTION


def _dicts(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _words(value: Any, name: str) -> set[str]:
    found = value.get(name) if isinstance(value, dict) else None
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def _codes(value: Mapping[str, Any]) -> set[str]:
    return {str(each.get("code")) for each in _dicts(value, "interaction")}
