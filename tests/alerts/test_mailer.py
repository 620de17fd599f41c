"""The way to the mail server: encrypted and signed in as the settings say, or not at all."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_alliance.alerts.mailer import Mailer
from fhir_alliance.errors import MailError
from fhir_alliance.settings import AlertSettings

if TYPE_CHECKING:
    from tests.mail_server import MailServer

Secure = Callable[[str], AlertSettings]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a certificate for localhost, with its key, that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def secure(mail_server: "MailServer", settings: AlertSettings, certificate: Path) -> Secure:
    """Let the server encrypt, by `tls` or `starttls`; returns the settings for it."""

    def make(security: str) -> AlertSettings:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        setattr(mail_server, security, context)
        return replace(settings, smtp_security=security)

    return make


def mail() -> EmailMessage:
    """Return a mail to somebody."""
    made = EmailMessage()
    made["From"], made["To"] = "alliance@clinic.example.invalid", "on-call@clinic.example.invalid"
    made.set_content("Hello.")
    return made


def reason(settings: AlertSettings) -> str:
    """Return why a mail cannot be sent."""
    with pytest.raises(MailError) as caught:
        Mailer(settings).send(mail())
    return caught.value.detail


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mail_goes_encrypted(
    mail_server: "MailServer", secure: Secure, certificate: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    """With a certificate that is trusted, for this host, the mail arrives."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    refused = Mailer(secure(security)).send(mail())

    assert (refused, len(mail_server.mails)) == (0, 1)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for(mail_server: "MailServer", secure: Secure, security: str) -> None:
    """A server that cannot prove who it is gets neither mail nor password."""
    mail_server.password = "s3cret"

    assert reason(secure(security)) == "tls"
    assert mail_server.mails == []


def test_a_certificate_of_another_host(secure: Secure, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trusted certificate is good for its own host only."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert reason(replace(secure("tls"), smtp_host="127.0.0.1")) == "tls"


def test_a_server_without_starttls_gets_nothing(mail_server: "MailServer", settings: AlertSettings) -> None:
    """Somebody on the way who hides the offer to encrypt does not make us speak in the clear."""
    assert reason(replace(settings, smtp_security="starttls")) == "not-supported"
    assert mail_server.mails == []


@pytest.mark.parametrize(("password", "outcome"), [("s3cret\n", None), ("wrong", "sign-in"), ("pässword", "sign-in")])
def test_signing_in(
    mail_server: "MailServer", settings: AlertSettings, tmp_path: Path, password: str, outcome: str | None
) -> None:
    """The password is read from its file for each mail; a wrong one is told without being quoted."""
    mail_server.password = "s3cret"
    (tmp_path / "smtp.password").write_text(password, "utf-8")
    signed_in = replace(settings, user="alliance", password_file=tmp_path / "smtp.password")

    if outcome:
        assert reason(signed_in) == outcome
    else:
        Mailer(signed_in).check()
        assert Mailer(signed_in).send(mail()) == 0


def test_a_server_that_cannot_be_found(settings: AlertSettings) -> None:
    """A name that leads nowhere is unreachable, not a crash."""
    assert reason(replace(settings, smtp_host="nowhere.example.invalid")) == "unreachable"
