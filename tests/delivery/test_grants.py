"""Permissions are kept sealed, refreshed once, and never used after their end."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from fhir_alliance.errors import EhrUnreachable, SignInNeeded
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site


def test_good_token_is_handed_out_without_a_request(site: "Site", ehr: "FakeEhr") -> None:
    """While a token lives, nobody asks the EHR."""
    grant = site.grant(refresh="r1")

    assert site.grants.token(grant) == "token-1"
    assert ehr.refreshed == []


def test_token_about_to_end_is_refreshed_before_it_does(site: "Site", ehr: "FakeEhr") -> None:
    """Half a minute before its end a token is replaced, and what was not sent back stays."""
    ehr.refreshes = {"r1": {"access_token": "token-2"}}
    grant = site.grant(refresh="r1")
    site.clock.pass_by(days=30, seconds=-29)

    token = site.grants.token(grant)

    with site.engine.connect() as connection:
        row = connection.execute(select(grants)).mappings().one()
    assert (token, row["scopes"]) == ("token-2", "openid patient/Observation.crus patient/Provenance.c")
    assert row["expires_at"] == site.clock.now + timedelta(minutes=5)
    assert row["refresh_token"] is not None


def test_rotated_token_replaces_the_old_one(site: "Site", ehr: "FakeEhr") -> None:
    """The second refresh uses the token that the first one brought, and the scopes are those last granted."""
    ehr.refreshes = {
        "r1": {"access_token": "token-2", "refresh_token": "r2", "scope": "openid"},
        "r2": {"access_token": "token-3"},
    }
    grant = site.grant(refresh="r1")

    tokens = [site.grants.token(grant, rejected=rejected) for rejected in ("token-1", "token-2")]

    with site.engine.connect() as connection:
        assert connection.scalar(select(grants.c.scopes)) == "openid"
    assert (tokens, ehr.refreshed) == (["token-2", "token-3"], ["r1", "r2"])


def test_many_at_once_refresh_once(site: "Site", ehr: "FakeEhr") -> None:
    """Ten threads told that the token is refused send one refresh and get the same new token."""
    ehr.refreshes = {"r1": {"access_token": "token-2", "refresh_token": "r2"}}
    grant, tokens = site.grant(refresh="r1"), []
    threads = [
        threading.Thread(target=lambda: tokens.append(site.grants.token(grant, rejected="token-1"))) for _ in range(10)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (tokens, ehr.refreshed) == (["token-2"] * 10, ["r1"])


def test_refused_refresh_needs_a_sign_in(site: "Site", ehr: "FakeEhr") -> None:
    """A refresh token the EHR no longer takes is a sign-in matter."""
    grant = site.grant(refresh="revoked")

    with pytest.raises(SignInNeeded):
        site.grants.token(grant, rejected="token-1")


def test_client_that_left_the_settings_needs_a_sign_in(site: "Site", ehr: "FakeEhr") -> None:
    """A permission of a client that is no longer registered cannot be refreshed, and nothing is sent."""
    grant = site.grant(refresh="r1")
    with transaction(site.engine) as connection:
        connection.execute(grants.update().values(client="clinician"))

    with pytest.raises(SignInNeeded):
        site.grants.token(grant, rejected="token-1")

    assert ehr.refreshed == []


def test_unreachable_token_endpoint_loses_nothing(site: "Site", ehr: "FakeEhr") -> None:
    """When the token endpoint does not answer, the permission stays as it was."""
    grant = site.grant(refresh="r1")
    ehr.close()

    with pytest.raises(EhrUnreachable):
        site.grants.token(grant, rejected="token-1")

    assert site.grants.token(grant) == "token-1"


def test_ended_permission_is_not_used(site: "Site") -> None:
    """After its end a permission gives no token, though the token itself would live on."""
    grant = site.grant(refresh="r1")

    site.grants.end(grant)

    with pytest.raises(SignInNeeded):
        site.grants.token(grant)


def test_tokens_are_not_shown(site: "Site") -> None:
    """Neither a grant's row nor its parts show a token."""
    site.grant(refresh="r1-CANARY")

    with site.engine.connect() as connection:
        shown = str(connection.execute(select(grants)).mappings().one())

    assert "CANARY" not in shown
    assert "token-1" not in shown


IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)


def test_an_unused_permission_is_ended_and_forgotten(site: "Site", ehr: "FakeEhr") -> None:
    """Without a launch or a waiting form a permission ends a minute later, and its tokens are kept nowhere."""
    grant = site.grant(refresh="r1")

    at_once = site.grants.end_unused(idle=IDLE, absolute=ABSOLUTE)
    site.clock.pass_by(minutes=2)
    later = [site.grants.end_unused(idle=IDLE, absolute=ABSOLUTE) for _ in range(2)]

    with site.engine.connect() as connection:
        row = connection.execute(select(grants)).mappings().one()
    assert (at_once, later) == (0, [1, 0])
    assert (row["access_token"], row["refresh_token"]) == (b"", None)
    with pytest.raises(SignInNeeded):
        site.grants.token(grant)


def test_a_waiting_form_keeps_its_permission(site: "Site", accept: Callable[..., str]) -> None:
    """Until a form is in the chart, what it is to be delivered with stays."""
    accept()
    site.clock.pass_by(minutes=2)

    before = site.grants.end_unused(idle=IDLE, absolute=ABSOLUTE)
    site.deliver()
    after = site.grants.end_unused(idle=IDLE, absolute=ABSOLUTE)

    assert (before, after) == (0, 1)


def test_all_permissions_of_an_ehr_end_together(site: "Site") -> None:
    """Before an EHR leaves the settings, everything it granted ends, used or not; other EHRs keep theirs."""
    first, second = site.grant(), site.grant()

    ended = [site.grants.end_all(name) for name in ("lakeside", "harbor")]

    assert ended == [0, 2]
    for grant in (first, second):
        with pytest.raises(SignInNeeded):
            site.grants.token(grant)
