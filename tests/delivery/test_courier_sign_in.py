"""A permission that ends is renewed once, and then waits for a person."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fhir_alliance.tables import submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def grant_of(site: "Site", key: str) -> str | None:
    """Return the permission that a submission is delivered with."""
    with site.engine.connect() as connection:
        return connection.scalar(select(submissions.c.grant_id).where(submissions.c.key == key))


def test_ended_token_is_refreshed_once(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A 401 leads to one refresh and one retry, and the rotated token is kept for the next time."""
    ehr.tokens = set()
    ehr.refreshes = {
        "r1": {"access_token": "token-2", "refresh_token": "r2", "scope": "openid"},
        "r2": {"access_token": "token-3"},
    }
    grant = site.grant(refresh="r1")
    first, second = accept(grant, key=FIRST), accept(grant, key=SECOND)

    site.deliver()
    site.deliver(hours=1)
    third = accept(grant)
    site.deliver()

    assert {site.standing(key)[0] for key in (first, second, third)} == {"delivered"}
    assert ehr.refreshed == ["r1", "r2"]


def test_token_that_ends_mid_flight_writes_once(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A 401 to the send itself is refreshed, and there is one set in the chart (F14)."""
    ehr.refreshes = {"r1": {"access_token": "token-2"}}
    key = accept(site.grant(refresh="r1"))
    ehr.read_faults = {}
    refused = iter([401])
    ehr.refuses = lambda bundle: next(refused, None)

    site.deliver()

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert [outcome for _, outcome, _ in site.sends()] == ["refused", "written"]


@pytest.mark.parametrize("refresh", [None, "revoked"])
def test_f14_refused_refresh_waits_for_a_sign_in(
    site: "Site", ehr: "FakeEhr", accept: Accept, refresh: str | None
) -> None:
    """Without a good token the form is held, and the next launch for this patient delivers it (F14)."""
    ehr.tokens = set()
    key = accept(site.grant(refresh=refresh))

    site.deliver()
    held = site.standing(key)
    ehr.tokens = {"token-1"}
    site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant())
    site.deliver()

    assert held == ("held", "needs-sign-in")
    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)


def test_f14_a_sign_in_before_the_try_counts(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A launch after it was accepted delivers it, though it was tried with the older permission first (F14)."""
    key = accept(site.grant(refresh="revoked"))
    site.clock.pass_by(days=60)
    signed_in = site.grant()
    site.clock.pass_by(seconds=1)
    site.grant(patient="omar-haddad")

    site.deliver()

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert grant_of(site, key) == signed_in


def test_f14_a_sign_in_that_has_ended_too_is_tried_once(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """When the later permission is refused as well, a person is waited for, and an earlier one is never taken up."""
    site.grant(scopes="openid")
    site.clock.pass_by(seconds=1)
    key = accept(site.grant(refresh="revoked"))
    site.clock.pass_by(seconds=1)
    later = site.grant(refresh="revoked")
    ehr.tokens = set()

    site.deliver()

    assert (site.standing(key), grant_of(site, key)) == (("held", "needs-sign-in"), later)


def test_token_still_refused_after_a_refresh_is_held(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """One refresh, one retry, then a person: no storm."""
    ehr.refreshes = {"r1": {"access_token": "token-2", "refresh_token": "r2"}}
    key = accept(site.grant(refresh="r1"))
    ehr.refuses = lambda bundle: 401

    site.deliver()

    assert (site.standing(key), len(ehr.posts), ehr.refreshed) == (("held", "needs-sign-in"), 2, ["r1"])


def test_sign_in_that_ends_during_reconcile_or_read_back(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """A 401 while looking is a sign-in matter, not a reason to send again."""
    key = accept()
    ehr.faults.append(make_fault(status=None, commit=True))
    site.deliver()
    ehr.read_faults["QuestionnaireResponse"] = make_fault(status=401)
    site.deliver(minutes=4)
    at_reconcile = site.standing(key)
    ehr.read_faults = {"Observation": make_fault(status=401)}
    site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant())

    site.deliver()

    assert at_reconcile == site.standing(key) == ("held", "needs-sign-in")
    assert len(ehr.posts) == 1
