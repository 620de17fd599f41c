"""The administrator's pages: what is not in the chart, for every EHR, and letting it go on; no answers, no names."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.backlog import LEVELS
from fhir_alliance.delivery.entries import Entry
from fhir_alliance.delivery.figures import read_figures
from fhir_alliance.delivery.receipts import State
from fhir_alliance.harvest.book import Book
from fhir_alliance.store import transaction
from fhir_alliance.visits.figures import RECENT
from fhir_alliance.visits.figures import read_figures as completion
from smart_app.web.admissions import Admin, LinkRefused, end, find_admin, is_live, use_link
from smart_app.web.cookies import ADMIN, set_strict
from smart_app.web.failures import BadRequest, request_id
from smart_app.web.frames import today
from smart_app.web.pages.delivery import STATES
from smart_app.web.pages.figures import figures_page
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.message import Action, MessagePage
from smart_app.web.pages.outbox import Choice, item_page, outbox_page
from smart_app.web.services import services
from smart_app.web.titles import title_of

bp = Blueprint("admin", __name__, url_prefix="/admin")

_MOST: Final = 200
_FILTERS: Final = ("ehr", "state", "older")
P = ParamSpec("P")


def admitted(
    view: Callable[Concatenate[Admin, P], ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Give a view who is signed in; AdminNeeded for anybody else."""

    @wraps(view)
    def with_admin(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        return view(find_admin(), *args, **kwargs)

    return with_admin


@bp.get("/enter/<link>")
def enter(link: str) -> ResponseReturnValue:
    """Show that the link works; nothing is used up by looking (T51)."""
    if not is_live(link):
        raise LinkRefused("not live")
    page = MessagePage(
        frame=_frame(),
        heading="Delivery, for administrators",
        sentence="This link works once. What you do here is written down with the name it was made for.",
        action=Action(label="Sign in", url=url_for(".begin", link=link), post=True),
    )
    return render_template("admin_message.html", page=page)


@bp.post("/enter/<link>")
def begin(link: str) -> ResponseReturnValue:
    """Use a link up and go to the list."""
    response = redirect(url_for(".outbox"), 303)
    set_strict(response, ADMIN, use_link(link))
    return response


@bp.post("/leave")
@admitted
def leave(admin: Admin) -> ResponseReturnValue:
    """End the session and leave nothing behind."""
    end(admin)
    sentence = "Nothing more is shown on this device."
    page = MessagePage(frame=_frame(), heading="You have signed out", sentence=sentence)
    return render_template("admin_message.html", page=page), {"Clear-Site-Data": '"cache", "cookies", "storage"'}


@bp.get("/")
@admitted
def outbox(admin: Admin) -> ResponseReturnValue:
    """Show how many forms and filed pages wait where and why, and list those asked for, oldest first."""
    asked = request.args
    ehr, state, level = (asked.get(name) or None for name in ("ehr", "state", "older"))
    if state not in (None, *State) or level not in (None, *LEVELS):
        raise BadRequest("no such filter")
    now = services().clock()
    before = now - LEVELS[level] if level else None
    found = services().entries.all(ehr=ehr, state=State(state) if state else None, before=before, limit=_MOST + 1)
    book = Book(services().engine)
    _audit(admin, None)
    page = outbox_page(
        _frame(),
        read_figures(services().engine, now),
        found[:_MOST],
        admin=admin.name,
        titles=_titles(),
        filters=(
            ("Health record", _choices("ehr", _titles().items())),
            ("State", _choices("state", STATES.items())),
            ("Waiting for more than", _choices("older", ((each, each) for each in LEVELS))),
        ),
        more=len(found) > _MOST,
        refused=book.refused(limit=_MOST),
        refused_in_all=book.count_refused(),
        today=today(),
    )
    return render_template("outbox.html", page=page)


@bp.get("/figures")
@admitted
def figures(admin: Admin) -> ResponseReturnValue:
    """Show how many of the forms that were due were answered, by week and clinic; nobody is named."""
    last, settings = today(), services().settings
    found = completion(
        services().engine,
        services().assignments,
        settings.ehrs,
        first=last - RECENT,
        last=last,
        zone=settings.site.time_zone,
    )
    _audit(admin, None)
    page = figures_page(_frame(), found, admin=admin.name, titles=_titles(), today=last)
    return render_template("figures.html", page=page)


@bp.get("/forms/<key>")
@admitted
def item(admin: Admin, key: str) -> ResponseReturnValue:
    """Show one form; whose it is, by the EHR's own id: who acts has to find the chart, and needs no more (P7)."""
    entry = services().entries.one(key)
    _audit(admin, entry)
    ehr = services().settings.ehrs.get(entry.ehr)
    page = item_page(
        _frame(),
        entry,
        admin=admin.name,
        titles=_titles(),
        form=title_of(entry.form),
        present_base=ehr.fhir_base if ehr else "",
        attempts=services().entries.attempts(key),
        decisions=services().entries.decisions(key),
        today=today(),
    )
    return render_template("outbox_item.html", page=page)


@bp.post("/forms/<key>/retry")
@admitted
def retry(admin: Admin, key: str) -> ResponseReturnValue:
    """Try one form again now."""
    services().releasing.retry(key, by=admin.name)
    return redirect(url_for(".item", key=key), 303)


@bp.post("/forms/<key>/release")
@admitted
def release(admin: Admin, key: str) -> ResponseReturnValue:
    """Let one form go on after it was looked at; for another address, the one that the page showed."""
    said, ticket, base = request.form.get("said", ""), request.form.get("ticket", "").strip(), request.form.get("base")
    services().releasing.release(key, by=admin.name, said=said, ticket=ticket, base=base)
    return redirect(url_for(".item", key=key), 303)


@bp.post("/retry")
@admitted
def retry_all(admin: Admin) -> ResponseReturnValue:
    """Try everything again that waits for one reason at one EHR."""
    services().releasing.retry_all(request.form.get("code", ""), by=admin.name, ehr=request.form.get("ehr", ""))
    return redirect(url_for(".outbox"), 303)


def _titles() -> dict[str, str]:
    return {name: ehr.title for name, ehr in services().settings.ehrs.items()}


def _choices(name: str, values: Iterable[tuple[str, str]]) -> tuple[Choice, ...]:
    """Return the links that narrow the list by one thing and keep the others."""
    now = request.args.get(name, "")
    kept = {other: value for other, value in request.args.items() if other != name and other in _FILTERS}
    every = [("", "all"), *values]
    return tuple(
        Choice(label=label, url="" if value == now else f"{url_for('.outbox')}?{urlencode({**kept, name: value})}")
        for value, label in every
    )


def _frame() -> Frame:
    return Frame(site=services().settings.site)


def _audit(admin: Admin, entry: Entry | None) -> None:
    """Note who looked, and at whose form."""
    with transaction(services().engine) as connection:
        record(
            connection,
            at=services().clock(),
            event=Event.DELIVERY_READ,
            actor=admin.name,
            ehr=entry.ehr if entry else "",
            patient=entry.patient if entry else None,
            launch=None,
            outcome="done",
            request_id=entry.key if entry else request_id(),
        )
