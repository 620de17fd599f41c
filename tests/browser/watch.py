"""What a browser complains about while people use the product: errors, broken policies, strangers called."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

_HERE = ("127.0.0.1", "localhost")
_TELL = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy broken: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Watch:
    """Listens to every page and frame of a browser context; `complaints` should stay empty."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        context.add_init_script(_TELL)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    def forgive(self, part: str) -> None:
        """Forget complaints that hold these words: a refusal that a test provoked."""
        self.complaints = [each for each in self.complaints if part not in each]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.hostname not in _HERE:
            self.complaints.append(f"left this machine: {request.url}")
