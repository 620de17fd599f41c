"""The administrator's pages: who gets in, what is told and what not, and letting a form go on."""

import re
from datetime import timedelta
from typing import Any

import pytest

from fhir_alliance.store import transaction
from fhir_alliance.tables import admissions, audit, submissions

from .house import ADMIN, AOIFE, MARIA, SESSION, THOMAS, House, Person, code_of
from .test_web_delivery import put, send


@pytest.fixture(scope="module")
def forms(house: House) -> dict[str, str]:
    """Send three forms, of three patients."""
    return {"retry": send(house, MARIA), "release": send(house, THOMAS), "moved": send(house, AOIFE)}


@pytest.fixture
def waiting(house: House, forms: dict[str, str]) -> tuple[House, dict[str, str]]:
    """Return a house with one form that may be retried, one to look at, and one that is for another address."""
    for name, reason in (("retry", "not-allowed"), ("release", "failed"), ("moved", "ehr-changed")):
        put(house, forms[name], "held", reason)
    with transaction(house.services.engine) as connection:
        values = {"fhir_base": house.site.fhir_base, "accepted_at": house.now(), "ehr": "harbor"}
        connection.execute(submissions.update().values(**values))
        moved = submissions.update().where(submissions.c.key == forms["moved"])
        connection.execute(moved.values(fhir_base="https://old.example.invalid/fhir"))
    return house, forms


def standing(house: House, key: str) -> tuple[str, str | None]:
    """Return state and reason of a form."""
    (row,) = (row for row in house.rows(submissions) if row["key"] == key)
    return row["state"], row["reason"]


def events(house: House, *names: str) -> list[tuple[str, str, str | None]]:
    """Return event, actor and patient of the trail's rows of these events."""
    return [(row["event"], row["actor"], row["patient"]) for row in house.rows(audit) if row["event"] in names]


def test_a_link_works_once(house: House) -> None:
    """Looking uses nothing up; the first button signs in with a cookie for the top level; the next is refused."""
    link, first, second = house.admin_link(), Person(), Person()
    pages = [person.open(link) for person in (first, second, second)]

    signed_in = first.post(pages[0], pages[0].forms[0])
    refused = second.submit(pages[1], pages[1].forms[0])
    later = second.open(link)

    assert [page.status for page in pages] == [200, 200, 200]
    (cookie,) = signed_in.raw.headers.getlist("Set-Cookie")
    assert re.fullmatch(rf"{ADMIN}=[A-Za-z0-9_-]{{43}}; Secure; HttpOnly; Path=/; SameSite=Strict", cookie)
    assert signed_in.headers["Location"] == "/admin/"
    assert [(page.status, code_of(page)) for page in (refused, later)] == [(401, "admin.link")] * 2
    assert second.cookie(ADMIN) is None


def test_links_and_sessions_are_kept_as_fingerprints(house: House) -> None:
    """What stands in the database signs nobody in; who made and who used a link is in the trail."""
    link = house.admin_link("Kim Lee")
    secret = link.rpartition("/")[2]
    person = Person()
    door = person.open(link)
    person.submit(door, door.forms[0])

    kept = str(house.rows(admissions))

    assert secret not in kept
    assert (person.cookie(ADMIN) or "none") not in kept
    assert [row for row in events(house, "admin.linked", "admin.admitted") if row[1] == "Kim Lee"] == [
        ("admin.linked", "Kim Lee", None),
        ("admin.admitted", "Kim Lee", None),
    ]


def test_the_link_opens_on_words_for_administrators(house: House) -> None:
    """What is said to patients, and their help, is not on the page that signs an administrator in."""
    page = Person().open(house.admin_link())

    assert "Delivery, for administrators" in page.text
    assert "Your therapist" not in page.text


@pytest.mark.parametrize("link", ["none", "a" * 43, "%00"])
def test_a_guessed_link_is_refused(house: House, link: str) -> None:
    """An unknown link is like a used one."""
    page = Person().open(house.url(f"/admin/enter/{link}"))

    assert (page.status, code_of(page)) == (401, "admin.link")


def test_links_and_sessions_end(own: House) -> None:
    """A link after ten minutes, a session after 15 minutes alone, and after 8 hours in any case (T42)."""

    def later(minutes: int, person: Person, path: str) -> int:
        own.ahead += timedelta(minutes=minutes)
        return person.open(own.url(path)).status

    link = own.admin_link().removeprefix(own.site.app_url)
    links = [later(minutes, Person(), link) for minutes in (9, 2)]
    alone, busy = own.admin()[0], own.admin()[0]
    used = [later(14, busy, "/admin/") for _ in range(35)]

    assert links == [200, 401]
    assert used == [*[200] * 34, 401]
    assert later(0, alone, "/admin/") == 401


