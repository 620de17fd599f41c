"""A form is bound to the EHR, and its permission to the client, that the settings named when it was accepted (F44)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey

from fhir_alliance.errors import SignInNeeded
from fhir_alliance.settings import ClientSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants, submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
OLD, NEW, OTHER = (ECKey.generate_key("P-384", auto_kid=True) for _ in range(3))


def client(path: Path, *keys: ECKey, client_id: str = "alliance-patient") -> ClientSettings:
    """Return a client that signs with keys, or a public one without any."""
    path.write_text(json.dumps({"keys": [key.as_dict(private=True) for key in keys]}))
    return ClientSettings(client_id=client_id, scopes="openid", key_file=path if keys else None)


@pytest.fixture
def at(make_site: Callable[..., "Site"], ehr: "FakeEhr") -> Callable[..., "Site"]:
    """Start the site, or start it again, with settings that name the EHR's own address unless they say otherwise."""

    def start(base: str = f"{ehr.origin}/fhir", **changed: Any) -> "Site":
        return make_site(base, f"{ehr.origin}/token", **changed)

    return start


@pytest.mark.parametrize("base", ["http://127.0.0.1:1/fhir", "{origin}/fhir2", "{origin}/fhir/tenant"])
def test_f44_another_address_gets_nothing(
    at: Callable[..., "Site"], ehr: "FakeEhr", accept_at: Accept, base: str
) -> None:
    """With another base under the same name the form is held, nothing is sent, and a new sign-in is no help."""
    key = accept_at(at())
    changed = at(base.format(origin=ehr.origin))

    changed.deliver()
    held = changed.standing(key)
    changed.outbox.renew(ehr="harbor", patient="maria-lopez", grant=changed.grant())
    changed.deliver()

    assert held == changed.standing(key) == ("held", "ehr-changed")
    assert (ehr.reads, ehr.posts, changed.sends()) == ([], [], [])


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ([], [], "delivered"),
        ([OLD], [OLD], "delivered"),
        ([OLD], [OLD, NEW], "delivered"),
        ([OLD, NEW], [NEW], "delivered"),
        ([OLD], [NEW], "held"),
        ([], [NEW], "held"),
        ([OLD], [], "held"),
    ],
)
def test_another_key_is_another_client(
    at: Callable[..., "Site"],
    ehr: "FakeEhr",
    accept_at: Accept,
    tmp_path: Path,
    before: list[ECKey],
    after: list[ECKey],
    state: str,
) -> None:
    """Keys may be rotated, one after another; when none of them is left the form is held and nothing is sent."""
    key = accept_at(at(patient=client(tmp_path / "before.json", *before)))
    changed = at(patient=client(tmp_path / "after.json", *after))

    changed.deliver()

    assert changed.standing(key) == (state, None if state == "delivered" else "client-changed")
    assert bool(ehr.reads or ehr.posts) is (state == "delivered")


def test_another_client_gets_nothing_through(
    at: Callable[..., "Site"], ehr: "FakeEhr", accept_at: Accept, tmp_path: Path
) -> None:
    """Another client id, or none any more, holds the form; with the right one again a person may let it go on."""
    key = accept_at(at())
    for patient in (client(tmp_path / "k.json", client_id="other"), None):
        changed = at(patient=patient)
        with transaction(changed.engine) as connection:
            connection.execute(submissions.update().values(state="accepted"))
        changed.deliver()
        assert changed.standing(key) == ("held", "client-changed")

    assert (ehr.reads, ehr.posts) == ([], [])


def test_the_same_kid_with_another_key_is_another_client(
    at: Callable[..., "Site"], accept_at: Accept, tmp_path: Path
) -> None:
    """Keys are known by what they are, not by what they are called."""
    key = accept_at(at(patient=client(tmp_path / "before.json", OLD)))
    renamed = ECKey.import_key({**OTHER.as_dict(private=True), "kid": OLD.kid})
    changed = at(patient=client(tmp_path / "after.json", renamed))

    changed.deliver()

    assert changed.standing(key) == ("held", "client-changed")


def test_a_token_is_not_taken_to_another_address(at: Callable[..., "Site"], ehr: "FakeEhr") -> None:
    """A permission of the EHR that had the name before is over, and is not given back to the one that has it now."""
    before = at()
    grant = before.grant(refresh="r1")
    changed = at(f"{ehr.origin}/fhir2", revocation_endpoint=f"{ehr.origin}/token")

    with pytest.raises(SignInNeeded):
        changed.grants.token(grant)
    changed.grants.end(grant)

    assert (ehr.reads, ehr.refreshed) == ([], [])


def test_what_an_older_version_accepted_is_delivered(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Forms and permissions from before these were bound go on as they were."""
    key = accept()
    with transaction(site.engine) as connection:
        connection.execute(submissions.update().values(fhir_base=None))
        connection.execute(grants.update().values(fhir_base=None, client_mark=None))

    site.deliver()

    assert site.standing(key) == ("delivered", None)
