"""A bundle of brands is somebody's word: an EHR takes its own brand from it, and nothing that is more than words."""

from typing import Any

import pytest

from fhir_alliance.ehr.brand import LONGEST, MAX_ENTRIES, Brand, read_brand
from fhir_alliance.errors import EhrError

BASE = "https://ehr.example.invalid/fhir"
PORTAL = "http://hl7.org/fhir/StructureDefinition/organization-portal"
ID = {"system": "urn:ietf:rfc:3986", "value": "https://harbor.example.invalid"}


def organization(name: Any = "Harbor", *, endpoint: str = "Endpoint/e", **more: Any) -> dict[str, Any]:
    """Return an organization with an endpoint."""
    return {"resourceType": "Organization", "id": "o", "name": name, "endpoint": [{"reference": endpoint}], **more}


def endpoint(address: str = BASE, name: str = "e") -> dict[str, Any]:
    """Return an endpoint."""
    return {"resourceType": "Endpoint", "id": name, "address": address}


def bundle(*resources: Any) -> dict[str, Any]:
    """Return a bundle of these."""
    return {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}


def test_the_brand_of_its_own_endpoint() -> None:
    """Of all brands in a list the one counts whose endpoint is this EHR; portal and town come along."""
    portal = {"url": PORTAL, "extension": [{"url": "portalName", "valueString": "MyHarbor"}]}
    own = organization(extension=[portal], address=[{"city": "Portland", "state": "ME"}])
    other = organization("Lake", endpoint="Endpoint/lake")

    brand = read_brand(
        bundle(other, own, endpoint("https://lake.example.invalid/fhir", "lake"), endpoint()), fhir_base=BASE
    )

    assert brand == Brand(name="Harbor", portal="MyHarbor", place="Portland, ME")


def test_the_identifier_that_the_ehr_names_comes_first() -> None:
    """Where several brands share an endpoint, or it is not listed, the EHR says which is its own."""
    named = organization("Harbor Kids", endpoint="Endpoint/none", identifier=[ID])

    assert read_brand(bundle(organization(), endpoint(), named), fhir_base=BASE, identifier=ID).name == "Harbor Kids"


def test_endpoints_by_full_address_and_in_the_portal() -> None:
    """A reference may be the entry's fullUrl, and stand with the portal only."""
    url = "https://lists.example.invalid/Endpoint/e"
    portal = {"url": PORTAL, "extension": [{"url": "portalEndpoint", "valueReference": {"reference": url}}]}
    found = bundle(organization(endpoint="Endpoint/none", extension=[portal]))
    found["entry"].append({"fullUrl": url, "resource": endpoint(name="z")})

    assert read_brand(found, fhir_base=BASE).name == "Harbor"


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "Bundle",
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": {}},
        {"resourceType": "Bundle", "entry": [None, 7, {"resource": []}]},
        {"resourceType": "OperationOutcome", "entry": []},
        bundle(*[endpoint()] * (MAX_ENTRIES + 1), organization()),
        bundle(organization(), endpoint(f"{BASE}-evil")),
        bundle(organization(), endpoint(f"{BASE}@evil.example.invalid")),
        bundle(organization(["Harbor"]), endpoint()),
        bundle(organization(" \u202e\u200b "), endpoint()),
        bundle({**organization(), "endpoint": "Endpoint/e"}, endpoint()),
        bundle({**organization(), "endpoint": [{"reference": {"a": 1}}]}, endpoint()),
    ],
)
def test_what_has_no_brand_of_this_ehr(found: Any) -> None:
    """No bundle, too many entries, other endpoints, look-alikes, names that are none: each is told, none crashes."""
    with pytest.raises(EhrError):
        read_brand(found, fhir_base=BASE)


@pytest.mark.parametrize("identifier", [None, 7, "harbor", {}, {"value": ["x"]}, {"value": "x"}])
def test_an_odd_identifier_names_nothing(identifier: Any) -> None:
    """Then the endpoint decides; an organization without an identifier is not the one without a value."""
    unnamed = organization("Lake", endpoint="Endpoint/lake", identifier=[{}])

    assert (
        read_brand(bundle(unnamed, organization(), endpoint()), fhir_base=BASE, identifier=identifier).name == "Harbor"
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Har\u202ebor\u2066 \x1b[2J\nClinic\u200b", "Har bor [2J Clinic"),
        ("H" * 10_000, "H" * (LONGEST - 1) + "…"),
        ("Sankt Jörg · Île", "Sankt Jörg · Île"),
    ],
)
def test_names_are_one_line_of_words(given: str, shown: str) -> None:
    """What steers a terminal, turns text around or fills the page is taken out."""
    assert read_brand(bundle(organization(given), endpoint()), fhir_base=BASE).name == shown


def test_no_address_is_taken_over() -> None:
    """Logos and portal addresses of a bundle go nowhere: a brand is words only."""
    logo = {"url": "http://hl7.org/fhir/StructureDefinition/organization-brand", "extension": [
        {"url": "brandLogo", "valueUrl": "https://evil.example.invalid/x.svg"}]}  # fmt: skip
    portal = {"url": PORTAL, "extension": [{"url": "portalUrl", "valueUrl": "https://evil.example.invalid/"}]}

    assert "evil" not in repr(read_brand(bundle(organization(extension=[logo, portal]), endpoint()), fhir_base=BASE))
