"""The options of choices: how each is told apart in a form's answers, shown, counted and written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir_alliance.instruments.items import Option
from fhir_alliance.instruments.sdc.elements import ORDINAL, WEIGHT, Element
from fhir_alliance.terms import CANONICAL_BASE

# What an answer can be that is no code of the form's: a boolean's two, and the page's own word for a skipped question.
YES_NO = {"true": "yes", "false": "no"}
_TAKEN = {**YES_NO, "skip": ""}
_KINDS = ("valueCoding", "valueInteger", "valueString")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One option as the form has it: the code it is told by, its words, its number, and the answer it makes."""

    code: str
    words: str
    value: Decimal | None
    answer: Mapping[str, Any]


def read_choices(item: Element, contained: Mapping[str, Element]) -> tuple[Choice, ...]:
    """Return the options of a choice, with what is wrong with them noted (que-4, Q07)."""
    value_set = item.text("answerValueSet")
    if value_set and "answerOption" in item.json:
        item.fault("has answerOption and answerValueSet (que-4)")
    found = list(_from_set(item, value_set, contained)) if value_set else list(_from_options(item))
    codes = [choice.code for choice in found]
    if len(codes) < _FEWEST and (codes or not value_set):
        item.fault("has fewer than two options")
    if len(set(codes)) < len(codes):
        item.fault("has two options with one code")
    return tuple(found)


_FEWEST = 2


def _from_options(item: Element) -> Iterator[Choice]:
    for option in item.children("answerOption"):
        kind = next((kind for kind in _KINDS if kind in option.json), "")
        if option.json.get("initialSelected"):
            option.fault("is selected from the start: nothing is answered before the person has")
        if not kind:
            option.fault(f"is none of {', '.join(_KINDS)}")
        elif kind == "valueCoding":
            yield from _from_coding(option, option.json["valueCoding"])
        else:
            yield from _from_plain(option, kind)


def _from_plain(option: Element, kind: str) -> Iterator[Choice]:
    value = option.json[kind]
    if isinstance(value, bool) or not isinstance(value, int if kind == "valueInteger" else str):
        option.fault(f"is no {kind.removeprefix('value').lower()}", kind)
        return
    if _weight(option) is not None:
        option.fault("has a weight, which an answer keeps only with a valueCoding")
    number = Decimal(value) if kind == "valueInteger" else None
    yield Choice(code=str(value), words=str(value), value=number, answer={kind: value})


def _from_coding(place: Element, coding: Mapping[str, Any]) -> Iterator[Choice]:
    """Yield a Coding; its number goes with it into the response, so that a response can be scored alone."""
    inner = Element(coding, f"{place.path}.valueCoding", place.link_id, place.report)
    if not inner.text("code") or not inner.text("system"):
        inner.fault("needs a code and a system")
        return
    if inner.text("system").startswith(CANONICAL_BASE):
        inner.fault("is of a code system of FHIR Alliance: use one of your own")
    value = _weight(place)
    value = _weight(inner) if value is None else value
    own = [] if value is None else [{"url": ORDINAL, "valueDecimal": value}]
    others = [each for each in coding.get("extension", ()) if each["url"] not in (ORDINAL, WEIGHT)]
    extension = {"extension": [*own, *others]} if own or others else {}
    plain = {key: said for key, said in coding.items() if key != "extension"}
    yield Choice(
        code=inner.text("code"),
        words=inner.text("display") or inner.text("code"),
        value=value,
        answer={"valueCoding": {**extension, **plain}},
    )


def _weight(place: Element) -> Decimal | None:
    """Return the number of an option; the newer extension comes first."""
    weight = place.number(WEIGHT)
    return place.number(ORDINAL) if weight is None else weight


def _from_set(item: Element, reference: str, contained: Mapping[str, Element]) -> Iterator[Choice]:
    """Yield the codes of a contained value set that lists them; others would have to be asked for elsewhere."""
    found = contained.get(reference)
    if found is None:
        item.fault("has an answerValueSet that is not contained in the form: list its codes as answerOption")
        return
    for system, concept in _listed(found):
        yield from _from_coding(
            item, {"system": system, "code": concept.get("code"), "display": concept.get("display")}
        )


def _listed(value_set: Element) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "expansion" in value_set.json:
        for each in value_set.json["expansion"].get("contains", ()):
            yield str(each.get("system", "")), each
        return
    for part in value_set.json.get("compose", {}).get("include", ()):
        if "concept" not in part or "exclude" in value_set.json["compose"]:
            value_set.fault("does not list its codes: list them as answerOption")
        for each in part.get("concept", ()):
            yield str(part.get("system", "")), each


class Codes:
    """How options are told apart in answers: by their code, and where that has two meanings, by the question too."""

    def __init__(self, choices: Mapping[str, tuple[Choice, ...]]) -> None:
        meanings: defaultdict[str, set[str]] = defaultdict(set)
        for code, words in _TAKEN.items():
            meanings[code].add(words)
        for each in choices.values():
            for choice in each:
                meanings[choice.code].add(choice.words)
        self._ambiguous = {code for code, words in meanings.items() if len(words) > 1}
        self.words: dict[str, str] = dict(YES_NO)

    def of(self, link_id: str, choice: Choice) -> str:
        """Return what an answer with this option says, and remember its words."""
        code = f"{link_id}: {choice.code}" if choice.code in self._ambiguous else choice.code
        # A number without words of its own is shown as a point of a scale.
        if choice.words != code or not code.isdecimal():
            self.words[code] = choice.words
        return code

    def options(self, link_id: str, choices: tuple[Choice, ...]) -> tuple[Option, ...]:
        """Return the options of a question."""
        return tuple(Option(code=self.of(link_id, each), value=each.value, own=each.answer) for each in choices)
