"""A browser of the simplest kind: pages, forms and cookies over HTTP, as a person without scripts has them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urljoin, urlsplit

import requests

_TIMEOUT = 30
_MOST_REDIRECTS = 10


@dataclass(kw_only=True)
class WebForm:
    """One form of a page: where it posts to, its hidden fields, and the names of its radio buttons."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    radios: dict[str, list[str]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Page(HTMLParser):
    """What a page holds for somebody who only clicks."""

    url: str
    status: int
    text: str
    forms: list[WebForm] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the page."""
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, fields, frames and links."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(WebForm(action=urljoin(self.url, values.get("action", ""))))
        elif tag == "iframe":
            self.frames.append(urljoin(self.url, values.get("src", "")))
        elif tag == "a":
            self.links.append(urljoin(self.url, values.get("href", "")))
        elif tag == "input" and self.forms:
            self._input(values)

    def _input(self, values: dict[str, str]) -> None:
        form, name = self.forms[-1], values.get("name", "")
        if values.get("type") == "hidden":
            form.hidden[name] = values.get("value", "")
        elif values.get("type") == "radio":
            form.radios.setdefault(name, []).append(values.get("value", ""))

    def form(self, path_end: str) -> WebForm:
        """Return the form that posts to a path with this end; LookupError when there is none."""
        for form in self.forms:
            if urlsplit(form.action).path.endswith(path_end):
                return form
        raise LookupError(f"no form posts to …{path_end}")

    def link(self, part: str) -> str:
        """Return the first link that holds a part; LookupError when there is none."""
        for link in self.links:
            if part in link:
                return link
        raise LookupError(f"no link holds {part}")


class Browser:
    """Follows links and posts forms; its cookies are its own, Secure ones too, as a browser treats localhost."""

    def __init__(self) -> None:
        self._cookies: dict[str, dict[str, str]] = {}
        self._session = requests.Session()
        self._session.trust_env = False

    def open(self, url: str) -> Page:
        """Return the page behind a link, after its redirects."""
        return self._go("GET", url, None, origin="")

    def submit(self, page: Page, form: WebForm, /, **fields: str) -> Page:
        """Return the page after posting a form with what was filled in."""
        parts = urlsplit(page.url)
        return self._go("POST", form.action, {**form.hidden, **fields}, origin=f"{parts.scheme}://{parts.netloc}")

    def state(self, url: str) -> str:
        """Return the `state` of a JSON answer."""
        return str(self._request("GET", url, None, origin="").json()["state"])

    def _go(self, method: str, url: str, data: dict[str, str] | None, *, origin: str) -> Page:
        for _ in range(_MOST_REDIRECTS):
            reply = self._request(method, url, data, origin=origin)
            if not reply.is_redirect:
                return Page(url=url, status=reply.status_code, text=reply.text)
            method, data, url = "GET", None, urljoin(url, reply.headers["Location"])
        raise LookupError("too many redirects")

    def _request(self, method: str, url: str, data: dict[str, str] | None, *, origin: str) -> requests.Response:
        host = urlsplit(url).netloc
        mine = self._cookies.setdefault(host, {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in mine.items())}
        if origin:
            headers["Origin"] = origin
        reply = self._session.request(method, url, data=data, headers=headers, allow_redirects=False, timeout=_TIMEOUT)
        self._session.cookies.clear()
        for line in reply.raw.headers.getlist("Set-Cookie"):
            # The standard parser does not know `Partitioned`, which changes nothing for a browser of one site.
            for name, morsel in SimpleCookie(line.replace("; Partitioned", "")).items():
                mine.pop(name, None) if morsel["max-age"] == "0" else mine.__setitem__(name, morsel.value)
        return reply
