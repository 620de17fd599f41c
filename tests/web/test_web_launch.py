"""The front door: only a registered EHR, only this browser's own launch, only once."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from fhir_alliance.tables import audit, launches, pending_launches

from .house import ADA, MARIA, PRE_LAUNCH, SESSION, THOMAS, House, Person, code_of, handle_of


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Note every address that anything in this process connects to or looks up."""
    noted: list[Any] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def noting_connect(self: socket.socket, address: Any) -> None:
        noted.append(address[1])
        connect(self, address)

    def noting_look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        noted.append(port)
        return look_up(host, port, *more, **named)

    monkeypatch.setattr(socket.socket, "connect", noting_connect)
    monkeypatch.setattr(socket, "getaddrinfo", noting_look_up)
    return noted


def look_alikes(base: str) -> list[str]:
    """Return addresses that are not the registered FHIR base, and some that only look like it."""
    host, path = base.removeprefix("http://").partition("/")[0], "/fhir"
    port = host.partition(":")[2]
    return [
        "", "http://evil.example.invalid/fhir", f"http://{host}.evil.example.invalid{path}", f"http://evil@{host}{path}",
        f"http://{host}@evil.example.invalid{path}", f"http://127.0.0.1{path}", f"http://127.0.0.1:1{path}",
        f"http://127.0.0.1.:{port}{path}", f"http://localhost:{port}{path}", f"http://0x7f.1:{port}{path}",
        f"https://{host}{path}", f"ftp://{host}{path}", f"//{host}{path}", f"{host}{path}", path,
        f"http://{host}/FHIR", f"http://{host}/fhi", f"{base}x", f"{base}/r4", f"{base}/..", f"{base}/../fhir",
        f"{base}//", f"{base}?a=b", f"{base}?", f"{base}#", f"{base}#a", f"{base}%2e%2e", f"{base};a", f"{base}\\",
        f"http:\\\\{host}{path}", f"http:/{host}{path}", f" {base}", f"{base} ", f"{base}\r\nX: y", f"{base}\x00",
        f"http://127。0。0。1:{port}{path}", f"http://[::1]:{port}{path}", f"http://{host}:{port}{path}",
        f"http://{host}/%66hir", "javascript:alert(1)", f"{base}/" + "a" * 4000,
    ]  # fmt: skip


def test_only_the_registered_issuer_is_ever_spoken_to(house: House, connections: list[Any]) -> None:
    """An unknown or look-alike issuer is answered 400, keeps nothing, and causes no connection and no look-up."""
    before = house.contents("audit")

    for iss in look_alikes(house.site.fhir_base):
        page = Person().land(Person().send("GET", house.url(f"/launch?{urlencode({'iss': iss, 'launch': 'x'})}")))
        assert (page.status, code_of(page)) == (400, "launch.unknown-issuer"), iss
        assert house.rows(audit)[-1]["event"] == "launch.refused"

    assert set(connections) == {urlsplit(house.site.app_url).port}
    assert house.contents("audit") == before


@pytest.mark.parametrize(
    "query",
    [
        "launch=x",
        "iss={base}",
        "iss={base}&iss={base}&launch=x",
        "iss={base}&launch=x&launch=y",
        "iss={base}&launch=",
        "iss={base}&launch=%0d%0aSet-Cookie:a=b",
        "iss={base}&launch={long}",
    ],
)
def test_a_launch_that_is_not_whole_is_refused(house: House, query: str) -> None:
    """Missing, doubled, empty, broken or endless parameters are a clear 400 before anything is kept."""
    before = house.contents("audit")

    page = Person().open(house.url("/launch?" + query.format(base=house.site.fhir_base, long="a" * 2049)))

    assert page.status == 400
    assert code_of(page) in ("launch.failed", "launch.unknown-issuer")
    assert house.contents("audit") == before


@pytest.mark.parametrize("extra", ["next=//evil.example.invalid", "redirect_uri=https:evil.example.invalid"])
def test_a_launch_leads_to_the_pinned_server_only(house: House, extra: str) -> None:
    """No parameter turns the launch into an open redirect, and S256 and our own callback are always asked for."""
    base = urlencode({"iss": house.site.fhir_base, "launch": "x"})

    location = Person().send("GET", house.url(f"/launch?{base}&{extra}")).headers["Location"]

    asked = parse_qs(urlsplit(location).query)
    assert location.startswith(f"{house.site.ehr_url}/auth/authorize?")
    assert asked["redirect_uri"] == [house.url("/callback/harbor")]
    assert asked["code_challenge_method"] == ["S256"]
    assert "evil" not in location


