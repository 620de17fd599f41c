"""Large print: one press on any patient's page, kept on the server's side of it until the device is given back."""

from smart_app.demo.browser import Page

from .house import CORE, MARIA, House, Person
from .test_web_form import chosen
from .test_web_tablet import tablet, type_code, yes

COOKIE = "__Host-ta_print"


def is_large(page: Page) -> bool:
    """Whether a page is in large print."""
    return 'class="large"' in page.text.partition("<head>")[0]


def test_large_print_is_chosen_by_a_link_and_stays(house: House) -> None:
    """Without a script: the link on one page makes it and the next ones large, and another makes them as before."""
    person = Person()
    enter = person.open(house.url("/handover/"))

    large = person.open(f"{enter.url}{enter.link('?print=large')}")
    next_one = person.open(house.url("/"))
    usual = person.open(f"{next_one.url}{next_one.link('?print=normal')}")

    assert [is_large(page) for page in (enter, large, next_one, usual)] == [False, True, True, False]
    assert not is_large(person.open(house.url("/handover/")))


def test_choosing_it_on_the_form_keeps_what_was_answered(house: House) -> None:
    """There it is a button that sends the answers along."""
    person, form = house.handed()

    large = person.submit(form, form.form("/form"), **CORE, print="large")

    assert is_large(large)
    assert chosen(large) == CORE
    assert is_large(person.submit(large, large.form("/form"), **CORE, action="review"))


def test_only_what_is_offered_is_kept(house: House) -> None:
    """Any other word changes nothing."""
    person = Person()

    page = person.open(house.url("/?print=%3Cscript%3E"))

    assert (is_large(page), person.cookie(COOKIE)) == (False, None)


def test_the_next_person_begins_without_it(own: House) -> None:
    """It ends when the device is given back, and on a clinic's tablet at its start."""
    person, form = own.handed()
    large = person.submit(form, form.form("/form"), print="large")
    person.submit(large, large.form("/form"), action="decline")
    device, _ = tablet(own)
    start = device.open(own.url("/kiosk?print=large"))
    _, short = own.code(*own.clinician())
    there = yes(device, type_code(device, start, short))

    back = device.open(own.url("/kiosk"))

    assert is_large(there)
    assert not is_large(back)
    assert [each.cookie(COOKIE) for each in (person, device)] == [None, None]


def test_a_clinicians_view_has_no_large_print(house: House) -> None:
    """It stands in the narrow frame of an EHR, and whoever sits there has other ways."""
    person, chart = house.clinician(MARIA)

    page = person.open(f"{chart.url}?print=large")

    assert "print=" not in page.text
    assert not is_large(page)
