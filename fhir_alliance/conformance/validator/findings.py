"""What a check found: how bad, where, which rule, and a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]


class Severity(StrEnum):
    """How bad a finding is, in FHIR's words (value set issue-severity)."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding; `path` is FHIRPath-like, e.g. `Questionnaire.item[0].type`, and empty for a whole file.

    `line` is the line of an NDJSON file, from 1.
    """

    severity: Severity
    path: str
    rule: str
    sentence: str
    line: int | None = None

    @property
    def where(self) -> str:
        """The place in words: the path, with its line where a file has a resource a line."""
        return self.path if self.line is None else f"line {self.line}: {self.path}".removesuffix(": ")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One file with its findings, and how many resources it holds (those inside a Bundle or another one count)."""

    name: str
    resources: int
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings are this bad."""
        return sum(each.severity is severity for each in self.findings)


def error(path: str, rule: str, sentence: str) -> Finding:
    """Return a finding that makes the resource non-conformant."""
    return Finding(severity=Severity.ERROR, path=path, rule=rule, sentence=sentence)


def warning(path: str, rule: str, sentence: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(severity=Severity.WARNING, path=path, rule=rule, sentence=sentence)


def information(path: str, rule: str, sentence: str) -> Finding:
    """Return what could not be checked."""
    return Finding(severity=Severity.INFORMATION, path=path, rule=rule, sentence=sentence)


def objects(values: Any) -> list[JsonObject]:
    """Return the objects in what should be a list of objects; anything else is left to the structure check."""
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in the order found, each once."""
    return tuple(dict.fromkeys(findings))
