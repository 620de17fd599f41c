"""Which language a page is in: what the person chose, else what the browser asks for, else the site's own.

A clinician's browser is often the clinic's: what the health record says of the clinician's language comes before it.

A clinic's tablet asks for nobody: what its browser is set to says nothing of the patient who holds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from babel import Locale
from flask import Flask, Response, g, has_request_context, request

from fhir_alliance.settings import LANGUAGE
from smart_app.web.catalogues import Languages, page_locale
from smart_app.web.cookies import set_secret
from smart_app.web.on_tablet import tablet_here
from smart_app.web.pages.window import WINDOWS
from smart_app.web.saying import counted_in_page, said_in_page
from smart_app.web.services import services

COOKIE: Final = "__Host-ta_lang"
FIELD: Final = "language"
"""What chooses a language: in the address of any page, so that a link or a portal can say it too, and in a form."""

PRINT_FIELD: Final = "print"
"""What chooses large print, in the same places."""

# What stays in an address when something is chosen, and what it can be: how many visits the view shows.
_KEPT: Final = {"last": WINDOWS}

# What only administrators see is in English.
_FOR_STAFF: Final = ("admin.",)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One language to choose, by its own name."""

    tag: str
    name: str
    chosen: bool


def speak_languages(app: Flask) -> None:
    """Let an application say its pages in the language of each request."""
    Languages(app, locale_selector=_language)
    app.jinja_env.globals.update(_=said_in_page, ngettext=counted_in_page)
    app.after_request(_remember)


def speak_english() -> None:
    """Say the rest of this request in English: it is for staff."""
    g.in_english = True


def speak_with(tag: str) -> None:
    """Say the rest of this request in the language of its clinician, unless another was chosen; "" is not known."""
    g.spoken = tag


def language() -> str:
    """Return the language of the present page."""
    return page_locale().language


def choices() -> tuple[Choice, ...]:
    """Return what a person can choose; nothing where there is no choice, or for a page that a link cannot ask for."""
    offered = services().settings.site.offered
    if len(offered) < 2 or not can_be_asked_again() or _for_staff():
        return ()
    return tuple(Choice(tag=tag, name=_own_name(tag), chosen=tag == language()) for tag in offered)


def can_be_asked_again() -> bool:
    """Whether a link can ask for this page with something chosen: its address has nothing that the link would lose."""
    return request.method == "GET" and request.args.keys() <= {FIELD, PRINT_FIELD, *_KEPT}


def kept_in_links() -> dict[str, str]:
    """Return what a link that chooses something keeps of this address; what it cannot mean is left out."""
    said = {name: request.args.get(name, "") for name in _KEPT}
    return {name: value for name, value in said.items() if value in _KEPT[name]}


def _own_name(tag: str) -> str:
    name = str(Locale(tag).get_language_name())
    return name[:1].upper() + name[1:]


def chosen_in(fields: Iterable[str]) -> str:
    """Return the first of these that is a language the site offers; empty when none is."""
    offered = services().settings.site.offered
    return next((tag for tag in fields if tag in offered), "")


def chosen_here() -> str:
    """Return the language that the person of this request has chosen; empty when they have not, or are staff."""
    if not has_request_context() or _for_staff():
        return ""
    return chosen_in((request.args.get(FIELD, ""), request.cookies.get(COOKIE, "")))


def _language() -> str:
    if _for_staff():
        return LANGUAGE
    site = services().settings.site
    if tablet_here():
        return chosen_here() or site.language
    # The site's own language comes first, for a browser that takes any.
    offered = sorted(site.offered, key=lambda tag: tag != site.language)
    return (
        chosen_here() or chosen_in([g.get("spoken", "")]) or request.accept_languages.best_match(offered, site.language)
    )


def _for_staff() -> bool:
    return "in_english" in g or (request.endpoint or "").startswith(_FOR_STAFF)


def _remember(response: Response) -> Response:
    """Keep what was chosen until the browser closes, or the device is given back."""
    left = "cookies" in response.headers.get("Clear-Site-Data", "")
    if (tag := chosen_in([request.args.get(FIELD, "")])) and not left:
        set_secret(response, COOKIE, tag)  # no secret, but it has to come back in the same places
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    return response
