"""A handed-over form begins here, on any device: by link or by short code, and the code works once."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from fhir_alliance.errors import HandoverError
from smart_app.web.cookies import SESSION, set_secret
from smart_app.web.frames import plain_frame
from smart_app.web.handovers import is_live, use_link, use_short
from smart_app.web.pages.handover import EnterCodePage, StartPage
from smart_app.web.saying import say

bp = Blueprint("handed", __name__, url_prefix="/handover")


@bp.get("/")
def enter() -> ResponseReturnValue:
    """Ask for the short code."""
    return render_template("enter_code.html", page=EnterCodePage(frame=plain_frame()))


@bp.post("/")
def use_code() -> ResponseReturnValue:
    """Use a short code up and go to the patient's own page."""
    try:
        return _signed_in(*use_short(request.form.get("code", "")))
    except HandoverError as error:
        page = EnterCodePage(frame=plain_frame(), problem=say(error.sentence))
        return render_template("enter_code.html", page=page), error.http_status


@bp.get("/<link>")
def start(link: str) -> ResponseReturnValue:
    """Show that the link works; nothing about anybody is shown, and nothing is used up by looking."""
    if not is_live(link):
        raise HandoverError("not live")
    return render_template("start.html", page=StartPage(frame=plain_frame(), action=url_for(".begin", link=link)))


@bp.post("/<link>")
def begin(link: str) -> ResponseReturnValue:
    """Use a link up and go to the patient's own page."""
    return _signed_in(*use_link(link))


def _signed_in(secret: str, handle: str) -> Response:
    response = redirect(url_for("home.home", handle=handle), 303)
    set_secret(response, SESSION, secret)
    return response