def test_a_session_left_alone_ends(own: House) -> None:
    """16 minutes are too long, 14 are not; each page counts from the last."""
    person, _ = own.admin()
    statuses = []

    for minutes in (14, 14, 16):
        own.ahead += timedelta(minutes=minutes)
        statuses.append(person.open(own.url("/admin/")).status)

    assert statuses == [200, 200, 401]


def test_signing_out_ends_it(house: House) -> None:
    """The cookie is worth nothing afterwards, and the browser is told to forget."""
    person, page = house.admin()

    reply = person.post(page, page.form("/admin/leave"))

    assert "Your therapist" not in reply.text
    assert "cookies" in reply.headers["Clear-Site-Data"]
    again = person.open(house.url("/admin/"))
    assert (again.status, code_of(again)) == (401, "admin.none")


def test_a_clinician_is_no_administrator(house: House) -> None:
    """No launch opens these pages, no such session opens a chart, and one cookie is not the other (T45)."""
    clinician, chart = house.clinician()
    admin, _ = house.admin()
    swapped = Person()
    swapped.session.cookies.set(ADMIN, clinician.cookie(SESSION) or "", path="/", domain="localhost.local")

    for person in (clinician, swapped, Person()):
        for path in ("/admin/", "/admin/forms/none"):
            assert code_of(person.open(house.url(path))) == "admin.none"
    assert code_of(admin.open(chart.url)) == "session.none"


def test_every_form_that_waits_is_told(waiting: tuple[House, dict[str, str]]) -> None:
    """Counts, reasons and keys are on the list, and it is written down that somebody looked."""
    house, keys = waiting

    _, page = house.admin()

    assert page.status == 200
    title = house.services.settings.ehrs["harbor"].title
    for part in (title, "the health record does not allow it", "Try all again", "Jo Park"):
        assert part in page.text
    assert [key for key in keys.values() if f"/admin/forms/{key}" not in page.text] == []
    assert ("delivery.read", "Jo Park", None) in events(house, "delivery.read")


NARROWED = {
    "?ehr=harbor": {"retry", "release", "moved"},
    "?ehr=elsewhere": set(),
    "?state=held": {"retry", "release", "moved"},
    "?state=delivered": set(),
    "?older=4+h": {"release"},
    "?ehr=&state=&older=": {"retry", "release", "moved"},
}


def test_the_list_can_be_narrowed(waiting: tuple[House, dict[str, str]]) -> None:
    """By EHR, by state and by age; each link keeps what the others chose."""
    house, keys = waiting
    with transaction(house.services.engine) as connection:
        old = submissions.update().where(submissions.c.key == keys["release"])
        connection.execute(old.values(accepted_at=house.now() - timedelta(hours=5)))
    person, _ = house.admin()

    pages = {query: person.open(house.url(f"/admin/{query}")).text for query in NARROWED}

    listed = {
        query: {name for name, key in keys.items() if f"/admin/forms/{key}" in text} for query, text in pages.items()
    }
    assert listed == NARROWED
    assert "/admin/?ehr=harbor&amp;older=4+h" in pages["?ehr=harbor"]


@pytest.mark.parametrize("query", ["?state=lost", "?older=5+min", "?older=%00"])
def test_a_filter_that_means_nothing_is_refused(house: House, query: str) -> None:
    """A made-up filter is a bad request."""
    assert house.admin()[0].open(house.url(f"/admin/{query}")).status == 400


def test_one_form_can_be_tried_again(waiting: tuple[House, dict[str, str]]) -> None:
    """Its page says what to do; the button does it, and the administrator's name is in the trail."""
    house, keys = waiting
    person, _ = house.admin()
    page = person.open(house.url(f"/admin/forms/{keys['retry']}"))

    after = person.submit(page, page.form("/retry"))
    house.deliver()

    assert (after.status, standing(house, keys["retry"])) == (200, ("delivered", None))
    assert "Jo Park: not-allowed" in after.text
    assert events(house, "submission.retried")[-1] == ("submission.retried", "Jo Park", MARIA)
    assert ("delivery.read", "Jo Park", MARIA) in events(house, "delivery.read")


