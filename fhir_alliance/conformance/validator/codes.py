"""Required bindings: a code must be from the value set its element is bound to, where that set can be listed."""

from collections.abc import Iterator
from typing import Any

from fhir_alliance.conformance.validator.definitions import Codes, Definitions
from fhir_alliance.conformance.validator.findings import Finding, error, objects
from fhir_alliance.conformance.validator.walking import Node


def code_findings(node: Node, definitions: Definitions) -> Iterator[Finding]:
    """Yield a finding when the code of a node is not from its required value set."""
    yield from binding_findings(node.path, node.value, node.element.binding, definitions)


def binding_findings(path: str, value: Any, value_set: str, definitions: Definitions) -> Iterator[Finding]:
    """Yield a finding when a value, of any coded type, is not from a value set whose codes can be listed."""
    codes = definitions.codes(value_set)
    if codes is not None and not _is_from(value, codes):
        yield error(path, "binding", f"{_shown(value)} is not from the required value set {value_set}.")


def _is_from(value: Any, codes: Codes) -> bool:
    if isinstance(value, str):
        return any(code == value for _, code in codes)
    if not isinstance(value, dict):
        return True  # of the wrong type: the structure check says so
    if "coding" in value or "text" in value:
        return any(_coded(each) in codes for each in objects(value.get("coding")))
    return _coded(value) in codes if "code" in value else True


def _coded(coding: dict[str, Any]) -> tuple[str, str]:
    return str(coding.get("system", "")), str(coding.get("code", ""))


def _shown(value: Any) -> str:
    codings = objects(value.get("coding", [value])) if isinstance(value, dict) else []
    codes = [str(each.get("code")) for each in codings if "code" in each] if codings else [str(value)]
    return ", ".join(f"“{code}”" for code in codes) or "A text without a code"
