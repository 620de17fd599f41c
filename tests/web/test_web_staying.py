"""How long an EHR lets the app stay: while the person is there, after they have left, or only for one access token."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from fhir_alliance.tables import grants, submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .house import CORE, House, code_of

MakeHouse = Callable[..., House]


def granting(scope: str) -> Callable[[Site], None]:
    """Return a change of a site's files: this is asked for, and granted, in the place of online_access."""

    def change(site: Site) -> None:
        site.settings.write_text(site.settings.read_text().replace("online_access", scope))
        site.sandbox.write_text(site.sandbox.read_text().replace("online_access", scope))

    return change


def later(house: House, minutes: int) -> None:
    """Let time pass, in the app and at the EHR."""
    house.ahead = timedelta(minutes=minutes)
    house.ehr.extensions["sandbox_grants"].clock = lambda: house.now().timestamp()


def refreshes(house: House) -> list[int]:
    """Return the EHR's answers to the patient's client when it asked for tokens after the sign-in."""
    return [call[2] for call in house.traffic if call[1] == "/auth/token" and call[3] == "alliance-patient"][1:]


def state(house: House) -> tuple[str, str | None]:
    """Return where the only submission is, and why."""
    (row,) = house.rows(submissions)
    return row["state"], row["reason"]


@pytest.mark.parametrize(
    ("scope", "stays"),
    [("online_access", True), ("offline_access", True), ("", False)],
    ids=["online", "offline", "no"],
)
def test_what_is_sent_in_time_is_delivered_as_far_as_the_ehr_lets_us(
    make_house: MakeHouse, scope: str, stays: bool
) -> None:
    """With either kind of access one renewal delivers a form that waited; without, it is held for a sign-in (S28)."""
    house = make_house(change=granting(scope))
    person, visits = house.at_home()
    form = person.submit(visits, visits.form("/visit"), encounter="none")
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    person.submit(review, review.form("/send"))
    later(house, 10)

    house.deliver()

    (grant,) = house.rows(grants)
    assert (grant["refresh_token"] is not None) is stays
    assert (scope in grant["scopes"].split()) is stays
    assert refreshes(house) == [200] * stays
    assert state(house) == (("delivered", None) if stays else ("held", "needs-sign-in"))


@pytest.mark.parametrize(
    ("scope", "status", "code"), [("offline_access", 200, ""), ("", 401, "ehr.sign-in")], ids=["offline", "no"]
)
def test_a_view_is_open_as_far_as_the_ehr_lets_it(make_house: MakeHouse, scope: str, status: int, code: str) -> None:
    """Ten minutes later a clinician's view is renewed, or asks to sign in again and shows nothing of the patient."""
    house = make_house(change=granting(scope))
    clinician, chart = house.clinician()
    later(house, 10)

    page: Page = clinician.open(chart.url)

    assert (page.status, code_of(page)) == (status, code)
    assert ("Maria" in page.text) is (status == 200)


def test_an_ehr_that_does_not_offer_online_access_is_not_asked_for_it(own: House) -> None:
    """It might refuse the whole launch for it; the form then waits for a sign-in when the token has ended (S28)."""
    own.ehr.view_functions["sandbox_auth.smart-configuration"] = lambda: json.dumps(_without_online(own))

    person, visits = own.at_home()

    (asked,) = [url for url in person.urls if "/auth/authorize" in url]
    assert "online_access" not in asked
    assert visits.status == 200
    assert own.rows(grants)[0]["refresh_token"] is None


def _without_online(house: House) -> dict[str, object]:
    from smart_app.sandbox.auth.endpoints import Endpoints, smart_configuration
    from smart_app.sandbox.config import read_config

    document = smart_configuration(Endpoints(read_config(house.site.sandbox)))
    capabilities = document["capabilities"]
    assert isinstance(capabilities, list)
    return {**document, "capabilities": [each for each in capabilities if each != "permission-online"]}