def test_all_of_a_reason_can_be_tried_again(waiting: tuple[House, dict[str, str]]) -> None:
    """What has to be looked at is not among them."""
    house, keys = waiting
    person, page = house.admin()

    after = person.submit(page, page.form("/admin/retry"), code="not-allowed")
    refused = person.post(page, page.form("/admin/retry"), code="failed")

    assert (after.status, refused.status_code) == (200, 409)
    assert [standing(house, keys[name])[0] for name in keys] == ["accepted", "held", "held"]


def test_one_form_can_be_released(waiting: tuple[House, dict[str, str]]) -> None:
    """With what was found, out of the list; a name in its place changes nothing."""
    house, keys = waiting
    person, _ = house.admin()
    page = person.open(house.url(f"/admin/forms/{keys['release']}"))

    silent = person.post(page, page.form("/release"), said="Maria Lopez")
    after = person.submit(page, page.form("/release"), said="other", ticket="4711")
    again = person.post(page, page.form("/release"), said="mended")

    assert (silent.status_code, after.status, again.status_code) == (400, 200, 409)
    assert "failed: other, ticket 4711" in after.text
    assert standing(house, keys["release"]) == ("accepted", None)


def test_another_address_is_released_as_shown(waiting: tuple[House, dict[str, str]]) -> None:
    """The page shows both; a form that names a third one changes nothing (F44)."""
    house, keys = waiting
    person, _ = house.admin()
    page = person.open(house.url(f"/admin/forms/{keys['moved']}"))

    forged = person.post(page, page.form("/release"), said="same-record", base="https://evil.example.invalid/fhir")
    held = standing(house, keys["moved"])
    person.submit(page, page.form("/release"), said="same-record")

    for address in ("https://old.example.invalid/fhir", house.site.fhir_base):
        assert address in page.text
    assert (forged.status_code, held) == (409, ("held", "ehr-changed"))
    assert standing(house, keys["moved"]) == ("accepted", None)


def test_an_ehr_that_is_gone_offers_nothing(waiting: tuple[House, dict[str, str]]) -> None:
    """Without an address in the settings there is no button, and the EHR goes by its name."""
    house, keys = waiting
    with transaction(house.services.engine) as connection:
        gone = submissions.update().where(submissions.c.key == keys["moved"])
        connection.execute(gone.values(ehr="elsewhere"))
    person, listed = house.admin()

    page = person.open(house.url(f"/admin/forms/{keys['moved']}"))

    assert "elsewhere" in listed.text
    assert "nowhere: it is not in the settings" in page.text
    assert "/release" not in page.text


def test_an_unknown_form_is_told(house: House) -> None:
    """A mistyped key is a page that says so."""
    page = house.admin()[0].open(house.url("/admin/forms/none"))

    assert (page.status, code_of(page)) == (404, "submission.unknown")


def test_no_answer_and_no_name_is_told(waiting: tuple[House, dict[str, str]]) -> None:
    """On no page of an administrator, waiting, released or delivered, and not in what is logged (T68, P7)."""
    house, keys = waiting
    person, listed = house.admin()
    texts = [listed.text, *(person.open(house.url(f"/admin/forms/{key}")).text for key in keys.values())]

    for canary in ("Maria", "Lopez", "Thomas", "Reyes", "Aoife", "1988", "MRN", "I felt", "Okafor"):
        assert [text for text in texts if canary in text] == []
    assert not any(patient in listed.text for patient in (MARIA, THOMAS, AOIFE))


def test_the_pages_stand_alone(house: House) -> None:
    """Nobody frames them, nothing is kept, and no form of theirs goes elsewhere."""
    person, page = house.admin()

    reply: Any = person.send("GET", page.url)

    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_long_list_is_cut(waiting: tuple[House, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says that there are more."""
    monkeypatch.setattr("smart_app.web.admin._MOST", 2)

    _, page = waiting[0].admin()

    assert "There are more." in page.text


def test_a_token_is_of_one_sign_in(waiting: tuple[House, dict[str, str]]) -> None:
    """What one administrator's page carries is worth nothing with another's cookie (T38)."""
    house, keys = waiting
    (one, _), (other, _) = house.admin(), house.admin("Kim Lee")
    page = one.open(house.url(f"/admin/forms/{keys['retry']}"))

    reply = other.post(page, page.form("/retry"))

    assert (reply.status_code, standing(house, keys["retry"])) == (403, ("held", "not-allowed"))
