"""What an EHR granted is given back: at the end of the last launch, and never while somebody needs it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import request
from flask.typing import ResponseReturnValue

from fhir_alliance.tables import grants, launches

from .house import CORE, House, Person

MakeHouse = Callable[..., House]
IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)


def sweep(house: House) -> int:
    """End what nobody needs."""
    return house.services.grants.end_unused(idle=IDLE, absolute=ABSOLUTE)


def later(house: House, minutes: int) -> None:
    """Let time pass in the app, and for the proof of who asks also at the EHR."""
    house.ahead = timedelta(minutes=minutes)
    house.ehr.extensions["sandbox_grants"].clock = lambda: house.now().timestamp()


def revoked(house: House) -> list[tuple[int, str]]:
    """Return status and client of each revocation that the EHR was asked for."""
    return [(call[2], call[3]) for call in house.traffic if call[1] == "/auth/revoke"]


def until_told(house: House) -> None:
    """Wait for what happens after the page was sent."""
    for _ in range(200):
        if revoked(house):
            break
        Person().send("GET", house.url("/health"))


def test_leaving_gives_the_permission_back(own: House) -> None:
    """After "not me" the EHR is told, by the client that was granted, and its tokens are worth nothing there."""
    person, visits = own.at_home()
    (row,) = own.rows(grants)
    token = own.services.grants.token(row["id"])
    later(own, 2)

    person.submit(visits, visits.form("/not-me"))
    until_told(own)

    assert revoked(own) == [(200, "alliance-patient")]
    assert own.ehr.extensions["sandbox_grants"].live_token(token) is None


def test_a_clinicians_permission_is_given_back_with_proof(own: House) -> None:
    """A view left alone for half an hour has ended: its permission is given back by the client that signs."""
    own.clinician()
    later(own, 29)
    before = sweep(own)
    later(own, 31)

    after = sweep(own)

    assert (before, after) == (0, 1)
    assert revoked(own) == [(200, "alliance-clinician")]


def test_all_has_ended_here_before_the_ehr_is_told(own: House) -> None:
    """Launch and tokens are gone when the refresh token, which ends the whole permission, is given back (S30)."""
    person, visits = own.at_home()
    (row,) = own.rows(grants)
    place = f"harbor/grants/{row['id']}/refresh_token"
    refresh_token = own.services.vault.open(row["refresh_token"], place=place).decode()
    later(own, 2)
    told: list[tuple[str, bool, bytes, list[int]]] = []
    revoke = own.ehr.view_functions["sandbox_auth.revoke"]

    def noting() -> ResponseReturnValue:
        (grant,) = own.rows(grants)
        left = [number for number, launch in enumerate(own.rows(launches)) if launch["ended_at"] is None]
        told.append((request.form["token"], grant["ended_at"] is not None, grant["access_token"], left))
        return revoke()

    own.ehr.view_functions["sandbox_auth.revoke"] = noting
    person.submit(visits, visits.form("/not-me"))
    until_told(own)

    assert told == [(refresh_token, True, b"", [])]
    assert person.open(visits.url).status == 401


def test_a_form_on_its_way_keeps_its_permission(own: House) -> None:
    """What was accepted on a handed-over device is delivered first, and only then the permission ends."""
    person, form = own.handed()
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    person.submit(review, review.form("/send"))
    later(own, 31)

    waiting = sweep(own)
    own.deliver()
    delivered = sweep(own)

    assert (waiting, delivered) == (0, 1)
    assert own.rows(grants)[0]["refresh_token"] is None


def test_an_ehr_that_is_down_is_told_nothing_and_nothing_breaks(own: House, quiet_log: list[dict[str, str]]) -> None:
    """When the EHR does not answer, the permission has ended here all the same, and the log says so."""
    own.clinician()
    later(own, 31)
    own.stop_ehr()

    ended = sweep(own)

    assert ended == 1
    assert own.rows(grants)[0]["access_token"] == b""
    assert [each["code"] for each in quiet_log if each["event"] == "revocation.failed"] == ["ehr.unreachable"]


@pytest.mark.parametrize("pinned", [True, False])
def test_only_a_pinned_endpoint_is_told(make_house: MakeHouse, pinned: bool) -> None:
    """Where the settings name no revocation endpoint, the permission ends here and nothing is sent."""

    def change(site: object) -> None:
        path = site.settings  # type: ignore[attr-defined]
        lines = [line for line in path.read_text().splitlines() if pinned or "revocation_endpoint" not in line]
        path.write_text("\n".join(lines))

    house = make_house(change=change)
    house.clinician()
    later(house, 31)

    assert sweep(house) == 1
    assert bool(revoked(house)) is pinned
