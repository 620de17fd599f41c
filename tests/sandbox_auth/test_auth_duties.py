"""The duties of a SMART server, one by one, as Inferno checks them (spec.md 1.6), at the whole sandbox.

`smart_tls` is left out: the sandbox answers on loopback only.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from joserfc import jwt
from joserfc.jwk import KeySet

from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.config import SandboxConfig
from tests.conformance.validating import errors

from .conftest import BASE, FHIR, Clock, Sandbox

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

Duty = Callable[[Sandbox], bool]
CONFIGURATION = "/fhir/.well-known/smart-configuration"
OPENID = "/fhir/.well-known/openid-configuration"
REQUIRED = {"authorization_endpoint", "token_endpoint", "capabilities", "grant_types_supported"}
BACKEND = {"grant_type": "client_credentials", "scope": "system/Observation.rs"}
ABROAD = {"Origin": "https://app.example.invalid"}


@pytest.fixture
def whole(config: SandboxConfig) -> Iterator[Sandbox]:
    """Run the whole sandbox, FHIR server included, with two patients and one clinician."""
    app = create_sandbox(replace(config, populate=False))
    grants: Grants = app.extensions["sandbox_grants"]
    yield Sandbox(grants=grants, clock=Clock(now=time.time()), browser=app.test_client(), app=app)
    app.extensions["sandbox_store"].close()


def document(whole: Sandbox, path: str = CONFIGURATION) -> dict[str, Any]:
    """Return a document anybody may read."""
    return dict(whole.browser.get(path).json or {})


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and payload of a JWT."""
    header, payload, _ = (base64.urlsafe_b64decode(f"{part}==") for part in token.split("."))
    return json.loads(header), json.loads(payload)


def backend(whole: Sandbox, *, form: dict[str, str] | None = None, **claims: Any) -> "TestResponse":
    """Ask for a backend token, with other claims in the proof or other fields."""
    return whole.token(**{**BACKEND, **whole.proof("system", **claims), **(form or {})})


def refreshed(whole: Sandbox, **form: str) -> "TestResponse":
    """Launch and use the refresh token."""
    token = whole.launched()["refresh_token"]
    return whole.token(grant_type="refresh_token", refresh_token=token, **whole.proof("clinician"), **form)


def introspected(whole: Sandbox, token: str) -> dict[str, Any]:
    """Return what a confidential client is told of a token."""
    reply = whole.browser.post("/auth/introspect", data={"token": token, **whole.proof("clinician")})
    return dict(reply.json or {})


def open_to(reply: "TestResponse", method: str = "GET") -> bool:
    """Whether an app of another origin may read an answer and call so."""
    allowed = reply.headers.get("Access-Control-Allow-Methods", "")
    return reply.headers.get("Access-Control-Allow-Origin") == "*" and method in allowed


def resources(whole: Sandbox, kind: str) -> list[dict[str, Any]]:
    """Return the resources of a type in the bundle of brands."""
    found = document(whole, "/auth/brands.json")["entry"]
    return [each["resource"] for each in found if each["resource"]["resourceType"] == kind]


def bundle_is_cached(whole: Sandbox) -> bool:
    """Whether the bundle has an ETag by which it is not sent twice."""
    etag = whole.browser.get("/auth/brands.json").headers["ETag"]
    return whole.browser.get("/auth/brands.json", headers={"If-None-Match": etag}).status_code == 304


def id_token_verifies(whole: Sandbox) -> bool:
    """Whether the published key with the token's kid verifies it by RS256."""
    token = whole.launched()["id_token"]
    jwt.decode(token, KeySet.import_key_set(document(whole, "/auth/jwks")), algorithms=["RS256"])
    return parts(token)[0]["kid"] in {key["kid"] for key in document(whole, "/auth/jwks")["keys"]}


def preflight(whole: Sandbox, path: str, method: str) -> bool:
    """Whether a browser's question before a call is answered with yes, without a token."""
    headers = {**ABROAD, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "Authorization"}
    reply = whole.browser.options(path, headers=headers)
    return reply.status_code < 300 and open_to(reply, method)


