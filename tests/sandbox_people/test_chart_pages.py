"""The sandbox EHR's pages, in by the front door."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from smart_app.sandbox.fhir.store import ResourceStore

CLINICIAN = "Practitioner/ada-okafor"
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def _token(browser: FlaskClient, path: str = "/") -> str:
    found = TOKEN.search(browser.get(path).text)
    assert found is not None
    return found[1]


@pytest.fixture
def clinician(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Sign Dr. Okafor in to a fresh browser."""
    sign_in(client, CLINICIAN)
    return client


PAGES = (
    "/",
    "/portal",
    "/patients",
    "/patients/maria-lopez",
    "/patients/maria-lopez/visits",
    "/patients/maria-lopez/results",
    "/patients/maria-lopez/forms/maria-lopez-v4-checkin",
    "/patients/maria-lopez/notes",
    "/patients/maria-lopez/apps",
    "/patients/nobody",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_ribbon_and_the_policy(clinician: FlaskClient, page: str) -> None:
    """Each page says that its patients are synthetic, holds nothing inline, and is guarded by a strict policy."""
    answer = clinician.get(page)

    policy = answer.headers["Content-Security-Policy"]
    assert "Sandbox · synthetic patients" in answer.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text)
    assert "default-src 'self'; style-src 'self'; script-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_frames_are_for_registered_apps_and_the_way_back(client: FlaskClient) -> None:
    """Only origins of registered apps may be framed or posted to, and this server itself, where they are authorized."""
    policy = client.get("/").headers["Content-Security-Policy"]

    origins = "'self' http://ehr.example.invalid https://app.example.invalid https://home.example.invalid"
    assert policy.endswith(f"frame-src {origins}; form-action {origins}")


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("/patients")])
@pytest.mark.parametrize("user", [None, "Patient/maria-lopez"])
def test_charts_are_for_clinicians(client: FlaskClient, sign_in: Any, page: str, user: str | None) -> None:
    """Whoever is not signed in as a clinician is sent to the sign-in page, whatever the chart."""
    if user:
        sign_in(client, user)

    answer = client.get(page)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_sign_in_sets_a_guarded_cookie(client: FlaskClient) -> None:
    """Signing in sets one cookie that scripts cannot read and other sites do not send, and opens the patient list."""
    answer = client.post("/sign-in", data={"user": CLINICIAN, "form_token": _token(client)})

    assert answer.headers["Location"] == "/patients"
    assert answer.headers["Set-Cookie"].startswith("sandbox_user=")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "signed in as Dr. Ada Okafor" in client.get("/").text


@pytest.mark.parametrize("user", ["", "Practitioner/nobody", "Organization/harbor", "nonsense"])
def test_nobody_else_can_sign_in(client: FlaskClient, user: str) -> None:
    """Only clinicians and patients of this record can be signed in as."""
    answer = client.post("/sign-in", data={"user": user, "form_token": _token(client)})

    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    assert "choose again" in answer.text


def test_forged_cookie_signs_nobody_in(client: FlaskClient) -> None:
    """A cookie that this server did not sign counts for nothing."""
    client.set_cookie("sandbox_user", "WyJQcmFjdGl0aW9uZXIvYWRhLW9rYWZvciIsIngiXQ.forged")

    assert client.get("/patients").status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/patients/maria-lopez/apps/chart-app"])
@pytest.mark.parametrize("token", ["", "forged", "from another session"])
def test_forms_of_other_sessions_are_refused(populated: Any, clinician: FlaskClient, path: str, token: str) -> None:
    """A form without the token of this very session does nothing."""
    if token == "from another session":
        token = _token(populated.test_client())

    answer = clinician.post(path, data={"user": "Practitioner/ruth-abramowitz", "form_token": token})

    assert answer.status_code == 400
    assert "reload the page" in answer.text
    assert "Signed in as </span>Dr. Ada Okafor" in clinician.get("/patients").text


