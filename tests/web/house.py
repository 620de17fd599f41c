"""A clinic of one test: the app and the sandbox EHR over real HTTP, and people with browsers of their own."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from flask import Flask
from itsdangerous import URLSafeSerializer
from requests.cookies import get_cookie_header
from sqlalchemy import Table, select
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fhir_alliance.cards.budget import Budget
from fhir_alliance.settings import read_settings
from fhir_alliance.tables import metadata
from smart_app.demo.browser import Page, WebForm
from smart_app.demo.site import Site, write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from smart_app.web.admissions import make_link
from smart_app.web.app import create_app
from smart_app.web.services import Services
from tests.ports import own_port

ADA = "Practitioner/ada-okafor"
MARIA, THOMAS, AOIFE = "maria-lopez", "thomas-reyes", "aoife-obrien"
CORE = {"1": "8", "2": "7", "3": "6", "4": "9", "5": "8", "6": "7"}
PRE_LAUNCH, SESSION, ADMIN = "__Host-ta_pre", "__Host-ta_sid", "__Host-ta_adm"


class Quiet(WSGIRequestHandler):
    """Answers without a line per request."""

    def log(self, *_: object) -> None:
        """Say nothing."""


class Person:
    """One browser: its cookies are its own, Secure ones too, as a browser treats localhost."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        # The server closes a connection whose body it did not read: the next request needs its own.
        self.session.headers["Connection"] = "close"
        self.session.cookies.set_policy(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.urls: list[str] = []

    def send(
        self, method: str, url: str, data: Mapping[str, str] | bytes | None = None, **headers: str
    ) -> requests.Response:
        """Make one request and follow nothing; underscores in header names become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        # The session copies its jar for each request and forgets the jar's policy with it.
        cookies = get_cookie_header(self.session.cookies, requests.Request(method, url))
        named |= {"Cookie": cookies} if cookies else {}
        self.urls.append(url)
        return self.session.request(method, url, data=data, headers=named, allow_redirects=False, timeout=30)

    def open(self, url: str) -> Page:
        """Return the page behind a link, after its redirects."""
        return self.land(self.send("GET", url))

    def until(self, url: str, part: str) -> str:
        """Follow redirects up to the one whose address holds `part`, and return that address unopened."""
        while part not in urlsplit(url).path:
            url = urljoin(url, self.send("GET", url).headers["Location"])
        return url

    def submit(self, page: Page, form: WebForm, /, **fields: str) -> Page:
        """Return the page after posting a form with what was filled in."""
        return self.land(self.post(page, form, **fields))

    def post(self, page: Page, form: WebForm, /, **fields: str) -> requests.Response:
        """Post a form as the page's own browser would, and follow nothing."""
        parts = urlsplit(page.url)
        return self.send("POST", form.action, {**form.hidden, **fields}, Origin=f"{parts.scheme}://{parts.netloc}")

    def land(self, reply: requests.Response) -> Page:
        """Follow an answer's redirects to the page at their end."""
        while reply.is_redirect:
            reply = self.send("GET", urljoin(reply.url, reply.headers["Location"]))
        return Page(url=reply.url, status=reply.status_code, text=reply.text)

    def cookie(self, name: str) -> str | None:
        """Return the value of one of the app's cookies."""
        return next((each.value for each in self.session.cookies if each.name == name), None)

    def take_cookie(self, other: "Person", name: str) -> None:
        """Copy one cookie from another browser."""
        for each in other.session.cookies:
            if each.name == name:
                self.session.cookies.set_cookie(each)


class Clinic:
    """What people do at a site, wherever its two servers run."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def url(self, path: str) -> str:
        """Return an address of the app."""
        return f"{self.site.app_url}{path}"

    def sign_in(self, person: Person, user: str = ADA) -> None:
        """Sign a browser in to the EHR."""
        home = person.open(f"{self.site.ehr_url}/")
        person.submit(home, home.form("/sign-in"), user=user)

    def launch_url(self, person: Person, patient: str = MARIA) -> str:
        """Return the address at which the EHR opens the app in a patient's chart."""
        apps = person.open(f"{self.site.ehr_url}/patients/{patient}/apps")
        return person.submit(apps, apps.form("/alliance-clinician")).frames[0]

    def callback_url(self, person: Person, patient: str = MARIA) -> str:
        """Return the address to which the EHR sends the browser back, not yet opened."""
        return person.until(self.launch_url(person, patient), "/callback/")

    def clinician(self, patient: str = MARIA, user: str = ADA) -> tuple[Person, Page]:
        """Return a signed-in clinician who sees a patient's chart view."""
        person = Person()
        self.sign_in(person, user)
        return person, person.open(self.launch_url(person, patient))

    def code(self, person: Person, chart: Page, form: str = "core") -> tuple[str, str]:
        """Hand a form over; returns the one-time link and the short code."""
        page = person.submit(chart, chart.form("/handover"), form=form)
        return page.link("/handover/"), page.text.partition('class="short-code">')[2].partition("<")[0]

    def handed(self, patient: str = MARIA, form: str = "core") -> tuple[Person, Page]:
        """Return a patient with a handed-over device, at the form."""
        link, _ = self.code(*self.clinician(patient), form)
        person = Person()
        start = person.open(link)
        confirm = person.submit(start, start.forms[0])
        return person, person.submit(confirm, confirm.form("/confirm"))

    def at_home(self, patient: str = MARIA) -> tuple[Person, Page]:
        """Return a patient at home who has signed in from the portal, at the choice of the visit."""
        person = Person()
        asked = person.open(self.url("/start/harbor"))
        consent = person.submit(asked, asked.forms[0], person=f"Patient/{patient}")
        return person, person.submit(consent, consent.forms[0], decision="allow")


class House(Clinic):
    """Both servers in this process, on real ports; the app's clock and courier move only when told.

    Cards have half a minute here: what a test sees of them must not depend on how busy the machine is.
    """

    def __init__(self, site: Site, record: Path) -> None:
        super().__init__(site)
        self.ahead = timedelta()
        shutil.copy(record, json.loads(site.sandbox.read_text())["database"])
        self.ehr = create_sandbox(read_config(site.sandbox))
        self.app: Flask = create_app(read_settings(site.settings), clock=self.now)
        self.app.extensions["alliance"] = replace(self.services, card_budget=Budget(seconds=30))
        self._app_server = self._serve(self.app, site.app_url)
        self._ehr_server: BaseWSGIServer | None = self._serve(self.ehr, site.ehr_url)
        self.opened = self.now()

    def now(self) -> datetime:
        """Return the time in the app."""
        return datetime.now(UTC) + self.ahead

    @property
    def services(self) -> Services:
        """The parts of the app."""
        return self.app.extensions["alliance"]

    @property
    def traffic(self) -> Any:
        """What the EHR was asked: (method, path, status, client)."""
        return self.ehr.extensions["sandbox_log"]

    def close(self) -> None:
        """Stop both servers."""
        self.stop_ehr()
        self._stop(self._app_server)
        self.services.engine.dispose()
        self.ehr.extensions["sandbox_store"].close()

    def stop_ehr(self) -> None:
        """Let nothing answer at the EHR's address."""
        if self._ehr_server is not None:
            self._stop(self._ehr_server)
        self._ehr_server = None

    def start_ehr(self) -> None:
        """Let the EHR answer again."""
        self._ehr_server = self._serve(self.ehr, self.site.ehr_url)

    def deliver(self) -> int:
        """Let the courier try everything that is due; returns how much that was."""
        return self.services.courier.deliver_due(self.now())

    def token_of(self, person: Person, handle: str = "", *, admin: bool = False) -> str:
        """Return a form token as the app would give this browser, for routes that no page of its own posts to."""
        signer = URLSafeSerializer(self.services.vault.derive("csrf"), salt="csrf")
        cookie = person.cookie(ADMIN if admin else SESSION) or ""
        session = hashlib.sha256(cookie.encode()).hexdigest()
        return str(signer.dumps(["launch", handle] if handle else ["admin" if admin else "session", session]))

    def admin_link(self, name: str = "Jo Park") -> str:
        """Return a new link for an administrator."""
        return self.url(f"/admin/enter/{make_link(self.services.engine, name=name, at=self.now())}")

    def admin(self, name: str = "Jo Park") -> tuple[Person, Page]:
        """Return an administrator who has signed in, at the list."""
        person = Person()
        door = person.open(self.admin_link(name))
        return person, person.submit(door, door.forms[0])

    def link(self, clinician: Person, chart: Page, form: str = "core", **fields: str) -> str:
        """Make a patient's link as a clinician; returns its address."""
        links = clinician.open(chart.url.replace("/chart", "/links"))
        page = clinician.submit(links, links.form("/links"), form=form, **fields)
        return page.text.partition('class="copy" readonly value="')[2].partition('"')[0]

    def born(self, patient: str = MARIA) -> dict[str, str]:
        """Return a patient's birth date as it is typed at a link."""
        year, month, day = self.ehr.extensions["sandbox_store"].read("Patient", patient)["birthDate"].split("-")
        return {"day": day.lstrip("0"), "month": month.lstrip("0"), "year": year}

    def linked(self, patient: str = MARIA, form: str = "core") -> tuple[Person, Page]:
        """Return a patient who has opened a link, at the form."""
        person, link = Person(), self.link(*self.clinician(patient), form)
        start = person.open(link)
        return person, person.submit(start, start.forms[0], **self.born(patient))

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Return the rows of one of the app's tables."""
        with self.services.engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def contents(self, *left_out: str) -> dict[str, list[dict[str, Any]]]:
        """Return everything the app keeps, without some tables and without when somebody was last seen."""
        names = (name for name in metadata.tables if name not in left_out)
        return {name: [row | {"seen_at": None} for row in self.rows(metadata.tables[name])] for name in names}

    def written(self, key: str, patient: str = MARIA) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """Return the responses of one submission in the EHR, and its Observations by code."""
        store = self.ehr.extensions["sandbox_store"]
        about = [("patient", patient), ("_count", "500")]
        responses = store.search("QuestionnaireResponse", about).resources
        observations = store.search("Observation", [*about, ("_sort", "-_lastUpdated")]).resources
        mine = [one for one in observations if one.get("identifier", [{}])[0].get("value", "").startswith(f"{key}.")]
        by_code = {one["code"]["coding"][0]["code"]: one for one in mine}
        assert len(by_code) == len(mine)
        return [one for one in responses if one.get("identifier", {}).get("value") == f"urn:uuid:{key}"], by_code

    def _serve(self, app: Flask, url: str) -> BaseWSGIServer:
        port = urlsplit(url).port or 0
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
        server.daemon_threads = False
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        server.own_thread = thread
        thread.start()
        return server

    def _stop(self, server: BaseWSGIServer) -> None:
        server.shutdown()
        server.own_thread.join()
        server.server_close()


def handle_of(page: Page) -> str:
    """Return the launch handle in a page's address."""
    return urlsplit(page.url).path.split("/")[2]


def code_of(page: Page) -> str:
    """Return the error code that a page shows for support."""
    found = re.search(r"For support: <code>([a-z.-]+) · [0-9a-f]{8}</code>", page.text)
    return found[1] if found else ""


@contextmanager
def open_house(
    folder: Path, record: Path, *, change: Callable[[Site], None] = lambda site: None, token_seconds: int = 300
) -> Iterator[House]:
    """Open a house in an empty folder; `change` may edit the files of the site before anything reads them."""
    ehr_port, app_port = own_port(), own_port()
    site = write_site(folder, ehr_port=ehr_port, app_port=app_port, token_seconds=token_seconds)
    change(site)
    house = House(site, record)
    try:
        yield house
    finally:
        house.close()
