"""Handing over: a code that works once, outside the EHR's frame, and takes the clinician's view with it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from fhir_alliance.tables import handovers, launches

from .house import CORE, SESSION, THOMAS, House, Person, code_of, handle_of


def test_looking_at_a_link_uses_nothing_up(house: House) -> None:
    """Mail and chat programs may open the link first: they see nobody's name, change nothing, and it still works."""
    link, _ = house.code(*house.clinician())
    before = house.contents()

    looks = [Person().open(link) for _ in range(2)]
    changed = house.contents() != before
    person = Person()
    start = person.open(link)
    confirm = person.submit(start, start.forms[0])

    assert not changed
    assert [page.status for page in looks] == [200, 200]
    assert not any("Maria" in page.text or "Lopez" in page.text for page in looks)
    assert "Is this you?" in confirm.text


def start_with(house: House, link: str) -> Callable[[Person], tuple[int, str]]:
    """Return an attempt to use a link, by a browser that has its token."""

    def attempt(person: Person) -> tuple[int, str]:
        fields = {"_csrf": house.token_of(person)}
        page = person.land(person.send("POST", link, fields, Origin=house.site.app_url))
        return page.status, code_of(page)

    return attempt


def type_in(house: House, code: str, person: Person | None = None) -> tuple[int, str]:
    """Return status and page after typing a short code."""
    person = person or Person()
    enter = person.open(house.url("/handover/"))
    page = person.submit(enter, enter.forms[0], code=code)
    return page.status, page.text


def test_a_code_works_once(house: House) -> None:
    """A used link, its short code and a link that never was are refused alike, whatever is done with them (T51)."""
    link, short = house.code(*house.clinician())
    assert start_with(house, link)(Person())[0] == 200

    never = house.url("/handover/" + "a" * 43)
    used = [start_with(house, url)(Person()) for url in (link, never)]
    seen = [(page.status, code_of(page)) for page in (Person().open(link), Person().open(never))]
    typed = [type_in(house, code)[0] for code in (short, "ZZZ-ZZZ")]

    assert set(used + seen) == {(404, "handover.invalid")}
    assert typed == [404, 404]


@pytest.mark.parametrize("way", ["link", "short"])
def test_a_form_that_was_left_goes_on_by_its_code_in_the_same_browser(own: House, way: str) -> None:
    """Ten minutes alone close it; what is sent late is kept, and the code asks who is there and leads back (T42)."""
    link, short = own.code(*own.clinician())
    person, stranger = Person(), Person()
    start = person.open(link)
    confirm = person.submit(start, start.forms[0])
    form = person.submit(confirm, confirm.form("/confirm"))

    own.ahead = timedelta(minutes=10, seconds=1)
    late = person.submit(form, form.form("/form"), **CORE, action="review")
    elsewhere = [start_with(own, link)(stranger)[0], type_in(own, short, stranger)[0], stranger.open(link).status]
    door = person.open(link if way == "link" else late.link("/handover/"))
    asked = person.submit(door, door.forms[0], **({"code": short} if way == "short" else {}))
    again = person.submit(asked, asked.form("/confirm"))

    assert late.status == 401
    assert "Your answers so far are kept." in late.text
    assert elsewhere == [404, 404, 404]
    assert "Is this you?" in asked.text
    assert again.text.count(" checked") == len(CORE)


def test_a_form_that_was_sent_is_not_gone_on_with(house: House) -> None:
    """Its code is as good as none then, in the same browser too."""
    link, short = house.code(*house.clinician())
    person = Person()
    start = person.open(link)
    confirm = person.submit(start, start.forms[0])
    form = person.submit(confirm, confirm.form("/confirm"))
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))

    assert receipt.status == 200
    assert [person.open(link).status, start_with(house, link)(person)[0], type_in(house, short, person)[0]] == [404] * 3


def test_a_code_expires(own: House) -> None:
    """After fifteen minutes link and short code are refused, like one that never was; a minute before they work."""
    person, chart = own.clinician()
    codes = [own.code(person, chart) for _ in range(2)]
    chart_open = [row["ended_at"] for row in own.rows(launches)]

    own.ahead = timedelta(minutes=15, seconds=1)
    late = start_with(own, codes[0][0])(Person())
    late_typed = type_in(own, codes[0][1])[0]
    own.ahead = timedelta(minutes=14)
    in_time = start_with(own, codes[1][0])(Person())

    assert (late, late_typed) == ((404, "handover.invalid"), 404)
    assert in_time[0] == 200
    assert chart_open == [None]


