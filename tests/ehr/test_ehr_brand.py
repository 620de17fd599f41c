"""A bundle of brands is somebody's word: an EHR takes its own brand from it, and nothing that is more than words."""

from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.ehr.brand import LONGEST, MAX_ENTRIES, Brand, read_brand
from fhir_alliance.errors import EhrError
from smart_app.sandbox.auth.brands import brand_bundle
from smart_app.sandbox.config import SandboxConfig

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
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


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
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": "collection", "entry": {}},
        {"resourceType": "Bundle", "type": "collection", "entry": [None, 7, {"resource": []}]},
        {**bundle(organization(), endpoint()), "type": "history"},
        {**bundle(organization(), endpoint()), "type": ["collection"]},
        bundle(organization(active=False), endpoint()),
        bundle(organization(), {**endpoint(), "status": "entered-in-error"}),
        bundle(organization(), {**endpoint(), "status": "off"}),
        bundle(organization(), {**endpoint(), "connectionType": {"code": "ihe-xds"}}),
        bundle(organization(), {**endpoint(), "connectionType": ["hl7-fhir-rest"]}),
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


@pytest.mark.parametrize(
    "left_out",
    ["timestamp", "meta", "status", "connectionType", "contact", "extension", "payloadType", "active", "type"],
)
def test_what_is_required_and_not_shown_may_be_missing(tmp_path: Path, left_out: str) -> None:
    """The profiles ask for more than we show: a bundle that lacks one of it, but for its type, is still read."""
    config = SandboxConfig(base_url="https://ehr.example.invalid", database=tmp_path / "x", clients=())
    found: dict[str, Any] = brand_bundle(config)
    for holder in (found, *(each["resource"] for each in found["entry"])):
        if holder is not found or left_out != "type":
            holder.pop(left_out, None)

    assert read_brand(found, fhir_base=config.fhir_base).name == "Harbor Counseling Center"


@pytest.mark.parametrize("reference", ["Organization/whole", "https://lists.example.invalid/Organization/whole"])
def test_a_part_has_the_portal_of_the_whole(reference: str) -> None:
    """The whole comes before its parts; a part that the EHR names keeps its own name and shows the whole's portal."""
    portal = {"url": PORTAL, "extension": [{"url": "portalName", "valueString": "MyHarbor"}]}
    part = organization("Harbor Kids", partOf={"reference": reference}, identifier=[ID])
    found = bundle(part, endpoint())
    whole = {**organization(extension=[portal]), "id": "whole"}
    found["entry"].append({"fullUrl": "https://lists.example.invalid/Organization/whole", "resource": whole})

    assert read_brand(found, fhir_base=BASE) == Brand(name="Harbor", portal="MyHarbor")
    assert read_brand(found, fhir_base=BASE, identifier=ID) == Brand(name="Harbor Kids", portal="MyHarbor")


@pytest.mark.parametrize(
    "whole", [None, 7, "Organization/o", {}, {"reference": ["Organization/o"]}, {"reference": "x"}]
)
def test_an_odd_whole_is_none(whole: Any) -> None:
    """Then a brand has what it says of itself, and no portal."""
    assert read_brand(bundle(organization(partOf=whole), endpoint()), fhir_base=BASE) == Brand(name="Harbor")


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
