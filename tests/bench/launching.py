"""What a launch costs: rounds at the EHR after the token, calls, and its time beside the same calls alone."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter

import requests

from smart_app.demo.browser import Page
from smart_app.demo.site import Site
from smart_app.demo.walk import CLINICIAN, PATIENT

from .calls import Call, Calls, rounds_of
from .measuring import Row
from .watched import Watched, frame, sign_in

LAUNCHES = 7
Opened = tuple[Watched, Callable[[], Page]]
"""A browser, and the last click before the app's first page."""


def ehr_launch(site: Site) -> Opened:
    """Open the app from the chart."""
    browser = Watched()
    launch = frame(browser, site)
    return browser, lambda: browser.open(launch)


def standalone_clinician(site: Site) -> Opened:
    """Open the app in a window of its own, and choose the patient at the EHR."""
    browser = Watched()
    sign_in(browser, site, CLINICIAN)
    asked = browser.open(f"{site.app_url}/again/harbor")
    return browser, _allowing(browser, browser.submit(asked, asked.forms[0], person=f"Patient/{PATIENT}"))


def standalone_patient(site: Site) -> Opened:
    """Open the app at home, unknown to the EHR so far."""
    browser = Watched()
    asked = browser.open(f"{site.app_url}/start/harbor")
    return browser, _allowing(browser, browser.submit(asked, asked.forms[0], person=f"Patient/{PATIENT}"))


def portal_patient(site: Site) -> Opened:
    """Follow the link of the portal."""
    browser = Watched()
    sign_in(browser, site, f"Patient/{PATIENT}")
    return browser, _allowing(browser, browser.open(f"{site.app_url}/start/harbor"))


KINDS: Mapping[str, Callable[[Site], Opened]] = {
    "EHR launch": ehr_launch,
    "standalone, clinician": standalone_clinician,
    "standalone, patient": standalone_patient,
    "portal, patient": portal_patient,
}


def launch_rows(site: Site, calls: Calls) -> Iterator[Row]:
    """Measure each kind of launch: what it asks the EHR after the token, and how long it takes beside that alone."""
    yield "EHR rounds of the app's first launch, which fetches keys, too", _rounds(_asked(site, calls, ehr_launch)), ""
    for name, kind in KINDS.items():
        yield f"{name}: EHR rounds after the token", _rounds(_asked(site, calls, kind)), "≤ 2"
        took, bare = _times(site, calls, kind)
        yield f"{name}: last click to first page : same calls alone", f"{took / bare:.1f}  ({took * 1e3:.0f} ms)", ""


def _asked(site: Site, calls: Calls, kind: Callable[[Site], Opened]) -> list[Call]:
    _, click = kind(site)
    calls.take()
    # Slow enough that calls in parallel overlap for certain.
    calls.delay = 0.2
    click()
    calls.delay = 0.0
    return [call for call in calls.take() if "/.well-known/" not in call.path]


def _rounds(asked: list[Call]) -> str:
    return f"{rounds_of(asked)}  ({len(asked)} calls)"


def _times(site: Site, calls: Calls, kind: Callable[[Site], Opened]) -> tuple[float, float]:
    """Return the median seconds of a launch, and of its token and FHIR calls one after another on one connection."""
    launches, alone = [], []
    for _ in range(LAUNCHES):
        _, click = kind(site)
        calls.take()
        began = perf_counter()
        click()
        launches.append(perf_counter() - began)
        alone.append(_replayed(site, calls.take()))
        calls.take()
    return median(launches), median(alone)


def _replayed(site: Site, asked: list[Call]) -> float:
    with requests.Session() as session:
        session.get(f"{site.ehr_url}/auth/jwks", timeout=10)  # the connection is there already, as the app's is
        began = perf_counter()
        session.post(site.token_endpoint, data={"grant_type": "none"}, timeout=10)
        for call in asked:
            session.get(f"{site.ehr_url}{call.path}?{call.query}", headers={"Authorization": call.token}, timeout=10)
        return perf_counter() - began


def _allowing(browser: Watched, consent: Page) -> Callable[[], Page]:
    return lambda: browser.submit(consent, consent.forms[0], decision="allow")
