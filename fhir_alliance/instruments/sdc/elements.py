"""The parts of a Questionnaire's JSON that remember where they stand, so that every fault can name its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from fhir_alliance.terms import FHIR_EXTENSION, SDC

T = TypeVar("T")

CALCULATED = f"{SDC}/sdc-questionnaire-calculatedExpression"
VARIABLE = f"{FHIR_EXTENSION}/variable"
HIDDEN = f"{FHIR_EXTENSION}/questionnaire-hidden"
CONTROL = f"{FHIR_EXTENSION}/questionnaire-itemControl"
LEAST = f"{FHIR_EXTENSION}/minValue"
MOST = f"{FHIR_EXTENSION}/maxValue"
PLACES = f"{FHIR_EXTENSION}/maxDecimalPlaces"
STEP = f"{FHIR_EXTENSION}/questionnaire-sliderStepValue"
ORDINAL = f"{FHIR_EXTENSION}/ordinalValue"
WEIGHT = f"{FHIR_EXTENSION}/itemWeight"
COPYRIGHT_LABEL = f"{FHIR_EXTENSION}/artifact-copyrightLabel"


@dataclass
class Report:
    """What is wrong with one file, and what of it is ignored."""

    name: str
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Element:
    """One object of the file: its JSON, the path to it, and the linkId it belongs to."""

    json: Mapping[str, Any]
    path: str
    link_id: str
    report: Report

    def fault(self, reason: str, at: str = "") -> None:
        """Note that something here is wrong."""
        self.report.faults.append(self._line(reason, at))

    def remark(self, reason: str, at: str = "") -> None:
        """Note that something here is not used."""
        self.report.remarks.append(self._line(reason, at))

    def _line(self, reason: str, at: str) -> str:
        path = ".".join(filter(None, (self.path, at)))
        link_id = f" ({self.link_id})" if self.link_id else ""
        return f"{self.report.name}: {path or 'Questionnaire'}{link_id}: {reason}"

    def children(self, name: str) -> list["Element"]:
        """Return the objects of a list; an item's have a linkId of their own."""
        start = f"{self.path}.{name}" if self.path else name
        return [
            Element(child, f"{start}[{index}]", child["linkId"] if name == "item" else self.link_id, self.report)
            for index, child in enumerate(self.json.get(name, []))
        ]

    def text(self, name: str) -> str:
        """Return a text, empty when there is none."""
        return self._typed(name, str) or ""

    def flag(self, name: str) -> bool:
        """Return a boolean, false when there is none."""
        return self._typed(name, bool) or False

    def _typed(self, name: str, kind: type[T]) -> T | None:
        value = self.json.get(name)
        if value is None or isinstance(value, kind):
            return value
        self.fault(f"is no {_NAMES[kind]}", name)
        return None

    def extensions(self, url: str) -> list["Element"]:
        """Return the extensions with a url."""
        return [each for each in self.children("extension") if each.json["url"] == url]

    def extension(self, url: str, *names: str) -> Any:
        """Return the value of an extension, which stands under one of these names; None without."""
        for each in self.extensions(url):
            for name in names:
                if name in each.json:
                    return each.json[name]
            each.fault(f"{url} has no {' or '.join(names)}")
        return None

    def number(self, url: str) -> Decimal | None:
        """Return the number in an extension; None without."""
        value = self.extension(url, "valueDecimal", "valueInteger")
        if value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
            return None if value is None else Decimal(value)
        self.fault(f"{url} is no number")
        return None

    def whole(self, url: str, default: int) -> int:
        """Return the whole number in an extension, the default without."""
        value = self.number(url)
        if value is None or value == int(value):
            return default if value is None else int(value)
        self.fault(f"{url} is no whole number")
        return default

    @property
    def control(self) -> str:
        """The code of how it is to be shown, empty without."""
        coding = (self.extension(CONTROL, "valueCodeableConcept") or {}).get("coding", [{}])
        return str(coding[0].get("code", ""))

    @property
    def hidden(self) -> bool:
        """Whether nobody is shown it."""
        return self.extension(HIDDEN, "valueBoolean") is True

    def everything(self) -> Iterator["Element"]:
        """Yield this item and all items in it."""
        yield self
        for child in self.children("item"):
            yield from child.everything()


_NAMES: Mapping[type[Any], str] = {str: "text", bool: "boolean"}
