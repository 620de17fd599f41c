"""The site's mail server, spoken to over a connection that nobody else can read."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Final

from fhir_alliance.errors import MailError
from fhir_alliance.settings import AlertSettings

_SECONDS: Final = 10.0
# smtplib's errors are OSErrors too, so the order matters.
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (smtplib.SMTPAuthenticationError, "sign-in"),
    (smtplib.SMTPNotSupportedError, "not-supported"),
    (smtplib.SMTPRecipientsRefused, "recipients-refused"),
    (smtplib.SMTPSenderRefused, "sender-refused"),
    (smtplib.SMTPDataError, "message-refused"),
    (ssl.SSLError, "tls"),
    (OSError, "unreachable"),
    (UnicodeError, "sign-in"),
)


class Mailer:
    """Sends mail by the server of the settings; a connection for each mail, because they are rare."""

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings

    def send(self, mail: EmailMessage) -> int:
        """Send one mail; returns how many recipients the server refused while it took others.

        Raises MailError when the server took it for nobody, or did not answer: then it may have been sent or not.
        """
        with self._server() as server:
            return len(server.send_message(mail))

    def check(self) -> None:
        """Sign in and send nothing; MailError when that does not work."""
        with self._server() as server:
            server.noop()

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """Yield a connection that is encrypted and signed in, as far as the settings say; MailError for all faults."""
        settings = self._settings
        try:
            with self._connect() as server:
                if settings.smtp_security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if settings.password_file:
                    server.login(settings.user, settings.password_file.read_text("utf-8").strip())
                yield server
        except (OSError, UnicodeError) as error:
            raise MailError(next(reason for kind, reason in _REASONS if isinstance(error, kind))) from None

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        # Named after the sender's domain: looking up this machine's own name can take long.
        said = settings.sender.rpartition("@")[2]
        host, port = settings.smtp_host, settings.smtp_port
        if settings.smtp_security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, local_hostname=said, timeout=_SECONDS, context=context)
        return smtplib.SMTP(host, port, local_hostname=said, timeout=_SECONDS)
