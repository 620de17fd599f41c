"""Where a patient lives, as far as the record tells it in a way that can be compared."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from babel import Locale
from babel.core import get_global

from fhir_alliance.settings.ages import is_country

# FHIR R4 AddressUse: where somebody stays for a while comes after their home; "work", "billing" and "old" are no homes.
_ORDER: Final = ("home", None, "temp")
_POSTAL: Final = "postal"
_PART: Final = re.compile(r"[A-Z0-9]{1,3}")
# Records name countries in words, too: those that the pages speak, and the long name of the one with most EHRs.
_SPOKEN: Final = ("en", "es", "de", "fr", "hi")
_ALSO: Final = {"UNITED STATES OF AMERICA": "US"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A country and a part of it, by their codes in ISO 3166 without the hyphen; each is empty where it is unknown."""

    country: str = ""
    part: str = ""


def place_of(resource: Mapping[str, Any], today: date) -> Place:
    """Return where a raw Patient lives on a day.

    Where several addresses are as good, what they do not agree about is unknown; what cannot be understood is, too.
    """
    addresses = [each for each in _listed(resource.get("address")) if _is_home(each, today)]
    for use in _ORDER:
        found = {_read(each) for each in addresses if each.get("use") == use}
        if found:
            return Place(country=_one({each.country for each in found}), part=_one({each.part for each in found}))
    return Place()


def _listed(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the addresses that are any: a record with an odd one is still opened."""
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _is_home(address: Mapping[str, Any], today: date) -> bool:
    """Whether somebody can live at an address today; FHIR's dates may lack day or month."""
    period = address.get("period")
    start, end = (str(period.get(name) or "")[:10] if isinstance(period, dict) else "" for name in ("start", "end"))
    day = today.isoformat()
    in_time = start <= day[: len(start)] and (not end or day[: len(end)] <= end)
    return in_time and address.get("type") != _POSTAL


def _read(address: Mapping[str, Any]) -> Place:
    country, part = (str(address.get(name) or "").strip().upper() for name in ("country", "state"))
    code = _code(country)
    own = part.removeprefix(f"{code}-")
    return Place(country=code, part=own if _PART.fullmatch(own) else "")


def _one(values: set[str]) -> str:
    return values.pop() if len(values) == 1 else ""


def _code(country: str) -> str:
    """Return the two letters of a country that is given by its two or three, or its name; empty when it is none."""
    letters = country.replace(".", "")
    if is_country(letters):
        return letters
    aliases = get_global("territory_aliases").get(letters, ()) if len(letters) <= len("USA") else ()
    known = [str(each) for each in aliases if is_country(str(each))]
    return known[0] if len(known) == 1 else _names().get(country, "")


@cache
def _names() -> Mapping[str, str]:
    told = (Locale(language).territories.items() for language in _SPOKEN)
    return _ALSO | {name.upper(): code for names in told for code, name in names if is_country(code)}