def test_sign_out_forgets_the_user(clinician: FlaskClient) -> None:
    """After signing out the charts are closed."""
    answer = clinician.post("/sign-out", data={"form_token": _token(clinician)})

    assert answer.headers["Location"] == "/"
    assert clinician.get("/patients").status_code == 303


def test_patient_list_shows_everybody(clinician: FlaskClient) -> None:
    """The list has all patients by family name with birth date, MRN, therapist, last visit and today's time."""
    page = clinician.get("/patients").text

    row = page[page.index(">Maria Lopez<") : page.index(">Maria Lopez<") + 900]
    assert "24 of 24 patients" in page
    assert page.index("Oluwaseun Adeyemi") < page.index("Aoife O&#39;Brien") < page.index("Samuel Whitehorse")
    for shown in ("17 Jun 1991", "00318806", "Dr. Ada Okafor", "09:00"):
        assert shown in row


@pytest.mark.parametrize(
    ("words", "names"),
    [("NGUYỄN", ["Linh Nguyễn"]), ("okafor reyes", ["Thomas Reyes"]), ("00127734", ["Aoife O&#39;Brien"]), ("zzz", [])],
)
def test_patient_list_can_be_filtered(clinician: FlaskClient, words: str, names: list[str]) -> None:
    """The filter finds words of the name, MRN or therapist, in any case; no match says what to do."""
    page = clinician.get("/patients", query_string={"q": words}).text

    assert re.findall(r'<a href="/patients/[\w-]+">([^<]+)</a></th>', page) == names
    assert ("Nobody matches" in page) is (not names)


def test_chart_has_banner_and_tabs(clinician: FlaskClient) -> None:
    """Every tab shows whose chart it is, and which tab is open."""
    for tab, path in (("Summary", ""), ("Visits", "/visits"), ("Results", "/results"), ("Apps", "/apps")):
        page = clinician.get(f"/patients/thomas-reyes{path}").text

        banner = page[page.index('aria-label="Patient"') : page.index("</section>")]
        assert "Thomas Reyes" in banner
        assert "4 Mar 1988 (38)" in banner
        assert "00214821" in banner
        assert re.findall(r'aria-current="page">(\w+)<', page) == [tab]


def test_summary_shows_care_team_and_latest_scores(clinician: FlaskClient) -> None:
    """The summary names today's and earlier therapists and the newest value of each result."""
    page = clinician.get("/patients/daniel-brooks").text

    assert page.index("Dr. James Calloway</dt><dd>therapist") < page.index("Dr. Ada Okafor</dt><dd>earlier therapist")
    assert page.count("Visit check-in core score</th>") == 1
    assert "English" in page


def test_visits_are_newest_first_with_today_marked(clinician: FlaskClient) -> None:
    """The visits tab begins with today's open visit and ends with the first one."""
    page = clinician.get("/patients/maria-lopez/visits").text

    rows = re.findall(r'scope="row">(\w{3} \d+ \w{3} \d{4})( <span class="badge">today</span>)?', page)
    assert len(rows) == 14
    assert rows[0] == ("Tue 24 Nov 2026", ' <span class="badge">today</span>')
    assert {mark for _, mark in rows[1:]} == {""}
    assert page.count("Finished") == 13


def test_results_hold_what_the_store_holds(clinician: FlaskClient, populated: Any) -> None:
    """The results tab shows each Observation of the patient once, nobody else's, with a link to the answers."""
    store = populated.extensions["sandbox_store"]
    stored = store.search("Observation", [("patient", "maria-lopez"), ("_count", "500")]).resources

    page = clinician.get("/patients/maria-lopez/results").text

    shown = re.findall(r'<tr role="row" class="depth-[^"]*" id="([^"]+)"', page)
    assert sorted(shown) == sorted(one["id"] for one in stored)
    assert 'href="/patients/maria-lopez/forms/maria-lopez-v4-checkin"' in page


