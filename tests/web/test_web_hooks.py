"""CDS Hooks: an EHR that proves itself gets cards that say what is due, and nobody else gets anything."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from fhir_alliance.cards.budget import Budget
from fhir_alliance.store import transaction
from fhir_alliance.tables import assignments, audit, card_feedback, reader_proofs, visit_looks
from smart_app.demo.browser import Page
from smart_app.demo.site import Site, offer_cards

from .conftest import MakeHouse
from .hooking import ISSUER, Caller, body
from .house import ADA, AOIFE, MARIA, House, Person
from .test_web_visits import polling, watch

VIEW, START = "/cds-services/patient-view", "/cds-services/encounter-start"
BOOK = "/cds-services/appointment-book"
EHR = Caller()
RSA = Caller(RSAKey.generate_key(2048, {"use": "sig", "alg": "RS384"}, auto_kid=True))
BROWSER = "https://sandbox.example.org"


def calling(site: Site, caller: Caller = EHR, more: str = f'browser_origins = ["{BROWSER}"]') -> None:
    """Let a caller ask a site that looks through its visits."""
    caller.register(site, more)
    polling(site)


@pytest.fixture(scope="module")
def house(opener: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Open a house that has looked through today's visits, and answers an EHR."""
    with opener(tmp_path_factory.mktemp("hooks"), change=calling) as opened:
        watch(opened)
        yield opened


def todays_visit(house: House, patient: str = AOIFE) -> str:
    """Return the id of a patient's visit of today."""
    references = [row["encounter"] for row in house.rows(assignments) if row["patient"] == patient]
    return str(references[-1].partition("/")[2])


def test_discovery_says_the_same_to_everybody(house: House) -> None:
    """Discovery needs no token, names all services and holds no null and nothing of the site (C01, C07)."""
    reply = requests.get(house.url("/cds-services"), timeout=30)

    services = reply.json()["services"]
    assert [(each["hook"], each["id"]) for each in services] == [
        (name, name) for name in ("patient-view", "encounter-start", "appointment-book")
    ]
    assert all(set(each) == {"hook", "id", "title", "description"} and all(each.values()) for each in services)
    assert "Harbor" not in reply.text


def test_without_settings_there_is_nothing(own: House) -> None:
    """A site that has not switched it on has no such services, for anybody."""
    assert requests.get(own.url("/cds-services"), timeout=30).status_code == 404
    assert EHR.post(own, VIEW, body(own)).status_code == 404


def test_a_card_says_that_something_is_due(house: House, quiet_log: list[dict[str, str]]) -> None:
    """What is due is one card that says so and no more, noted in the audit trail; the EHR's token is kept nowhere."""
    card, *others = EHR.cards(house, encounterId=todays_visit(house))

    assert not others
    assert set(card) == {"uuid", "summary", "indicator", "detail", "source", "links"}
    assert card["summary"] == "A form for the patient is due."
    assert (card["indicator"], card["source"]) == ("info", {"label": "Harbor Clinic, visit ratings"})
    (link,) = card["links"]
    assert (link["type"], link["url"], link["label"]) == ("smart", house.url("/launch"), "Hand over: Visit check-in")
    assert link["appContext"].startswith("alliance.")
    assert AOIFE not in json.dumps(card)
    noted = house.rows(audit)[-1]
    assert (noted["event"], noted["actor"], noted["patient"]) == ("cards.given", ADA, AOIFE)
    assert "s3cr3t-of-the-ehr" not in f"{house.contents()}{quiet_log}"


def test_nothing_due_is_no_card(house: House) -> None:
    """A patient whom we know nothing of has no card, and no member of the answer is null."""
    assert EHR.cards(house, patientId="nobody-known") == []
    assert EHR.cards(house, "encounter-start", patientId="nobody-known", encounterId="none") == []


def test_a_visit_that_begins_is_looked_at(make_house: MakeHouse) -> None:
    """The start of a visit, told twice, ends in one assignment of each form, by way of the usual look (W06)."""
    house = make_house(change=calling)
    visit = next(
        each
        for each in house.ehr.extensions["sandbox_store"]
        .search("Encounter", [("patient", AOIFE), ("_sort", "-date")])
        .resources
    )["id"]

    first = [EHR.cards(house, "encounter-start", encounterId=visit) for _ in range(2)]
    wanted = [row["reference"] for row in house.rows(visit_looks)]
    watch(house)
    rows = [row for row in house.rows(assignments) if row["encounter"] == f"Encounter/{visit}"]
    (card,) = EHR.cards(house, "encounter-start", encounterId=visit)

    assert first == [[], []]
    assert wanted == [f"Encounter/{visit}"]
    assert len(rows) == len({row["form_url"] for row in rows}) == len(card["links"])


