"""One visit from end to end over HTTP: published, answered, scored, written, and read by a health system."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from threading import Event
from time import monotonic
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey
from rich.console import Console
from rich.table import Table

from fhir_alliance.errors import AllianceError
from fhir_alliance.settings import read_settings
from fhir_alliance.terms import ALLIANCE
from smart_app.demo.browser import Browser, Page
from smart_app.demo.site import HEALTH_SYSTEM_SCOPES, Site
from smart_app.publishing import publish_all
from smart_app.web.services import utc_now

PATIENT, CLINICIAN = "maria-lopez", "Practitioner/ada-okafor"
ANSWERS = {"1": "8", "2": "7", "3": "6", "4": "9", "5": "8", "6": "7", "harder": "a-little", "talk": "yes"}
EXPECTED = Decimal("7.5")
_IN_CHART_SECONDS = 30.0
_LOOK_EVERY = 0.1


class WalkError(RuntimeError):
    """A step of the visit failed; the message names it."""


class Steps:
    """What was done, in order, with the seconds each step took."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time a step; what it calls back with is its result in words. Raises WalkError naming the step."""
        began, said = monotonic(), [""]
        try:
            yield lambda words: said.__setitem__(0, words)
        except (LookupError, AllianceError, requests.RequestException, ValueError) as error:
            raise WalkError(f"The step “{name}” failed: {error}") from error
        self.rows.append((name, said[0], monotonic() - began))


def walk_visit(site: Site) -> None:
    """Walk one visit and print a table of its steps; raises WalkError naming the step that failed."""
    steps = Steps()
    with steps.step("published") as say:
        forms = list(publish_all(read_settings(site.settings)))
        say(f"{len(forms)} Questionnaires")
    began = utc_now()
    link = _clinician(site, steps)
    _patient(link, steps)
    _health_system(site, steps, since=began)
    _print(steps)


def _clinician(site: Site, steps: Steps) -> str:
    """Launch the app in the chart and hand a form over; returns the one-time link."""
    browser = Browser()
    with steps.step("launched") as say:
        chart = _launch(browser, site)
        say(_first(r'class="lead">([^<]*)', chart.text))
    with steps.step("handed over") as say:
        page = _expect(browser.submit(chart, chart.form("/handover"), form="core"), "Hand over")
        say("one-time code")
        return page.link("/handover/")


def _launch(browser: Browser, site: Site) -> Page:
    home = browser.open(f"{site.ehr_url}/")
    browser.submit(home, home.form("/sign-in"), user=CLINICIAN)
    apps = browser.open(f"{site.ehr_url}/patients/{PATIENT}/apps")
    framed = browser.submit(apps, apps.form("/alliance-clinician"))
    return _expect(browser.open(framed.frames[0]), "Visit check-in")


def _patient(link: str, steps: Steps) -> None:
    browser = Browser()
    with steps.step("confirmed"):
        start = browser.open(link)
        confirm = browser.submit(start, start.forms[0])
        form = _expect(browser.submit(confirm, confirm.form("/confirm")), "How was your visit")
    with steps.step("answered") as say:
        review = _expect(browser.submit(form, form.form("/form"), **ANSWERS, action="review"), "Check your answers")
        say(f"{len(ANSWERS)} questions")
    with steps.step("accepted") as say:
        receipt = _expect(browser.submit(review, review.form("/send")), "Thank you")
        say("durable before the thank-you page")
    with steps.step("written and read back") as say:
        say(_until_in_chart(browser, f"{receipt.url}/state"))


def _until_in_chart(browser: Browser, url: str) -> str:
    deadline, pause = monotonic() + _IN_CHART_SECONDS, Event()
    while monotonic() < deadline:
        if browser.state(url) == "in_chart":
            return "in the chart"
        pause.wait(_LOOK_EVERY)
    raise LookupError(f"not in the chart after {_IN_CHART_SECONDS:.0f} s")


def _health_system(site: Site, steps: Steps, *, since: datetime) -> None:
    """Query the core scores since the walk began as a health system would: Backend Services, plain FHIR search."""
    with steps.step("queried by the health system") as say:
        token = _backend_token(site)
        found = _search(site, token, since)
        scores = [Decimal(str(each["valueQuantity"]["value"])) for each in found]
        if scores != [EXPECTED]:
            raise LookupError(f"expected one score of {EXPECTED}, found {len(scores)}")
        say(f"core score {scores[0]} of 10")


def _backend_token(site: Site) -> str:
    key = ECKey.import_key(json.loads(site.health_system_key.read_text()))
    now = int(utc_now().timestamp())
    claims = {
        "iss": "health-system",
        "sub": "health-system",
        "aud": site.token_endpoint,
        "iat": now,
        "exp": now + 240,
        "jti": f"walk-{now}-{monotonic()}",
    }
    header = {"alg": "ES384", "kid": key.kid, "typ": "JWT"}
    data = {
        "grant_type": "client_credentials",
        "scope": HEALTH_SYSTEM_SCOPES,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, claims, key, algorithms=["ES384"]),
    }
    reply = requests.post(site.token_endpoint, data=data, timeout=30)
    reply.raise_for_status()
    return str(reply.json()["access_token"])


def _search(site: Site, token: str, since: datetime) -> list[dict[str, Any]]:
    query = {
        "patient": PATIENT,
        "code": f"{ALLIANCE}|visit-check-in-core",
        "date": f"ge{since.isoformat(timespec='seconds')}",
    }
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    reply = requests.get(f"{site.fhir_base}/Observation", params=query, headers=headers, timeout=30)
    reply.raise_for_status()
    return [entry["resource"] for entry in reply.json().get("entry", [])]


def _expect(page: Page, words: str) -> Page:
    if page.status >= requests.codes.bad_request or words not in page.text:
        title = _first(r"<title>([^<]*)", page.text).strip()
        raise LookupError(f"HTTP {page.status} “{title}” instead of “{words}”")
    return page


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _print(steps: Steps) -> None:
    table = Table(title="One visit, end to end")
    table.add_column("Step")
    table.add_column("Result")
    table.add_column("Time", justify="right")
    for name, said, seconds in steps.rows:
        table.add_row(name, said, f"{seconds * 1000:.0f} ms")
    Console().print(table)
