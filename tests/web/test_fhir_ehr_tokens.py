"""Tokens of the EHR itself at our FHIR endpoint (S31): asked about there, and good as far as they reach."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import update

from fhir_alliance.store import transaction
from fhir_alliance.tables import audit, submissions
from smart_app.demo.site import Site
from smart_app.sandbox.auth.context import Launch

from .house import ADA, CORE, MARIA, THOMAS, House, handle_of
from .reading import Reader, answer, entries, get, hold

MakeHouse = Callable[..., House]
READER = Reader()
OTHER = Reader("other")
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BOTH = ("patient/Observation.rs", "patient/QuestionnaireResponse.rs")
CLINICIAN = ("fhirUser", "openid", "user/Observation.rs", "user/QuestionnaireResponse.rs")


def taking_tokens(site: Site) -> None:
    """Hold what is answered, take tokens of the EHR, and register another EHR at the same server that does not."""
    text = site.settings.read_text()
    harbor = text[text.index("[ehr.harbor]") :].partition("[ehr.harbor.clinician]")[0]
    bay = harbor.replace("ehr.harbor", "ehr.bay").replace('/fhir"', '/bay/fhir"')
    taken = f'ehr_tokens = "launch-patient"\nintrospection_endpoint = "{site.ehr_url}/auth/introspect"\n'
    site.settings.write_text(text.replace("allow_private = true\n", f"allow_private = true\n{taken}", 1) + bay)
    hold(site)
    READER.register(site)
    OTHER.register(site, ehr="bay")


@pytest.fixture(scope="module")
def house(opener: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Open a house whose EHR takes nothing, and whose tokens are taken."""
    with opener(tmp_path_factory.mktemp("tokens"), change=taking_tokens) as opened:
        yield opened


@pytest.fixture(scope="module")
def keys(house: House) -> dict[str, str]:
    """Let two patients answer, and a therapist rate for one; return the submissions' keys."""
    return {**{patient: answer(house, patient) for patient in (MARIA, THOMAS)}, ADA: rated(house, MARIA)}


def rated(house: House, patient: str) -> str:
    """Let a therapist rate as the patient would; return the submission's key."""
    clinician, chart = house.clinician(patient)
    form = clinician.open(house.url(f"/l/{handle_of(chart)}/form"))
    review = clinician.submit(form, form.form("/form"), **CORE, action="review")
    receipt = clinician.submit(review, review.form("/send"))
    house.deliver()
    return receipt.url.rpartition("/")[2]


def token(house: House, *scopes: str, user: str = "", patient: str | None = None) -> str:
    """Return a token of the EHR, as an app or a program there would hold it."""
    grants = house.ehr.extensions["sandbox_grants"]
    if not user:
        return str(grants.issue_for_backend(client_id="warehouse", scopes=scopes).access_token)
    named = {"client_id": "portal-app", "redirect_uri": "https://portal.example.invalid/cb"}
    launch = Launch(user=user, patient=patient)
    code = grants.issue_code(**named, scopes=scopes, launch=launch, nonce=None, code_challenge=CHALLENGE)
    return str(grants.redeem_code(code, **named, verifier=VERIFIER).access_token)


def ask(house: House, path: str, token: str = "", *, ehr: str = "harbor") -> requests.Response:
    """Read below the address of an EHR."""
    return get(house, f"ehr/{ehr}/{path}", token)


def keys_in(reply: requests.Response) -> set[str]:
    """Return the submissions whose responses a search found."""
    return {each["id"] for each in entries(reply)}


def asked_about(house: House) -> int:
    """Return how often the EHR was asked about tokens."""
    return sum(call[1] == "/auth/introspect" for call in house.traffic)


def noted(house: House) -> tuple[str, str, str]:
    """Return the last thing that the trail says: what, who, with which end."""
    row = house.rows(audit)[-1]
    return row["event"], row["actor"], row["outcome"]


def test_a_patient_sees_own_answers_alone(house: House, keys: dict[str, str]) -> None:
    """Neither another patient's, by search or id, nor the therapist's rating, which nobody was told to be shown."""
    hers = token(house, "openid", "fhirUser", *BOTH, user=f"Patient/{MARIA}", patient=MARIA)

    assert keys_in(ask(house, "QuestionnaireResponse", hers)) == {keys[MARIA]}
    assert keys_in(ask(house, f"QuestionnaireResponse?patient={THOMAS}", hers)) == set()
    assert ask(house, f"QuestionnaireResponse/{keys[THOMAS]}", hers).status_code == 404
    assert ask(house, f"QuestionnaireResponse/{keys[ADA]}", hers).status_code == 404
    observations = entries(ask(house, "Observation", hers))
    assert {each["subject"]["reference"] for each in observations} == {f"{house.site.fhir_base}/Patient/{MARIA}"}
    assert noted(house) == ("records.read", f"client:portal-app Patient/{MARIA}", "done")


