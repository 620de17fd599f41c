"""The items of a Questionnaire as the layout of a form, with their words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from fhir_alliance.instruments.items import Condition, Item, Kind, Look, Option, Span
from fhir_alliance.instruments.layout import Computed, Group, Note, Part
from fhir_alliance.instruments.sdc.conditions import read_conditions
from fhir_alliance.instruments.sdc.elements import CALCULATED, LEAST, MOST, PLACES, STEP, Element
from fhir_alliance.instruments.sdc.options import YES_NO, Choice, Codes, read_choices

KINDS = {
    "choice": Kind.CHOICE,
    "boolean": Kind.BOOLEAN,
    "integer": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "string": Kind.TEXT,
    "text": Kind.TEXT,
}
# The ends of what can be written where the form sets none.
_FARTHEST = Decimal(999_999)
_PLACES = 2
_LONGEST = 1000
_MOST_LETTERS = 4000
_ENDS = ("lower", "upper")
# What a slider's ends are called where the form does not say it.
_NAMELESS = ("lowest", "highest")


@dataclass
class Words:
    """The words of the items, as they are read."""

    sections: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    ends: dict[str, tuple[str, str]] = field(default_factory=dict)


class Questions:
    """Reads the items of one form into the parts of its layout."""

    def __init__(self, whole: Element, *, free_text: str) -> None:
        everything = [item for top in whole.children("item") for item in top.everything()]
        self._free_text = free_text
        self._asked = {item.link_id: item for item in everything if item.text("type") in KINDS and not _scored(item)}
        contained = {f"#{each.json.get('id')}": each for each in whole.children("contained")}
        self._choices: dict[str, tuple[Choice, ...]] = {
            link_id: read_choices(item, contained)
            for link_id, item in self._asked.items()
            if item.text("type") == "choice"
        }
        self.codes = Codes(self._choices)
        self._answers = {
            link_id: {self.codes.of(link_id, choice): choice.answer for choice in choices}
            for link_id, choices in self._choices.items()
        }
        self.words = Words()

    @property
    def instruction(self) -> str:
        """What is said above the questions: who reads what is written, where something can be."""
        texts = any(KINDS[item.text("type")] is Kind.TEXT for item in self._asked.values())
        return self._free_text if texts else ""

    def parts(self, place: Element, around: tuple[Condition, ...] = (), look: Look = Look.BUTTONS) -> Iterator[Part]:
        """Yield the parts in an item, or in the whole form; `around` are the conditions of the groups it is in."""
        for item in place.children("item"):
            kind = item.text("type")
            if _scored(item):
                yield self._computed(item, around)
            elif kind == "group":
                yield self._group(item, around)
            elif kind == "display":
                yield self._note(item, around)
            elif kind in KINDS:
                yield from self._question(item, around, look)
            else:
                item.fault(f"questions of the type {kind} are not supported", "type")

    def _conditions(self, item: Element, around: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return (*around, *read_conditions(item, self._asked, self._answers))

    def _computed(self, item: Element, around: tuple[Condition, ...]) -> Computed:
        if around:
            item.fault("is calculated in a group with a condition: write the condition into its expression")
        return Computed(link_id=item.link_id)

    def _group(self, item: Element, around: tuple[Condition, ...]) -> Group:
        if not item.json.get("item"):
            item.fault("is a group without items (que-1)")
        self._refuse(item, "repeats", "hidden")
        self.words.sections[item.link_id] = item.text("text")
        look = Look.TABLE if self._is_table(item) else Look.BUTTONS
        return Group(link_id=item.link_id, parts=tuple(self.parts(item, self._conditions(item, around), look)))

    def _is_table(self, item: Element) -> bool:
        """Whether a group is a table of questions with the same answers; others stand one below the other."""
        if item.control != "table":
            return False
        rows = [self._choices.get(child.link_id) for child in item.children("item")]
        alike = bool(rows and rows[0]) and all(
            row is not None and rows[0] is not None and [each.words for each in row] == [each.words for each in rows[0]]
            for row in rows
        )
        if not alike:
            item.remark("is no table, because its questions have not all the same options")
        return alike

    def _note(self, item: Element, around: tuple[Condition, ...]) -> Note:
        if "item" in item.json or "code" in item.json:
            item.fault("is a text, which has no items (que-1) and no code (que-3)")
        self._refuse(item, "hidden", "required", "repeats", "answerOption", "initial")
        self.words.items[item.link_id] = self._said(item)
        return Note(link_id=item.link_id, conditions=self._conditions(item, around))

    def _question(self, item: Element, around: tuple[Condition, ...], look: Look) -> Iterator[Part]:
        self._refuse(item, "repeats", "readOnly", "initial", "hidden")
        conditions = self._conditions(item, around)
        self.words.items[item.link_id] = self._said(item)
        yield self._item(item, conditions, look)
        ends = {}
        for child in item.children("item"):
            if child.text("type") != "display":
                child.fault("is inside a question: put both into a group, with a condition on this one")
            elif child.control in _ENDS:
                ends[child.control] = self._said(child)
            else:
                yield self._note(child, conditions)
        if ends or item.control == "slider":
            low, high = (ends.get(end, nameless) for end, nameless in zip(_ENDS, _NAMELESS, strict=True))
            self.words.ends[item.link_id] = (low, high)

    def _item(self, item: Element, conditions: tuple[Condition, ...], look: Look) -> Item:
        kind = KINDS[item.text("type")]
        if kind is not Kind.CHOICE and ("answerOption" in item.json or "answerValueSet" in item.json):
            item.fault("has options, which only a choice has")
        numeric = kind in (Kind.INTEGER, Kind.DECIMAL)
        return Item(
            link_id=item.link_id,
            section="",
            construct="",
            kind=kind,
            look=self._look(item, kind, look),
            options=self._options(item, kind),
            span=_span(item, kind) if numeric else None,
            longest=self._longest(item) if kind is Kind.TEXT else 0,
            required=item.flag("required"),
            conditions=conditions,
        )

    def _options(self, item: Element, kind: Kind) -> tuple[Option, ...]:
        if kind is Kind.BOOLEAN:
            return tuple(Option(code=code, value=None) for code in YES_NO)
        return self.codes.options(item.link_id, self._choices.get(item.link_id, ()))

    def _look(self, item: Element, kind: Kind, look: Look) -> Look:
        if kind is Kind.CHOICE:
            return look
        if kind is Kind.BOOLEAN:
            return Look.BUTTONS
        return Look.SLIDER if item.control == "slider" and kind is not Kind.TEXT else Look.FIELD

    def _longest(self, item: Element) -> int:
        if not self._free_text:
            item.fault(f"asks for a free text ({item.text('type')}), which this site has not switched on")
        return min(int(item.json.get("maxLength", _LONGEST)), _MOST_LETTERS)

    def _said(self, item: Element) -> str:
        if not item.text("text"):
            item.fault("has no text", "text")
        return item.text("text")

    def _refuse(self, item: Element, *names: str) -> None:
        """Note what is said of an item and cannot be honoured."""
        for name in names:
            if name == "hidden" and item.hidden:
                item.fault("is hidden, which only a score can be: leave it out, or ask it")
            elif name == "initial" and "initial" in item.json:
                item.fault("has an answer from the start: nothing is answered before the person has", name)
            elif name in ("repeats", "readOnly", "required") and item.flag(name):
                item.fault(_REFUSED[name], name)


_REFUSED = {
    "repeats": "more than one answer to a question is not supported",
    "readOnly": "nobody could answer it, and nothing calculates it",
    "required": "is a text, which nobody can answer",
}


def _scored(item: Element) -> bool:
    return bool(item.extensions(CALCULATED))


def _span(item: Element, kind: Kind) -> Span:
    """Return which numbers a question takes; a slider needs both its ends."""
    low, high = item.number(LEAST), item.number(MOST)
    slider = item.control == "slider"
    if slider and (low is None or high is None):
        item.fault("is a slider without minValue and maxValue")
    elif low is None or high is None:
        item.remark(f"does not say minValue and maxValue: numbers from -{_FARTHEST} to {_FARTHEST} are taken where not")
    places = 0 if kind is Kind.INTEGER else item.whole(PLACES, _PLACES)
    step = item.whole(STEP, 0)
    if step == 1:
        places = 0
    elif step:
        item.fault("a slider's step can only be 1, or what maxDecimalPlaces says")
    minimum, maximum = -_FARTHEST if low is None else low, _FARTHEST if high is None else high
    if minimum >= maximum:
        item.fault("minValue is not below maxValue (Q07)")
    if not 0 <= places <= _MOST_PLACES:
        item.fault(f"maxDecimalPlaces is not 0 to {_MOST_PLACES}")
    return Span(minimum=minimum, maximum=maximum, decimals=max(0, min(places, _MOST_PLACES)))


_MOST_PLACES = 4