def appointment(*actors: str) -> dict[str, Any]:
    """Return an appointment that is proposed, as it is not in the record yet."""
    participants = [{"actor": {"reference": actor}, "status": "needs-action"} for actor in actors]
    return {"resourceType": "Appointment", "status": "proposed", "participant": participants}


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_visit_that_is_booked(house: House, wrapped: bool) -> None:
    """While a visit is booked, a Bundle of it or a list, what is due of earlier ones is a card as in the chart."""
    booked = [appointment(f"Patient/{AOIFE}", ADA), appointment(f"https://x/fhir/Patient/{AOIFE}"), appointment(ADA)]
    sent = {"resourceType": "Bundle", "entry": [{"resource": each} for each in booked]} if wrapped else booked

    cards = EHR.cards(house, "appointment-book", appointments=sent)
    none_yet = EHR.cards(house, "appointment-book", appointments=[])

    assert [each["summary"] for each in cards] == [each["summary"] for each in EHR.cards(house)]
    assert len(cards) == len(none_yet) > 0
    assert house.rows(audit)[-2]["outcome"] == "appointment-book"


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(
    "actors", [(f"Patient/{MARIA}",), (ADA, f"Patient/{AOIFE}", f"https://x/fhir/Patient/{MARIA}")]
)
def test_a_visit_of_somebody_else_is_booked(
    house: House, quiet_log: list[dict[str, str]], actors: tuple[str, ...], wrapped: bool
) -> None:
    """An appointment that another patient takes part in, alone or beside the one of the context, is no card (T80)."""
    booked = [appointment(f"Patient/{AOIFE}"), appointment(*actors)]
    sent = {"resourceType": "Bundle", "entry": [{"resource": each} for each in booked]} if wrapped else booked

    assert EHR.cards(house, "appointment-book", appointments=sent) == []
    assert [each["event"] for each in quiet_log if each["log_level"] == "error"] == ["cards.other-patient"]
    assert MARIA not in str(quiet_log)


def part(value: Any) -> str:
    """Return one part of a compact JWS."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(house: House) -> str:
    """Return a token that says it needs no signature."""
    return f"{part({'alg': 'none', 'kid': EHR.key.kid, 'typ': 'JWT'})}.{EHR.token(house, VIEW).split('.')[1]}."


def by_shared_secret(house: House) -> str:
    """Return a token signed with the public key as if it were a shared secret."""
    claims = json.loads(base64.urlsafe_b64decode(EHR.token(house, VIEW).split(".")[1] + "=="))
    secret = OctKey.import_key(json.dumps(EHR.key.as_dict(private=False)))
    return jwt.encode({"alg": "HS384", "kid": EHR.key.kid, "typ": "JWT"}, claims, secret, algorithms=["HS384"])


def by_another_key(house: House) -> str:
    """Return a token of a stranger who uses the registered key's id."""
    values = {"use": "sig", "alg": "ES384", "kid": EHR.key.kid}
    return Caller(ECKey.generate_key("P-384", values)).token(house, VIEW)