def test_a_patient_sees_own_forms_alone(house: House, keys: dict[str, str]) -> None:
    """What is asked of the therapist is not the patient's to see, nor what is asked of another patient."""
    his = token(house, "openid", "fhirUser", "patient/Task.rs", user=f"Patient/{THOMAS}", patient=THOMAS)
    theirs = token(house, "openid", "fhirUser", "user/Task.rs", user=ADA, patient=THOMAS)

    def owners(reply: requests.Response) -> list[str]:
        return [each.get("owner", {}).get("reference", "") for each in entries(reply)]

    thomas = f"{house.site.fhir_base}/Patient/{THOMAS}"
    assert owners(ask(house, "Task", his)) == [thomas]
    assert owners(ask(house, f"Task?patient={MARIA}", his)) == []
    assert sorted(owners(ask(house, "Task", theirs))) == ["", thomas]


def test_a_clinician_sees_the_chart_of_the_launch(house: House, keys: dict[str, str]) -> None:
    """Both ratings of that patient, and nothing of another."""
    theirs = token(house, *CLINICIAN, user=ADA, patient=MARIA)

    assert keys_in(ask(house, "QuestionnaireResponse", theirs)) == {keys[MARIA], keys[ADA]}
    assert ask(house, f"QuestionnaireResponse/{keys[THOMAS]}", theirs).status_code == 404


def test_a_program_sees_what_its_scopes_say(house: House, keys: dict[str, str]) -> None:
    """`system/` reaches every patient of this EHR, for the named type alone; pages lead on at the same address."""
    programs = token(house, "system/Observation.rs")

    page = ask(house, "Observation?_count=1", programs).json()
    rest = get(house, next(link["url"] for link in page["link"] if link["relation"] == "next"), programs)

    assert f"/fhir/ehr/harbor/Observation/{page['entry'][0]['resource']['id']}" in page["entry"][0]["fullUrl"]
    assert entries(rest)
    subjects = {each["subject"]["reference"] for each in entries(ask(house, "Observation", programs))}
    assert len(subjects) == 2
    assert ask(house, "QuestionnaireResponse", programs).status_code == 403


@pytest.mark.parametrize(
    ("scopes", "user", "patient"),
    [
        (("system/Observation.cud",), "", None),
        (("user/Observation.c", "fhirUser", "openid"), ADA, MARIA),
        (("patient/Observation.cu",), f"Patient/{MARIA}", MARIA),
        (BOTH, f"Patient/{MARIA}", MARIA),
        (("openid", "fhirUser", *BOTH), f"Patient/{THOMAS}", MARIA),
        (CLINICIAN, ADA, None),
    ],
    ids=["system writes", "user writes", "patient writes", "nobody named", "another's chart", "no chart"],
)
def test_what_a_token_does_not_allow(
    house: House, keys: dict[str, str], scopes: tuple[str, ...], user: str, patient: str | None
) -> None:
    """Scopes to write, somebody without a name, a patient in another's chart, no chart at all: 403, and noted."""
    reply = ask(house, "Observation", token(house, *scopes, user=user, patient=patient))

    assert (reply.status_code, reply.json()["issue"][0]["code"]) == (403, "forbidden")
    event, actor, outcome = noted(house)
    assert (event, actor.partition(" ")[0][:7], outcome) == ("records.refused", "client:", "fhir.scope")


def test_tokens_that_are_over(make_house: MakeHouse) -> None:
    """Expired, revoked and made-up tokens are 401, not a word more."""
    house = make_house(change=taking_tokens)
    grants = house.ehr.extensions["sandbox_grants"]
    expired = token(house, "system/Observation.rs")
    grants.expire_access_tokens()
    revoked = token(house, "system/Observation.rs")
    grants.revoke(revoked, client_id="warehouse")

    for each in (expired, revoked, "made-up", "x" * 5000):
        reply = ask(house, "Observation", each)
        assert (reply.status_code, reply.json()["issue"][0]["code"]) == (401, "login")
        assert "invalid_token" in reply.headers["WWW-Authenticate"]
        assert noted(house) == ("records.refused", "reader", "fhir.token")


ATTESTED = """
[ehr.harbor.readers]
patient_portal = "shown"
proxies = "shown"
chart_readers = "care-team"
attested_by = "Jo Park, EHR team"
attested_on = 2026-11-24
"""


