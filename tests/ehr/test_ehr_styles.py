"""The style document of an EHR (T57): fetched from where the site allows it, without a token, within bounds."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fhir_alliance.ehr.styles import MAX_AGE, MAX_BYTES, Styles
from fhir_alliance.errors import EhrError, EhrUnreachable, FhirError, ForeignUrl
from fhir_alliance.settings import EhrSettings

PATH = "/auth/style.json"
STYLE = {"color_text": "#111111"}


@pytest.fixture
def styled(ehr: EhrSettings, server: Any) -> EhrSettings:
    """Return an EHR whose own origin may say how we look."""
    return replace(ehr, style_origins=(server.url,))


def test_the_document_is_read_without_a_token(server: Any, styled: EhrSettings) -> None:
    """One plain request: no authorization, no cookie, no referrer."""
    server.on("GET", PATH, STYLE)

    assert Styles().read(styled, f"{server.url}{PATH}?v=2") == STYLE

    (seen,) = server.seen
    assert set(seen.headers) == {"host", "accept", "accept-encoding", "user-agent"}
    assert (seen.query, seen.body) == ("v=2", b"")


def test_a_foreign_origin_is_never_asked(server: Any, sink: Any, styled: EhrSettings) -> None:
    """Another origin, or one that only looks like an allowed one, is refused before any connection."""
    for url in (f"{sink.url}/style.json", f"{server.url}@127.0.0.1:1/x", server.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(ForeignUrl):
            Styles().read(styled, url)

    assert server.seen == []


def test_without_origins_nothing_is_asked(server: Any, ehr: EhrSettings) -> None:
    """A site that allows none turns styles off."""
    with pytest.raises(ForeignUrl):
        Styles().read(replace(ehr, style_origins=()), f"{server.url}{PATH}")

    assert server.seen == []


def test_a_redirect_is_not_followed(server: Any, sink: Any, styled: EhrSettings) -> None:
    """A style that has moved is no style."""
    server.on("GET", PATH, b"", status=302, Location=f"{sink.url}/style.json")

    with pytest.raises(EhrError, match="redirect"):
        Styles().read(styled, f"{server.url}{PATH}")


def test_a_huge_document_is_cut_off(server: Any, styled: EhrSettings) -> None:
    """More than 16 KB are not read."""
    server.on("GET", PATH, json.dumps({**STYLE, "x": "x" * MAX_BYTES}).encode())

    with pytest.raises(EhrUnreachable, match="too large"):
        Styles().read(styled, f"{server.url}{PATH}")


def test_a_document_that_drips_in_is_given_up(server: Any, styled: EhrSettings) -> None:
    """Bytes that come one by one do not renew the time there is."""

    def drip(out: Any, stopped: Any) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        while not stopped.wait(0.02):
            out.write(b" ")

    server.raw("GET", PATH, drip)

    with pytest.raises(EhrUnreachable):
        Styles(deadline=0.3).read(styled, f"{server.url}{PATH}")


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b'{"a": 1, "a": 2}', b"[" * 100 + b"]" * 100, b""])
def test_what_is_not_strict_json_is_no_style(server: Any, styled: EhrSettings, body: bytes) -> None:
    """A page, another encoding, a key twice, or a deep nest is refused."""
    server.on("GET", PATH, body)

    with pytest.raises(EhrUnreachable):
        Styles().read(styled, f"{server.url}{PATH}")


def test_a_refusal_is_told_and_not_remembered(server: Any, styled: EhrSettings) -> None:
    """After a refusal the next launch asks again."""
    server.on("GET", PATH, b"", status=404)
    server.on("GET", PATH, STYLE)
    styles = Styles()

    with pytest.raises(FhirError):
        styles.read(styled, f"{server.url}{PATH}")

    assert styles.read(styled, f"{server.url}{PATH}") == STYLE


def test_the_last_document_is_remembered_for_a_while(server: Any, styled: EhrSettings) -> None:
    """The same address is asked again after ten minutes, another one at once."""
    now = [0.0]
    styles = Styles(clock=lambda: now[0])
    server.on("GET", PATH, STYLE)
    server.on("GET", "/other.json", {})

    asked = []
    for seconds, path in ((0.0, PATH), (MAX_AGE, PATH), (MAX_AGE + 1, PATH), (MAX_AGE + 1, "/other.json")):
        now[0] = seconds
        styles.read(styled, f"{server.url}{path}")
        asked.append(len(server.seen))

    assert asked == [1, 1, 2, 3]
