"""Behind a reverse proxy: each browser has limits of its own, and cannot make itself another one (T72)."""

from collections.abc import Iterator

import pytest

from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import House, Person

PHONE, TABLET = "198.51.100.7", "198.51.100.8"


def behind_one_proxy(site: Site) -> None:
    """Say that one proxy stands before the app."""
    site.settings.write_text(f"proxies = 1\n{site.settings.read_text()}")


@pytest.fixture
def behind(make_house: MakeHouse) -> House:
    """Open a house of whose requests the last address in the header is the proxy's word."""
    return make_house(change=behind_one_proxy)


def guesses(house: House, forwarded: Iterator[str]) -> list[int]:
    """Type a wrong code once for each value of the header; returns the answers."""
    person = Person()
    form = person.open(house.url("/handover/")).forms[0]
    fields = {**form.hidden, "code": "AAA-AAA"}
    headers = ({"X_Forwarded_For": value} for value in forwarded)
    return [person.send("POST", form.action, fields, Origin=house.site.app_url, **each).status_code for each in headers]


def test_limits_are_each_browsers_own(behind: House) -> None:
    """Ten wrong codes from one address are answered with "wait", and a code from another one is still looked up."""
    assert guesses(behind, iter([PHONE] * 11)) == [*[404] * 10, 429]
    assert guesses(behind, iter([TABLET])) == [404]


def test_what_a_browser_adds_is_not_believed(behind: House) -> None:
    """Addresses made up by a browser stand before the one that the proxy adds: the eleventh guess has to wait."""
    assert guesses(behind, (f"203.0.113.{number}, {PHONE}" for number in range(11))) == [*[404] * 10, 429]


def test_without_a_proxy_nothing_is_believed(own: House) -> None:
    """Where the site has no proxy, the header changes nothing: the eleventh guess has to wait."""
    assert guesses(own, (f"203.0.113.{number}" for number in range(11))) == [*[404] * 10, 429]
