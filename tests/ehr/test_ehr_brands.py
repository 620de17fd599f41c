"""Where brands come from (S55): the EHR's own link first, asked again with the ETag, within bounds, without a token."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fhir_alliance.ehr.brands import MAX_AGE, MAX_BYTES, Brands
from fhir_alliance.errors import EhrError
from fhir_alliance.settings import EhrSettings

CONFIGURATION, BUNDLE, LIST = "/fhir/.well-known/smart-configuration", "/auth/brands.json", "/lists/brands.json"
ETAG = '"v1"'


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def bundle(server: Any, name: str) -> dict[str, Any]:
    """Return a bundle with one brand of the server."""
    owner = {"resourceType": "Organization", "name": name, "endpoint": [{"reference": "Endpoint/e"}]}
    place = {"resourceType": "Endpoint", "id": "e", "address": server.base}
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": owner}, {"resource": place}]}


def linked(server: Any, **more: Any) -> None:
    """Let the EHR name its bundle."""
    server.on("GET", CONFIGURATION, {"user_access_brand_bundle": f"{server.url}{BUNDLE}", **more})


def asked(server: Any) -> list[str]:
    """Return what was asked for but the configuration."""
    return [each.path for each in server.seen if each.path != CONFIGURATION]


def test_without_a_token_and_not_again_for_a_while(server: Any, ehr: EhrSettings) -> None:
    """One plain request; the answer is believed for ten minutes."""
    clock = Clock()
    brands = Brands(clock=clock)
    linked(server)
    server.on("GET", BUNDLE, bundle(server, "Harbor"))

    first = brands.read(ehr)
    clock.now += MAX_AGE
    again = brands.read(ehr)

    assert first == again
    assert asked(server) == [BUNDLE]
    assert set(server.seen[-1].headers) == {"host", "accept", "accept-encoding", "user-agent"}


def test_it_is_asked_again_with_its_etag(server: Any, ehr: EhrSettings) -> None:
    """304 keeps what is known; a changed bundle replaces it, and its own ETag is sent next."""
    clock = Clock()
    brands = Brands(clock=clock)
    linked(server)
    server.on("GET", BUNDLE, bundle(server, "Harbor"), ETag=ETAG)
    server.on("GET", BUNDLE, b"", status=304)
    server.on("GET", BUNDLE, bundle(server, "New Harbor"), ETag='"v2"')
    server.on("GET", BUNDLE, b"", status=304)
    names = []

    for _ in range(4):
        names.append(brands.read(ehr).name)
        clock.now += MAX_AGE + 1

    sent = [each.headers.get("if-none-match") for each in server.seen if each.path == BUNDLE]
    assert names == ["Harbor", "Harbor", "New Harbor", "New Harbor"]
    assert sent == [None, ETAG, ETAG, '"v2"']


def test_an_etag_is_for_its_own_bundle(server: Any, ehr: EhrSettings) -> None:
    """When the EHR names another bundle, that one is asked for as a whole."""
    clock = Clock()
    brands = Brands(clock=clock)
    for path in (BUNDLE, LIST):
        server.on("GET", CONFIGURATION, {"user_access_brand_bundle": f"{server.url}{path}"})
        server.on("GET", path, bundle(server, path), ETag=ETAG)

    names = [brands.read(ehr).name]
    clock.now += MAX_AGE + 1
    names.append(brands.read(ehr).name)

    assert names == [BUNDLE, LIST]
    assert "if-none-match" not in server.seen[-1].headers


def test_the_ehrs_own_link_goes_before_the_sites_list(server: Any, ehr: EhrSettings) -> None:
    """Where the EHR names a bundle the list is not even asked for; where it names none the list counts."""
    listed = replace(ehr, brand_bundle=f"{server.url}{LIST}")
    server.on("GET", CONFIGURATION, {"user_access_brand_bundle": f"{server.url}{BUNDLE}"})
    server.on("GET", CONFIGURATION, {})
    server.on("GET", BUNDLE, bundle(server, "Own"))
    server.on("GET", LIST, bundle(server, "Listed"))

    assert Brands().read(listed).name == "Own"
    assert asked(server) == [BUNDLE]
    assert Brands().read(listed).name == "Listed"


def test_a_foreign_bundle_is_never_fetched(server: Any, sink: Any, ehr: EhrSettings) -> None:
    """Only the EHR's own origin and that of the site's list are asked, whatever the EHR names."""
    for url in (f"{sink.url}/b", f"{server.url}@127.0.0.1:1/b", "https://[broken", 7, ["x"], "/auth/brands.json"):
        server.on("GET", CONFIGURATION, {"user_access_brand_bundle": url})
        with pytest.raises(EhrError):
            Brands().read(ehr)

    assert asked(server) == []

    server.on("GET", LIST, bundle(server, "Listed"))
    server.on("GET", CONFIGURATION, {"user_access_brand_bundle": f"{sink.url}/b"})
    assert Brands().read(replace(ehr, brand_bundle=f"{server.url}{LIST}")).name == "Listed"


def test_the_origin_of_the_sites_list_may_hold_the_ehrs_bundle(server: Any, ehr: EhrSettings) -> None:
    """A vendor that publishes for its customers is trusted by the list that the site names."""
    local = f"http://localhost:{server.server.server_port}"
    server.on("GET", CONFIGURATION, {"user_access_brand_bundle": f"{local}{BUNDLE}"})
    server.on("GET", BUNDLE, bundle(server, "Own"))

    assert Brands().read(replace(ehr, brand_bundle=f"{local}{LIST}")).name == "Own"


@pytest.mark.parametrize(
    "more",
    [
        '"x": ' + '{"a":' * 100 + "1" + "}" * 100,
        '"x": ' + "[" * 100_000 + "]" * 100_000,
        '"resourceType": "Bundle"',
        '"x": NaN',
        '"x": "' + "x" * MAX_BYTES + '"',
    ],
    ids=["deep", "very deep", "twice", "no number", "large"],
)
def test_a_bundle_that_does_more_than_it_should_is_refused(server: Any, ehr: EhrSettings, more: str) -> None:
    """The very same bundle is read without what is too deep, said twice, no JSON or too large."""
    text = json.dumps(bundle(server, "Harbor"))
    linked(server)
    server.on("GET", BUNDLE, text.encode())
    server.on("GET", BUNDLE, f"{text[:-1]}, {more}}}".encode())

    assert Brands().read(ehr).name == "Harbor"
    with pytest.raises(EhrError):
        Brands().read(ehr)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", 200),
        (b"{", 200),
        (b"{}", 404),
        (b"{}", 500),
        (b"", 304),
    ],
)
def test_what_is_no_bundle_is_told(server: Any, ehr: EhrSettings, body: bytes, status: int) -> None:
    """No JSON and no success is no brand, and neither is a 304 that nobody asked for."""
    linked(server)
    server.on("GET", BUNDLE, body, status=status)

    with pytest.raises(EhrError):
        Brands().read(ehr)


def test_a_redirect_is_not_followed(server: Any, sink: Any, ehr: EhrSettings) -> None:
    """A bundle that has moved is no bundle (T03)."""
    linked(server)
    server.on("GET", BUNDLE, b"", status=302, Location=f"{sink.url}/b")

    with pytest.raises(EhrError, match="redirect"):
        Brands().read(ehr)


def test_a_bundle_that_drips_in_is_given_up(server: Any, ehr: EhrSettings) -> None:
    """Bytes that come one by one do not renew the time there is (T06)."""

    def drip(out: Any, stopped: Any) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        while not stopped.wait(0.02):
            out.write(b" ")

    linked(server)
    server.raw("GET", BUNDLE, drip)

    with pytest.raises(EhrError):
        Brands(deadline=0.3).read(ehr)


def test_what_was_known_stays_when_it_cannot_be_read_again(server: Any, ehr: EhrSettings) -> None:
    """A brand outlives an EHR that fails for a while, and that there is none is believed as long as that there is."""
    clock = Clock()
    brands = Brands(clock=clock)
    linked(server)
    server.on("GET", BUNDLE, json.dumps(bundle(server, "Harbor")).encode())
    server.on("GET", BUNDLE, b"", status=500)
    known = brands.read(ehr)
    clock.now += MAX_AGE + 1

    assert brands.read(ehr) == known

    fresh = Brands(clock=clock)
    before = len(server.seen)
    for _ in range(3):
        with pytest.raises(EhrError):
            fresh.read(ehr)
    assert len(server.seen) - before == 2
