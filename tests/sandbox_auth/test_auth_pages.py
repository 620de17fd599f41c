"""The pages of a standalone launch: who are you, which patient, allow or deny."""

from typing import Any

import pytest


def exchange(sandbox: Any, code: str, client_id: str = "patient") -> Any:
    """Exchange a code as a public app and return the JSON of the answer."""
    form = {"code": code, "redirect_uri": "https://patient.example.invalid/callback", "code_verifier": sandbox.verifier}
    return sandbox.token(grant_type="authorization_code", client_id=client_id, **form).json


def test_a_patient_signs_in_and_allows(sandbox: Any) -> None:
    """Nobody is signed in: a person is chosen, the consent page asks, and the token is for that patient."""
    who = sandbox.authorize(sandbox.standalone_request())

    consent = sandbox.press(who, person="Patient/ana")
    reply = exchange(sandbox, sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"])

    assert "Who are you?" in who.text
    assert "Allow Patient &lt;App&gt; to do this?" in consent.text
    assert "See personal details of this patient" in consent.text
    assert (reply["patient"], reply["need_patient_banner"]) == ("ana", True)
    assert "encounter" not in reply
    assert reply["scope"] == (
        "launch/patient openid fhirUser offline_access patient/Patient.r patient/Observation.crus user/Patient.r"
    )
    assert sandbox.grants.access(reply["access_token"]).user == "Patient/ana"


def test_a_public_client_refreshes_by_name(sandbox: Any) -> None:
    """A public client with offline_access refreshes with its client_id alone."""
    consent = sandbox.press(sandbox.authorize(sandbox.standalone_request()), person="Patient/ana")
    first = exchange(sandbox, sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"])

    again = sandbox.token(grant_type="refresh_token", refresh_token=first["refresh_token"], client_id="patient").json

    assert again["patient"] == "ana"


def test_no_refresh_scope_for_a_client_that_cannot_refresh(sandbox: Any) -> None:
    """offline_access is not granted to a client that is not registered for refresh tokens."""
    sandbox.signed_in("Patient/ana")
    consent = sandbox.authorize(sandbox.standalone_request(client_id="brief"))

    code = sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"]
    reply = exchange(sandbox, code, client_id="brief")

    assert "offline_access" not in reply["scope"]
    assert "refresh_token" not in reply


def test_a_signed_in_patient_is_asked_for_consent_only(sandbox: Any) -> None:
    """Whoever is signed in to the EHR is not asked who they are."""
    sandbox.signed_in("Patient/bo")

    page = sandbox.authorize(sandbox.standalone_request())

    assert "Bo Okafor" in page.text
    assert 'value="allow"' in page.text


def test_a_clinician_chooses_the_patient(sandbox: Any) -> None:
    """A signed-in clinician gets a patient picker, then the consent page with both names."""
    sandbox.signed_in("Practitioner/vera")
    picker = sandbox.authorize(sandbox.standalone_request())

    consent = sandbox.press(picker, person="Patient/bo")
    reply = exchange(sandbox, sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"])

    assert "Which patient?" in picker.text
    assert "Vera Stein" in consent.text
    assert "Bo Okafor" in consent.text
    assert reply["patient"] == "bo"
    assert sandbox.grants.access(reply["access_token"]).user == "Practitioner/vera"


def test_a_clinician_may_be_chosen_on_the_first_page(sandbox: Any) -> None:
    """Choosing a clinician as the user leads to the patient picker."""
    who = sandbox.authorize(sandbox.standalone_request())

    picker = sandbox.press(who, person="Practitioner/vera")

    assert "Which patient?" in picker.text
    assert "Vera Stein" in picker.text


def test_no_patient_is_asked_for_when_none_is_needed(sandbox: Any) -> None:
    """A clinician's request without patient scopes goes to consent, and its token has no patient."""
    sandbox.signed_in("Practitioner/vera")

    consent = sandbox.authorize(sandbox.standalone_request(scope="openid user/Patient.r"))
    reply = exchange(sandbox, sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"])

    assert "Allow Patient" in consent.text
    assert {"patient", "need_patient_banner"}.isdisjoint(reply)
    assert sandbox.grants.access(reply["access_token"]).patient is None


def test_a_patient_scope_alone_asks_for_the_patient(sandbox: Any) -> None:
    """A patient/ scope needs a patient even when launch/patient is not asked for."""
    sandbox.signed_in("Practitioner/vera")

    page = sandbox.authorize(sandbox.standalone_request(scope="patient/Patient.r"))

    assert "Which patient?" in page.text


def test_a_standalone_launch_is_not_an_ehr_launch(sandbox: Any) -> None:
    """The scope launch is not granted without a launch value."""
    sandbox.signed_in("Practitioner/vera")
    params = sandbox.ehr_request(launch=None)

    consent = sandbox.authorize(params)
    form = sandbox.code_form(sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"])

    assert sandbox.token(**form).json["scope"].split()[0] == "openid"


def test_denying_is_sent_back(sandbox: Any) -> None:
    """Deny brings access_denied and the state to the app, and no code."""
    sandbox.signed_in("Patient/ana")

    reply = sandbox.sent_back(sandbox.press(sandbox.authorize(sandbox.standalone_request()), decision="deny"))

    assert (reply["error"], reply["state"]) == ("access_denied", "s-1")
    assert "code" not in reply


@pytest.mark.parametrize(
    "fields", [{}, {"decision": "perhaps"}, {"person": "Patient/nobody"}, {"person": "Organization/clinic"}]
)
def test_an_unclear_answer_is_a_no(sandbox: Any, fields: dict[str, str]) -> None:
    """Anything but a clear answer denies."""
    sandbox.signed_in("Patient/ana")

    reply = sandbox.sent_back(sandbox.press(sandbox.authorize(sandbox.standalone_request()), **fields))

    assert reply["error"] == "access_denied"


def test_somebody_else_may_take_over(sandbox: Any) -> None:
    """The consent page lets the person say that it is not them."""
    sandbox.signed_in("Practitioner/vera")
    consent = sandbox.press(sandbox.authorize(sandbox.standalone_request()), person="Patient/bo")

    who = sandbox.press(consent, decision="other")
    mine = sandbox.press(who, person="Patient/ana")

    assert "Who are you?" in who.text
    assert "Ana Lund" in mine.text
    assert "Bo Okafor" not in mine.text


def test_consent_cannot_be_given_before_the_questions(sandbox: Any) -> None:
    """Allow, sent from a picker page, is not consent."""
    who = sandbox.authorize(sandbox.standalone_request())

    reply = sandbox.sent_back(sandbox.press(who, decision="allow"))

    assert reply["error"] == "access_denied"


def test_a_patient_cannot_choose_another_patient(sandbox: Any) -> None:
    """On the consent page, or as a patient, naming somebody else changes nothing."""
    sandbox.signed_in("Patient/ana")
    consent = sandbox.authorize(sandbox.standalone_request())

    page = sandbox.press(consent, person="Patient/bo")

    assert "Ana Lund" in page.text
    assert "Bo Okafor" not in page.text


def test_a_clinician_is_no_patient(sandbox: Any) -> None:
    """Naming a clinician in the patient picker shows the picker again."""
    sandbox.signed_in("Practitioner/vera")

    page = sandbox.press(sandbox.authorize(sandbox.standalone_request()), person="Practitioner/vera")

    assert "Which patient?" in page.text


def test_a_page_is_answered_once(sandbox: Any) -> None:
    """The same form sent twice is refused the second time, without a redirect."""
    sandbox.signed_in("Patient/ana")
    page = sandbox.authorize(sandbox.standalone_request())
    sandbox.press(page, decision="allow")

    again = sandbox.press(page, decision="allow")

    assert again.status_code == 400
    assert "out of date" in again.text
    assert "Location" not in again.headers


def test_a_page_belongs_to_one_browser(sandbox: Any) -> None:
    """A form sent from another browser is refused, even with the right transaction (cross-site request forgery)."""
    sandbox.signed_in("Patient/ana")
    page = sandbox.authorize(sandbox.standalone_request())
    form = {"transaction": sandbox.transaction(page), "decision": "allow"}

    for other in (sandbox.app.test_client(), sandbox.app.test_client()):
        reply = other.post("/auth/answer", data=form)
        assert reply.status_code == 400


def test_a_strange_cookie_is_just_another_browser(sandbox: Any) -> None:
    """A cookie with letters that no cookie of ours has is refused like any other wrong one."""
    sandbox.signed_in("Patient/ana")
    page = sandbox.authorize(sandbox.standalone_request())

    reply = sandbox.app.test_client().post(
        "/auth/answer",
        data={"transaction": sandbox.transaction(page), "decision": "allow"},
        headers={"Cookie": "sandbox_authorize=\u00e9"},
    )

    assert reply.status_code == 400


def test_a_made_up_transaction_is_refused(sandbox: Any) -> None:
    """A form without a known transaction leads nowhere."""
    assert sandbox.browser.post("/auth/answer", data={"decision": "allow"}).status_code == 400


def test_a_page_is_out_of_date_after_ten_minutes(sandbox: Any) -> None:
    """An answer after ten minutes is refused."""
    sandbox.signed_in("Patient/ana")
    page = sandbox.authorize(sandbox.standalone_request())

    sandbox.clock.now += 600

    assert sandbox.press(page, decision="allow").status_code == 400


def test_two_tabs_do_not_disturb_each_other(sandbox: Any) -> None:
    """Two authorizations in one browser can both be answered."""
    sandbox.signed_in("Patient/ana")
    first = sandbox.authorize(sandbox.standalone_request(state="one"))
    second = sandbox.authorize(sandbox.standalone_request(state="two"))

    states = [sandbox.sent_back(sandbox.press(page, decision="allow"))["state"] for page in (first, second)]

    assert states == ["one", "two"]


def test_the_cookie_is_for_these_pages_only(sandbox: Any) -> None:
    """The cookie that ties the pages together is out of reach of scripts and other sites."""
    cookie = sandbox.authorize(sandbox.standalone_request()).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/auth/" in cookie
