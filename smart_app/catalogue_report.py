"""The installed instruments as text: what each is, what it needs, and one of them in full."""

from collections.abc import Iterable, Iterator
from importlib.resources import files

import orjson

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Instrument, Scale
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.readiness import readiness, require_ready

_HEADINGS = ("instrument", "version", "items", "raters", "languages", "licence", "state")


def catalogue_table(*, reasons: bool) -> tuple[list[str], tuple[str, ...]]:
    """Return the lines of a table of all instruments, with the reason of each state or without, and all faults."""
    catalogue = shipped()
    rows = [_row(each) + ((readiness(each).reason,) if reasons else ()) for each in catalogue.instruments]
    return list(_aligned([_HEADINGS + (("why",) if reasons else ()), *rows])), catalogue.faults


def show_instrument(name: str, *, shape: str, language: str) -> str:
    """Return one instrument as "table", "yaml" (its definition file) or "fhir" (its Questionnaires as a Bundle).

    Raises InvalidDefinition when it is not installed, NotReady when its Questionnaires may not be shown.
    """
    instrument = shipped().instrument(name)
    if shape == "yaml":
        return (files("questionnaires") / name / f"{instrument.version}.yaml").read_text("utf-8")
    if shape == "table":
        return "".join(f"{line}\n" for line in _described(instrument))
    return _bundle(require_ready(instrument), language)


def _bundle(instrument: Instrument, language: str) -> str:
    resources = [build_questionnaire(instrument, form, language=language) for form in instrument.forms]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}
    return orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _row(instrument: Instrument) -> tuple[str, ...]:
    raters = dict.fromkeys(form.rater.value for form in instrument.forms)
    scored = sum(item.scored for item in instrument.items.values())
    return (
        instrument.name,
        instrument.version,
        str(scored),
        ", ".join(raters),
        ", ".join(instrument.wordings) or "–",
        instrument.licence.wording,
        readiness(instrument).state.value,
    )


def _described(instrument: Instrument) -> Iterator[str]:
    yield f"{instrument.title} ({instrument.name} {instrument.version})"
    yield f"Source: {instrument.source}"
    yield f"Asked: {instrument.timing or 'not stated'}"
    yield f"Licence: {instrument.licence.id}, {instrument.licence.holder}. {instrument.licence.terms}".rstrip()
    found = readiness(instrument)
    yield f"State: {found.state.value}. {found.reason}".rstrip()
    if instrument.scales:
        yield ""
        yield from _aligned([("score", "method", "items", "at least", "range"), *map(_scale_row, instrument.scales)])
    yield ""
    yield from _aligned(
        [("fact", "known", "from"), *((fact, known.tag, known.source) for fact, known in instrument.evidence.items())]
    )


def _scale_row(scale: Scale) -> tuple[str, ...]:
    span = f"{scale.minimum.normalize():f}–{scale.maximum.normalize():f}"
    return scale.name, scale.method, " ".join(scale.items), str(scale.min_answered), span


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their columns aligned; the last column is as long as it is."""
    table = list(rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