ATTACKS: dict[str, Any] = {
    "no token at all": lambda house: "",
    "rubbish": lambda house: "a.b.c",
    "none": unsigned,
    "HS384": by_shared_secret,
    "another key": by_another_key,
    "expired": lambda house: EHR.token(house, VIEW, exp=-1),
    "never expires": lambda house: EHR.token(house, VIEW, exp=...),
    "lives too long": lambda house: EHR.token(house, VIEW, exp=4000),
    "from the future": lambda house: EHR.token(house, VIEW, iat=200),
    "not yet": lambda house: EHR.token(house, VIEW, nbf=200),
    "no iat": lambda house: EHR.token(house, VIEW, iat=...),
    "no jti": lambda house: EHR.token(house, VIEW, jti=...),
    "no kid": lambda house: EHR.token(house, VIEW, header={"kid": ...}),
    "another kid": lambda house: EHR.token(house, VIEW, header={"kid": "other"}),
    "typ of an access token": lambda house: EHR.token(house, VIEW, header={"typ": "at+jwt"}),
    "typ of another thing": lambda house: EHR.token(house, VIEW, header={"typ": "JWS"}),
    "issuer not listed": lambda house: EHR.token(house, VIEW, iss="https://evil.example"),
    "issuer that looks alike": lambda house: EHR.token(house, VIEW, iss=f"{ISSUER}/"),
    "key brought along": lambda house: EHR.token(house, VIEW, header={"jwk": EHR.key.as_dict(private=False)}),
    "another service": lambda house: EHR.token(house, START),
    "the site's address only": lambda house: EHR.token(house, ""),
    "two audiences": lambda house: EHR.token(house, VIEW, aud=[house.url(VIEW), "https://other.example"]),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_who_does_not_prove_itself_gets_nothing(house: House, attack: str, quiet_log: list[dict[str, str]]) -> None:
    """Each wrong token is refused before any work is done, and not a part of it is logged (T76-T78)."""
    before = house.contents()
    token = ATTACKS[attack](house)

    reply = EHR.post(house, VIEW, body(house, encounterId=todays_visit(house)), token=token)

    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "cards" not in reply.json()
    assert reply.json()["message"].startswith("The call is not accepted: the JWT of the CDS client is missing")
    assert house.contents() == before
    assert len(token) < 8 or token not in str(quiet_log)


def test_a_listed_jku_only(house: House) -> None:
    """An address of keys that is not registered is refused, and never called (T77)."""
    with socket.create_server(("127.0.0.1", 0)) as sink:
        sink.setblocking(False)
        address = f"http://127.0.0.1:{sink.getsockname()[1]}/jwks"
        token = EHR.token(house, VIEW, header={"jku": address})

        assert EHR.post(house, VIEW, body(house), token=token).status_code == 401
        with pytest.raises(BlockingIOError):
            sink.accept()


def test_a_token_is_good_once(house: House) -> None:
    """The same token again is refused: what was used is in the store that all workers share (T78)."""
    token = EHR.token(house, VIEW)

    replies = [EHR.post(house, VIEW, body(house), token=token) for _ in range(2)]

    assert [each.status_code for each in replies] == [200, 401]
    assert token.split(".")[1] not in str(house.rows(reader_proofs))


def test_rs384_with_a_tenant(make_house: MakeHouse) -> None:
    """An RSA key works as well, and a site that names a tenant answers that one only."""
    house = make_house(change=lambda site: calling(site, RSA, 'tenant = "north"\naudience = "urn:alliance"'))

    asked = [{"tenant": "north"}, {"tenant": "south"}, {}, {"tenant": "north", "aud": house.url(VIEW)}]
    replies = [
        RSA.post(house, VIEW, body(house), token=RSA.token(house, VIEW, **{"aud": "urn:alliance", **each}))
        for each in asked
    ]

    assert [each.status_code for each in replies] == [200, 401, 401, 401]


@pytest.mark.parametrize(
    ("change", "logged"),
    [
        ({"fhirServer": "https://evil.example/fhir"}, "cards.foreign-server"),
        ({"prefetch": {"p": {"resourceType": "Patient", "id": MARIA}}}, "cards.other-patient"),
        (
            {"prefetch": {"b": {"entry": [{"resource": {"subject": {"reference": f"https://x/Patient/{MARIA}"}}}]}}},
            "cards.other-patient",
        ),
        ({"userId": f"Patient/{AOIFE}"}, ""),
    ],
)
def test_foreign_data_is_no_card(
    house: House, quiet_log: list[dict[str, str]], change: dict[str, Any], logged: str
) -> None:
    """Another server, data of another patient, or a reader who is no clinician: no card, and an alarm (T79, T80)."""
    assert EHR.cards(house, encounterId=todays_visit(house), **change) == []
    assert [each["event"] for each in quiet_log if each["log_level"] == "error"] == ([logged] if logged else [])


@pytest.mark.parametrize(
    "prefetch",
    [None, {}, {"p": None}, {"p": {"resourceType": "OperationOutcome"}}, {"b": {"resourceType": "Bundle", "entry": 3}}],
)
def test_prefetch_may_be_anything(house: House, prefetch: Any) -> None:
    """We ask for no prefetch, so what is missing, empty, an error or broken changes nothing (C05)."""
    assert len(EHR.cards(house, encounterId=todays_visit(house), prefetch=prefetch)) == 1


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        (VIEW, b"{", 400),
        (VIEW, b'{"hook": "patient-view", "hook": "patient-view"}', 400),
        (VIEW, [], 400),
        (VIEW, {"hook": "encounter-start"}, 400),
        (VIEW, {"hookInstance": ...}, 400),
        (VIEW, {"patientId": "a/b"}, 400),
        (VIEW, {"userId": "ada"}, 400),
        (START, {"hook": "encounter-start"}, 400),
        (BOOK, {"hook": "appointment-book"}, 400),
        (BOOK, {"hook": "appointment-book", "appointments": "apt1"}, 400),
        (BOOK, {"hook": "appointment-book", "appointments": None}, 400),
        ("/cds-services/order-sign", {}, 404),
        ("/cds-services/%0a", {}, 404),
    ],
)
def test_what_cannot_be_read_is_refused(house: House, path: str, sent: Any, status: int) -> None:
    """A malformed request is 400 and an unknown service 404, in JSON, without a word of what was sent (C02)."""
    reply = EHR.post(house, path, body(house, **sent) if isinstance(sent, dict) else sent)

    assert (reply.status_code, reply.headers["Content-Type"]) == (
        status,
        "application/json",
    )


