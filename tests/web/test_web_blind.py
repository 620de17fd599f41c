"""A therapist's guess stays a guess: the patient's rating of a visit is shown once both are in, if a site says so."""

import re
from datetime import timedelta

import pytest

from fhir_alliance.tables import submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import CORE, MARIA, House, Person
from .test_web_home import change_visit

NOTE = "What they rated is shown once you have rated it, too"
ANSWER = "3"  # what nobody in the record answers everywhere


def blind(site: Site) -> None:
    """Let a site hide what a patient rated until the therapist has, too."""
    settings = site.settings.read_text("utf-8")
    site.settings.write_text(settings.replace("[instruments]", "blind_until_both = true\n\n[instruments]"), "utf-8")


def answered(house: House) -> None:
    """Let the patient answer about today's visit, and bring it into the chart."""
    person, form = house.handed(MARIA)
    review = person.submit(form, form.form("/form"), **dict.fromkeys(CORE, ANSWER), action="review")
    person.submit(review, review.form("/send"))
    house.deliver()


def rate(clinician: Person, chart: Page) -> Page:
    """Rate the visit as the therapist, and come back to the view."""
    form = clinician.open(chart.url.replace("/chart", "/form"))
    review = clinician.submit(form, form.form("/form"), **CORE, action="review")
    clinician.submit(review, review.form("/send"))
    return clinician.open(chart.url)


def shown(chart: Page) -> bool:
    """Whether the patient's rating of today is anywhere on the view: score, line, item or first line."""
    return "3.0" in re.sub(r"<(style|path|svg)[^>]*>", "", chart.text)


def test_hidden_until_both_have_rated(make_house: MakeHouse) -> None:
    """With the switch the rating is nowhere on the view, with the reason; after the therapist's own it is there."""
    house = make_house(change=blind)
    answered(house)

    clinician, chart = house.clinician()
    after = rate(clinician, chart)

    assert NOTE in chart.text
    assert not shown(chart)
    assert NOTE not in after.text
    assert shown(after)


def test_without_the_switch_nothing_is_hidden(own: House) -> None:
    """A site that does not ask for it sees every answer as soon as it is in the chart."""
    answered(own)

    _, chart = own.clinician()

    assert NOTE not in chart.text
    assert shown(chart)


def test_the_receipt_is_no_way_round(make_house: MakeHouse) -> None:
    """The patient's receipt, opened by the clinician, has no answers until the therapist has rated."""
    house = make_house(change=blind)
    answered(house)
    clinician, chart = house.clinician()
    (key,) = re.findall(r"/sent/([0-9a-f-]{36})/withdraw", chart.text)
    address = chart.url.replace("/chart", f"/receipt/{key}")

    before = clinician.open(address)
    rate(clinician, chart)
    after = clinician.open(address)

    assert "What you sent" not in before.text
    assert "What you sent" in after.text


@pytest.mark.parametrize(("hours", "hidden"), [(47.9, True), (48.1, False)])
def test_todays_rating_is_shown_when_the_time_to_rate_is_over(
    make_house: MakeHouse, hours: float, hidden: bool
) -> None:
    """Two days after the visit began nobody can rate it any more, so what the patient rated about it is shown."""
    house = make_house(change=blind)
    answered(house)
    (encounter,) = {row["encounter"] for row in house.rows(submissions)}
    begun = house.now() - timedelta(hours=hours)
    change_visit(house, encounter, period={"start": begun.isoformat(timespec="seconds")})

    _, chart = house.clinician()

    assert (NOTE in chart.text, shown(chart)) == (hidden, not hidden)


def test_what_can_no_longer_be_rated_is_shown(make_house: MakeHouse) -> None:
    """Earlier visits that only the patient has rated are there, and so is everything else before today's answer."""
    house = make_house(change=blind)

    _, chart = house.clinician()

    assert NOTE not in chart.text
    assert re.search(r'<tr class="patient"><th scope="rowgroup" rowspan="1">', chart.text)


def test_the_chart_and_what_others_read_are_as_they_are(make_house: MakeHouse) -> None:
    """The switch is about this view alone: the EHR has every score."""
    house = make_house(change=blind)
    answered(house)
    key = house.services.outbox.sent(ehr="harbor", patient=MARIA, since=house.opened)[0].key

    responses, scores = house.written(key)

    assert len(responses) == 1
    assert scores["visit-check-in-core"]["valueQuantity"]["value"] == 3
