"""The CapabilityStatement: what this server does, drawn from the tables it works by, and what its profile claims."""

from collections.abc import Iterator
from typing import Any

from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.includes import includes_of, revincludes_of
from smart_app.sandbox.fhir.parameters import TYPES, Parameters
from smart_app.sandbox.fhir.profiles import Profile
from smart_app.sandbox.fhir.terms import Resource

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_BUNDLES = [{"code": "transaction"}, {"code": "batch"}]
_INTERACTIONS = ("read", "vread", "create", "update", "search-type")


def capability_statement(config: SandboxConfig) -> Resource:
    """Return the CapabilityStatement of the server at the configured address (FHIR R4, http.html#capabilities)."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "software": {"name": "Sandbox EHR"},
        "implementation": {"description": "Sandbox EHR with synthetic patients", "url": config.fhir_base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(f"{config.base_url}/auth"),
                "resource": [_resource(name, parameters, config.allowed) for name, parameters in TYPES.items()],
                **({"interaction": _BUNDLES} if config.allowed.bundles else {}),
            }
        ],
    }


def _resource(name: str, parameters: Parameters, profile: Profile) -> dict[str, Any]:
    includes = {"searchInclude": includes_of(name), "searchRevInclude": revincludes_of(name)}
    return {
        "type": name,
        "interaction": [{"code": code} for code in _interactions(name, profile)],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": profile.may_update(name),
        "conditionalCreate": profile.conditional and profile.may_write(name),
        "conditionalRead": "not-supported",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        **{offer: values for offer, values in includes.items() if values},
        "searchParam": [{"name": param, "type": parameter.fhir_type} for param, parameter in parameters.items()],
    }


def _interactions(name: str, profile: Profile) -> Iterator[str]:
    """Yield what is offered for a type; some EHRs say that they take what they refuse."""
    offered = {"create": profile.says_create(name), "update": profile.may_update(name)}
    yield from (code for code in _INTERACTIONS if offered.get(code, True))


def _security(auth_base: str) -> dict[str, Any]:
    uris = [{"url": name, "valueUri": f"{auth_base}/{name}"} for name in ("authorize", "token")]
    return {
        "extension": [{"url": _OAUTH_URIS, "extension": uris}],
        "cors": False,
        "service": [{"coding": [{"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}],
        "description": "SMART App Launch 2.2; every call but this one needs an access token",
    }
