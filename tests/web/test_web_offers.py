"""An EHR that does not state what a launch needs: a plain page, or a site that has looked and lets it through."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Response, request

from fhir_alliance.tables import pending_launches
from smart_app.demo.site import Site

from .house import House, Person, code_of


def let_through(site: Site) -> None:
    """Make the EHR a legacy one, which the site lets through."""
    site.sandbox.write_text(json.dumps({**json.loads(site.sandbox.read_text()), "profile": "legacy"}))
    settings = site.settings.read_text()
    site.settings.write_text(settings.replace("allow_private = true", "allow_private = true\nwithout_s256 = true"))


def leave_out(house: House, capability: str) -> None:
    """Let the EHR state one capability less."""

    def less(reply: Response) -> Response:
        values = reply.get_json() if request.path.endswith("smart-configuration") else {}
        if values:
            values["capabilities"].remove(capability)
            reply.data = json.dumps(values)
        return reply

    house.ehr.after_request(less)


def test_a_site_may_let_an_ehr_through_that_names_no_pkce_method(make_house: Callable[..., House]) -> None:
    """At a legacy EHR a launch then works as anywhere, with S256 and with scopes in the old grammar."""
    house = make_house(change=let_through)

    clinician, page = house.clinician()

    (asked,) = [parse_qs(urlsplit(url).query) for url in clinician.urls if "/auth/authorize" in url]
    assert (page.status, code_of(page)) == (200, "")
    assert asked["code_challenge_method"] == ["S256"]
    assert "user/QuestionnaireResponse.read" in asked["scope"][0]


@pytest.mark.parametrize(
    ("left_out", "path"),
    [
        ("launch-ehr", "/launch"),
        ("launch-standalone", "/start/harbor"),
        ("client-public", "/start/harbor"),
        ("client-confidential-asymmetric", "/launch"),
        ("permission-user", "/launch"),
        ("permission-patient", "/start/harbor"),
    ],
)
def test_what_an_ehr_does_not_offer_is_not_asked_of_it(
    own: House, quiet_log: list[dict[str, str]], left_out: str, path: str
) -> None:
    """Nobody is sent there: a page tells to ask the administrator, and the log which capability it is (S08)."""
    leave_out(own, left_out)
    query = f"?iss={own.site.fhir_base}&launch=x" if path == "/launch" else ""

    page = Person().open(own.url(f"{path}{query}"))

    assert (page.status, code_of(page)) == (503, "launch.not-offered")
    assert "Please tell your administrator" in page.text
    assert f"does not offer {left_out}" in str(quiet_log)
    assert own.rows(pending_launches) == []
