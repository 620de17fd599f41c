"""Patients who come by themselves pick the portal of a registered EHR, by the brand that it publishes (S55)."""

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest

from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .hostile import Mallory, Sink, says
from .house import House, Person

MakeHouse = Callable[..., House]


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Open a listener that hears nothing."""
    with Sink().open() as listener:
        yield listener
    assert listener.heard == 0


def two(site: Site) -> None:
    """Register a second EHR, which does not answer."""
    text = site.settings.read_text("utf-8")
    harbor = text[text.index("[ehr.harbor]") : text.index("[ehr.harbor.clinician]")]
    harbor += text[text.index("[ehr.harbor.patient]") : text.index("[ehr.harbor.backend]")]
    bay = harbor.replace("ehr.harbor", "ehr.bay").replace('/fhir"', '/bay/fhir"').replace("Harbor EHR", "Bay EHR")
    site.settings.write_text(text + bay, "utf-8")


def without_patients(site: Site) -> None:
    """Take the patient client out."""
    text = site.settings.read_text("utf-8")
    before, _, after = text.partition("[ehr.harbor.patient]")
    site.settings.write_text(f"{before}[ehr.harbor.backend]{after.partition('[ehr.harbor.backend]')[2]}", "utf-8")


def choices(page: Page) -> list[str]:
    """Return the words of each choice."""
    found = re.findall(
        r'<li><a class="button" href="([^"]+)"><strong>([^<]*)</strong>(?:<span[^>]*>([^<]*))?', page.text
    )
    return [" | ".join(each) for each in found]


def test_the_only_portal_is_not_asked_for(house: House) -> None:
    """With one EHR the patient is led to its sign-in at once, from the front page too."""
    person = Person()
    front = person.open(house.url("/"))

    page = person.open(urljoin(front.url, front.link("/start")))

    assert page.url.startswith(f"{house.site.ehr_url}/auth/")


def test_a_patient_picks_their_portal(make_house: MakeHouse) -> None:
    """The brand of the EHR's own bundle stands beside what the site calls it; an EHR without one keeps its title."""
    house = make_house(change=two)
    person = Person()

    page = person.open(house.url("/start"))
    chosen = person.open(page.link("/start/harbor"))

    assert choices(page) == [
        "/start/bay | Bay EHR (sandbox) | ",
        "/start/harbor | Harbor Counseling Center | Harbor EHR (sandbox) · MyHarbor · Portland, ME",
    ]
    assert chosen.url.startswith(f"{house.site.ehr_url}/auth/")


def test_only_registered_ehrs_can_be_picked(make_house: MakeHouse) -> None:
    """A name that is not registered leads nowhere, and no address of a bundle is on the page."""
    house = make_house(change=two)
    page = Person().open(house.url("/start"))

    refused = Person().send("GET", house.url("/start/lake"))

    hosts = {urlsplit(urljoin(page.url, link)).netloc for link in page.links}
    assert refused.status_code == 400
    assert hosts == {urlsplit(house.site.app_url).netloc}


def test_where_no_patient_can_sign_in(make_house: MakeHouse) -> None:
    """The page says what to do instead, and the front page does not offer it."""
    house = make_house(change=without_patients)

    front, page = Person().open(house.url("/")), Person().open(house.url("/start"))

    assert "Sign in at my portal" not in front.text
    assert "ask your therapist for a code" in page.text
    assert choices(page) == []
    assert page.link("/handover/")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"resourceType": "Bundle", "x": "' + b"x" * 5_000_000 + b'"}',
        b"<html><img src=//evil.example.invalid/x>",
    ],
)
def test_a_hostile_bundle_changes_nothing_but_the_brand(make_house: MakeHouse, sink: Sink, body: bytes) -> None:
    """Too deep, too large or no bundle at all: the page is there, with what the site calls the EHR."""
    house = make_house(change=two)

    with Mallory(house, sink).answering({"/auth/brands.json": says(body)}):
        page = Person().open(house.url("/start"))

    assert page.status == 200
    assert choices(page)[1] == "/start/harbor | Harbor EHR (sandbox) | "


def test_markup_and_logos_of_a_bundle_are_words_or_nothing(make_house: MakeHouse, sink: Sink) -> None:
    """A name with markup is shown as it is written; no image is on the page, and nobody else's address."""
    house = make_house(change=two)
    logo = {"url": "brandLogo", "valueUrl": f"{sink.url}/logo.svg"}
    bundle = json.loads(Person().send("GET", f"{house.site.ehr_url}/auth/brands.json").text)
    bundle["entry"][0]["resource"] |= {
        "name": "<img src=x onerror=alert(1)>",
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/organization-brand", "extension": [logo]}],
    }

    with Mallory(house, sink).answering({"/auth/brands.json": says(json.dumps(bundle))}):
        page = Person().open(house.url("/start"))

    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    assert "<img" not in page.text
    assert sink.url not in page.text
