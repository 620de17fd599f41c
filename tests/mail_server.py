"""A small mail server on loopback that keeps what it was given, and refuses, encrypts or is away as a test likes."""

import base64
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail taken: its envelope, and what it says."""

    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail as a mail program reads it."""
        return message_from_bytes(self.raw, policy=policy.default)  # type: ignore[return-value]  # of this policy


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False


class MailServer:
    """Takes mail until it is stopped, and again when it is started; every knob is an attribute a test may set."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refuses: set[str] = set()
        self.password = ""
        self.starttls: ssl.SSLContext | None = None
        self.tls: ssl.SSLContext | None = None
        self.on_mail: Callable[[], object] = lambda: None
        self.answer = "250 taken"
        self.received = threading.Event()
        self._server: _Server | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), type("Handler", (_Handler,), {"post": self}))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Let nothing answer at the address."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None


class _Handler(StreamRequestHandler):
    post: MailServer

    def handle(self) -> None:
        if self.post.tls and not self._encrypt(self.post.tls):
            return
        self._say("220 ready")
        self._recipients: list[str] = []
        while line := self.rfile.readline():
            words = line.decode().split()
            act = getattr(self, f"on_{words[0].lower()}", None)
            if act is None:
                self._say("502 unknown")
            elif act(*words[1:]) is False:
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def on_ehlo(self, _: str) -> None:
        offers = [*(["STARTTLS"] if self.post.starttls else []), *(["AUTH PLAIN"] if self.post.password else [])]
        lines = ["here", *offers]
        for line in lines[:-1]:
            self._say(f"250-{line}")
        self._say(f"250 {lines[-1]}")

    def on_starttls(self) -> bool:
        self._say("220 go on")
        return self.post.starttls is not None and self._encrypt(self.post.starttls)

    def on_auth(self, _: str, proof: str) -> None:
        right = base64.b64decode(proof).decode() == f"\0alliance\0{self.post.password}"
        self._say("235 welcome" if right else "535 no")

    def on_mail(self, *_: str) -> None:
        self._recipients = []
        self._say("250 ok")

    def on_rcpt(self, to: str, *_: str) -> None:
        address = to.partition("<")[2].rstrip(">")
        if address in self.post.refuses:
            self._say("550 nobody here")
        else:
            self._recipients.append(address)
            self._say("250 ok")

    def on_data(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        self.post.on_mail()
        if self.post.answer.startswith("250"):
            self.post.mails.append(Mail(recipients=tuple(self._recipients), raw=b"".join(lines)))
        self._say(self.post.answer)
        self.post.received.set()

    def on_noop(self) -> None:
        self._say("250 ok")

    def on_rset(self) -> None:
        self._say("250 ok")

    def on_quit(self) -> bool:
        self._say("221 bye")
        return False

    def _encrypt(self, context: ssl.SSLContext) -> bool:
        try:
            self.request = context.wrap_socket(self.request, server_side=True)
        except OSError:
            return False
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
