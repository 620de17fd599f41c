"""The way to the authorize endpoint: posted where it is long, asked again where filters are refused."""

import json
import re
from collections.abc import Callable
from typing import Any

from fhir_alliance.tables import launches

from .house import MARIA, House, Person

SURVEY = "user/Observation.crus?category=http://terminology.hl7.org/CodeSystem/observation-category|survey"
MANY = " ".join([SURVEY, *(f"user/Observation.rs?code=http://loinc.org|{number}-1" for number in range(10000, 10040))])


def with_long_scopes(site: Any) -> None:
    """Let the clinician client ask for so many scopes that the address is too long."""
    for path in (site.settings, site.sandbox):
        text = path.read_text()
        assert SURVEY in text
        path.write_text(text.replace(SURVEY, MANY))


def refusing_filters(site: Any) -> None:
    """Let the EHR refuse write scopes with a filter, and grant the client the unfiltered one."""
    config = json.loads(site.sandbox.read_text())
    config["filtered_writes"] = False
    for client in config["clients"]:
        client["scopes"] = client["scopes"].replace(SURVEY, "user/Observation.crus")
    site.sandbox.write_text(json.dumps(config))


def test_a_long_request_is_posted(make_house: Callable[..., House]) -> None:
    """A page with a button posts it; only this page may post to the EHR, and nothing inline runs (S14)."""
    house = make_house(change=with_long_scopes)
    person = Person()
    house.sign_in(person)
    reply = person.send("GET", house.launch_url(person, MARIA))

    page = person.land(reply)
    chart = person.submit(page, page.forms[0])

    assert page.forms[0].action == f"{house.site.ehr_url}/auth/authorize"
    assert f"form-action 'self' {house.site.ehr_url};" in reply.headers["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]* src=)[^>]*>|\son[a-z]+=|\sstyle=", page.text) == []
    assert "<button" in page.text
    assert (chart.status, "Maria Lopez" in chart.text) == (200, True)
    after = person.send("GET", chart.url)
    assert "form-action 'self';" in after.headers["Content-Security-Policy"]


def test_refused_filters_cost_no_launch(make_house: Callable[..., House]) -> None:
    """An EHR that refuses filtered write scopes is asked once more, with the same launch, and the chart opens (S33)."""
    house = make_house(change=refusing_filters)

    _, chart = house.clinician()

    assert (chart.status, "Maria Lopez" in chart.text) == (200, True)
    assert [call[1].partition("?")[0] for call in house.traffic].count("/auth/authorize") == 2
    assert len(house.rows(launches)) == 1