def test_using_a_code_closes_the_clinicians_view(house: House) -> None:
    """The view the code came from is closed in the clinician's own browser too, and cannot hand over again (T50)."""
    clinician, chart = house.clinician()
    link, _ = house.code(clinician, chart)
    second, _ = house.code(clinician, chart)

    assert start_with(house, link)(Person())[0] == 200

    assert clinician.open(chart.url).status == 401
    assert start_with(house, second)(Person()) == (404, "handover.invalid")


def test_on_the_clinicians_own_device_nothing_of_theirs_stays(house: House) -> None:
    """Used in the clinician's own browser, the code ends every chart that was open there, with a new session id."""
    clinician, chart = house.clinician()
    other = clinician.open(house.launch_url(clinician, THOMAS))
    link, _ = house.code(clinician, other)
    old, old_session = Person(), clinician.cookie(SESSION)
    old.take_cookie(clinician, SESSION)

    start = clinician.open(link)
    confirm = clinician.submit(start, start.forms[0])

    assert confirm.status == 200
    assert clinician.cookie(SESSION) != old_session
    for person in (clinician, old):
        assert [person.open(page.url).status for page in (chart, other)] == [401, 401]


@pytest.mark.parametrize("typed", ["{lower}", " {spaced} ", "{plain}"])
def test_a_short_code_is_easy_to_type(house: House, typed: str) -> None:
    """Case, hyphens and spaces do not matter."""
    _, short = house.code(*house.clinician())
    plain = short.replace("-", "")

    status, text = type_in(house, typed.format(lower=short.lower(), spaced=" ".join(plain), plain=plain))

    assert status == 200
    assert "Is this you?" in text


def test_guessing_is_slowed_down(own: House) -> None:
    """After ten tries in a minute nothing more is looked up, not even the right code, and the page says to wait."""
    _, short = own.code(*own.clinician())
    guesser = Person()

    wrong = [type_in(own, "AAA-AAA", guesser)[0] for _ in range(10)]
    status, text = type_in(own, short, guesser)

    assert wrong == [404] * 10
    assert status == 429
    assert "wait a minute" in text
    assert [row["used_at"] for row in own.rows(handovers)] == [None]


def test_codes_are_not_kept(house: House) -> None:
    """The database holds what recognises a code, not the code."""
    link, short = house.code(*house.clinician())

    kept = repr(house.rows(handovers))

    assert link.rpartition("/")[2] not in kept
    assert short.replace("-", "") not in kept


def test_only_a_form_of_the_instrument_can_be_handed_over(house: House) -> None:
    """A form that does not exist, or the therapist's, makes no code."""
    clinician, chart = house.clinician()
    before = len(house.rows(handovers))

    pages = [clinician.submit(chart, chart.form("/handover"), form=form) for form in ("", "none", "../core")]

    assert [(page.status, code_of(page)) for page in pages] == [(400, "request.bad")] * 3
    assert len(house.rows(handovers)) == before


def test_before_the_yes_there_is_only_the_question(house: House) -> None:
    """Until the person said who they are, every page of the form leads back to the question."""
    link, _ = house.code(*house.clinician())
    person = Person()
    start = person.open(link)
    confirm = person.submit(start, start.forms[0])

    pages = [person.open(confirm.url.replace("/confirm", path)) for path in ("/form", "/review", "/receipt/x")]

    assert {page.url for page in pages} == {confirm.url}
    assert "Maria L." in confirm.text
    assert "Lopez" not in confirm.text


def test_f38_not_me_ends_it(house: House) -> None:
    """Somebody else says so: the page shows nothing of the patient, the browser forgets, and no way leads back."""
    link, _ = house.code(*house.clinician())
    person = Person()
    start = person.open(link)
    confirm = person.submit(start, start.forms[0])

    reply = person.post(confirm, confirm.form("/not-me"))

    assert reply.status_code == 200
    assert "Maria" not in reply.text
    assert reply.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert person.cookie(SESSION) is None
    assert person.open(house.url(f"/l/{handle_of(confirm)}/form")).status == 401
    assert person.open(link).status == 404
