"""What `fhir-alliance validate` found, as a table for people or as FHIR for programs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from fhir_alliance.conformance.validator.findings import Checked, Finding, Severity
from fhir_alliance.conformance.validator.reading import DEFAULT_FOLDER, read_definitions
from fhir_alliance.conformance.validator.validator import validate


def validation_report(paths: Sequence[Path], definitions: Path | None, *, shape: str) -> tuple[str, bool]:
    """Return the findings of files and folders as "table" or "json", and whether there is no error among them.

    Raises NoDefinitions when `definitions`, or the default folder, does not hold those of FHIR R4.
    """
    checked = validate(paths, read_definitions(definitions or DEFAULT_FOLDER))
    report = as_fhir(checked) if shape == "json" else "\n".join(as_table(checked))
    return report, not any(each.count(Severity.ERROR) for each in checked)


def as_table(checked: Sequence[Checked]) -> Iterator[str]:
    """Yield the findings file by file (severity, path, rule, sentence), and a last line that counts."""
    for each in checked:
        if each.findings:
            yield each.name
            yield from _aligned(each.findings)
    errors, warnings = (sum(each.count(bad) for each in checked) for bad in (Severity.ERROR, Severity.WARNING))
    resources = sum(each.resources for each in checked)
    yield f"{len(checked)} files, {resources} resources, {errors} errors, {warnings} warnings"


def _aligned(findings: Sequence[Finding]) -> Iterator[str]:
    path_width = min(60, max(len(each.where) for each in findings))
    rule_width = max(len(each.rule) for each in findings)
    for each in findings:
        yield f"  {each.severity:<11}  {each.where:<{path_width}}  {each.rule:<{rule_width}}  {each.sentence}"


def as_fhir(checked: Sequence[Checked]) -> str:
    """Return a Bundle with one OperationOutcome a file, named by an extension."""
    outcomes = [{"resource": _outcome(each)} for each in checked]
    bundle = {"resourceType": "Bundle", "type": "collection", **({"entry": outcomes} if outcomes else {})}
    return orjson.dumps(bundle, option=orjson.OPT_INDENT_2).decode()


def _outcome(checked: Checked) -> dict[str, object]:
    issues = [_issue(each) for each in checked.findings] or [_NOTHING]
    return {
        "resourceType": "OperationOutcome",
        "extension": [{"url": _FILE, "valueString": checked.name}],
        "issue": issues,
    }


# The extension that HL7's own validator names the file with.
_FILE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"
_NOTHING: dict[str, object] = {"severity": "information", "code": "informational", "diagnostics": "Nothing was found."}


def _issue(finding: Finding) -> dict[str, object]:
    line = "" if finding.line is None else f"line {finding.line}: "
    where = {"expression": [finding.path]} if finding.path else {}
    return {
        "severity": finding.severity.value,
        "code": _CODES.get(finding.rule, "invariant"),
        **where,
        "diagnostics": f"{line}{finding.rule}: {finding.sentence}",
    }


# Which issue-type of FHIR R4 a rule is; invariants and profile rules are the rest.
_CODES = {
    "input": "structure",
    "structure": "structure",
    "ele-1": "structure",
    "type": "structure",
    "id": "value",
    "date": "value",
    "binding": "code-invalid",
    "extension": "extension",
    "reference-target": "value",
    "resolves": "not-found",
    "profile": "not-supported",
    "form": "not-supported",
    "rules": "incomplete",
}
