"""Searches as SQL: what a filter means on the table of terms."""

import re
from collections.abc import Callable, Iterable

from smart_app.sandbox.fhir.dates import COMPARISONS, date_range
from smart_app.sandbox.fhir.outcomes import Malformed
from smart_app.sandbox.fhir.parameters import TYPES
from smart_app.sandbox.fhir.query import Params, Query
from smart_app.sandbox.fhir.terms import fold, split_reference

CURRENT = 2**62
"""`superseded` of a version nobody has replaced."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
    key INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    superseded INTEGER NOT NULL, content BLOB NOT NULL, UNIQUE (type, id, version)
);
CREATE TABLE IF NOT EXISTS term (
    key INTEGER NOT NULL, type TEXT NOT NULL, param TEXT NOT NULL, system TEXT, value TEXT, lo INTEGER, hi INTEGER
);
CREATE INDEX IF NOT EXISTS term_by_value ON term (type, param, value, system, key);
CREATE INDEX IF NOT EXISTS term_by_key ON term (key, param, lo, hi, value);
"""

_COMMA = re.compile(r"(?<!\\),")
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\,|$])")
_DATE_VALUE = re.compile(r"([a-z]{2})?(.*)", re.DOTALL)


class Statement:
    """The tests of one SQL statement on resources `r` of one type, and the values bound in it.

    Only fixed text and placeholders become SQL; everything a client sent is bound.
    """

    def __init__(self, resource_type: str, fhir_base: str) -> None:
        self.resource_type = resource_type
        self.arguments: dict[str, str | int] = {}
        self.fhir_base = fhir_base

    def bind(self, value: str | int) -> str:
        """Keep a value and return its placeholder."""
        name = f"p{len(self.arguments)}"
        self.arguments[name] = value
        return f":{name}"

    def holds(self, filters: Params) -> str:
        """Return the test that every filter holds."""
        return " AND ".join(self._filter(name, values) for name, values in filters) or "TRUE"

    def holds_any(self, alternatives: Iterable[Params]) -> str:
        """Return the test that all filters of at least one set hold; without any set nothing does."""
        return f"({' OR '.join(self.holds(filters) for filters in alternatives) or 'FALSE'})"

    def order(self, name: str, *, descending: bool) -> str:
        """Return the ORDER BY term for a search parameter; of several values the lowest counts."""
        lowest = f"SELECT MIN(COALESCE(lo, value)) FROM term WHERE key = r.key AND param = {self.bind(name)}"  # noqa: S608 - see the class
        return f"({lowest}) {'DESC' if descending else 'ASC'}"

    def _filter(self, name: str, values: str) -> str:
        kind = TYPES[self.resource_type][name].kind
        param = self.bind(name)
        tests = " OR ".join(f"({_TESTS[kind](value, self)})" for value in _COMMA.split(values))
        if kind == "date":  # a range has no useful index of its own: look at what the other filters leave
            return f"EXISTS (SELECT 1 FROM term WHERE key = r.key AND param = {param} AND ({tests}))"  # noqa: S608 - see the class
        where = f"type = {self.bind(self.resource_type)} AND param = {param} AND ({tests})"
        return f"r.key IN (SELECT key FROM term WHERE {where})"  # noqa: S608 - see the class


def search_statement(
    query: Query, within: Iterable[Params] | None, snapshot: int, fhir_base: str
) -> tuple[str, Statement]:
    """Return the statement that lists, in order, the keys a search finds as of a snapshot (the last key then)."""
    statement = Statement(query.resource_type, fhir_base)
    at = statement.bind(snapshot)
    tests = [f"r.type = {statement.bind(query.resource_type)} AND r.key <= {at} AND r.superseded > {at}"]
    tests.append(statement.holds(query.filters))
    if within is not None:
        tests.append(statement.holds_any(within))
    order = ", ".join([*(statement.order(name, descending=down) for name, down in query.sort), "r.key"])
    return f"SELECT r.key FROM resource r WHERE {' AND '.join(tests)} ORDER BY {order}", statement  # noqa: S608 - see the class


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _token(text: str, statement: Statement) -> str:
    system, *code = (_plain(part) for part in _BAR.split(text, maxsplit=1))
    if not code:
        return f"value = {statement.bind(system)}"
    test = f"system = {statement.bind(system)}"
    return f"value = {statement.bind(code[0])} AND {test}" if code[0] else test


def _reference(text: str, statement: Statement) -> str:
    kind, key = split_reference(_plain(text), statement.fhir_base)
    test = f"value = {statement.bind(key)}"
    return f"{test} AND system = {statement.bind(kind)}" if kind else test


def _date(text: str, statement: Statement) -> str:
    found = _DATE_VALUE.match(text)
    prefix, date = found.groups() if found else (None, text)
    if (prefix or "eq") not in COMPARISONS:
        raise Malformed(f"a date may begin with one of {', '.join(COMPARISONS)}")
    start, stop = date_range(date)
    return COMPARISONS[prefix or "eq"].format(start=statement.bind(start), stop=statement.bind(stop))


def _uri(text: str, statement: Statement) -> str:
    return f"value = {statement.bind(_plain(text))}"


def _canonical(text: str, statement: Statement) -> str:
    url, _, version = _plain(text).partition("|")
    test = f"value = {statement.bind(url)}"
    return f"{test} AND system = {statement.bind(version)}" if version else test


def _string(text: str, statement: Statement) -> str:
    start = fold(_plain(text))
    return f"value >= {statement.bind(start)} AND value < {statement.bind(start + chr(0x10FFFF))}"


_TESTS: dict[str, Callable[[str, Statement], str]] = {
    "token": _token,
    "reference": _reference,
    "date": _date,
    "uri": _uri,
    "canonical": _canonical,
    "string": _string,
}
