"""A launch in the EHR's frame: with our cookie it goes on there, without it in a window of its own."""

from collections.abc import Callable
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from fhir_alliance.tables import pending_launches
from smart_app.demo.site import Site

from .house import PRE_LAUNCH, SESSION, House, Person


def in_a_window(site: Site) -> None:
    """Let the app always open in a window of its own."""
    text = site.settings.read_text("utf-8")
    site.settings.write_text(text.replace("allow_private", 'embedding = "new-window"\nallow_private'), "utf-8")


@pytest.mark.parametrize("kind", ["iframe", "frame"])
def test_a_frame_that_keeps_the_cookie_goes_on(house: House, kind: str) -> None:
    """One redirect to ourselves shows that the cookie comes back, and then the EHR is asked."""
    person = Person()
    house.sign_in(person)
    url = house.launch_url(person)

    tried = person.send("GET", url, Sec_Fetch_Dest=kind)
    went_on = person.send("GET", urljoin(url, tried.headers["Location"]), Sec_Fetch_Dest=kind)

    assert (tried.status_code, urlsplit(tried.headers["Location"]).path) == (303, "/launch")
    assert went_on.headers["Location"].startswith(f"{house.site.ehr_url}/auth/authorize?")


def test_a_frame_without_cookies_offers_a_window_with_the_launch_unspent(house: House) -> None:
    """No launch begins in the frame and no secret is in an address; the window opens the very same launch."""
    person = Person()
    house.sign_in(person)
    url = house.launch_url(person)
    kept = len(house.rows(pending_launches))

    tried = Person().send("GET", url, Sec_Fetch_Dest="iframe")
    reply = Person().send("GET", urljoin(url, tried.headers["Location"]), Sec_Fetch_Dest="iframe")
    page = Person().land(reply)
    begun_in_frame = len(house.rows(pending_launches)) - kept
    link = next(each for each in page.links if not each.endswith("#main"))
    chart = person.land(person.send("GET", link, Sec_Fetch_Dest="document"))

    assert (page.status, begun_in_frame) == (400, 0)
    assert 'target="_blank" rel="noopener"' in page.text
    assert parse_qs(urlsplit(link).query) == parse_qs(urlsplit(url).query)
    assert tried.cookies[PRE_LAUNCH] not in page.text + tried.headers["Location"]
    assert house.site.ehr_url in reply.headers["Content-Security-Policy"]
    assert chart.status == 200
    assert person.cookie(SESSION)
    assert "Lopez" in chart.text


def test_a_window_of_its_own_where_the_site_wants_it(make_house: Callable[..., House]) -> None:
    """The frame is offered a window even where it keeps cookies; what opens there may be framed by nobody."""
    house = make_house(change=in_a_window)
    person = Person()
    house.sign_in(person)
    url = house.launch_url(person)
    before = len(house.rows(pending_launches))

    offered = person.send("GET", url, Sec_Fetch_Dest="iframe")
    begun = len(house.rows(pending_launches)) - before
    link = next(each for each in person.land(offered).links if not each.endswith("#main"))
    chart = person.send("GET", person.land(person.send("GET", link, Sec_Fetch_Dest="document")).url)

    assert (offered.status_code, begun) == (200, 0)
    assert f"frame-ancestors {house.site.ehr_url}" in offered.headers["Content-Security-Policy"]
    assert "Your browser does not let" not in offered.text
    assert parse_qs(urlsplit(link).query) == parse_qs(urlsplit(url).query)
    assert "Lopez" in chart.text
    assert "frame-ancestors 'none'" in chart.headers["Content-Security-Policy"]
    assert chart.headers["X-Frame-Options"] == "DENY"