def test_the_chart_opens_while_the_database_is_locked(
    house: House, quiet_log: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody holds the store the answer comes all the same, without cards: nobody waits for us (T82)."""
    monkeypatch.setitem(house.app.extensions, "alliance", replace(house.services, card_budget=Budget()))
    with transaction(house.services.engine):
        assert EHR.cards(house, encounterId=todays_visit(house)) == []

    assert [each["code"] for each in quiet_log if each["event"] == "cards.failed"] == ["cards.out-of-time"]
    assert AOIFE not in str(quiet_log)


def test_feedback_is_kept_once(house: House) -> None:
    """What became of a card is kept by its uuid, the latest word of several; what somebody wrote is not (C08)."""
    (card,) = EHR.cards(house, encounterId=todays_visit(house))
    path = f"{VIEW}/feedback"
    reason = {"reason": {"code": "not-now", "system": "https://x"}, "userComment": "Aoife was in tears"}
    said = {"card": card["uuid"], "outcome": "overridden", "overrideReason": reason}
    words = [
        {**said, "outcomeTimestamp": "2026-11-28T10:00:00Z"},
        {**said, "outcomeTimestamp": "2026-11-28T10:00:00Z"},
        {**said, "outcome": "accepted", "outcomeTimestamp": "2026-11-28T09:00:00Z"},
    ]

    replies = [EHR.post(house, path, {"feedback": [each]}) for each in words]

    assert [each.status_code for each in replies] == [200, 200, 200]
    (row,) = house.rows(card_feedback)
    assert (row["card"], row["outcome"], row["reason"]) == (card["uuid"], "overridden", "not-now")
    assert "tears" not in str(house.contents())


@pytest.mark.parametrize("sent", [{}, {"feedback": []}, {"feedback": [{"card": "1", "outcome": "accepted"}]}, b"x"])
def test_bad_feedback(house: House, sent: Any) -> None:
    """Feedback that cannot be read is refused, and so is feedback of nobody (C08)."""
    path = f"{VIEW}/feedback"

    assert EHR.post(house, path, sent).status_code == 400
    assert EHR.post(house, path, sent, token=EHR.token(house, VIEW)).status_code == 401


def test_browsers_of_named_origins_only(house: House) -> None:
    """A page of an origin that the site has named may call; to any other nothing is allowed (C09)."""
    allowed = [
        requests.options(house.url(VIEW), headers={"Origin": origin}, timeout=30).headers.get(
            "Access-Control-Allow-Origin"
        )
        for origin in (BROWSER, "https://evil.example", "null")
    ]

    assert allowed == [BROWSER, None, None]


def card_on_chart(house: House, patient: str) -> tuple[Person, Page]:
    """Return a clinician who has opened a chart of the sandbox EHR, which asks us for cards itself."""
    person = Person()
    house.sign_in(person)
    return person, person.open(f"{house.site.ehr_url}/patients/{patient}")


def test_the_link_of_a_card_opens_its_form(make_house: MakeHouse) -> None:
    """The sandbox EHR shows the card, whose link leads to that form; in another's chart it opens nothing (C04)."""
    house = make_house(change=offer_cards)
    watch(house)
    person, chart = card_on_chart(house, AOIFE)
    form = chart.form("/alliance-clinician")

    opened = person.open(person.submit(chart, form).frames[0])
    other, apps = Person(), None
    house.sign_in(other)
    apps = other.open(f"{house.site.ehr_url}/patients/{MARIA}/apps")
    carried = other.submit(apps, apps.form("/alliance-clinician"), app_context=form.hidden["app_context"])
    elsewhere = other.open(carried.frames[0])

    assert "A form for the patient is due." in chart.text
    assert opened.url.endswith("/handover")
    assert elsewhere.url.endswith("/chart")
    assert [row["outcome"] for row in house.rows(audit) if row["event"] == "launch.context-ignored"] == ["foreign"]


def test_a_chart_opens_without_us(make_house: MakeHouse) -> None:
    """The sandbox EHR shows its chart as ever when its tokens are refused: a card is never in the way."""

    def change(site: Site) -> None:
        offer_cards(site)
        settings = site.settings.read_text()
        site.settings.write_text(
            settings.replace(f'[ehr.harbor.cds]\nissuer = "{site.fhir_base}"', f'[ehr.harbor.cds]\nissuer = "{ISSUER}"')
        )

    house = make_house(change=change)
    watch(house)

    _, chart = card_on_chart(house, AOIFE)

    assert chart.status == 200
    assert "is due." not in chart.text
