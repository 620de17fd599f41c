"""The door: what leaves through it, and what it lets in."""

import gzip
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
import responses

from fhir_alliance.ehr import http, sockets
from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import EhrError, EhrUnreachable, ForeignUrl
from tests.ehr.dripping import drip

CANARY = "canary-token-7f3a"


def test_a_request_arrives_as_it_was_meant(server: Any, door: Door) -> None:
    """Method, query, headers and body are sent; compression is not asked for; the answer comes back whole."""
    server.on("POST", "/fhir/Observation", {"a": 1}, status=201, Location="Observation/1")

    reply = door.request(
        "POST",
        f"{server.base}/Observation",
        token="t",
        params=[("a", "1"), ("a", "|")],
        body=b"{}",
        headers={"X-A": "b"},
    )

    seen = server.seen[0]
    assert (seen.query, seen.body, seen.headers["x-a"]) == ("a=1&a=%7C", b"{}", "b")
    assert (seen.headers["authorization"], seen.headers["accept-encoding"]) == ("Bearer t", "identity")
    assert (reply.status, reply.ok, reply.json(), reply.headers["location"]) == (201, True, {"a": 1}, "Observation/1")


def test_a_form_is_posted_without_a_token(server: Any, door: Door) -> None:
    """A form goes into the body, and without a token there is no Authorization header."""
    server.on("POST", "/fhir/token", {})

    door.request("POST", f"{server.base}/token", form={"code": "a b"}, params={"x": "1"})

    assert server.seen[0].form == {"code": "a b"}
    assert server.seen[0].query == "x=1"
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(server: Any, sink: Any, door: Door, status: int) -> None:
    """No redirect takes a request, or its token, anywhere else."""
    server.on("GET", "/fhir/x", b"" if status == 304 else b"moved", status=status, Location=f"{sink.base}/x")

    with pytest.raises(EhrError, match="redirect") as caught:
        door.request("GET", f"{server.base}/x", token=CANARY)

    assert not isinstance(caught.value, EhrUnreachable)


def test_a_foreign_address_is_refused_before_any_connection(sink: Any, door: Door, server: Any) -> None:
    """Another origin, another path, userinfo and dot segments are refused, and nothing is sent at all."""
    foreign = [
        f"{sink.base}/Patient/1",
        f"{server.url}/fhir-evil/Patient",
        f"{server.base}/../admin",
        f"{server.base}/%2e%2e/admin",
        f"{server.url.replace('127', 'user@127')}/fhir/x",
        f"{server.base}/x#y",
        "file:///etc/passwd",
    ]
    for url in foreign:
        with pytest.raises(ForeignUrl):
            door.request("GET", url, token=CANARY)

    assert server.seen == []


def test_netrc_and_proxies_of_the_environment_do_not_count(
    server: Any, sink: Any, door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A planted .netrc does not replace the token, and a planted proxy sees nothing."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login evil password evil\ndefault login evil password evil\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, sink.url)
    monkeypatch.delenv("no_proxy", raising=False)
    server.on("GET", "/fhir/x", {})

    door.request("GET", f"{server.base}/x", token=CANARY)
    door.request("GET", f"{server.base}/x")

    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"
    assert "authorization" not in server.seen[1].headers


def test_no_header_replaces_the_token(server: Any, door: Door) -> None:
    """Headers of a request do not override its token."""
    server.on("GET", "/fhir/x", {})

    door.request("GET", f"{server.base}/x", token=CANARY, headers={"Authorization": "Basic x"})

    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"


def test_no_cookie_is_kept(server: Any, door: Door) -> None:
    """A cookie the EHR sets is not sent back: a shared door must not carry one person's session to another."""
    server.on("GET", "/fhir/x", {}, Set_Cookie="session=1")

    door.request("GET", f"{server.base}/x")
    door.request("GET", f"{server.base}/x")

    assert "cookie" not in server.seen[1].headers


@pytest.mark.parametrize(
    "write",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(b"", b"H"),
    ],
    ids=["body", "headers", "chunk size", "chunks", "status line"],
)
def test_a_slow_drip_ends_at_the_deadline(server: Any, write: Callable[..., None]) -> None:
    """Bytes that come one by one do not renew the deadline, in whatever part of the answer they come."""
    server.raw("GET", "/fhir/x", write)
    door = Door(base_urls=[server.base], allow_private=True, deadline=0.3)

    with pytest.raises(EhrUnreachable):
        door.request("GET", f"{server.base}/x")


