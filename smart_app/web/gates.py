"""Who may see a page: a view gets its launch, or the page does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.errors import NotSignedIn
from smart_app.web.languages import speak_with
from smart_app.web.launches import Launch, Role, find_launch
from smart_app.web.young import require_place

P = ParamSpec("P")

View = Callable[Concatenate[Launch, P], ResponseReturnValue]


def launched(*roles: Role) -> Callable[[View[P]], Callable[Concatenate[str, P], ResponseReturnValue]]:
    """Give a view its launch, if it has one of the roles; to anybody else the page does not exist.

    Whoever answers in the room only is told so on every page elsewhere, before anybody is named.
    """

    def decorate(view: View[P]) -> Callable[Concatenate[str, P], ResponseReturnValue]:
        @wraps(view)
        def with_launch(handle: str, *args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            launch = find_launch(handle)
            g.launch = launch.handle
            if launch.role not in roles:
                raise NotSignedIn("another role")
            require_place(launch)
            if launch.role is Role.CLINICIAN:
                speak_with(launch.context.speaks)
            if not launch.confirmed and request.endpoint not in _BEFORE_YES:
                return redirect(url_for("patient.confirm", handle=handle), 303)
            return view(launch, *args, **kwargs)

        return cast("Callable[Concatenate[str, P], ResponseReturnValue]", with_launch)

    return decorate


_BEFORE_YES: Final = frozenset({"patient.confirm", "patient.say_yes", "patient.not_me"})
