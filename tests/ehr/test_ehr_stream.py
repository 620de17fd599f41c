"""What comes through the door in a stream: held to the same rules as what comes at once, with a cap of its own."""

import threading
from typing import Any, BinaryIO

import pytest

from fhir_alliance.ehr.breaker import FAILURES
from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import EhrError, EhrUnreachable, ForeignUrl, NotSent

from .test_ehr_http import CANARY, drip


def taken(door: Door, url: str, *, max_bytes: int = 1000, token: str | None = None) -> bytes:
    """Take a stream to its end."""
    with door.stream(url, max_bytes=max_bytes, token=token) as stream:
        return b"".join(stream.chunks)


def test_a_stream_has_its_own_cap(server: Any) -> None:
    """More than the door lets in at once may be taken, up to the cap of the stream, and nothing more (T06)."""
    server.on("GET", "/fhir/file", b"x" * 1000)
    door = Door(base_urls=[server.base], allow_private=True, max_bytes=10)

    assert taken(door, f"{server.base}/file") == b"x" * 1000
    with pytest.raises(EhrUnreachable, match="too large"):
        taken(door, f"{server.base}/file", max_bytes=999)


def test_a_stream_takes_the_token_and_no_redirect(server: Any, sink: Any, door: Door) -> None:
    """The token goes to the address that was named, and nowhere after it (T03)."""
    server.on("GET", "/fhir/file", b"moved", status=307, Location=f"{sink.base}/file")

    with pytest.raises(EhrError, match="redirect"):
        taken(door, f"{server.base}/file", token=CANARY)

    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"


def test_a_stream_from_elsewhere_is_refused_before_any_connection(server: Any, sink: Any, door: Door) -> None:
    """What is not under the door's addresses is not asked for, with a token or without."""
    for url in (f"{sink.base}/file", f"{server.url}/fhir-evil/file", f"{server.base}/../file"):
        with pytest.raises(ForeignUrl):
            taken(door, url, token=CANARY)

    assert server.seen == []


def test_a_stream_that_drips_in_ends_at_the_deadline(server: Any) -> None:
    """The time is for all of it, not for each of its pieces."""
    server.raw("GET", "/fhir/file", drip(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"))
    door = Door(base_urls=[server.base], allow_private=True, deadline=0.3)

    with pytest.raises(EhrUnreachable):
        taken(door, f"{server.base}/file")


def test_a_stream_that_is_cut_off_is_told(server: Any, door: Door) -> None:
    """What came before is no answer: half a file never looks like a whole one."""
    server.raw("GET", "/fhir/file", lambda out, _: out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))

    with pytest.raises(EhrUnreachable):
        taken(door, f"{server.base}/file")


def test_an_ehr_whose_streams_fail_is_left_alone(server: Any, door: Door) -> None:
    """A failure to stream counts as any other: after five the EHR is spared, a refusal counts for nothing (F03)."""
    server.on("GET", "/fhir/refused", b"", status=404)
    server.on("GET", "/fhir/file", b"", status=500)

    for path in ["refused"] * FAILURES + ["file"] * FAILURES:
        taken(door, f"{server.base}/{path}")
    with pytest.raises(NotSent):
        taken(door, f"{server.base}/file")

    assert len(server.seen) == 2 * FAILURES


def test_a_stream_that_nobody_takes_is_closed(server: Any, door: Door) -> None:
    """Whoever loses interest in the middle does not leave the EHR writing."""
    ended = threading.Event()

    def endless(wire: BinaryIO, stopped: threading.Event) -> None:
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while not stopped.is_set():
                wire.write(b"x" * 65536)
        except OSError:
            ended.set()

    server.raw("GET", "/fhir/file", endless)

    with door.stream(f"{server.base}/file", max_bytes=10**9) as stream:
        assert next(stream.chunks)

    assert ended.wait(10)
    assert stream.status == 200
