"""Whatever an EHR answers wrongly ends in a page in plain words with a code, and nothing is sent elsewhere."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from fhir_alliance import errors
from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import AllianceError
from fhir_alliance.tables import launches
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .hostile import (
    WORDS,
    Answer,
    Mallory,
    Sink,
    away,
    bomb,
    changed,
    dated,
    drip,
    repeated,
    says,
    signed,
    with_another,
)
from .house import MARIA, SESSION, THOMAS, House, Person, code_of
from .test_web_doors import walk_in

DISCOVERY, KEYS, TOKEN = "/fhir/.well-known/smart-configuration", "/auth/jwks", "/auth/token"
PATIENT, VISITS, SCORES = "/fhir/Patient/", "/fhir/Encounter", "/fhir/Observation"
DEEP = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
OUTCOME = json.dumps(
    {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception", "diagnostics": WORDS}]}
)
GONE, ODD, NO = "ehr.unreachable", "ehr.error", "ehr.refused"
STOPPED, WHO, LESS = "launch.failed", "launch.identity", "launch.not-offered"


class Wrong(NamedTuple):
    """One wrong answer: its row in the list of attacks, where it is given, what is wrong, and the code it ends in."""

    row: str
    place: str
    what: str
    code: str
    answers: dict[str, Answer]


def at(row: str, path: str, code: str, **answers: Answer) -> list[Wrong]:
    """Return wrong answers at one path that all end alike."""
    return [Wrong(row, path, what, code, {path: answer}) for what, answer in answers.items()]


def unusable(path: str, *, refused: str) -> list[Wrong]:
    """Return what can be wrong with any answer, whatever is asked for."""
    return [
        *at("T03", path, ODD, **{f"redirect_{status}": away(status) for status in (301, 302, 303, 307, 308)}),
        *at("T06", path, GONE, bomb=bomb(), endless=says(b" " * 5_000_000)),
        *at("T52", path, GONE, deep=says(DEEP)),
        *at(
            "T53",
            path,
            GONE,
            NaN=says('{"resourceType": "Patient", "a": NaN}'),
            huge_number=says('{"resourceType": "Patient", "a": 1e999}'),
            key_twice=says('{"resourceType": "Patient", "a": 1, "a": 2}'),
            lone_surrogate=says('{"resourceType": "Patient", "a": "\\ud800"}'),
            utf_16=says('{"resourceType": "Patient"}'.encode("utf-16")),
        ),
        *at("T58", path, GONE, html=says(f"<html><h1>{WORDS}</h1></html>"), nothing=says(""), a_list=says("[]")),
        *at("E04", path, refused, server_error=says(OUTCOME, 500)),
        *at("E04", path, refused, too_busy=says(OUTCOME, 503)),
    ]


def tokens(row: str, code: str, what: str, **members: Any) -> Wrong:
    """Return a token response with other members."""
    return Wrong(row, TOKEN, what, code, {TOKEN: changed(**members)})


def claims(row: str, what: str, header: dict[str, Any] | None = None, **members: Any) -> Wrong:
    """Return an id_token with other claims or headers."""
    return Wrong(row, KEYS, what, WHO, signed(header=header, **members))


def grants(row: str, what: str, code: str, status: int, **error: str) -> Wrong:
    """Return a refusal of the token endpoint."""
    return Wrong(row, TOKEN, what, code, {TOKEN: says(json.dumps(error), status)})


MOVED = ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer", "revocation_endpoint")
LACKING = (*MOVED[:4], "capabilities", "grant_types_supported", "code_challenge_methods_supported")
WRONG = [
    *unusable(DISCOVERY, refused=GONE),
    *at("T05", DISCOVERY, "launch.ehr-changed", **{f"moved_{each}": changed(**{each: "{sink}/x"}) for each in MOVED}),
    *at("S05", DISCOVERY, LESS, **{f"without_{each}": changed(**{each: ...}) for each in LACKING}),
    *at("T16", DISCOVERY, "launch.state", silent=changed(authorization_response_iss_parameter_supported=True)),
    *at("T15", DISCOVERY, LESS, plain=changed(code_challenge_methods_supported=["plain"])),
    *unusable(TOKEN, refused=NO),
    grants("T15", "the code is not accepted", "launch.refused", 400, error="invalid_grant", error_description=WORDS),
    grants("T17", "the client is not accepted", "launch.refused", 401, error="invalid_client", error_description=WORDS),
    tokens("T32", ODD, "no token", access_token=...),
    tokens("T32", ODD, "a token of two lines", access_token="a\r\nX-Other: b"),
    tokens("T32", ODD, "an endless token", access_token="a" * 20_000),
    tokens("T32", ODD, "another kind of token", token_type="mac"),
    tokens("T32", ODD, "scopes as a list", scope=["openid"]),
    tokens("T32", ODD, "a life of no length", expires_in=-1),
    tokens("T32", "launch.scope", "nothing granted", scope=""),
    tokens("T48", "launch.scope", "no right to write", scope="openid fhirUser user/Patient.r user/Observation.rs"),
    tokens("T32", STOPPED, "no patient", patient=...),
    tokens("T32", STOPPED, "a list of patients", patient=["maria-lopez"]),
    tokens("T32", STOPPED, "a patient with a path", patient="1/../../Practitioner/2"),
    tokens("T32", STOPPED, "a patient of dots", patient=".."),
    tokens("T32", STOPPED, "a patient in percent signs", patient="%2e%2e"),
    tokens("T32", STOPPED, "an endless patient", patient="a" * 255),
    tokens("T32", STOPPED, "an encounter with a path", encounter="../Practitioner/2"),
    tokens("T32", NO, "a patient nobody knows", patient="nobody"),
    tokens("T26", WHO, "no id_token", id_token=...),
    tokens("T30", WHO, "a huge id_token", id_token="a" * 100_000),
    tokens("T30", WHO, "an encrypted id_token", id_token="a.b.c.d.e"),
    *unusable(KEYS, refused=GONE),
    *at("T20", KEYS, GONE, odd_kind=says('{"keys": [{"kty": []}]}')),
    *at("T20", KEYS, GONE, no_keys=says('{"keys": []}'), shared=says('{"keys": [{"kty": "oct", "k": "YQ"}]}')),
    claims("T18", "no signature", {"alg": "none"}),
    claims("T19", "signed with the public key", {"alg": "HS256"}),
    claims("T20", "keys at an address", {"jku": "{sink}/jwks"}),
    claims("T20", "a certificate at an address", {"x5u": "{sink}/cert"}),
    claims("T20", "an extension", {"crit": ["b64"], "b64": True}),
    claims("T21", "for another client", aud="other", azp="alliance-clinician"),
    claims("T22", "of another issuer", iss="{sink}"),
    claims("T23", "no nonce", nonce=...),
    claims("T23", "another nonce", nonce="n"),
    claims("T24", "expired", exp=1_000_000_000),
    claims("T24", "from the future", iat=4_000_000_000),
    claims("T25", "an access token", {"typ": "at+jwt"}),
    claims("T27", "nobody", sub=""),
    claims("T27", "an endless subject", sub="x" * 300),
    claims("T28", "a person elsewhere", fhirUser="{sink}/Practitioner/ada-okafor"),
    claims("T28", "a device", fhirUser="Device/1"),
    claims("T28", "no person", fhirUser=...),
    claims("T29", "an unknown key", {"kid": "unknown"}),
    claims("T31", "of another access token", at_hash="x"),
    *unusable(PATIENT, refused=NO),
    *at("T36", PATIENT, "ehr.sign-in", token_refused=says(OUTCOME, 401)),
    *at("F15", PATIENT, NO, not_allowed=says(OUTCOME, 403), gone=says(OUTCOME, 410)),
    *at("T58", PATIENT, ODD, outcome=says(OUTCOME), other_id=changed(id="x"), other=changed(resourceType="Person")),
    *at("T58", PATIENT, GONE, odd_name=changed(name={"text": "x"}), odd_number=changed(identifier=["x"])),
    *unusable(VISITS, refused=NO),
    *at("T58", VISITS, ODD, outcome=says(OUTCOME), no_bundle=changed(resourceType="Patient")),
    *at("T58", VISITS, GONE, no_entries=changed(entry={}), broken_links=changed(link={})),
    *unusable(SCORES, refused=NO),
    *at("T58", SCORES, ODD, outcome=says(OUTCOME), no_bundle=changed(resourceType="Patient")),
    *at("F15", SCORES, NO, not_allowed=says(OUTCOME, 403)),
]
"""Everything an EHR can answer wrongly at a launch and at its first page, by where it does so."""

NEXT = {"relation": "next", "url": "{sink}/fhir/Observation?page=2"}
AGAIN = {"relation": "next", "url": "Observation?patient=maria-lopez"}
STRANGER = {"resourceType": "Encounter", "id": WORDS, "status": "finished", "subject": {"reference": "Patient/x"}}
ODD_SCORE = {"resourceType": "Observation", "id": "x", "status": "final", "code": WORDS}
ENDS_OF_TIME = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
INCOMPLETE = "Not everything could be read from the health record"
HARMLESS = [
    Wrong("S04", "honest", "nothing", "", {}),
    Wrong("S51", "honest", "another key that is published", "", signed()),
    Wrong("T55", "honest", "a next page elsewhere", INCOMPLETE, {SCORES: changed(link=[NEXT])}),
    Wrong("T56", "honest", "pages without an end", INCOMPLETE, {SCORES: changed(link=[AGAIN])}),
    Wrong("T57", "honest", "a style elsewhere", "", {TOKEN: changed(smart_style_url="{sink}/style.json")}),
    Wrong("T57", "honest", "context elsewhere", "", {TOKEN: changed(fhirContext=[{"reference": "{sink}/Task/1"}])}),
    Wrong("T57", "honest", "a link elsewhere", "", {VISITS: changed(link=[{"relation": "self", "url": "{sink}"}])}),
    Wrong("T58", "honest", "a visit that is odd", INCOMPLETE, {VISITS: with_another({**STRANGER, "period": []})}),
    Wrong("T58", "honest", "a score that is odd", INCOMPLETE, {SCORES: with_another(ODD_SCORE)}),
    *(Wrong("T58", "honest", f"a visit at {at}", "", {VISITS: repeated(period={"start": at})}) for at in ENDS_OF_TIME),
    *(Wrong("T58", "honest", f"a score at {at}", "", {SCORES: repeated(effectiveDateTime=at)}) for at in ENDS_OF_TIME),
    Wrong("E04", "honest", "a clock of no year", "", {TOKEN: dated("Mon, 01 Jan 99999999999 00:00:00 GMT")}),
    Wrong("T46", "honest", "a visit of somebody else", "", {VISITS: with_another(STRANGER)}),
]
"""What an EHR may say that leads elsewhere, or to somebody else, beside two honest answers."""

TITLES = {
    kind.code: kind.title
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AllianceError)
}


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """Listen where nothing may ever arrive."""
    with Sink().open() as listening:
        yield listening
    assert listening.heard == 0, "somebody came late"


@pytest.fixture(scope="module")
def guarded(
    opener: Callable[..., AbstractContextManager[House]], tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> Iterator[Callable[[str], tuple[House, Mallory]]]:
    """Return houses whose EHRs may be told to answer wrongly; one for each place, as the app counts launches."""
    with ExitStack() as stack:

        @cache
        def at_place(place: str) -> tuple[House, Mallory]:
            house = stack.enter_context(opener(tmp_path_factory.mktemp("hostile")))
            return house, Mallory(house, sink)

        yield at_place


@pytest.fixture
def launched(
    guarded: Callable[[str], tuple[House, Mallory]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, dict[str, Answer]], Page]:
    """Return what launches at an EHR that answers so, of whose earlier answers nothing is remembered."""

    def launch(place: str, answers: dict[str, Answer]) -> Page:
        house, mallory = guarded(place)
        monkeypatch.setattr(house.services.registry, "_discovered", {})
        monkeypatch.setattr(house.services.registry, "_keys", {})
        person = Person()
        house.sign_in(person)
        url = house.launch_url(person)
        with mallory.answering(answers):
            return person.open(url)

    return launch


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.row} {wrong.place} {wrong.what}")
def test_a_wrong_answer_ends_in_words(
    guarded: Callable[[str], tuple[House, Mallory]],
    launched: Callable[[str, dict[str, Answer]], Page],
    sink: Sink,
    wrong: Wrong,
    quiet_log: list[dict[str, str]],
) -> None:
    """No other server hears of it; the page says what happened, with its code, and repeats nothing it should not.

    Neither it nor the log holds what the EHR said, whose chart it was, or a code, proof or token; and no launch opens
    with what was wrong.
    """
    house, mallory = guarded(wrong.place)
    before = len(house.rows(launches))

    page = launched(wrong.place, wrong.answers)

    assert sink.heard == 0
    assert (code_of(page), page.status >= 400) == (wrong.code, True)
    assert f"<title>{TITLES[wrong.code]}" in page.text
    assert page.url.startswith(house.site.app_url)
    assert [entry["code"] for entry in quiet_log if entry["event"] == "request.failed"] == [wrong.code]
    private = {WORDS, "Traceback", "Maria", "Lopez", *mallory.secrets}
    assert [each for each in private if each in page.text or each in str(quiet_log)] == []
    assert len(house.rows(launches)) - before == (wrong.place == SCORES)


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda harmless: f"{harmless.row} {harmless.what}")
def test_what_leads_elsewhere_is_left_alone(
    launched: Callable[[str, dict[str, Answer]], Page], sink: Sink, harmless: Wrong
) -> None:
    """The chart opens, without what belongs to somebody else, and says so where something is missing."""
    page = launched(harmless.place, harmless.answers)

    assert sink.heard == 0
    assert (page.status, code_of(page)) == (200, "")
    assert "Maria Lopez" in page.text
    assert (INCOMPLETE in page.text) is (harmless.code == INCOMPLETE)
    assert WORDS not in page.text


def test_a_patient_is_never_given_another_patients_chart(guarded: Callable[[str], tuple[House, Mallory]]) -> None:
    """Whoever signs in as a patient gets their own chart or none, whichever the EHR names beside them (T32, S54)."""
    house, mallory = guarded(TOKEN)
    before = len(house.rows(launches))

    with mallory.answering({TOKEN: changed(patient=THOMAS)}):
        person, page = walk_in(house, "/start/harbor", f"Patient/{MARIA}")

    assert (page.status, code_of(page)) == (400, STOPPED)
    assert "Reyes" not in page.text
    assert person.cookie(SESSION) is None
    assert len(house.rows(launches)) == before


def test_the_listener_hears_who_comes() -> None:
    """What the other tests say of it they can: a request to it is counted."""
    with Sink().open() as other, socket.create_connection(urlsplit(other.url).netloc.split(":")) as visit:
        visit.sendall(b"GET / HTTP/1.1\r\n\r\n")

    assert other.heard == 1


def test_an_ehr_inside_a_private_network_is_not_spoken_to(make_house: Callable[..., House]) -> None:
    """Where a site did not allow it, an address that leads inside gets no request, whatever its name (T04)."""

    def forbid(site: Site) -> None:
        site.settings.write_text(site.settings.read_text().replace("allow_private = true", ""))

    house = make_house(change=forbid)
    person = Person()
    house.sign_in(person)
    url = house.launch_url(person)
    asked = len(house.traffic)

    page = person.open(url)

    assert (page.status, code_of(page)) == (502, "ehr.foreign-url")
    assert f"<title>{TITLES['ehr.foreign-url']}" in page.text
    assert len(house.traffic) == asked


def test_an_answer_that_never_ends_is_given_up(
    guarded: Callable[[str], tuple[House, Mallory]],
    launched: Callable[[str, dict[str, Answer]], Page],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An EHR that answers byte by byte, for ever, costs a person no more than the deadline (T06)."""
    house, _ = guarded("honest")
    ehr = house.services.registry.by_name("harbor")
    hasty = Door(base_urls=[ehr.fhir_base], allow_private=True, deadline=0.3)
    monkeypatch.setitem(house.services.registry._doors, "harbor", hasty)

    page = launched("honest", {DISCOVERY: drip()})

    assert (page.status, code_of(page)) == (503, GONE)
