"""Where a patient lives: read out of what EHRs write, or unknown."""

from datetime import date
from typing import Any

import pytest

from fhir_alliance.records.place import Place, place_of

TODAY = date(2026, 11, 29)
HERE: dict[str, Any] = {"country": "US", "state": "CA"}
THERE: dict[str, Any] = {"country": "US", "state": "NV"}


def place(*addresses: Any) -> Place:
    """Return where somebody with these addresses lives."""
    return place_of({"resourceType": "Patient", "address": list(addresses)}, TODAY)


@pytest.mark.parametrize(
    ("country", "state", "expected"),
    [
        ("US", "CA", Place(country="US", part="CA")),
        ("USA", "US-CA", Place(country="US", part="CA")),
        ("United States of America", "ca", Place(country="US", part="CA")),
        ("u.s.a.", " CA ", Place(country="US", part="CA")),
        ("Deutschland", "Bayern", Place(country="DE")),
        ("UK", "ENG", Place(country="GB", part="ENG")),
        ("Estados Unidos", "", Place(country="US")),
        ("Europe", "", Place()),
        ("EU", "CA", Place(part="CA")),
        (None, "CA", Place(part="CA")),
        (None, "US-CA", Place()),
        (None, None, Place()),
    ],
)
def test_a_country_and_its_part(country: str | None, state: str | None, expected: Place) -> None:
    """Codes of two and three letters and names become codes; what is none is unknown, and never another place."""
    written = {name: value for name, value in (("country", country), ("state", state)) if value is not None}

    assert place(written) == expected


@pytest.mark.parametrize(
    "other",
    [
        {**THERE, "use": "old"},
        {**THERE, "use": "work"},
        {**THERE, "use": "billing"},
        {**THERE, "use": "temp"},
        {**THERE, "use": "home", "type": "postal"},
        {**THERE, "use": "home", "period": {"end": "2026-11-28"}},
        {**THERE, "use": "home", "period": {"end": "2025"}},
        {**THERE, "use": "home", "period": {"start": "2026-11-30T08:00:00Z"}},
        {**THERE, "use": "home", "period": {"start": "2026-12"}},
    ],
)
def test_no_home_or_not_now(other: dict[str, Any]) -> None:
    """Work, billing and old addresses, and those of another time, are not where somebody lives today."""
    assert place(other, HERE) == place(HERE, other) == Place(country="US", part="CA")


@pytest.mark.parametrize(
    "period", [{}, {"start": "2026-11-29"}, {"end": "2026-11-29"}, {"start": "2020", "end": "2026"}, {"end": "2026-11"}]
)
def test_a_home_of_today(period: dict[str, str]) -> None:
    """The first and the last day count, also where a date lacks its day or its month."""
    assert place({**HERE, "use": "home", "period": period}, THERE) == Place(country="US", part="CA")


def test_two_homes_in_two_states() -> None:
    """A child of two homes lives in one of two states: which one is unknown, the country is not."""
    assert place({**HERE, "use": "home"}, {**THERE, "use": "home"}) == Place(country="US")


@pytest.mark.parametrize("value", [None, "US", {"country": "US"}, ["US"], [None], [{"country": 7, "period": "now"}]])
def test_an_address_that_is_none(value: Any) -> None:
    """What FHIR does not allow there is unknown, and does not keep the record from being opened."""
    assert place_of({"resourceType": "Patient", "address": value}, TODAY) == Place()
