"""`[[age_rule]]`: where patients of an age answer, by the place where they live, and whether who is there is asked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any, Final

from babel import Locale
from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.settings.strict import Strict

OLDEST: Final = 150
"""The last year of age that a rule may name: whoever is older has a birth date that cannot be meant."""

_CODE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
# CLDR has codes that no country has in ISO 3166: nobody's record names the European Union.
_NO_COUNTRIES: Final = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))
_READS_PATIENTS: Final = ("system/Patient.", "system/*.")


class Where(StrEnum):
    """Where the form is filled in, from the freest to the strictest."""

    ANYWHERE = "anywhere"
    ROOM_FIRST = "room-first"
    ROOM_ONLY = "room-only"


@dataclass(frozen=True, kw_only=True)
class Answering:
    """How a patient answers: `where`, and with `ask_who` at home only after a yes to the question who is there.

    Without `beside` the device of somebody who is signed in for the patient is not given to them either; that other
    person never sees or answers anything (P8).
    """

    where: Where = Where.ANYWHERE
    beside: bool = True
    ask_who: bool = False


@dataclass(frozen=True, kw_only=True)
class AgeRule:
    """How patients answer from one year of age to another, both included.

    `places` are codes of ISO 3166, of countries or of parts of them, where they live; none is everywhere.
    """

    first: int
    last: int
    answering: Answering
    places: tuple[str, ...] = ()

    def holds(self, age: int) -> bool:
        """Whether it is for an age."""
        return self.first <= age <= self.last


FREE: Final = Answering()
"""How patients answer for whose age no rule is."""

USUAL: Final = (
    AgeRule(first=0, last=11, answering=Answering(ask_who=True)),
    AgeRule(first=12, last=17, answering=Answering(where=Where.ROOM_FIRST, ask_who=True)),
)
"""What holds at ages and places of which a site says nothing: P8 prefers the clinic's tablet from 12 to 17."""


def is_country(code: str) -> bool:
    """Whether two letters are the code of a country in ISO 3166."""
    return code in Locale("en").territories and len(code) == len("US") and code not in _NO_COUNTRIES


def _place(code: str) -> None:
    """Refuse what is no place, and with it a rule that would never hold."""
    if not _CODE.fullmatch(code):
        raise ValidationError("is no code such as US or US-CA")
    if not is_country(code[:2]):
        raise ValidationError(f"{code[:2]} is not the code of a country in ISO 3166")


class AgeRuleSchema(Strict):
    """One `[[age_rule]]`."""

    places = fields.List(
        fields.String(validate=_place),
        load_default=list,
        validate=validate.Length(max=100, error="has more than 100 places"),
    )
    ages = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=0, max=OLDEST)),
        required=True,
        validate=validate.Length(equal=2, error="needs two ages: from which, and to which"),
    )
    where = fields.String(required=True, validate=validate.OneOf([*Where]))
    beside = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    ask_who = fields.Boolean(load_default=True, truthy={True}, falsy={False})

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a rule for no age at all."""
        first, last = data["ages"]
        if first > last:
            raise ValidationError(f"from {first} to {last} is no age: the lower one comes first", "ages")


def build_age_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[AgeRule, ...]:
    """Turn checked values into frozen objects."""
    return tuple(
        AgeRule(
            first=row["ages"][0],
            last=row["ages"][1],
            places=tuple(row["places"]),
            answering=Answering(where=Where(row["where"]), beside=row["beside"], ask_who=row["ask_who"]),
        )
        for row in rows
    )


def age_faults(
    rows: Sequence[Mapping[str, Any]], schedules: Mapping[str, Mapping[str, Any]], ehrs: Mapping[str, Mapping[str, Any]]
) -> dict[int, list[str]]:
    """Return what does not fit between rules, and between them and reminders, by the number of the rule.

    What must not reach a patient without a launch needs to know how old they are, which only the EHR can tell.
    """
    faults: dict[int, list[str]] = {}
    for (one, earlier), (two, later) in combinations(enumerate(rows), 2):
        ages = range(max(earlier["ages"][0], later["ages"][0]), min(earlier["ages"][1], later["ages"][1]) + 1)
        for place in sorted(_said_of(earlier) & _said_of(later)) if ages else ():
            span = f"{ages[0]} to {ages[-1]}" if len(ages) > 1 else f"{ages[0]}"
            faults.setdefault(two, []).append(
                f"age {span} has a rule for {place or 'everywhere'} already, number {one}"
            )
    reminds = any(each["remind_hours"] for each in schedules.values())
    reaching = (name for name, values in ehrs.items() if reminds or values["tasks"])
    blind = [name for name in reaching if not _reads_patients(ehrs[name])]
    only = next((number for number, row in enumerate(rows) if row["where"] == Where.ROOM_ONLY), None)
    if only is not None:
        needs = "room-only beside remind_hours or tasks needs the scope system/Patient.r of"
        why = "who is left out depends on their age"
        faults.setdefault(only, []).extend(f"{needs} [ehr.{name}.backend]: {why}" for name in blind)
    return {number: found for number, found in faults.items() if found}


def _said_of(row: Mapping[str, Any]) -> set[str]:
    return set(row["places"]) or {""}


def _reads_patients(ehr: Mapping[str, Any]) -> bool:
    scopes = (ehr["backend"] or {}).get("scopes", "")
    return any(each in scopes for each in _READS_PATIENTS)
