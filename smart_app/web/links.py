"""The clinician makes a link for the patient, sees what became of earlier ones, and takes one back."""

from datetime import timedelta
from typing import Final

import segno
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.visits.links import PatientLink, Standing
from smart_app.web.due import assign_by_hand
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.linking import links_for, make_link, pass_on, required_links, revoke_link, store
from smart_app.web.offered import chosen_form, offered
from smart_app.web.pages.ages import age_words
from smart_app.web.pages.chart import Offer
from smart_app.web.pages.links import LinkRow, LinksPage, link_made_page, locked_note
from smart_app.web.pages.words import day, local_day, moment_words
from smart_app.web.services import services
from smart_app.web.titles import title_here, title_of
from smart_app.web.young import answering_of_launch

bp = Blueprint("links", __name__, url_prefix="/l/<handle>/links")

_SHOWN_FOR: Final = timedelta(days=30)


@bp.get("")
@launched(Role.CLINICIAN)
def links(launch: Launch) -> ResponseReturnValue:
    """Offer the forms a link can be for, and show the links of the last weeks."""
    settings = required_links(launch)
    page = LinksPage(
        frame=frame_of(launch),
        offers=tuple(Offer(form=name, label=title_here(instrument, form)) for name, instrument, form in offered()),
        passes_on=settings.passed_on,
        hours=int(settings.lasts / timedelta(hours=1)),
        rows=tuple(_row(each) for each in links_of(launch)),
        at_age=age_words(answering_of_launch(launch).where),
    )
    return render_template("links.html", page=page)


@bp.post("")
@launched(Role.CLINICIAN)
def make(launch: Launch) -> ResponseReturnValue:
    """Make a link and show it, this once: only what recognises it is kept."""
    settings = required_links(launch)
    instrument, form = chosen_form()
    assign_by_hand(launch, form)
    made = make_link(launch, form)
    url = f"{services().settings.public_url}{url_for('linked.start', link=made.secret)}"
    wanted = settings.passed_on and request.form.get("pass_on") == "yes"
    page = link_made_page(
        frame=frame_of(launch),
        form_title=title_here(instrument, form),
        url=url,
        modules=list(segno.make(url, error="m", micro=False).matrix),
        expires_at=made.expires_at,
        today=today(),
        passed_on=pass_on(launch, made, url) if wanted else None,
    )
    return render_template("link_made.html", page=page)


@bp.post("/<link>/revoke")
@launched(Role.CLINICIAN)
def revoke(launch: Launch, link: str) -> ResponseReturnValue:
    """Let a link work no more; one that was used or is over stays as it is."""
    required_links(launch)
    revoke_link(launch, link)
    return redirect(url_for(".links", handle=launch.handle), 303)


def links_of(launch: Launch) -> tuple[PatientLink, ...]:
    """Return the links that were made for the patient of a launch in the last weeks, newest first."""
    since = services().clock() - _SHOWN_FOR
    return store().of_patient(launch.ehr.name, launch.patient.id, since=since)


def lockings(launch: Launch) -> tuple[str, ...]:
    """Return what a clinician has to know of a link that wrong birth dates have closed, in words."""
    if links_for(launch) is None:
        return ()
    zone = services().settings.site.time_zone
    locked = [each for each in links_of(launch) if each.standing is Standing.LOCKED]
    return tuple(locked_note(day(local_day(each.made_at, zone), today=today())) for each in locked[:1])


def _row(link: PatientLink) -> LinkRow:
    zone = services().settings.site.time_zone
    return LinkRow(
        id=link.id,
        form=title_of(link.form),
        made=moment_words(link.made_at, zone, today=today()),
        until=moment_words(link.expires_at, zone, today=today()),
        standing=link.standing,
    )