def begun(house: House, patient: str = "maria-lopez") -> tuple[Person, str]:
    """Return a clinician's browser and the callback it was sent to."""
    person = Person()
    house.sign_in(person)
    return person, house.callback_url(person, patient)


def with_query(url: str, **changes: str | None) -> str:
    """Return an address with some parameters changed, and those that are None left out."""
    old = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    query = {name: value for name, value in {**old, **changes}.items() if value is not None}
    return f"{url.partition('?')[0]}?{urlencode(query)}"


@pytest.mark.parametrize("state", [None, "", "a" * 43, "ä"])
def test_a_callback_needs_the_state_of_this_browser(house: House, state: str | None) -> None:
    """Without its own state nothing is exchanged and nobody is signed in."""
    person, callback = begun(house)
    asked = len(house.traffic)

    page = person.open(with_query(callback, state=state))

    assert (page.status, code_of(page)) == (400, "launch.state")
    assert person.cookie(SESSION) is None
    assert len(house.traffic) == asked


def test_a_callback_works_once(house: House) -> None:
    """The same callback a second time is refused, and the launch that it opened stays open."""
    person, callback = begun(house)
    chart = person.open(callback)
    again = Person()
    again.take_cookie(person, SESSION)
    begun_again, _ = begun(house)
    again.take_cookie(begun_again, PRE_LAUNCH)

    page = again.open(callback)

    assert (page.status, code_of(page)) == (400, "launch.state")
    assert person.open(chart.url).status == 200


@pytest.mark.parametrize("name", ["state", "code", "iss"])
def test_a_callback_that_says_something_twice_is_refused(house: House, name: str) -> None:
    """Which of the two would count is a guess that nobody makes; the launch itself can still be finished."""
    person, callback = begun(house)

    page = person.open(f"{callback}&{name}=x&{name}=x")

    assert (page.status, code_of(page)) == (400, "launch.failed")
    assert person.open(callback).status == 200


def test_swapped_callbacks_sign_nobody_in(house: House) -> None:
    """Two browsers that open each other's callbacks are refused; each one's own still works afterwards."""
    (one, to_one), (other, to_other) = begun(house), begun(house, THOMAS)

    crossed = [one.open(to_other), other.open(to_one)]

    assert [code_of(page) for page in crossed] == ["launch.state"] * 2
    assert one.cookie(SESSION) is None
    assert "Maria Lopez" in one.open(to_one).text
    assert "Thomas Reyes" in other.open(to_other).text


def test_somebody_elses_code_is_refused(house: House) -> None:
    """A code is bound to the browser's own proof key: with another's code the exchange fails (T15)."""
    (one, to_one), (_, to_other) = begun(house), begun(house, THOMAS)

    page = one.open(with_query(to_one, code=parse_qs(urlsplit(to_other).query)["code"][0]))

    assert (page.status, code_of(page)) == (400, "launch.refused")
    assert one.cookie(SESSION) is None


def test_another_server_cannot_answer(house: House) -> None:
    """An `iss` in the callback that is not this EHR's ends the launch before its token endpoint is asked (T16)."""
    person, callback = begun(house)
    asked = len(house.traffic)

    page = person.open(with_query(callback, iss="https://other.example.invalid"))

    assert (page.status, code_of(page)) == (400, "launch.state")
    assert len(house.traffic) == asked


def test_what_the_ehr_refuses_is_said_without_its_words(house: House) -> None:
    """An error of the authorization server becomes our page; nothing of its text reaches the page (T08)."""
    person, callback = begun(house)

    page = person.open(
        with_query(callback, code=None, error="access_denied", error_description="<script>alert(1)</script>")
    )

    assert (page.status, code_of(page)) == (400, "launch.refused")
    assert "alert(1)" not in page.text


def test_a_callback_without_our_cookie_offers_a_window(house: House) -> None:
    """A browser that kept our cookie out is offered a launch of its own, is not signed in, and nothing is asked."""
    _, callback = begun(house)
    stranger, asked = Person(), len(house.traffic)

    page = stranger.open(callback)

    assert page.status == 400
    assert page.link("/again/harbor") == house.url("/again/harbor")
    assert stranger.cookie(SESSION) is None
    assert len(house.traffic) == asked


