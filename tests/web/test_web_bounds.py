"""Time and size have limits, and what goes wrong is said without saying too much."""

import re
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from smart_app.demo.site import Site
from smart_app.web.app import MAX_BODY

from .house import CORE, Clinic, House, Person, code_of, handle_of
from .test_web_proxy import beside


@pytest.mark.parametrize(("role", "minutes"), [("clinician", 15), ("patient", 30), ("handover", 10), ("beside", 30)])
def test_a_page_left_alone_closes(own: House, role: str, minutes: int) -> None:
    """A launch nobody touches ends after its idle time; touched just before, it lives on."""
    begun = {"clinician": own.clinician, "patient": own.at_home, "handover": own.handed, "beside": partial(beside, own)}
    person, page = begun[role]()
    home = own.url(f"/l/{handle_of(page)}/")

    own.ahead = timedelta(minutes=minutes - 1)
    touched = person.send("GET", home).status_code
    own.ahead += timedelta(minutes=minutes, seconds=-1)
    in_time = person.send("GET", home).status_code
    own.ahead += timedelta(minutes=minutes, seconds=1)
    too_late = person.open(home)

    assert (touched, in_time) == (303, 303)
    assert (too_late.status, code_of(too_late)) == (401, "session.none")


def test_no_page_stays_open_all_day(own: House) -> None:
    """However busy, a launch ends eight hours after it began."""
    person, form = own.handed()
    seen = {}

    for minute in range(8, 8 * 60 + 9, 8):
        own.ahead = timedelta(minutes=minute)
        seen[minute] = person.send("GET", own.url(f"/l/{handle_of(form)}/review")).status_code

    assert {minute for minute, status in seen.items() if status == 401} == {480, 488}


def test_an_idle_form_can_be_opened_again_with_its_submission_safe(own: House) -> None:
    """After the idle time the page says that what was sent is safe, and nothing of the patient."""
    person, form = own.handed()

    own.ahead = timedelta(hours=1)
    page = person.submit(form, form.form("/form"), **CORE, action="review")

    assert page.status == 401
    assert "Answers that were sent are safe" in page.text
    assert "Maria" not in page.text


@pytest.fixture(scope="module")
def real(site: Site) -> Clinic:
    """Return the two servers as processes, as they run outside tests."""
    return Clinic(site)


@pytest.mark.parametrize(
    "body",
    [b"_csrf=x&1=" + b"a" * MAX_BODY, b"a=b&" * (MAX_BODY // 2)],
    ids=["one large field", "many small fields"],
)
def test_a_body_that_is_too_large_is_refused(real: Clinic, body: bytes) -> None:
    """More than any form can hold is answered 413 in plain words, and the form is as it was."""
    person, form = real.handed()

    page = person.land(
        person.send(
            "POST",
            form.form("/form").action,
            body,
            Origin=real.site.app_url,
            Content_Type="application/x-www-form-urlencoded",
        )
    )

    assert (page.status, code_of(page)) == (413, "request.too-large")
    assert person.open(form.url).status == 200


def multipart(parts: int) -> bytes:
    """Return a body of many empty parts."""
    return (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n\r\n' % part for part in range(parts))
        + b"--x--"
    )


MALFORMED = {
    "not a form": (b'{"1": 8}', "application/json", (403,)),
    "no boundary": (b"--x\r\n", "multipart/form-data", (403,)),
    "cut off": (b'--x\r\nContent-Disposition: form-data; name="1"', "multipart/form-data; boundary=x", (403, 400)),
    "too many parts": (multipart(300), "multipart/form-data; boundary=x", (413,)),
    "not text": (b"_csrf=%ff%fe%00&1=%ed%a0%80", "application/x-www-form-urlencoded", (403,)),
    "nothing": (b"", "application/x-www-form-urlencoded", (403,)),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_body_is_refused_in_words(real: Clinic, case: str) -> None:
    """What no page of ours sends is refused with a code, without a stack, and the form is as it was."""
    body, kind, allowed = MALFORMED[case]
    person, form = real.handed()

    page = person.land(
        person.send("POST", form.form("/form").action, body, Origin=real.site.app_url, Content_Type=kind)
    )

    assert page.status in allowed
    assert code_of(page)
    assert "Traceback" not in page.text
    assert person.open(form.url).status == 200


@pytest.mark.parametrize(
    "path", ["/l/%00/form", "/l/" + "a" * 3000 + "/form", "/l/%ff%fe/chart", "/handover/%2e%2e", "/%5c"]
)
def test_odd_addresses_are_not_found(real: Clinic, path: str) -> None:
    """Addresses that nothing of ours has lead to a page of ours, with a code."""
    page = Person().open(real.url(path))

    assert page.status in (401, 404)
    assert code_of(page) in ("session.none", "handover.invalid", "page.none")


@pytest.mark.parametrize("host", ["evil.example.invalid", "localhost.evil.example.invalid", "127.0.0.1", ""])
def test_only_the_own_host_is_answered(real: Clinic, host: str) -> None:
    """A request under another name is refused, and no address of ours is built from it (T11)."""
    reply = Person().send("GET", real.url("/start/harbor"), Host=host)

    assert reply.status_code == 400
    assert "Location" not in reply.headers
    assert "evil" not in reply.text


def test_forwarded_names_are_not_believed(real: Clinic) -> None:
    """Headers that a proxy would set do not change where the EHR is told to return to."""
    forged = {
        "X_Forwarded_Host": "evil.example.invalid",
        "X_Forwarded_Proto": "ftp",
        "Forwarded": "host=evil.example.invalid",
    }

    reply = Person().send("GET", real.url("/start/harbor"), **forged)

    assert reply.status_code == 303
    assert "evil" not in reply.headers["Location"]


def test_a_fault_of_ours_is_a_page_with_a_reference(own: House, quiet_log: list[dict[str, str]]) -> None:
    """Something breaks inside: the page has a code and a reference that the log has too, and no stack, no SQL (T69)."""
    with own.services.engine.begin() as connection:
        connection.execute(text("DROP TABLE handovers"))

    page = Person().open(own.url("/handover/" + "a" * 43))

    reference = re.search(r"For support: <code>([a-z.-]+) · ([0-9a-f]{8})</code>", page.text)
    logged = [entry for entry in quiet_log if entry["event"] == "request.failed"]
    assert page.status in (500, 503)
    assert reference
    assert [(entry["code"], entry["request"]) for entry in logged] == [(reference[1], reference[2])]
    assert not any(word in page.text for word in ("Traceback", "SELECT", "sqlite", "handovers", "Error"))
    assert "handovers" not in repr(logged)


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/l", 404), ("/start/nowhere", 400), ("/callback/nowhere", 400)]
)
def test_pages_that_are_not_there(house: House, path: str, status: int) -> None:
    """A wrong address is a page with a code, and a way back in words."""
    page = Person().open(house.url(path))

    assert page.status == status
    assert code_of(page)


def test_health_says_nothing_else(house: House) -> None:
    """The address that says the app is up tells neither version nor state."""
    reply = Person().send("GET", house.url("/health"))

    assert reply.json() == {"status": "ok"}
