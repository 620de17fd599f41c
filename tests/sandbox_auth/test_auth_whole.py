"""The authorization server inside the whole sandbox."""

from dataclasses import replace
from typing import Any

from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import SandboxConfig


def test_a_token_opens_the_fhir_server_until_it_is_revoked(config: SandboxConfig, sandbox: Any) -> None:
    """A system token searches Observations on the FHIR side; without one, or once revoked, the answer is 401."""
    app = create_sandbox(replace(config, populate=False))
    browser = app.test_client()
    proofs = [sandbox.proof("system", **sandbox.real_times()) for _ in range(2)]
    form = {"grant_type": "client_credentials", "scope": "system/Observation.rs"}
    token = browser.post("/auth/token", data={**form, **proofs[0]}).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    without = browser.get("/fhir/Observation")
    found = browser.get("/fhir/Observation", headers=headers)
    other = browser.get("/fhir/Encounter", headers=headers)
    browser.post("/auth/revoke", data={"token": token, **proofs[1]})
    revoked = browser.get("/fhir/Observation", headers=headers)

    assert [reply.status_code for reply in (without, found, other, revoked)] == [401, 200, 403, 401]
    assert app.extensions["sandbox_log"][0][3] == "system"
    app.extensions["sandbox_store"].close()
