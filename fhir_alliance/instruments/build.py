"""Checked definition values become an instrument."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from fhir_alliance.instruments.consistency import ALL, PANEL, item_ids
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.facts import Advice, Code, Evidence, RawFact
from fhir_alliance.instruments.items import Condition, Item, Kind, Look, Option, Span, Test
from fhir_alliance.instruments.layout import Group
from fhir_alliance.instruments.precision import Precision
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Licence, LicenceRecord, Rater, Wording
from fhir_alliance.terms import LOINC, SNOMED


def build_instrument(
    definition: Mapping[str, Any], wordings: Sequence[Mapping[str, Any]], *, digest: str
) -> Instrument:
    """Return the instrument of one loaded definition and its loaded wordings (both already checked)."""
    items = {item.link_id: item for item in _items(definition)}
    scales = tuple(_scale(score, definition, items) for score in definition["scores"])
    return Instrument(
        name=definition["instrument"],
        version=definition["version"],
        title=definition["title"],
        status=definition["status"],
        date=definition["date"].isoformat(),
        validated=definition["validated"],
        source=definition["source"],
        timing=definition["timing"],
        licence=Licence(**definition["licence"]),
        evidence={fact: Evidence(**known) for fact, known in definition["evidence"].items()},
        decimals=definition["decimals"],
        items=items,
        scales=scales,
        forms=tuple(_forms(definition, items, scales)),
        advice={
            (Rater(rater), form["id"]): Advice(**{**advised, "visits": frozenset(advised["visits"])})
            for form in definition["forms"]
            for rater, advised in form["advised"].items()
        },
        raw_facts=tuple(_raw_fact(fact) for fact in definition["raw_facts"]),
        alert_items=tuple(definition["alert_items"]),
        wordings={words["language"]: _wording(words, definition) for words in wordings},
        digest=digest,
        codes=tuple(
            Code(system=_SYSTEMS[code["system"]], code=code["code"], scale="" if code["of"] == PANEL else code["of"])
            for code in definition["codes"]
        ),
        precision={(Rater(each["rater"]), each["score"]): _precision(each) for each in definition["precision"]},
    )


_SYSTEMS = {"loinc": LOINC, "snomed": SNOMED}


def _items(definition: Mapping[str, Any]) -> Iterator[Item]:
    described = {item["id"]: item for item in definition.get("items", ())}
    for link_id in item_ids(definition):
        said = described.get(link_id, {"section": ALL, "construct": "not described"})
        yield Item(
            link_id=link_id,
            section=said["section"],
            construct=said["construct"],
            **_answers(definition["answers"], turned=link_id in definition["reversed"]),
        )
    for question in definition["questions"]:
        yield Item(
            link_id=question["id"],
            section=question["section"],
            construct="",
            options=tuple(Option(code=code, value=None) for code in question["options"]),
            conditions=tuple(_conditions(question)),
        )


def _conditions(question: Mapping[str, Any]) -> Iterator[Condition]:
    if enabled := question.get("enabled_by"):
        tests = (Test(question=enabled["question"], operator="=", value=code) for code in enabled["any_of"])
        yield Condition(tests=tuple(tests))


def _answers(answers: Mapping[str, Any], *, turned: bool) -> dict[str, Any]:
    """Return an item's options or span; a reversed item's options count from the other end."""
    if answers["kind"] == "visual-analogue":
        low, high = Decimal(answers["minimum"]), Decimal(answers["maximum"])
        span = Span(minimum=low, maximum=high, decimals=answers["decimals"])
        return {"kind": Kind.DECIMAL, "look": Look.SLIDER, "span": span}
    if answers["kind"] == "numbers":
        numbers = range(answers["minimum"], answers["maximum"] + 1)
        values = {str(number): number for number in numbers}
    else:
        values = {option["code"]: option["value"] for option in answers["options"]}
    ends = min(values.values()) + max(values.values())
    return {
        "options": tuple(
            Option(code=code, value=Decimal(ends - value if turned else value)) for code, value in values.items()
        )
    }


def _scale(score: Mapping[str, Any], definition: Mapping[str, Any], items: Mapping[str, Item]) -> Scale:
    weights = dict.fromkeys(score["items"], Decimal(1))
    for entry in score["weights"]:
        weights |= dict.fromkeys(entry["items"], entry["weight"])
    parts = 1 if score["method"] == "sum" else sum(weights.values())
    return Scale(
        name=score["id"],
        title=score["title"],
        method=score["method"],
        items=tuple(score["items"]),
        min_answered=score["min_answered"],
        weights=weights,
        multiplier=score["multiplier"],
        minimum=score["multiplier"] * sum(items[name].least * weight for name, weight in weights.items()) / parts,
        maximum=score["multiplier"] * sum(items[name].most * weight for name, weight in weights.items()) / parts,
        decimals=definition["decimals"],
        more_is_better=score["better"] == "higher",
    )


def _forms(definition: Mapping[str, Any], items: Mapping[str, Item], scales: Sequence[Scale]) -> Iterator[Form]:
    for rater in definition["raters"]:
        for form in definition["forms"] or [{"id": ALL, "items": list(items)}]:
            asked = set(form["items"])
            yield Form(
                instrument_name=definition["instrument"],
                version=definition["version"],
                rater=Rater(rater),
                form=form["id"],
                layout=tuple(_groups(items[name] for name in form["items"])),
                scales=tuple(scale for scale in scales if asked.issuperset(scale.items)),
            )


def _groups(items: Iterable[Item]) -> Iterator[Group]:
    for section, asked in groupby(items, key=lambda item: item.section):
        yield Group(link_id=section, parts=tuple(asked))


def _precision(said: Mapping[str, Any]) -> Precision:
    return Precision(**{name: value for name, value in said.items() if name not in ("score", "rater")})


def _raw_fact(fact: Mapping[str, Any]) -> RawFact:
    at_most = fact.get("at_most")
    return RawFact(
        item=fact["item"],
        at_most=None if at_most is None else Decimal(at_most),
        any_of=frozenset(fact.get("any_of", ())),
    )


def _wording(words: Mapping[str, Any], definition: Mapping[str, Any]) -> Wording:
    titles = {score["id"]: score["title"] for score in definition["scores"]}
    return Wording(
        language=words["language"],
        author=words["provenance"]["author"],
        method=words["provenance"]["method"],
        reviewed_by=words["provenance"]["reviewed_by"],
        title=words.get("title", definition["title"]),
        caveat=words["caveat"],
        copyright=words["copyright"],
        anchors=(words["anchors"]["minimum"], words["anchors"]["maximum"]),
        sections=words["sections"],
        forms=words["forms"],
        raters={Rater(rater): text for rater, text in words["raters"].items()},
        instructions={Rater(rater): text for rater, text in words["instructions"].items()},
        items={name: {Rater(rater): text for rater, text in texts.items()} for name, texts in words["items"].items()},
        options=words["options"],
        scores=words.get("scores", titles),
        headings={Rater(rater): text for rater, text in words["headings"].items()},
        item_anchors={name: (ends["minimum"], ends["maximum"]) for name, ends in words["item_anchors"].items()},
        record=_record(words.get("licence")),
    )


def _record(licence: Mapping[str, Any] | None) -> LicenceRecord | None:
    return LicenceRecord(**{**licence, "modes": frozenset(licence["modes"])}) if licence else None