def test_a_slow_drip_of_a_public_peer_ends_too(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may be spoken to: where private peers are refused, the deadline of the others is the same."""
    monkeypatch.setattr(sockets, "is_public", lambda _: True)
    server.raw("GET", "/fhir/x", drip(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"))
    door = Door(base_urls=[server.base], allow_private=False, deadline=0.3)

    with pytest.raises(EhrUnreachable):
        door.request("GET", f"{server.base}/x")


def test_an_answer_after_the_deadline_of_an_earlier_one_still_counts(server: Any) -> None:
    """Each request on a kept connection has its own deadline."""
    server.on("GET", "/fhir/x", {"n": 1})
    door = Door(base_urls=[server.base], allow_private=True, deadline=5.0)

    answers = [door.request("GET", f"{server.base}/x").json() for _ in range(3)]

    assert answers == [{"n": 1}] * 3


def test_too_large_an_answer_is_dropped(server: Any) -> None:
    """Above the byte cap the answer is refused; at the cap it is read."""
    server.on("GET", "/fhir/x", b"x" * 1001)
    server.on("GET", "/fhir/x", b"x" * 1000)
    door = Door(base_urls=[server.base], allow_private=True, max_bytes=1000)

    with pytest.raises(EhrUnreachable, match="too large"):
        door.request("GET", f"{server.base}/x")

    assert len(door.request("GET", f"{server.base}/x").body) == 1000


@pytest.mark.parametrize("status", [200, 302, 500])
def test_a_gzip_bomb_is_measured_unpacked(server: Any, status: int) -> None:
    """A small compressed answer counts with the size it unfolds to, also on a redirect or an error."""
    server.on("GET", "/fhir/x", gzip.compress(b"0" * 20_000_000), status=status, Content_Encoding="gzip", Location="/y")
    door = Door(base_urls=[server.base], allow_private=True)

    with pytest.raises(EhrUnreachable, match="too large"):
        door.request("GET", f"{server.base}/x")


def test_a_compressed_answer_is_still_read(server: Any, door: Door) -> None:
    """A server that compresses although asked not to is understood."""
    server.on("GET", "/fhir/x", gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")

    assert door.request("GET", f"{server.base}/x").json() == {"a": 1}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n1234",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["nothing", "no http", "cut", "cut chunk", "bad chunk", "bad gzip", "200 headers"],
)
def test_a_broken_answer_is_no_answer(server: Any, door: Door, raw: bytes) -> None:
    """A cut or garbled answer leaves the outcome unknown."""
    server.raw("POST", "/fhir/x", lambda out, _: out.write(raw))

    with pytest.raises(EhrUnreachable):
        door.request("POST", f"{server.base}/x", body=b"{}")

    assert len(server.seen) == 1


def test_a_read_outlives_a_connection_that_the_ehr_has_closed(server: Any, door: Door) -> None:
    """A server may close what it had kept open just as it is used: a read is sent once more, and no third time."""
    server.raw("GET", "/fhir/x", lambda out, _: None)
    server.on("GET", "/fhir/x", {"a": 1})
    server.raw("GET", "/fhir/gone", lambda out, _: None)

    assert door.request("GET", f"{server.base}/x").json() == {"a": 1}
    with pytest.raises(EhrUnreachable):
        door.request("GET", f"{server.base}/gone")

    assert [seen.path for seen in server.seen] == ["/fhir/x", "/fhir/x", "/fhir/gone", "/fhir/gone"]


@pytest.mark.parametrize(("passed", "asked"), [(9.9, 2), (10.0, 1)])
def test_a_read_that_is_sent_once_more_gets_the_time_that_is_left(
    server: Any, monkeypatch: pytest.MonkeyPatch, passed: float, asked: int
) -> None:
    """Both together have one deadline: of ten seconds the second gets what the first has left, or is not sent."""
    now = [100.0]
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def close(out: BinaryIO, stopped: threading.Event) -> None:
        now[0] += passed

    server.raw("GET", "/fhir/x", close)
    server.raw("GET", "/fhir/x", drip(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"))
    door = Door(base_urls=[server.base], allow_private=True, deadline=10.0)

    with pytest.raises(EhrUnreachable):
        door.request("GET", f"{server.base}/x")

    assert len(server.seen) == asked


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_write_is_sent_once_whatever_happens_to_its_connection(server: Any, door: Door, method: str) -> None:
    """Nobody knows whether the EHR had read a write before it closed the connection: only the courier may ask."""
    server.raw(method, "/fhir/x", lambda out, _: None)
    server.on(method, "/fhir/x", {"a": 1})

    with pytest.raises(EhrUnreachable):
        door.request(method, f"{server.base}/x", body=b"{}")

    assert len(server.seen) == 1


@responses.activate
def test_an_unforeseen_failure_of_the_transport_is_unreachable(server: Any, door: Door) -> None:
    """Whatever error the transport may raise, the outcome is unknown, and no request hangs on the error."""
    responses.get(f"{server.base}/x", body=OSError(CANARY))

    with pytest.raises(EhrUnreachable) as caught:
        door.request("GET", f"{server.base}/x", token=CANARY)

    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"1" * 5000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_loose_json_is_malformed(server: Any, door: Door, body: bytes) -> None:
    """Anything but strict JSON is refused with one reason."""
    server.on("GET", "/fhir/x", body)

    with pytest.raises(EhrUnreachable, match="malformed"):
        door.request("GET", f"{server.base}/x").json()


def test_strict_json_is_read(server: Any, door: Door) -> None:
    """Sixty-four levels, escapes and all kinds of values are read."""
    deep = b"[" * 64 + b"]" * 64
    server.on("GET", "/fhir/x", b'{"a": [1, 1.5, true, null, "\\u00e9\\ud83d\\ude00"], "deep": ' + deep[1:-1] + b"}")

    values = door.request("GET", f"{server.base}/x").json()

    assert values["a"] == [1, 1.5, True, None, "é😀"]


def test_the_token_is_nowhere_but_in_the_header(server: Any, door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a log at its loudest, nor a repr, nor an error holds the token or the body."""
    caplog.set_level(logging.DEBUG)
    server.on("GET", "/fhir/x", {"echo": CANARY}, Set_Cookie=f"echo={CANARY}")

    reply = door.request("GET", f"{server.base}/x", token=CANARY)
    with pytest.raises(EhrError) as caught:
        door.request("GET", f"{server.base}/x", token=f"{CANARY}\r\nX-Evil: 1")

    shown = [caplog.text, repr(reply), repr(door), str(vars(door)), str(caught.value), repr(caught.value)]
    assert all(CANARY not in text for text in shown)
    assert len(server.seen) == 1


def test_many_threads_share_one_door(server: Any, door: Door) -> None:
    """Twenty threads get each their own answer through the same door."""
    found: dict[int, Any] = {}
    for number in range(20):
        server.on("GET", f"/fhir/x{number}", {"n": number})

    def ask(number: int) -> None:
        found[number] = door.request("GET", f"{server.base}/x{number}").json()["n"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {number: number for number in range(20)}


def test_what_was_asked_is_in_no_traceback() -> None:
    """When nobody answers, the error brings neither the address, which may name a patient, nor the token."""
    with socket.create_server(("127.0.0.1", 0)) as closing:
        base = f"http://127.0.0.1:{closing.getsockname()[1]}/fhir"
    door = Door(base_urls=[base], allow_private=True)

    with pytest.raises(EhrUnreachable) as caught:
        door.request("GET", f"{base}/{CANARY}", token=CANARY, params={"patient": CANARY})

    told = "".join(traceback.TracebackException.from_exception(caught.value).format())
    assert CANARY not in told.replace('door.request("GET", f"{base}/{CANARY}"', "")


def test_a_connection_with_half_an_answer_is_closed(server: Any) -> None:
    """What is too large is not read on: the EHR's side of the connection ends."""
    ended = threading.Event()

    def endless(wire: BinaryIO, stopped: threading.Event) -> None:
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while not stopped.is_set():
                wire.write(b"x" * 65536)
        except OSError:
            ended.set()

    server.raw("GET", "/fhir/large", endless)
    door = Door(base_urls=[server.base], allow_private=True, max_bytes=1000)

    with pytest.raises(EhrUnreachable, match="too large") as caught:
        door.request("GET", f"{server.base}/large")

    assert caught.value.__traceback__, "which keeps the connection alive, unless it was closed"
    assert ended.wait(10)


def test_unchanged_is_an_answer_to_who_asks_so(server: Any, door: Door) -> None:
    """304 comes back to a request with If-None-Match, and is a redirect like any other without it."""
    server.on("GET", "/fhir/x", b"", status=304)

    asked = door.request("GET", f"{server.base}/x", headers={"If-None-Match": '"1"'})

    assert (asked.status, asked.ok) == (304, False)
    with pytest.raises(EhrError, match="redirect"):
        door.request("GET", f"{server.base}/x")
