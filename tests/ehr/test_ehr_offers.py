"""What an EHR states that it does not offer is not asked of it; what it says nothing of may be there."""

from dataclasses import replace
from pathlib import Path

import pytest

from fhir_alliance.ehr.launches import Kind, Role
from fhir_alliance.ehr.offers import require_offered
from fhir_alliance.errors import NotOffered
from fhir_alliance.settings import ClientSettings

PUBLIC = ClientSettings(client_id="alliance", scopes="openid")
SIGNING = replace(PUBLIC, key_file=Path("key.jwk"))
SECRET_FILE, SECRET = replace(PUBLIC, secret_file=Path("secret")), replace(PUBLIC, secret_variable="SECRET")


@pytest.mark.parametrize(
    ("offers", "client", "role", "kind", "lacking"),
    [
        ("", PUBLIC, "clinician", "ehr", ""),
        ("launch-ehr client-public permission-user", PUBLIC, "clinician", "ehr", ""),
        ("context-ehr-patient sso-openid-connect permission-v2", SIGNING, "patient", "standalone", ""),
        ("launch-standalone", PUBLIC, "clinician", "ehr", "launch-ehr"),
        ("launch-ehr", PUBLIC, "clinician", "standalone", "launch-standalone"),
        ("client-public", SIGNING, "clinician", "ehr", "client-confidential-asymmetric"),
        ("client-confidential-symmetric", SIGNING, "clinician", "ehr", "client-confidential-asymmetric"),
        ("client-confidential-asymmetric", SECRET, "clinician", "ehr", "client-confidential-symmetric"),
        ("client-confidential-asymmetric", SECRET_FILE, "clinician", "ehr", "client-confidential-symmetric"),
        ("client-confidential-symmetric", SECRET, "clinician", "ehr", ""),
        ("client-confidential-symmetric", PUBLIC, "patient", "ehr", "client-public"),
        ("permission-user", PUBLIC, "patient", "ehr", "permission-patient"),
        ("permission-patient", PUBLIC, "clinician", "ehr", "permission-user"),
        ("launch-ehr permission-user", PUBLIC, "patient", "standalone", "launch-standalone, permission-patient"),
    ],
)
def test_a_capability_counts_where_others_like_it_are_named(
    offers: str, client: ClientSettings, role: Role, kind: Kind, lacking: str
) -> None:
    """A launch is refused with everything that it lacks, and only then (S08)."""
    refused = ""

    try:
        require_offered(frozenset(offers.split()), client, role=role, kind=kind)
    except NotOffered as error:
        refused = error.detail.removeprefix("smart-configuration does not offer ")

    assert refused == lacking