def test_a_state_expires(own: House) -> None:
    """Eleven minutes later the launch must start over."""
    person, callback = begun(own)

    own.ahead = timedelta(minutes=11)
    page = person.open(callback)

    assert (page.status, code_of(page)) == (400, "launch.state")
    assert own.rows(launches) == []


def test_two_launches_under_way_both_finish(house: House) -> None:
    """Two charts opened before either is ready share the cookie, and each comes to its own patient."""
    person, to_maria = begun(house)
    to_thomas = house.callback_url(person, THOMAS)

    pages = [person.open(to_maria), person.open(to_thomas)]

    assert [page.status for page in pages] == [200, 200]
    assert "Maria Lopez" in pages[0].text
    assert "Thomas Reyes" in pages[1].text


def test_a_session_id_never_survives_a_sign_in(house: House) -> None:
    """Whatever session cookie a browser had, the callback gives it a new one and the old one opens nothing (T37)."""
    person, chart = house.clinician()
    old = Person()
    old.take_cookie(person, SESSION)
    planted = person.cookie(SESSION)

    newer = person.open(house.launch_url(person, THOMAS))

    assert person.cookie(SESSION) != planted
    assert (old.open(chart.url).status, old.open(newer.url).status) == (401, 401)
    assert (person.open(chart.url).status, person.open(newer.url).status) == (200, 200)


def test_a_subject_is_another_user_at_another_issuer(house: House, own: House) -> None:
    """Two servers may give one `sub` to two people: who is who is known by both, and by no name (T27)."""
    keys = []
    for each in (house, own):
        each.clinician(MARIA)
        each.clinician(THOMAS)
        keys.append({row["user_key"] for row in each.rows(launches) if row["user_reference"] == ADA})

    assert [len(found) for found in keys] == [1, 1]
    assert keys[0].isdisjoint(keys[1])


def test_a_hidden_launch_changes_nothing_that_is_open(house: House) -> None:
    """A launch begun by another page only waits: the open chart stays, and no session comes of it (T07)."""
    person, chart = house.clinician()
    before = house.contents("pending_launches", "audit")

    person.send("GET", house.launch_url(person, THOMAS), Sec_Fetch_Site="cross-site")

    assert house.contents("pending_launches", "audit") == before
    assert person.open(chart.url).status == 200


def test_another_user_of_the_browser_ends_the_first_ones_launches(house: House) -> None:
    """Shared computer: signing in as somebody else closes what the first one had open, for a copied cookie too."""
    person, chart = house.clinician()
    old = Person()
    old.take_cookie(person, SESSION)
    other = "Practitioner/ruth-abramowitz"
    house.sign_in(person, other)

    second = person.open(house.launch_url(person, THOMAS))

    assert second.status == 200
    assert handle_of(second) != handle_of(chart)
    assert (person.open(chart.url).status, old.open(chart.url).status) == (401, 401)


def without(*scopes: str) -> Callable[[Any], None]:
    """Return a change of a site: the EHR registers its clinician client with fewer scopes."""

    def change(site: Any) -> None:
        path: Path = site.sandbox
        text = path.read_text()
        for scope in scopes:
            assert scope in text
            text = text.replace(scope, "")
        path.write_text(text)

    return change


@pytest.mark.parametrize(
    ("scope", "role"),
    [
        ("user/QuestionnaireResponse.crus", "clinician"),
        (
            "user/Observation.crus?category=http://terminology.hl7.org/CodeSystem/observation-category|survey",
            "clinician",
        ),
        ("patient/Observation.crus", "patient"),
    ],
)
def test_without_permission_to_save_no_form_is_begun(
    make_house: Callable[..., House], quiet_log: list[dict[str, str]], scope: str, role: str
) -> None:
    """A scope that saving needs and the EHR did not grant stops before the form, in words, with a code in the log."""
    house = make_house(change=without(scope))

    page = house.clinician()[1] if role == "clinician" else house.at_home()[1]

    assert (page.status, code_of(page)) == (403, "launch.scope")
    assert "did not give permission to save answers" in page.text
    assert house.rows(launches) == []
    assert [entry["code"] for entry in quiet_log if entry["event"] == "request.failed"] == ["launch.scope"]


def test_pending_launches_hold_no_plain_state(house: House) -> None:
    """The database could not be used to finish somebody's launch: state and cookie are kept as digests."""
    person, callback = begun(house)

    kept = repr(house.rows(pending_launches))

    assert parse_qs(urlsplit(callback).query)["state"][0] not in kept
    assert str(person.cookie(PRE_LAUNCH)) not in kept