def with_portal(site: Site) -> None:
    """Take tokens, and attest that the portal shows results to the patient and to proxies."""
    taking_tokens(site)
    site.settings.write_text(site.settings.read_text() + ATTESTED)


def test_what_was_told_decides_for_each_form(make_house: MakeHouse) -> None:
    """Where the portal shows results, what it could show is shown; what was kept in this app, as was said, is not."""
    house = make_house(change=with_portal)
    given = {MARIA: answer(house, MARIA), ADA: rated(house, MARIA)}
    hers = token(house, "openid", "fhirUser", *BOTH, user=f"Patient/{MARIA}", patient=MARIA)
    unnamed = token(house, *BOTH, user=f"Patient/{MARIA}", patient=MARIA)

    found = []
    for rung in ("hold", "note", "flowsheet"):
        with transaction(house.services.engine) as connection:
            connection.execute(update(submissions).values(rung=rung))
        found.append([keys_in(ask(house, "QuestionnaireResponse", each)) for each in (hers, unnamed)])

    assert found == [[{given[MARIA]}, set()], [{given[MARIA]}, set()], [{*given.values()}, {given[MARIA]}]]


def test_an_answer_is_kept_for_a_minute_at_most(make_house: MakeHouse) -> None:
    """A revoked token may be good for so long, and no longer."""
    house = make_house(change=taking_tokens)
    held = token(house, "system/Observation.rs")

    before = [ask(house, "Observation", held).status_code for _ in range(3)], asked_about(house)
    house.ehr.extensions["sandbox_grants"].revoke(held, client_id="warehouse")
    house.ahead = timedelta(seconds=60)
    after = ask(house, "Observation", held).status_code, asked_about(house)

    assert before == ([200, 200, 200], 1)
    assert after == (401, 2)


def test_the_ehr_is_away(make_house: MakeHouse) -> None:
    """That is not the caller's fault: 503, to be tried again; readers with tokens of ours go on."""
    house = make_house(change=taking_tokens)
    ours, theirs = READER.token(house), token(house, "system/Observation.rs")
    house.stop_ehr()

    reply = ask(house, "Observation", theirs)

    issue = reply.json()["issue"][0]
    assert (reply.status_code, issue["code"], reply.headers["Retry-After"]) == (503, "transient", "60")
    assert reply.json()["resourceType"] == "OperationOutcome"
    assert "WWW-Authenticate" not in reply.headers
    assert noted(house) == ("records.refused", "reader", "fhir.undecided")
    assert ask(house, "Observation", ours).status_code == 200


@pytest.mark.parametrize("said", [b"<html>", b'{"active": "yes"}', b'{"active": true}', b""])
def test_an_ehr_that_says_something_odd(make_house: MakeHouse, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that cannot be understood lets nobody in, and blames nobody."""
    house = make_house(change=taking_tokens)
    monkeypatch.setitem(house.ehr.view_functions, "sandbox_auth.introspect", lambda: (said, 200))

    assert ask(house, "Observation", "any").status_code == 503


def test_a_token_is_shown_to_no_other_ehr(house: House, keys: dict[str, str]) -> None:
    """Where no EHR is named, or one that is not asked, nothing is asked; what is unknown does not exist."""
    theirs = token(house, "system/Observation.rs")
    before = asked_about(house)

    found = [
        get(house, "Observation", theirs).status_code,
        ask(house, "Observation", theirs, ehr="bay").status_code,
        ask(house, "Observation", theirs, ehr="nowhere").status_code,
        ask(house, "Observation").status_code,
        ask(house, "Observation", "a b").status_code,
    ]

    assert found == [401, 404, 404, 401, 401]
    assert asked_about(house) == before


def test_readers_are_known_at_the_address_of_their_ehr(house: House, keys: dict[str, str]) -> None:
    """A token of ours is good at the EHR of its reader, at no other, and the EHR is never asked about it."""
    before = asked_about(house)

    mine = ask(house, "QuestionnaireResponse", READER.token(house))
    others = ask(house, "QuestionnaireResponse", OTHER.token(house))

    assert keys_in(mine) == set(keys.values())
    assert others.status_code == 401
    assert asked_about(house) == before


def test_every_submission_is_held(house: House, keys: dict[str, str]) -> None:
    """What these tests read is what was answered, by both raters."""
    held = {row["key"]: row["rater"] for row in house.rows(submissions)}

    assert held == {keys[MARIA]: "patient", keys[THOMAS]: "patient", keys[ADA]: "therapist"}
