"""A browser whose answers are measured, and its ways into the EHR."""

import gzip
from time import perf_counter

import requests

from smart_app.demo.browser import Browser
from smart_app.demo.site import Site
from smart_app.demo.walk import CLINICIAN, PATIENT


class Watched(Browser):
    """A browser that keeps the answer behind each page, and how many bytes each answer was on the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def _request(self, method: str, url: str, data: dict[str, str] | None, *, origin: str) -> requests.Response:
        self.began = perf_counter()
        self.last = super()._request(method, url, data, origin=origin)
        self.took = perf_counter() - self.began
        self.heard.append(self.wire_bytes())
        return self.last

    def take(self) -> list[int]:
        """Return the bytes of each answer since the last time, redirects among them."""
        heard, self.heard = self.heard, []
        return heard

    def wire_bytes(self) -> int:
        """Return the bytes of the last answer: status line, headers, and the body as it was compressed."""
        raw = self.last.raw
        head = sum(len(name) + len(value) + 4 for name, value in raw.headers.items()) + len("HTTP/1.1 200 OK\r\n\r\n")
        length = raw.headers.get("Content-Length")
        return head + (int(length) if length else len(gzip.compress(self.last.content, 9)))


def sign_in(browser: Watched, site: Site, user: str) -> None:
    """Sign in to the EHR."""
    home = browser.open(f"{site.ehr_url}/")
    browser.submit(home, home.form("/sign-in"), user=user)


def frame(browser: Watched, site: Site, patient: str = PATIENT) -> str:
    """Sign in to the EHR and return the address at which it frames the app in a patient's chart."""
    sign_in(browser, site, CLINICIAN)
    apps = browser.open(f"{site.ehr_url}/patients/{patient}/apps")
    return browser.submit(apps, apps.form("/alliance-clinician")).frames[0]
