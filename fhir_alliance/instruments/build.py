"""Checked definition values become an instrument."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fhir_alliance.instruments.definition import (
    Advice,
    EnabledBy,
    Form,
    Instrument,
    Item,
    Option,
    Rater,
    RawFact,
    Scale,
    Wording,
)


def build_instrument(
    definition: Mapping[str, Any], wordings: Sequence[Mapping[str, Any]], *, digest: str
) -> Instrument:
    """Return the instrument of one loaded definition and its loaded wordings (both already checked)."""
    items = {item.link_id: item for item in _items(definition)}
    scales = tuple(_scale(score, definition) for score in definition["scores"])
    return Instrument(
        name=definition["instrument"],
        version=definition["version"],
        status=definition["status"],
        date=definition["date"].isoformat(),
        validated=definition["validated"],
        source=definition["source"],
        licence=definition["licence"]["id"],
        decimals=definition["decimals"],
        items=items,
        scales=scales,
        forms=tuple(_forms(definition, items, scales)),
        advice={
            form["id"]: Advice(visits=frozenset(form["advised"]["visits"]), then_every=form["advised"]["then_every"])
            for form in definition["forms"]
            if "advised" in form
        },
        raw_facts=tuple(_raw_fact(fact) for fact in definition["raw_facts"]),
        wordings={words["language"]: _wording(words) for words in wordings},
        digest=digest,
    )


def _items(definition: Mapping[str, Any]) -> Iterator[Item]:
    low, high = definition["scale"]["minimum"], definition["scale"]["maximum"]
    numbers = tuple(Option(code=str(value), value=Decimal(value)) for value in range(low, high + 1))
    for item in definition["items"]:
        yield Item(link_id=item["id"], section=item["section"], construct=item["construct"], options=numbers)
    for question in definition["questions"]:
        condition = question.get("enabled_by")
        yield Item(
            link_id=question["id"],
            section=question["section"],
            construct="",
            options=tuple(Option(code=code, value=None) for code in question["options"]),
            enabled_by=condition and EnabledBy(question=condition["question"], any_of=frozenset(condition["any_of"])),
        )


def _scale(score: Mapping[str, Any], definition: Mapping[str, Any]) -> Scale:
    return Scale(
        name=score["id"],
        method=score["method"],
        items=tuple(score["items"]),
        min_answered=score["min_answered"],
        minimum=Decimal(definition["scale"]["minimum"]),
        maximum=Decimal(definition["scale"]["maximum"]),
        decimals=definition["decimals"],
    )


def _forms(definition: Mapping[str, Any], items: Mapping[str, Item], scales: Sequence[Scale]) -> Iterator[Form]:
    for rater in definition["raters"]:
        for form in definition["forms"]:
            asked = set(form["items"])
            yield Form(
                instrument_name=definition["instrument"],
                version=definition["version"],
                rater=Rater(rater),
                form=form["id"],
                items=tuple(items[name] for name in form["items"]),
                scales=tuple(scale for scale in scales if asked.issuperset(scale.items)),
            )


def _raw_fact(fact: Mapping[str, Any]) -> RawFact:
    at_most = fact.get("at_most")
    return RawFact(
        item=fact["item"],
        at_most=None if at_most is None else Decimal(at_most),
        any_of=frozenset(fact.get("any_of", ())),
    )


def _wording(words: Mapping[str, Any]) -> Wording:
    return Wording(
        language=words["language"],
        author=words["provenance"]["author"],
        method=words["provenance"]["method"],
        title=words["title"],
        caveat=words["caveat"],
        copyright=words["copyright"],
        anchors=(words["anchors"]["minimum"], words["anchors"]["maximum"]),
        sections=words["sections"],
        forms=words["forms"],
        raters={Rater(rater): text for rater, text in words["raters"].items()},
        instructions={Rater(rater): text for rater, text in words["instructions"].items()},
        items={name: {Rater(rater): text for rater, text in texts.items()} for name, texts in words["items"].items()},
        options=words["options"],
        scores=words["scores"],
    )
