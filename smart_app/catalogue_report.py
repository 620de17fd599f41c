"""The installed instruments as text: what each is, what it needs, and one of them in full."""

from collections.abc import Iterable, Iterator
from datetime import date
from importlib.resources import files

import orjson

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue, installed
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.readiness import Readiness, readiness, require_ready
from fhir_alliance.instruments.scale import Scale

_HEADINGS = ("instrument", "version", "items", "raters", "languages", "licence", "validity", "state")


def catalogue_table(catalogue: Catalogue, *, reasons: bool, today: date, alerts: bool = False) -> list[str]:
    """Return the lines of a table of all instruments, with the reason of each state or without.

    `alerts` says whether the site has configured alerts. With the reasons come the digests of a site's own forms, and
    what of them is not used.
    """
    found = [(each, readiness(each, today=today, alerts=alerts)) for each in catalogue.instruments]
    rows = [(*_row(each, state), *((state.reason,) if reasons else ())) for each, state in found]
    table = list(aligned([_HEADINGS + (("why",) if reasons else ()), *rows]))
    return [*table, *_own_forms(catalogue)] if reasons else table


def _own_forms(catalogue: Catalogue) -> Iterator[str]:
    own = [each for each in catalogue.instruments if each.own]
    if own:
        yield ""
        yield from aligned([("own form", "SHA-256 of its file"), *((each.name, each.digest) for each in own)])
        yield from catalogue.remarks


def catalogue_page(*, today: date) -> str:
    """Return `questionnaires/README.md`: every instrument that ships, with what a site has to know of it."""
    headings = ("instrument", "items", "raters", "languages", "licence", "state", "source")
    lines = [_PAGE_HEAD, "| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for instrument in installed(None).instruments:
        name, version, items, raters, languages, licence, validity, state = _row(
            instrument, readiness(instrument, today=today)
        )
        cells = (f"{name} {version}", items, raters, languages, licence, f"{state}, {validity}", instrument.source)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


_PAGE_HEAD = """\
# Instruments

One folder each, one file per version, one per language of its wording. This page is made from them by
`make catalogue`. *ready* can be used as it is; *needs wording* waits for the words a site has a licence for;
*needs alert workflow* until a site says who is told of an answer that may reveal danger; *draft* rests on facts that
nobody has verified yet. `fhir-alliance instruments show NAME` says more.
"""


def show_instrument(name: str, catalogue: Catalogue, *, shape: str, language: str, today: date) -> str:
    """Return one instrument as "table", "yaml" (its definition file) or "fhir" (its Questionnaires as a Bundle).

    Raises InvalidDefinition when it is not installed or has no definition file, NotReady when its Questionnaires may
    not be shown.
    """
    instrument = catalogue.instrument(name)
    if shape == "yaml" and instrument.own:
        raise InvalidDefinition([f"{name} is a form of the site's own, which has no definition file: show it as fhir"])
    if shape == "yaml":
        return (files("questionnaires") / name / f"{instrument.version}.yaml").read_text("utf-8")
    if shape == "table":
        return "".join(f"{line}\n" for line in _described(instrument, readiness(instrument, today=today)))
    if language not in require_ready(instrument, today=today).wordings:
        known = ", ".join(instrument.wordings)
        raise InvalidDefinition([f"{name} has no words in {language}; installed are: {known}"])
    return _bundle(instrument, language)


def _bundle(instrument: Instrument, language: str) -> str:
    resources = [build_questionnaire(instrument, form, language=language) for form in instrument.forms]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}
    return orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _row(instrument: Instrument, found: Readiness) -> tuple[str, ...]:
    raters = dict.fromkeys(form.rater.value for form in instrument.forms)
    scored = sum(item.scored for item in instrument.items.values())
    return (
        instrument.name,
        instrument.version,
        str(scored),
        ", ".join(raters),
        ", ".join(instrument.wordings) or "–",
        instrument.licence.wording,
        "the site's own" if instrument.own else "validated" if instrument.validated else "unvalidated",
        found.state.value,
    )


def _described(instrument: Instrument, found: Readiness) -> Iterator[str]:
    yield f"{instrument.title} ({instrument.name} {instrument.version})"
    yield f"Source: {instrument.source}"
    yield f"Asked: {instrument.timing or 'not stated'}"
    yield f"Licence: {instrument.licence.id}, {instrument.licence.holder}. {instrument.licence.terms}".rstrip()
    yield f"State: {found.state.value}. {found.reason}".rstrip()
    if instrument.scales:
        yield ""
        yield from aligned([("score", "method", "items", "at least", "range"), *map(_scale_row, instrument.scales)])
        yield from (f"{scale.name} counts {scale.weighing}" for scale in instrument.scales if scale.weighing)
    if instrument.precision:
        yield ""
        yield from aligned([("precision", "SD", "reliability", "change", "in"), *_precision_rows(instrument)])
    if instrument.evidence:
        yield ""
        facts = ((fact, known.tag, known.source) for fact, known in instrument.evidence.items())
        yield from aligned([("fact", "known", "from"), *facts])


def _precision_rows(instrument: Instrument) -> Iterator[tuple[str, ...]]:
    for (rater, scale), known in instrument.precision.items():
        reliability = f"{known.reliability} ({known.kind})"
        change = f"{known.reliable_difference:.1f}{', provisional' if known.is_provisional else ''}"
        yield f"{scale}, {rater}", str(known.sd), reliability, change, f"{known.population}; {known.source}"


def _scale_row(scale: Scale) -> tuple[str, ...]:
    span = f"{scale.minimum.normalize():f}–{scale.maximum.normalize():f}" if scale.has_range else "not stated"
    if scale.calculation:
        return scale.name, scale.method, scale.calculation.expression.text, "", span
    return scale.name, scale.method, " ".join(scale.items), str(scale.min_answered), span


def aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their columns aligned; the last column is as long as it is."""
    table = list(rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
