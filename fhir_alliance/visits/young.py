"""Which rule about ages holds for a patient: of what is not known, the strictest that could be (P8)."""

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, product
from typing import Any, Final

from fhir_alliance.records.place import Place, place_of
from fhir_alliance.settings import FREE, OLDEST, USUAL, AgeRule, Answering, Where

_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_FROM_FREEST: Final = tuple(Where)


def answering_of(rules: Sequence[AgeRule], *, birth_date: str, place: Place, today: date) -> Answering:
    """Return how a patient answers by a site's rules; `birth_date` is FHIR's, empty or without day or month too.

    A rule for a part of a country comes before one for the country, and that before one for everywhere; where a site
    has none the usual ones hold. Of what is not known everything is possible, and the strictest of it holds.
    """
    ages, places = list(_ages(rules, birth_date, today)), list(_places(rules, place))
    by_place = _by_place(rules)
    found = [_at(by_place, age, each) for age, each in product(ages, places)]
    return Answering(
        where=max((each.where for each in found), key=_FROM_FREEST.index),
        beside=all(each.beside for each in found),
        ask_who=any(each.ask_who for each in found),
    )


def answering_by_record(rules: Sequence[AgeRule], patient: Mapping[str, Any], today: date) -> Answering:
    """Return how the patient of a raw Patient answers by a site's rules."""
    birth_date, place = str(patient.get("birthDate", "")), place_of(patient, today)
    return answering_of(rules, birth_date=birth_date, place=place, today=today)


def _by_place(rules: Sequence[AgeRule]) -> Mapping[str, Sequence[AgeRule]]:
    """Return the rules by the code of a place, "" for everywhere."""
    found: dict[str, list[AgeRule]] = defaultdict(list)
    for rule in rules:
        for code in rule.places or ("",):
            found[code].append(rule)
    return found


def _at(rules: Mapping[str, Sequence[AgeRule]], age: int, place: Place) -> Answering:
    """Return what holds for an age at a place; the one that no rule names is a place as well."""
    codes = (f"{place.country}-{place.part}", place.country, "") if place.country else ("",)
    told = chain(*(rules.get(code, ()) for code in codes), USUAL)
    return next((rule.answering for rule in told if rule.holds(age)), FREE)


def _places(rules: Sequence[AgeRule], place: Place) -> Iterator[Place]:
    """Yield where somebody can live, as far as the rules tell places apart."""
    named = [code.partition("-") for rule in rules for code in rule.places]
    countries = {place.country} if place.country else {"", *(country for country, _, _ in named)}
    parts = {place.part} if place.part else {"", *(part for _, _, part in named)}
    yield from (Place(country=country, part=part) for country, part in product(countries, parts))


def _ages(rules: Sequence[AgeRule], birth_date: str, today: date) -> Iterator[int]:
    """Yield the youngest that somebody can be today, and every age further on at which another rule may begin."""
    youngest, oldest = _span(birth_date, today)
    yield youngest
    begin = {age for rule in (*rules, *USUAL) for age in (rule.first, rule.last + 1)}
    yield from (age for age in begin if youngest < age <= oldest)


def _span(birth_date: str, today: date) -> tuple[int, int]:
    """Return the youngest and the oldest that somebody can be; any age where the date cannot be meant."""
    told = _DATE.fullmatch(birth_date)
    try:
        year, month, day = (int(part or 0) for part in told.groups()) if told else (0, 0, 0)
        first = date(year, month or 1, day or 1)
        last_month = month or 12
        last = date(year, last_month, day or monthrange(year, last_month)[1])
    except ValueError:
        return 0, OLDEST
    return (_age(min(last, today), today), _age(first, today)) if first <= today else (0, OLDEST)


def _age(born: date, today: date) -> int:
    """Return full years of age; whoever was born on 29 February is a year older on 1 March where there is no 29th."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
