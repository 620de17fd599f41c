"""The form: nothing typed is lost, nothing is sent twice, and only real answers are scored."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from fhir_alliance.tables import drafts, submissions
from smart_app.demo.browser import Page

from .conftest import MakeHouse
from .house import AOIFE, CORE, MARIA, SESSION, THOMAS, House, Person, code_of, handle_of

CHECKED = re.compile(r'name="([^"]+)" value="([^"]+)" checked')


def chosen(page: Page) -> dict[str, str]:
    """Return the answers that a form page shows as chosen."""
    return dict(CHECKED.findall(page.text))


def answer(person: Person, form: Page, **fields: str) -> Page:
    """Return the page after pressing Review."""
    return person.submit(form, form.form("/form"), **fields, action="review")


def send(person: Person, review: Page, **fields: str) -> Page:
    """Return the page after pressing Send."""
    return person.submit(review, review.form("/send"), **fields)


def codes_and_values(observations: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return each Observation's value, or why it has none, by code."""
    return {
        code: one["valueQuantity"]["value"]
        if "valueQuantity" in one
        else one.get("dataAbsentReason", {}).get("coding", [{}])[0].get("code")
        for code, one in observations.items()
    }


def first_visit(visits: Page) -> str:
    """Return the first visit that is offered."""
    return re.findall(r'value="(Encounter/[^"]+)"', visits.text)[0]


def install_next_version(house: House) -> None:
    """Install a later version of the instrument beside the one that is there, as an upgrade does."""
    present = house.services
    used = present.catalogue.instrument("visit-check-in")
    forms = tuple(replace(form, version="1.1.0") for form in used.forms)
    later = replace(used, version="1.1.0", forms=forms, digest="another")
    catalogue = replace(present.catalogue, instruments=(*present.catalogue.instruments, later))
    house.app.extensions["alliance"] = replace(present, catalogue=catalogue)


def test_f39_a_form_is_sent_in_the_version_in_which_it_was_begun(make_house: MakeHouse) -> None:
    """A version that is published in the middle of answering changes nothing for who has begun, and is asked next."""
    house = make_house()
    home, visits = house.at_home(THOMAS)
    form = home.submit(visits, visits.form("/visit"), encounter="none")
    home.submit(form, form.form("/form"), **CORE, action="review")
    install_next_version(house)

    again = home.open(form.url)
    sent = send(home, answer(home, again, **chosen(again)))
    other, chooses = house.at_home(AOIFE)
    fresh = other.submit(chooses, chooses.form("/visit"), encounter="none")
    send(other, answer(other, fresh, **CORE))

    assert chosen(again) == CORE
    assert "received your answers" in sent.text
    assert [row["form"].partition("|")[2] for row in house.rows(submissions)] == ["1.0.0", "1.1.0"]


def test_a_visit_is_written_as_it_was_answered(house: House) -> None:
    """Six answers of a handed-over form become one response, its core score and its panel, in the patient's chart."""
    person, form = house.handed()
    receipt = send(person, answer(person, form, **CORE))
    key = receipt.url.rpartition("/")[2]
    on_its_way = person.open(f"{receipt.url}/state").text

    house.deliver()

    responses, observations = house.written(key)
    assert len(responses) == 1
    assert codes_and_values(observations) == {"visit-check-in": None, "visit-check-in-core": 7.5}
    assert '"received"' in on_its_way
    assert '"in_chart"' in person.open(f"{receipt.url}/state").text
    assert "They are in your chart now." in person.open(receipt.url).text


def test_an_answer_outside_its_options_is_shown_again(house: House) -> None:
    """Answers that the form does not offer are refused by name and never stored; the others are kept."""
    person, form = house.handed()

    page = answer(person, form, **CORE | {"2": "11", "3": "<script>", "harder": "perhaps"})

    assert page.status == 422
    good = {name: value for name, value in CORE.items() if name not in ("2", "3")}
    assert chosen(page) == good
    assert [f'href="#item-{name}"' in page.text for name in ("1", "2", "3", "harder")] == [False, True, True, True]
    assert "<script>" not in page.text
    assert chosen(person.open(form.url)) == good