def test_form_shows_questions_and_answers(clinician: FlaskClient) -> None:
    """The answers behind a result are shown with their questions, form, day and who answered."""
    page = clinician.get("/patients/thomas-reyes/forms/thomas-reyes-v13-checkin").text

    assert "Answers: Visit check-in (patient, short form)" in page
    assert "answered by Thomas Reyes" in page
    assert re.search(r"I felt at ease with my therapist today\.</dt><dd>\d+</dd>", page)
    assert "make it harder to work together?</dt><dd>a little</dd>" in page


@pytest.mark.parametrize(
    "path",
    [
        "/patients/nobody/results",
        "/patients/thomas-reyes/forms/maria-lopez-v4-checkin",
        "/patients/thomas-reyes/forms/nothing",
    ],
)
def test_what_is_not_in_a_chart_is_not_shown(clinician: FlaskClient, path: str) -> None:
    """Unknown patients and answers of somebody else get a page that says so and leads on."""
    answer = clinician.get(path)

    assert answer.status_code == 404
    assert "This page cannot be shown" in answer.text
    assert "start page" in answer.text
    assert "Maria" not in answer.text


def test_apps_tab_offers_apps_that_launch_from_a_chart(clinician: FlaskClient) -> None:
    """Only clients with a launch URL are offered in the chart."""
    page = clinician.get("/patients/maria-lopez/apps").text

    assert "Open Chart app in the chart" in page
    assert "Home app" not in page
    assert "Backend" not in page


def test_app_opens_in_a_frame_for_patient_and_visit(clinician: FlaskClient) -> None:
    """Opening an app frames its launch URL with our FHIR base and a fresh launch value, under the patient banner."""
    data = {"form_token": _token(clinician)}

    pages = [clinician.post("/patients/maria-lopez/apps/chart-app", data=data).text for _ in range(2)]

    frames = [re.search(r'<iframe title="Chart app" src="([^"]+)"', page) for page in pages]
    urls = [urlsplit(frame[1].replace("&amp;", "&")) for frame in frames if frame]
    queries = [parse_qs(url.query) for url in urls]
    assert [f"{url.scheme}://{url.netloc}{url.path}" for url in urls] == ["https://app.example.invalid/launch"] * 2
    assert [query["iss"] for query in queries] == [["http://ehr.example.invalid/fhir"]] * 2
    assert queries[0]["launch"] != queries[1]["launch"]
    assert "Maria Lopez" in pages[0]


def test_app_opens_in_a_window_of_its_own(clinician: FlaskClient) -> None:
    """The other button leads a new window straight to the app, for a patient without a visit today as well."""
    page = clinician.get("/patients/elena-petrova/apps").text
    answer = clinician.post("/patients/elena-petrova/apps/chart-app/window", data={"form_token": _token(clinician)})

    assert "there is no visit today" in page
    assert 'target="_blank" rel="noopener" action="/patients/elena-petrova/apps/chart-app/window"' in page
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("https://app.example.invalid/launch?iss=")


@pytest.mark.parametrize("app", ["home-app", "backend", "unknown"])
def test_other_apps_cannot_be_launched(clinician: FlaskClient, app: str) -> None:
    """A client without a launch URL cannot be opened from a chart."""
    answer = clinician.post(f"/patients/maria-lopez/apps/{app}", data={"form_token": _token(clinician)})

    assert answer.status_code == 404
    assert "choose another" in answer.text


def test_portal_asks_who_you_are(client: FlaskClient) -> None:
    """Somebody who is not signed in as a patient chooses a patient first."""
    page = client.get("/portal").text

    assert page.count('<option value="Patient/') == 24
    assert '<label for="user">' in page


