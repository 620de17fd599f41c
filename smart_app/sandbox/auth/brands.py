"""The bundle of brands that patients know this EHR by (SMART App Launch 2.2, user-access brands and endpoints)."""

from smart_app.sandbox.config import SandboxConfig

IDENTIFIER = {"system": "urn:ietf:rfc:3986", "value": "https://harbor-counseling.example.invalid"}
_EXTENSION = "http://hl7.org/fhir/StructureDefinition"
_TERMS = "http://terminology.hl7.org/CodeSystem"
_PROFILE = "http://hl7.org/fhir/smart-app-launch/StructureDefinition"
_PUBLISHED = "2026-11-01T00:00:00Z"


def brand_bundle(config: SandboxConfig) -> dict[str, object]:
    """Return the Bundle: one brand with its portal, and the endpoint that is this server."""
    base = config.base_url
    resources = [_brand(base), _endpoint(config)]
    return {
        "resourceType": "Bundle",
        "id": "brands",
        "meta": {"profile": [f"{_PROFILE}/user-access-brands-bundle"], "lastUpdated": _PUBLISHED},
        "type": "collection",
        "timestamp": _PUBLISHED,
        "entry": [
            {"fullUrl": f"{config.fhir_base}/{each['resourceType']}/{each['id']}", "resource": each}
            for each in resources
        ],
    }


def _brand(base: str) -> dict[str, object]:
    portal = {
        "url": f"{_EXTENSION}/organization-portal",
        "extension": [
            {"url": "portalName", "valueString": "MyHarbor"},
            {"url": "portalDescription", "valueMarkdown": "Messages, visits and forms"},
            {"url": "portalUrl", "valueUrl": f"{base}/"},
            {"url": "portalEndpoint", "valueReference": {"reference": "Endpoint/harbor-r4"}},
        ],
    }
    return {
        "resourceType": "Organization",
        "id": "harbor-brand",
        "meta": {"profile": [f"{_PROFILE}/user-access-brand"]},
        "extension": [portal],
        "identifier": [IDENTIFIER],
        "active": True,
        "type": [{"coding": [{"system": f"{_TERMS}/organization-type", "code": "prov"}]}],
        "name": "Harbor Counseling Center",
        "telecom": [{"system": "url", "value": f"{base}/"}],
        "address": [{"city": "Portland", "state": "ME", "country": "US"}],
        "endpoint": [{"reference": "Endpoint/harbor-r4"}],
    }


def _endpoint(config: SandboxConfig) -> dict[str, object]:
    return {
        "resourceType": "Endpoint",
        "id": "harbor-r4",
        "meta": {"profile": [f"{_PROFILE}/user-access-endpoint"]},
        "extension": [{"url": f"{_EXTENSION}/endpoint-fhir-version", "valueCode": "4.0.1"}],
        "status": "active",
        "connectionType": {"system": f"{_TERMS}/endpoint-connection-type", "code": "hl7-fhir-rest"},
        "name": "FHIR R4 for patients",
        "contact": [{"system": "url", "value": f"{config.base_url}/"}],
        "payloadType": [{"coding": [{"system": f"{_TERMS}/endpoint-payload-type", "code": "none"}]}],
        "address": config.fhir_base,
    }
