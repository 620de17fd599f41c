"""Addresses that look alike are not the same."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_alliance.ehr.addresses import address, is_under
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import UnknownIssuer

BASE = "https://ehr.example.invalid/r4/fhir"
LOOK_ALIKES = [
    "",
    " ",
    "ehr.example.invalid/r4/fhir",
    "//ehr.example.invalid/r4/fhir",
    "http://ehr.example.invalid/r4/fhir",
    "https://ehr.example.invalid.evil.invalid/r4/fhir",
    "https://evil-ehr.example.invalid/r4/fhir",
    "https://ehr.example.invalid./r4/fhir",
    "https://ehr.example.invalid@evil.invalid/r4/fhir",
    "https://user@ehr.example.invalid/r4/fhir",
    "https://user:secret@ehr.example.invalid/r4/fhir",
    "https://@ehr.example.invalid/r4/fhir",
    "https://ehr.example.invalid:8443/r4/fhir",
    "https://ehr.example.invalid:80/r4/fhir",
    "https://ehr.example.invalid:/r4/fhir",
    "https://ehr.example.invalid:0443/r4/fhir",
    "https://ehr.example.invalid:99999/r4/fhir",
    "https://ehr.example.invalid:x/r4/fhir",
    "HTTPS://ehr.example.invalid/r4/fhir",
    "https://EHR.example.invalid/r4/fhir",
    "https://ehr.example.invalid/R4/fhir",
    "https://ehr.example.invalid/r4/FHIR",
    "https://ehr.example.invalid\\@evil.invalid/r4/fhir",
    "https://ehr.example.invalid\\r4\\fhir",
    "https:\\\\ehr.example.invalid/r4/fhir",
    "https:/ehr.example.invalid/r4/fhir",
    "https:///ehr.example.invalid/r4/fhir",
    "https://ehr.example.invalid/r4/fhir?",
    "https://ehr.example.invalid/r4/fhir?x=1",
    "https://ehr.example.invalid/r4/fhir#",
    "https://ehr.example.invalid/r4/fhir#x",
    "https://ehr.example.invalid/r4/fhir//",
    "https://ehr.example.invalid//r4/fhir",
    "https://ehr.example.invalid/r4/fhir/x",
    "https://ehr.example.invalid/r4/fhir-evil",
    "https://ehr.example.invalid/r4/x/../fhir",
    "https://ehr.example.invalid/r4/x/%2e%2e/fhir",
    "https://ehr.example.invalid/r4/./fhir",
    "https://ehr.example.invalid/r4%2ffhir",
    "https://ehr.example.invalid/r4/fhi%72",
    "https://ehr.example.invalid/r4",
    "https://[ehr.example.invalid]/r4/fhir",
    "https://ehr.example.invalid/r4/fhir\n",
    "https://ehr.example.invalid\t/r4/fhir",
    " https://ehr.example.invalid/r4/fhir",
    "https://ehr.example.invalid/r4/fhir\x00",
    "https://ehr\u3002example.invalid/r4/fhir",
    "https://\u0435hr.example.invalid/r4/fhir",
    "https://xn--hr-dlc.example.invalid/r4/fhir",
    "https://ehr.example.invalid/r4/fhir;x",
    "javascript:https://ehr.example.invalid/r4/fhir",
    "file:///r4/fhir",
    f"{BASE}/{'x' * 2048}",
    f"{BASE},{BASE}",
]


@pytest.fixture
def known(ehr: Any, settings_of: Callable[..., Any]) -> Registry:
    """Return a registry that knows one public EHR."""
    values = {**vars(ehr), "fhir_base": BASE}
    return Registry(settings_of(type(ehr)(**values)))


@pytest.mark.parametrize("iss", LOOK_ALIKES)
def test_a_look_alike_issuer_is_unknown(known: Registry, iss: str) -> None:
    """What only looks like the registered FHIR base is refused before any request."""
    with pytest.raises(UnknownIssuer):
        known.by_issuer(iss)


@pytest.mark.parametrize("iss", [BASE, f"{BASE}/", "https://ehr.example.invalid:443/r4/fhir"])
def test_the_registered_issuer_is_found(known: Registry, iss: str) -> None:
    """The registered base is found with or without its final slash and its default port."""
    assert known.by_issuer(iss).name == "harbor"


def test_names_are_looked_up_too(known: Registry) -> None:
    """An EHR is found by its name in the settings; another name is unknown."""
    assert known.by_name("harbor").fhir_base == BASE
    with pytest.raises(UnknownIssuer):
        known.by_name("harbour")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (BASE, True),
        (f"{BASE}/", True),
        (f"{BASE}/Patient/1", True),
        (f"{BASE}?a=b", True),
        (f"{BASE}/Patient?name=../x&y=%2e", True),
        (f"{BASE}-evil/Patient", False),
        (f"{BASE}/../evil", False),
        (f"{BASE}/%2E%2e/evil", False),
        (f"{BASE}/..", False),
        (f"{BASE}/Patient%2f..", False),
        (f"{BASE}/Patient\\..\\x", False),
        ("https://ehr.example.invalid/r4", False),
        ("https://other.example.invalid/r4/fhir/Patient", False),
        ("http://ehr.example.invalid/r4/fhir/Patient", False),
        ("https://ehr.example.invalid:444/r4/fhir/Patient", False),
    ],
)
def test_under_means_inside_the_path(url: str, expected: bool) -> None:
    """An address is under a base only with the same origin and at a path boundary."""
    assert is_under(url, BASE) is expected


def test_an_ipv6_host_is_compared_as_well() -> None:
    """A base with an IPv6 address works, with and without a port."""
    assert is_under("http://[::1]:8080/fhir/Patient", "http://[::1]:8080/fhir")
    assert is_under("http://[::1]/fhir", "http://[::1]:80/fhir")
    assert not is_under("http://[::2]:8080/fhir", "http://[::1]:8080/fhir")


@pytest.mark.parametrize(
    "url", ["ftp://ehr.example.invalid/a", "ftp://ehr.example.invalid:443/a", "file:///etc/passwd"]
)
def test_only_addresses_of_the_web_are_addresses(url: str) -> None:
    """Another scheme leads nowhere, with and without a port."""
    assert address(url) is None