def test_portal_greets_and_asks_about_todays_visit(client: FlaskClient, sign_in: Any) -> None:
    """A patient with a visit today is greeted and led to the app that asks about it."""
    sign_in(client, "Patient/maria-lopez")

    page = client.get("/portal").text

    assert "Hello Maria<" in page
    assert "<b>Today, 09:00</b>, with Dr. Ada Okafor" in page
    assert "Your care team asks: How was your visit?" in page
    assert 'href="https://home.example.invalid/start?iss=here"' in page
    assert "Continue" in client.get("/").text


def test_portal_does_not_ask_without_a_visit(client: FlaskClient, sign_in: Any) -> None:
    """A patient without a visit today is asked nothing."""
    sign_in(client, "Patient/elena-petrova")

    page = client.get("/portal").text

    assert "You have no visit today" in page
    assert "How was your visit?" not in page


def test_portal_shows_a_relative_no_results(client: FlaskClient, sign_in: Any) -> None:
    """Who uses the portal for a patient is told so, can open the app, and sees none of the patient's results."""
    sign_in(client, "RelatedPerson/clara-featherstonehaugh")

    page = client.get("/portal").text

    assert "Hello Clara" in page
    assert "You use the portal for Wilhelmina Anneliese Featherstonehaugh-Montgomery" in page
    assert "Answer: Home app" in page
    assert "core score" not in page


def test_portal_shows_own_results_only(client: FlaskClient, sign_in: Any) -> None:
    """Patients see what came from forms they filled in, not what their therapist guessed."""
    sign_in(client, "Patient/david-cohen")

    page = client.get("/portal").text

    assert "Visit check-in core score" in page
    assert "PHQ-9" in page
    assert "guess" not in page


def _bare_record(store: ResourceStore) -> None:
    store.load(
        [
            {"resourceType": "Practitioner", "id": "new", "name": [{"family": "New"}]},
            {"resourceType": "Patient", "id": "bare"},
            {
                "resourceType": "Observation",
                "id": "wrong",
                "status": "entered-in-error",
                "code": {"text": "Wrong result"},
                "subject": {"reference": "Patient/bare"},
                "valueInteger": 3,
                "performer": [{"reference": "Practitioner/new"}, {"reference": "Practitioner/gone"}],
                "effectiveDateTime": "2026-11-24T10:00:00Z",
            },
        ]
    )


def test_bare_chart_is_shown(empty: Any, empty_store: ResourceStore, sign_in: Any) -> None:
    """A patient without name, birth date or visits has a chart all the same, and a portal."""
    _bare_record(empty_store)
    browser = empty.test_client()
    sign_in(browser, "Practitioner/new")

    pages = {tab: browser.get(f"/patients/bare{tab}") for tab in ("", "/visits", "/results", "/apps")}
    sign_in(browser, "Patient/bare")
    portal = browser.get("/portal").text

    assert {page.status_code for page in pages.values()} == {200}
    assert "Patient/bare" in pages[""].text
    assert "No results yet" in pages[""].text
    assert "No visits yet" in pages["/visits"].text
    assert "Hello Patient/bare" in portal
    assert "No results yet" in portal


def test_results_entered_in_error_are_struck(empty: Any, empty_store: ResourceStore, sign_in: Any) -> None:
    """A result entered in error stays visible, struck through, with its status in words."""
    _bare_record(empty_store)
    browser = empty.test_client()
    sign_in(browser, "Practitioner/new")

    page = browser.get("/patients/bare/results").text

    assert "<del>Wrong result</del>" in page
    assert "<del>3</del>" in page
    assert "Entered in error" in page
    assert "New, Practitioner/gone" in page


def test_long_records_are_shown_in_full(empty: Any, empty_store: ResourceStore, sign_in: Any) -> None:
    """Results beyond one page of a search are shown too."""
    _bare_record(empty_store)
    more = {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/bare"}}
    empty_store.load(more | {"id": f"o{number}", "code": {"text": "Many"}} for number in range(600))
    browser = empty.test_client()
    sign_in(browser, "Practitioner/new")

    page = browser.get("/patients/bare/results").text

    assert page.count('scope="row">Many') == 600