DUTIES: list[tuple[str, str, Duty]] = [
    ("well_known_endpoint", "the configuration is JSON below the FHIR base",
     lambda it: it.browser.get(CONFIGURATION).mimetype == "application/json"),
    ("well_known_capabilities_stu2", "it has all that must be there, S256 and not plain",
     lambda it: set(document(it)) >= REQUIRED
     and document(it)["code_challenge_methods_supported"] == ["S256"]),
    ("well_known_capabilities_stu2", "with sso-openid-connect issuer and keys are named",
     lambda it: "sso-openid-connect" in document(it)["capabilities"] and {"issuer", "jwks_uri"} <= set(document(it))),
    ("smart_launch_received", "a launch value leads through authorization",
     lambda it: it.authorize(it.ehr_request()).status_code == 303),
    ("smart_app_redirect_stu2", "the browser comes back with the state that was sent",
     lambda it: it.sent_back(it.authorize(it.ehr_request(state="mine")))["state"] == "mine"),
    ("smart_code_received", "and with a code", lambda it: bool(it.code())),
    ("smart_token_exchange_stu2_2", "the code becomes a token with the right verifier",
     lambda it: bool(it.launched()["access_token"])),
    ("smart_token_exchange_stu2_2", "and with no other verifier",
     lambda it: it.token(**it.code_form(it.code(), code_verifier="w" * 43)).status_code == 400),
    ("smart_token_response_body_stu2_2", "the answer has token, type, life time, scope and context",
     lambda it: {"access_token", "token_type", "expires_in", "scope", "patient"} <= set(it.launched())),
    ("smart_token_response_body_stu2_2", "fhirContext is a list of objects",
     lambda it: it.launched(launch=it.launch(fhir_context=[{"reference": "ImagingStudy/1"}]))["fhirContext"]
     == [{"reference": "ImagingStudy/1"}]),
    ("smart_token_response_headers", "no answer with a token is stored",
     lambda it: it.token(**it.code_form(it.code())).headers["Cache-Control"] == "no-store"),
    ("smart_token_response_headers", "not by old proxies either",
     lambda it: it.token(**it.code_form(it.code())).headers["Pragma"] == "no-cache"),
    ("smart_token_refresh_stu2", "a refresh token brings a new access token, without a scope",
     lambda it: refreshed(it).status_code == 200),
    ("smart_token_refresh_stu2", "and with a narrower scope",
     lambda it: refreshed(it, scope="user/Patient.r").status_code == 200),
    ("smart_token_refresh_body", "the answer has what the first one had to have",
     lambda it: {"access_token", "token_type", "expires_in", "scope"} <= set(refreshed(it).json or {})),
    ("smart_token_refresh_body", "a narrower scope is what is granted then",
     lambda it: (refreshed(it, scope="user/Patient.r").json or {})["scope"] == "user/Patient.r"),
    ("smart_openid_retrieve_configuration", "the OpenID configuration is below the issuer",
     lambda it: document(it, OPENID)["issuer"] == FHIR),
    ("smart_openid_required_configuration_fields", "it has all required fields, with RS256",
     lambda it: "RS256" in document(it, OPENID)["id_token_signing_alg_values_supported"]
     and {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
          "subject_types_supported"} <= set(document(it, OPENID))),
    ("smart_openid_retrieve_jwks", "its keys are published, public halves only",
     lambda it: all("d" not in key for key in document(it, "/auth/jwks")["keys"])),
    ("smart_openid_decode_id_token", "one of them verifies the id_token", id_token_verifies),
    ("smart_openid_token_header", "which says RS256 and its kid",
     lambda it: parts(it.launched()["id_token"])[0].keys() >= {"alg", "kid"}
     and parts(it.launched()["id_token"])[0]["alg"] == "RS256"),
    ("smart_openid_token_payload", "who it is from, for whom, about whom, and until when",
     lambda it: parts(it.launched()["id_token"])[1].items() >= {("iss", FHIR), ("aud", "clinician")}
     and 0 < len(parts(it.launched()["id_token"])[1]["sub"]) <= 255
     and parts(it.launched()["id_token"])[1]["exp"] > parts(it.launched()["id_token"])[1]["iat"]),
    ("smart_openid_fhir_user_claim", "fhirUser is a resource of this server that is a person",
     lambda it: parts(it.launched()["id_token"])[1]["fhirUser"] == f"{FHIR}/Practitioner/vera"),
    ("smart_backend_services_invalid_grant_type", "another grant_type is refused with 400",
     lambda it: backend(it, form={"grant_type": "password"}).status_code == 400),
    ("smart_backend_services_invalid_client_assertion", "another kind of assertion is refused with 400 or 401",
     lambda it: backend(it, form={"client_assertion_type": "saml"}).status_code in (400, 401)),
    ("smart_backend_services_invalid_jwt", "so is a proof for somebody else, out of time, or signed by a stranger",
     lambda it: all(reply.status_code in (400, 401) for reply in (
         backend(it, aud="https://other.example.invalid"), backend(it, exp=1), backend(it, iss="clinician"),
         backend(it, key=it.stranger)))),
    ("smart_backend_services_auth_request_success", "a right proof brings a token",
     lambda it: backend(it).status_code == 200),
    ("smart_backend_services_auth_response_body", "with type, scope and a life of five minutes at most",
     lambda it: (backend(it).json or {}).keys() >= {"access_token", "token_type", "expires_in", "scope"}
     and (backend(it).json or {})["expires_in"] <= 300),
    ("smart_token_introspection_active", "a live token is told with scope, client and end",
     lambda it: introspected(it, it.launched()["access_token"]).keys() >= {"active", "scope", "client_id", "exp"}),
    ("smart_token_introspection_context", "and with the patient of its launch",
     lambda it: introspected(it, it.launched()["access_token"])["patient"] == "ana"),
    ("smart_token_introspection_inactive", "any other text is not active, and nothing more",
     lambda it: introspected(it, "no-token") == {"active": False}),
    ("smart_cors_well_known", "an app of another origin may read the configuration",
     lambda it: open_to(it.browser.get(CONFIGURATION, headers=ABROAD))),
    ("smart_cors_openid_fhir_user", "and the OpenID configuration and the keys",
     lambda it: open_to(it.browser.get(OPENID, headers=ABROAD))
     and open_to(it.browser.get("/auth/jwks", headers=ABROAD))),
    ("smart_cors_metadata", "and the CapabilityStatement",
     lambda it: open_to(it.browser.get("/fhir/metadata", headers=ABROAD))),
    ("smart_cors_token", "and ask for tokens, also when it is refused",
     lambda it: preflight(it, "/auth/token", "POST")
     and open_to(it.browser.post("/auth/token", data={}, headers=ABROAD), "POST")),
    ("smart_cors_fhir", "and read and write records, also when it is refused",
     lambda it: preflight(it, "/fhir/Patient/ana", "GET") and preflight(it, "/fhir/Observation", "POST")
     and open_to(it.browser.get("/fhir/Patient/ana", headers=ABROAD))),
    ("smart_access_brands_retrieve_bundle", "the bundle is where the configuration says, for every origin",
     lambda it: document(it)["user_access_brand_bundle"] == f"{BASE}/auth/brands.json"
     and open_to(it.browser.get("/auth/brands.json", headers=ABROAD))),
    ("smart_access_brands_retrieve_bundle", "and is not sent twice to who has it", bundle_is_cached),
    ("smart_access_brands_valid_bundle", "it is a collection with its time, by an independent model",
     lambda it: Bundle.model_validate(document(it, "/auth/brands.json")).type == "collection"
     and "timestamp" in document(it, "/auth/brands.json")),
    ("smart_access_brands_valid_brands", "its brands are valid FHIR, and one has the identifier that the EHR names",
     lambda it: all(_errors(each) == [] for each in resources(it, "Organization"))
     and document(it)["user_access_brand_identifier"] in resources(it, "Organization")[0]["identifier"]),
    ("smart_access_brands_valid_endpoints", "its endpoints are valid FHIR, and brands refer to them",
     lambda it: all(_errors(each) == [] for each in resources(it, "Endpoint"))
     and {each["reference"] for owner in resources(it, "Organization") for each in owner["endpoint"]}
     == {f"Endpoint/{each['id']}" for each in resources(it, "Endpoint")}),
    ("smart_access_brands_valid_endpoint_urls", "their addresses are FHIR servers: this one",
     lambda it: [each["address"] for each in resources(it, "Endpoint")] == [FHIR]
     and it.browser.get("/fhir/metadata").status_code == 200),
]  # fmt: skip


def _errors(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what our validator has against a resource as FHIR R4; the SMART profiles are not at hand."""
    return errors({name: value for name, value in resource.items() if name != "meta"})


@pytest.mark.parametrize(("sentence", "duty"), [each[1:] for each in DUTIES], ids=[each[0] for each in DUTIES])
def test_duty(whole: Sandbox, sentence: str, duty: Duty) -> None:
    """The sandbox does what each sentence says."""
    assert duty(whole), sentence
