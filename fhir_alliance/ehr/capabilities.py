"""What an EHR states of itself, and what follows for a site: a statement over- and understates (spec row E01)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_CAN: Final = {
    "Questionnaire": "forms can be published",
    "QuestionnaireResponse": "answers can be written",
    "Observation": "scores can be written as Observations",
    "DocumentReference": "a note could be written; this version writes none",
    "Provenance": "who answered, and which software computed the scores, can be written",
}
_CANNOT: Final = {
    "Questionnaire": "forms cannot be published: their addresses resolve nowhere",
    "QuestionnaireResponse": "answers cannot be written",
    "Observation": "scores cannot be written as Observations",
    "DocumentReference": "no note can be written",
    "Provenance": "records are written without Provenance",
}
_SPEC: Final = {"Questionnaire": "E01", "DocumentReference": "E06"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: what was looked for, what the EHR says, what follows, and the spec row behind it."""

    what: str
    says: str
    follows: str
    spec: str


def capability_rows(configuration: Any, statement: Any, granted: frozenset[str] | None) -> list[Row]:
    """Return what a smart-configuration and a CapabilityStatement say; both are JSON values, odd ones say nothing.

    `granted` are the scopes that the backend client was granted, None when it could not ask.
    """
    rest = next((each for each in _dicts(statement, "rest") if each.get("mode") == "server"), {})
    types = {str(each.get("type")): each for each in _dicts(rest, "resource")}
    return [*_sign_in(configuration), *_writes(types), *_reads(types), *_ways(rest, types), _scopes(granted)]


def _sign_in(configuration: Any) -> Iterator[Row]:
    stated = _words(configuration, "capabilities")
    for name, what in (("launch-ehr", "launch from the chart"), ("launch-standalone", "launch from outside the chart")):
        yield _row(
            what, name in stated, "people can open the app so", "people may not be able to open the app so", "S08"
        )
    pkce = "S256" in _words(configuration, "code_challenge_methods_supported")
    yield _row("PKCE with S256", pkce, "launches are protected", "launches are refused by this app", "S05")
    for kind in ("asymmetric", "symmetric"):
        offered = f"client-confidential-{kind}" in stated
        yield _row(f"client that is {kind}", offered, "can be registered so", "register another kind of client", "S03")
    yield _row("public client", "client-public" in stated, "can be registered so", "needs a key or secret", "S03")
    for version in ("v1", "v2"):
        offered = f"permission-{version}" in stated
        yield _row(f"scopes {version}", offered, "can be asked for", "may not be understood", "S08")


def _writes(types: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    able = {name for name in _CAN if "create" in _codes(types.get(name, {}))}
    for name in _CAN:
        yield _row(f"{name} create", name in able, _CAN[name], _CANNOT[name], _SPEC.get(name, "E02"))
    yield Row(what="what the EHR leaves open", says="see above", follows=_ladder(able), spec="E02")


def _ladder(able: set[str]) -> str:
    """Return the highest rung of the write ladder that the statement leaves open."""
    if {"QuestionnaireResponse", "Observation"} <= able:
        return "answers and scores"
    if "Observation" in able:
        return "scores only"
    if "DocumentReference" in able:
        return "only a note can be written; this version writes none, answers are kept here"
    return "nothing: answers are kept here"


def _reads(types: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    name = "QuestionnaireResponse"
    codes = _codes(types.get(name, {}))
    yield _row(f"{name} read", "read" in codes, "answers can be read back", "answers cannot be read back", "E03")
    yield _row(
        f"{name} search-type", "search-type" in codes, "answers can be found again", "they cannot be found", "E03"
    )
    values = types.get("Observation", {})
    names = {str(each.get("name")) for each in _dicts(values, "searchParam")}
    found = "search-type" in _codes(values) and {"patient", "category"} <= names
    what = "Observation search by patient and category"
    yield _row(what, found, "the trend can be read from the chart", "the trend may lack what is in the chart", "E01")


def _ways(rest: Mapping[str, Any], types: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    conditional = types.get("Observation", {}).get("conditionalCreate") is True
    yield _row(
        "conditional create",
        conditional,
        "a repeated score is recognized by the EHR",
        "the EHR does not recognize a repeated score",
        "E01",
    )
    whole = "transaction" in _codes(rest)
    yield _row(
        "transaction",
        whole,
        "a form is written as a whole",
        "this version cannot write without it: answers are kept here",
        "E01",
    )


def _scopes(granted: frozenset[str] | None) -> Row:
    what = "scopes granted to the backend client"
    if granted is None:
        return Row(what=what, says="unknown", follows="there is no backend client, or it was refused", spec="S25")
    shown = " ".join(sorted(each for each in granted if each.isascii() and each.isprintable()))
    return Row(what=what, says="yes" if shown else "none", follows=shown or "forms cannot be published", spec="S25")


def _row(what: str, stated: bool, able: str, unable: str, spec: str) -> Row:
    return Row(what=what, says="yes" if stated else "no", follows=able if stated else unable, spec=spec)


def _dicts(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _words(value: Any, name: str) -> set[str]:
    found = value.get(name) if isinstance(value, dict) else None
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def _codes(value: Mapping[str, Any]) -> set[str]:
    return {str(each.get("code")) for each in _dicts(value, "interaction")}