def test_fields_that_the_form_does_not_have_change_nothing(house: House) -> None:
    """Subject, score, status and the like cannot be sent along: all of that is ours to say (T49)."""
    person, form = house.handed()
    extra = {"subject": f"Patient/{THOMAS}", "score": "10", "status": "amended", "score-core": "10", "ehr": "other"}

    review = answer(person, form, **CORE, **extra)
    key = send(person, review, **extra).url.rpartition("/")[2]
    house.deliver()

    responses, observations = house.written(key)
    assert (responses[0]["status"], responses[0]["subject"]["reference"]) == ("completed", f"Patient/{MARIA}")
    assert codes_and_values(observations)["visit-check-in-core"] == 7.5


def test_f30_f32_two_tabs_cannot_overwrite_each_other(house: House) -> None:
    """The second tab is told, still shows what was chosen there, and goes on from it with the next press (F30)."""
    person, first = house.handed()
    second = person.open(first.url)
    answer(person, first, **CORE)

    stopped = answer(person, second, **CORE | {"1": "0"})
    kept = chosen(person.open(first.url))
    going_on = answer(person, stopped, **chosen(stopped))

    assert (stopped.status, chosen(stopped)) == (409, CORE | {"1": "0"})
    assert kept == CORE
    assert going_on.status == 200
    assert chosen(person.open(first.url)) == CORE | {"1": "0"}


def test_f30_a_tab_left_behind_cannot_send_a_second_time(house: House) -> None:
    """A tab that still shows a form already sent leads to its receipt or a clear no, never to a second set (F30)."""
    person, first = house.handed()
    second = person.open(first.url)
    receipt = send(person, answer(person, first, **CORE))

    late = answer(person, second, **CORE | {"1": "0"})
    if late.status == 200 and "/review" in late.url:
        send(person, late)

    sent = [row["key"] for row in house.rows(submissions) if row["launch"] == handle_of(receipt)]
    assert sent == [receipt.url.rpartition("/")[2]]


def test_an_old_review_page_is_shown_anew_before_it_is_sent(house: House) -> None:
    """What is sent is what the page showed: answers changed in another tab are reviewed first."""
    person, form = house.handed()
    old = answer(person, form, **CORE)
    answer(person, person.open(form.url), **CORE | {"1": "0"})

    page = send(person, old)

    assert page.url.endswith("/review")
    assert not [row for row in house.rows(submissions) if row["launch"] == handle_of(form)]


def test_nothing_answered_is_asked_once_and_then_said(house: House) -> None:
    """An empty form asks whether to send it so; sent, the chart says that the person chose not to answer."""
    person, form = house.handed()

    review = answer(person, form)
    handle, hidden = handle_of(form), review.form("/send").hidden
    blunt = {name: value for name, value in hidden.items() if name != "declined"}
    asked = person.land(person.send("POST", house.url(f"/l/{handle}/send"), blunt, Origin=house.site.app_url))
    key = send(person, review).url.rpartition("/")[2]
    house.deliver()

    assert "Send without answers?" in review.text
    assert "Send without answers?" in asked.text
    responses, observations = house.written(key)
    assert len(responses) == 1
    assert codes_and_values(observations)["visit-check-in-core"] == "asked-declined"


def test_f23_f31_sending_twice_is_sending_once(house: House) -> None:
    """A double click and a resend in parallel all get the same receipt, and there is one submission (F23, F31)."""
    person, form = house.handed()
    review = answer(person, form, **CORE)

    def press(_: int) -> tuple[int, str]:
        other = Person()
        other.take_cookie(person, SESSION)
        page = send(other, review)
        return page.status, page.url

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(press, range(16)))

    key = review.form("/send").hidden["key"]
    assert answers == {(200, house.url(f"/l/{handle_of(form)}/receipt/{key}"))}
    assert [row["key"] for row in house.rows(submissions) if row["launch"] == handle_of(form)] == [key]


