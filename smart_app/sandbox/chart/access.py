"""Who may see which of the sandbox's own pages."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from smart_app.sandbox.chart.session import current_user

P = ParamSpec("P")


def clinicians_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Show the view to a signed-in clinician; anybody else is sent to the sign-in page."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not (current_user() or "").startswith("Practitioner/"):
            return redirect(url_for("chart.home"), 303)
        return view(*args, **kwargs)

    return guarded
