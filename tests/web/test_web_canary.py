"""Names, answers and secrets stay where they belong: not in logs, not in plain in the database, not in addresses."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import create_engine, select

from fhir_alliance.tables import drafts, grants
from fhir_alliance.vault import Vault
from smart_app.demo.run import running
from smart_app.demo.site import write_site
from tests.ports import own_port

from .house import CORE, MARIA, PRE_LAUNCH, SESSION, Clinic, Person

ABOUT_MARIA = ("Maria", "Lopez", "00318806", "1991-06-17", "17 June")
CANARY = "canary-7f3a"


def faults(clinic: Clinic, person: Person, form_url: str) -> None:
    """Provoke every kind of refusal, each time with something in it that must not be written down."""
    origin = clinic.site.app_url
    person.send("GET", clinic.url(f"/launch?iss=http://{CANARY}.example.invalid&launch={CANARY}"))
    person.send("GET", clinic.url(f"/callback/harbor?error={CANARY}&error_description={CANARY}&state={CANARY}"))
    person.send("GET", clinic.url(f"/{CANARY}?q={CANARY}"), Referer=f"http://ehr.example.invalid/{CANARY}")
    person.send("GET", clinic.url(f"/l/{CANARY}/chart"), User_Agent=CANARY, Cookie=f"{SESSION}={CANARY}")
    person.send("GET", clinic.url(f"/handover/{CANARY}"))
    person.send("GET", clinic.url("/health"), Host=f"{CANARY}.example.invalid")
    person.send("POST", form_url, {"1": CANARY, "_csrf": CANARY}, Origin=f"http://{CANARY}.example.invalid")
    person.send("POST", form_url, {"1": CANARY * 10_000}, Origin=origin)
    enter = person.open(clinic.url("/handover/"))
    person.submit(enter, enter.forms[0], code=CANARY)
    form = person.open(form_url)
    person.submit(form, form.form("/form"), **{"1": CANARY, "harder": CANARY}, action=CANARY)
    person.submit(form, form.form("/form"), version=CANARY, **{CANARY: CANARY}, action="review")


def journey(clinic: Clinic) -> tuple[list[Person], dict[str, str]]:
    """Walk a whole visit with every fault on the way; returns who was there, and the secrets they held."""
    clinician = Person()
    clinic.sign_in(clinician)
    launch = clinic.launch_url(clinician, MARIA)
    callback = clinician.until(launch, "/callback/")
    pre_launch = clinician.cookie(PRE_LAUNCH)
    chart = clinician.open(callback)
    query = parse_qs(urlsplit(callback).query)
    secrets = {"pre-launch": str(pre_launch), "clinician's session": str(clinician.cookie(SESSION))}
    link, short = clinic.code(clinician, chart)
    patient = Person()
    start = patient.open(link)
    confirm = patient.submit(start, start.forms[0])
    form = patient.submit(confirm, confirm.form("/confirm"))
    faults(clinic, patient, form.url)
    secrets |= {"patient's session": str(patient.cookie(SESSION)), "link": link.rpartition("/")[2]}
    secrets |= {"short code": short.replace("-", ""), "state": query["state"][0], "code": query["code"][0]}
    form = patient.open(form.url)
    review = patient.submit(form, form.form("/form"), **CORE | {"harder": "yes"}, action="review")
    assert "Check your answers" in review.text
    return [clinician, patient], secrets


def tokens(clinic: Clinic) -> dict[str, str]:
    """Return the EHR's tokens, opened with the site's own key, and prove that the draft can be opened only so."""
    folder = clinic.site.settings.parent
    vault = Vault.from_file(folder / "vault.json")
    engine = create_engine(f"sqlite:///{folder / 'alliance.db'}")
    with engine.connect() as connection:
        row = connection.execute(select(grants)).mappings().first()
        draft = connection.execute(select(drafts)).mappings().first()
    engine.dispose()
    assert row
    assert draft
    answers = vault.open(draft["answers"], place=f"harbor/drafts/{draft['key']}/answers").decode()
    found = {
        column: vault.open(row[column], place=f"harbor/grants/{row['id']}/{column}").decode()
        for column in ("access_token", "refresh_token")
    }
    return {**found, "answers": answers}


@pytest.fixture
def left_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[str, bytes, list[str], dict[str, str]]:
    """Run both servers as processes for one journey; returns log, database, addresses opened, and the secrets."""
    ehr_port, app_port = own_port(), own_port()
    clinic = Clinic(write_site(tmp_path, ehr_port=ehr_port, app_port=app_port))
    with running(clinic.site):
        people, secrets = journey(clinic)
        secrets |= tokens(clinic)
        # While it runs, so that the write-ahead log is there too.
        kept = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("alliance.db*")))
        review = people[1].open(next(url for url in reversed(people[1].urls) if url.endswith("/review")))
        people[1].submit(review, review.form("/send"))
    kept += b"".join(path.read_bytes() for path in sorted(tmp_path.glob("alliance.db*")))
    out, err = capfd.readouterr()
    return out + err, kept, [url for person in people for url in person.urls], secrets


def test_nothing_private_is_left_behind(left_behind: tuple[str, bytes, list[str], dict[str, str]]) -> None:
    """After a visit with eleven faults: no name, number, answer, token or session in the log or plain in the database.

    Nor in an address that was opened, beyond the values that the launch protocol itself puts there, which work once.
    Each line of the log is one JSON object, and its routes are patterns.
    """
    log, database, urls, secrets = left_behind
    private = {**{word: word for word in ABOUT_MARIA}, **secrets}

    in_log = [name for name, value in private.items() if value in log]
    in_database = [name for name, value in private.items() if value.encode() in database]
    lasting = {name: value for name, value in private.items() if name not in ("state", "code", "link")}
    in_urls = [name for name, value in lasting.items() if any(value in url for url in urls)]

    assert (in_log, in_database, in_urls) == ([], [], [])
    assert CANARY not in log
    assert CANARY.encode() not in database
    assert [line for line in log.splitlines() if not re.fullmatch(r"\{.*\}", line)] == []
    routes = set(re.findall(r'"route": "([^"]+)"', log))
    assert {"/l/<handle>/form", "/l/<handle>/chart", "/handover/<link>", "/launch"} <= routes