def test_not_today_writes_nothing(house: House) -> None:
    """A person who does not want to answer is thanked; nothing is kept, sent or shown, and the device is free."""
    person, form = house.handed()
    answer(person, form, **CORE)
    counts = [len(house.rows(table)) for table in (submissions, drafts)]

    form = person.open(form.url)
    page = person.submit(form, form.form("/form"), **CORE, action="decline")

    assert "Nothing was sent" in page.text
    assert "Maria" not in page.text
    assert [len(house.rows(table)) for table in (submissions, drafts)] == [counts[0], counts[1] - 1]
    assert person.open(form.url).status == 401


def test_a_handed_over_receipt_names_nobody(house: House) -> None:
    """The last page on a shared device shows neither name nor answers."""
    person, form = house.handed()

    receipt = send(person, answer(person, form, **CORE))

    assert "please give it back" in receipt.text
    assert "Maria" not in receipt.text
    assert chosen(receipt) == {}


def test_after_sending_a_shared_device_opens_no_new_form(house: House) -> None:
    """Whoever holds the device next finds no fresh form in the patient's name behind the thank-you page."""
    person, form = house.handed()
    send(person, answer(person, form, **CORE))

    page = person.open(form.url)

    assert "Maria" not in page.text
    assert not page.text.count('type="radio"')


def test_the_visit_cannot_change_under_a_form(house: House) -> None:
    """A stale choice-of-visit page does not move a form that is being filled in to another visit."""
    person, visits = house.at_home("kwame-boateng")
    chosen_visit = first_visit(visits)
    form = person.submit(visits, visits.form("/visit"), encounter=chosen_visit)
    review = answer(person, form, **CORE)

    person.submit(visits, visits.form("/visit"), encounter="none")
    key = send(person, review).url.rpartition("/")[2]

    encounters = {row["key"]: row["encounter"] for row in house.rows(submissions)}
    assert encounters.get(key, chosen_visit) == chosen_visit


def test_a_patient_at_home_answers_about_a_visit(house: House) -> None:
    """From the portal: choose the visit, answer, send; written with that visit by the patient's own permission."""
    person, visits = house.at_home("zoe-muller")
    encounter = first_visit(visits)

    form = person.submit(visits, visits.form("/visit"), encounter=encounter)
    given = {name: "6" for name, values in form.forms[-1].radios.items() if "6" in values}
    key = send(person, answer(person, form, **given)).url.rpartition("/")[2]
    house.deliver()

    responses, observations = house.written(key, "zoe-muller")
    assert responses[0]["encounter"]["reference"] == encounter
    assert {one["encounter"]["reference"] for one in observations.values()} == {encounter}
    assert codes_and_values(observations)["visit-check-in-core"] == 6


def test_a_refused_save_says_so_and_loses_nothing(own: House) -> None:
    """When the database takes nothing, no thanks are said; the answers are still there and can be sent later."""
    person, form = own.handed()
    review = answer(person, form, **CORE)
    with own.services.engine.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON submissions BEGIN SELECT RAISE(ABORT, 'secret'); END")
        )

    refused = send(person, review)
    with own.services.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    accepted = send(person, person.open(review.url))

    assert (refused.status, code_of(refused)) == (503, "store.refused")
    assert "not saved" in refused.text
    assert "secret" not in refused.text
    assert "/receipt/" in accepted.url


@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 30, "1.0", "²"])
def test_an_odd_version_counts_as_old(house: House, version: str) -> None:
    """A version that no page of ours has is treated as a page that is too old."""
    person, form = house.handed()

    page = answer(person, form, **CORE, version=version)

    assert (page.status, chosen(page)) == (409, CORE)
