"""Connecting to an EHR: whom the door speaks to, and how long it waits for them."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fhir_alliance.ehr import sockets
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.sockets import _PlainSocket, _PublicOnly, is_public
from fhir_alliance.errors import EhrUnreachable, ForeignUrl
from tests.ehr.dripping import drip

CANARY = "canary-token-7f3a"


def test_nobody_there_is_unreachable() -> None:
    """A refused connection and a name that does not resolve are told alike."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        for base in (f"http://127.0.0.1:{unused.getsockname()[1]}/fhir", "http://ehr.example.invalid/fhir"):
            with pytest.raises(EhrUnreachable):
                Door(base_urls=[base], allow_private=True).request("GET", f"{base}/x")


def test_who_does_not_take_a_connection_is_not_waited_for() -> None:
    """A machine that lets connections hang costs the time for connecting, and not the whole time of an answer."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # the one that may wait, and one more, fill what a listener keeps
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        base = f"http://127.0.0.1:{full.getsockname()[1]}/fhir"

        with pytest.raises(EhrUnreachable, match="ConnectTimeout"):
            Door(base_urls=[base], allow_private=True, connect=0.2, deadline=600).request("GET", f"{base}/x")


@pytest.mark.parametrize("allow_private", [True, False])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_who_does_not_resolve_a_name_is_not_waited_for(
    scheme: str, allow_private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for connecting holds for a name server that is silent; what it says later is not asked any more."""
    asked, said = threading.Event(), threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def silent(*_args: Any, **_kwargs: Any) -> list[Any]:
            asked.set()
            assert said.wait(20)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())]

        monkeypatch.setattr(socket, "getaddrinfo", silent)
        base = f"{scheme}://ehr.example.invalid/fhir"
        door = Door(base_urls=[base], allow_private=allow_private, connect=0.2, deadline=600)

        with pytest.raises(EhrUnreachable, match="ConnectTimeout"):
            door.request("GET", f"{base}/x", token=CANARY)

        assert asked.is_set()
        assert not said.is_set()
        said.set()
        late, _ = listener.accept()
        with late:
            assert late.recv(1) == b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_peer_is_refused(sink: Any, host: str) -> None:
    """Without the site's leave, no request is sent to a peer whose address is private."""
    base = f"http://{host}:{sink.server.server_port}/fhir"

    with pytest.raises(ForeignUrl, match="private"):
        Door(base_urls=[base], allow_private=False).request("GET", f"{base}/x", token=CANARY)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_rebinds_to_a_private_address_is_refused(
    sink: Any, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is who is connected, not what the name said: a v4-mapped loopback peer is refused as well."""
    port = sink.server.server_port
    answers = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:127.0.0.1", port, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    base = f"{scheme}://ehr.example.invalid:{port}/fhir"

    with pytest.raises(ForeignUrl, match="private"):
        Door(base_urls=[base], allow_private=False).request("GET", f"{base}/x", token=CANARY)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # an address to refuse, not to listen on
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_peers_are_public(address: str, expected: bool) -> None:
    """Loopback, private, link-local, shared and reserved addresses are not public, however they are wrapped."""
    assert is_public(address) is expected


@pytest.fixture
def tls(server: Any, tmp_path: Path) -> Path:
    """Let the EHR speak TLS; return the file with the certificate that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True, do_handshake_on_connect=False)
    return pem


def test_tls_works_with_the_systems_authorities(server: Any, tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of an authority the system trusts is accepted, and the deadline holds inside TLS as well."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls))
    base = f"https://localhost:{server.server.server_port}/fhir"
    server.on("GET", "/fhir/x", {"a": 1})
    server.raw("GET", "/fhir/slow", drip(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"))
    door = Door(base_urls=[base], allow_private=True, deadline=0.5)

    assert door.request("GET", f"{base}/x").json() == {"a": 1}
    with pytest.raises(EhrUnreachable):
        door.request("GET", f"{base}/slow")


def test_f02_an_unknown_certificate_is_refused(server: Any, tls: Path) -> None:
    """A certificate nobody vouches for ends the connection before anything is sent."""
    base = f"https://localhost:{server.server.server_port}/fhir"

    with pytest.raises(EhrUnreachable):
        Door(base_urls=[base], allow_private=True).request("GET", f"{base}/x", token=CANARY)

    assert tls.exists()
    assert server.seen == []


def test_bytes_that_wait_do_not_count_when_the_time_is_over() -> None:
    """A peer that always has one more byte ready cannot outrun the deadline."""
    near, far = socket.socketpair()
    with _PlainSocket(near.family, near.type, near.proto, fileno=near.detach()) as timed, far:
        far.send(b"xy")
        timed.settimeout(None)
        assert timed.recv_into(bytearray(1)) == 1

        timed.settimeout(0.0)

        with pytest.raises(TimeoutError):
            timed.recv_into(bytearray(1))


def test_what_is_left_of_the_time_is_all_a_peer_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte shortens the wait for the next one."""
    now = [100.0]
    monkeypatch.setattr(sockets, "time", SimpleNamespace(monotonic=lambda: now[0]))
    near, far = socket.socketpair()
    with _PlainSocket(near.family, near.type, near.proto, fileno=near.detach()) as timed, far:
        timed.settimeout(10.0)
        far.send(b"x")
        now[0] = 109.5

        timed.recv_into(bytearray(1))

        assert timed.gettimeout() == 0.5


def test_a_public_peer_is_spoken_to() -> None:
    """A connection whose other end is on the public internet is handed on as it is."""

    class Connected:
        def getpeername(self) -> tuple[str, int]:
            return ("8.8.8.8", 443)

    class Connection:
        def _new_conn(self) -> Connected:
            return Connected()

    class PublicConnection(_PublicOnly, Connection):
        pass

    assert isinstance(PublicConnection()._new_conn(), Connected)
