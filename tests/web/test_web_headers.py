"""Every response carries exactly the headers it should, route by route."""

import re
from collections.abc import Iterator

import pytest
import requests

from fhir_alliance.conformance.facade import DEFINITIONS, RECORDS

from .house import CORE, PRE_LAUNCH, SESSION, House, Person, handle_of

ALWAYS = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=(), display-capture=()"
    ),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-src 'none'; "
    "frame-ancestors {ancestors}; require-trusted-types-for 'script'"
)
NOT_A_PAGE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FHIR_KIND = f"<any({','.join(DEFINITIONS)}):kind>"
NEVER = ("Server-Timing", "X-Powered-By", "Access-Control-Allow-Origin", "X-Runtime")


def may_be_framed(rule: str) -> bool:
    """Whether an EHR may frame a route in a clinician's browser: the launch, and every page below it."""
    return rule in ("/launch", "/callback/<name>") or rule.startswith("/l/<handle>/")


def responses(house: House) -> Iterator[tuple[str, requests.Response, bool]]:
    """Yield (route, answer, whether the EHR may frame it) for every route of the app, in a clinician's browser."""
    person, chart = house.clinician()
    handle = handle_of(chart)
    key = _sent(person, person.open(house.url(f"/l/{handle}/form"))).rpartition("/")[2]
    parts = {
        "<handle>": handle,
        "<name>": "harbor",
        "<key>": key,
        "<link>": "none",
        "<int:alert>": "1",
        "<path:filename>": "app.js",
        FHIR_KIND: "CodeSystem",
        f"<any({','.join(RECORDS)}):kind>": "Observation",
        "<id>": "alliance",
    }
    for rule in house.app.url_map.iter_rules():
        path = rule.rule
        for name, value in parts.items():
            path = path.replace(name, value)
        query = {"/launch": {"iss": house.site.fhir_base, "launch": "x"}, "/static/app.js": {"v": "1"}}.get(path, {})
        method = "GET" if "GET" in (rule.methods or set()) else "POST"
        token = {"_csrf": house.token_of(person, handle if "/l/" in path else ""), "form": "core"}
        request = person.send(method, f"{house.url(path)}?" + "&".join(f"{k}={v}" for k, v in query.items()),
                              token if method == "POST" else None, Origin=house.site.app_url)  # fmt: skip
        yield f"{method} {rule.rule}", request, may_be_framed(rule.rule)


def _sent(person: Person, form: object) -> str:
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    return person.submit(review, review.form("/send")).url


def test_every_route_has_its_headers(house: House) -> None:
    """Policy, framing, caching and the rest are exactly those of the table, for pages, redirects, JSON and files."""
    for route, reply, may_be_framed in responses(house):
        expected = {**ALWAYS, "Cache-Control": _caching(route), **_by_kind(house, reply, framed=may_be_framed)}
        found = {name: reply.headers.get(name) for name in (*expected, *NEVER, "X-Frame-Options")}
        assert found == dict.fromkeys((*NEVER, "X-Frame-Options")) | expected, route
        assert {"Cookie", "Origin", "Sec-Fetch-Site"} <= set(re.split(r",\s*", reply.headers["Vary"])), route


def _caching(route: str) -> str:
    kept = {
        "GET /static/<path:filename>": "public, max-age=31536000, immutable",
        "GET /.well-known/jwks.json": "public, max-age=300",
        "GET /fhir/.well-known/smart-configuration": "public, max-age=3600",
        "GET /fhir/metadata": "public, max-age=3600",
        f"GET /fhir/{FHIR_KIND}": "public, max-age=3600",
        f"GET /fhir/{FHIR_KIND}/<id>": "public, max-age=3600",
    }
    return kept.get(route, "no-store")


def _by_kind(house: House, reply: requests.Response, *, framed: bool) -> dict[str, str]:
    if not reply.headers["Content-Type"].startswith("text/html"):
        return NOT_A_PAGE
    nonce = (re.findall(r"'nonce-([A-Za-z0-9_-]{22})'", reply.headers["Content-Security-Policy"]) or [""])[0]
    policy = POLICY.format(nonce=nonce, ancestors=house.site.ehr_url if framed else "'none'")
    top = {} if framed else {"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}
    return {"Content-Security-Policy": policy, **top}


def test_a_patients_pages_are_never_framed(house: House) -> None:
    """The same form page, on a handed-over device or at home, may not be framed by anybody."""
    for person, page in (house.handed(), house.at_home("daniel-brooks")):
        reply = person.send("GET", page.url)

        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Frame-Options"] == "DENY"


def test_the_nonce_is_new_each_time_and_used(house: House) -> None:
    """Each response has its own nonce, and the page's one stylesheet carries it; nothing inline is a script."""
    replies = [Person().send("GET", house.url("/handover/")) for _ in range(2)]

    nonces = [re.findall(r"nonce-([^']+)'", reply.headers["Content-Security-Policy"])[0] for reply in replies]

    assert nonces[0] != nonces[1]
    for reply, nonce in zip(replies, nonces, strict=True):
        assert re.findall(r'<style nonce="([^"]+)"', reply.text) == [nonce]
        assert re.findall(r"<script(?![^>]* src=)[^>]*>|\son[a-z]+=|\sstyle=", reply.text) == []


COOKIE = r"{name}=[A-Za-z0-9_-]{{43}}; {age}Secure; HttpOnly; Path=/; SameSite=None; Partitioned"


def test_cookies_are_what_they_should_be(house: House) -> None:
    """Both cookies are host-bound, secure, hidden from scripts, partitioned; the first one lives ten minutes."""
    person = Person()
    house.sign_in(person)
    launch = person.send("GET", house.launch_url(person))
    callback = person.send("GET", person.until(launch.headers["Location"], "/callback/"))

    first = launch.raw.headers.getlist("Set-Cookie")
    second = [each for each in callback.raw.headers.getlist("Set-Cookie") if each.startswith(SESSION)]

    assert len(first) == len(second) == 1
    assert re.fullmatch(COOKIE.format(name=PRE_LAUNCH, age="Max-Age=600; "), _without_date(first[0]))
    assert re.fullmatch(COOKIE.format(name=SESSION, age=""), second[0])


def _without_date(cookie: str) -> str:
    return re.sub(r"Expires=[^;]+; ", "", cookie)


@pytest.mark.parametrize("path", ["/nothing", "/l/none/chart", "/handover/none", "/static/none.js"])
def test_error_pages_have_them_too(house: House, path: str) -> None:
    """A refused or missing page is as protected as any other, and is not kept."""
    reply = Person().send("GET", house.url(path))

    assert reply.status_code in (401, 404)
    assert {name: reply.headers.get(name) for name in ALWAYS} == ALWAYS
    assert reply.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
