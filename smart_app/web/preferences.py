"""What a person chose for this browser: their language, and large print; it lasts until the device is given back."""

from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, request
from werkzeug import Response

from smart_app.web.cookies import forget, set_secret
from smart_app.web.languages import COOKIE as LANGUAGE_COOKIE
from smart_app.web.languages import FIELD as LANGUAGE_FIELD
from smart_app.web.languages import PRINT_FIELD, can_be_asked_again, chosen_in

PRINT_COOKIE: Final = "__Host-ta_print"
LARGE: Final = "large"
_SIZES: Final = (LARGE, "normal")


@dataclass(frozen=True, kw_only=True)
class Print:
    """The print of a page: whether it is `large`, and the `other` size, empty for a page that no link can ask for."""

    large: bool
    other: str

    @property
    def field(self) -> str:
        """The name of what chooses the other size."""
        return PRINT_FIELD


def print_here() -> Print:
    """Return the print of the page of this request."""
    large = (request.args.get(PRINT_FIELD) or request.cookies.get(PRINT_COOKIE)) == LARGE
    return Print(large=large, other=_SIZES[large] if can_be_asked_again() else "")


def chosen_on_form() -> dict[str, Any]:
    """Return what a button of the posted form chose, as fields of an address; empty when it was another button."""
    tag, size = chosen_in([request.form.get(LANGUAGE_FIELD, "")]), request.form.get(PRINT_FIELD, "")
    chosen = {LANGUAGE_FIELD: tag} if tag else {}
    return chosen | ({PRINT_FIELD: size} if size in _SIZES else {})


def is_left_over() -> bool:
    """Whether something is chosen from before, and nothing was just now."""
    before = {LANGUAGE_COOKIE, PRINT_COOKIE} & request.cookies.keys()
    return bool(before) and not {LANGUAGE_FIELD, PRINT_FIELD} & request.args.keys()


def forget_choices(response: Response) -> None:
    """Let the next person in this browser begin without them."""
    forget(response, LANGUAGE_COOKIE)
    forget(response, PRINT_COOKIE)


def keep_print(app: Flask) -> None:
    """Let an application keep the size of print that was chosen until the browser closes."""
    app.after_request(_remember)


def _remember(response: Response) -> Response:
    size = request.args.get(PRINT_FIELD, "")
    if size in _SIZES and "cookies" not in response.headers.get("Clear-Site-Data", ""):
        set_secret(response, PRINT_COOKIE, size)  # no secret, but it has to come back in the same places
    return response
