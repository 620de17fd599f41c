"""What waits for a patient at home, what was sent from there, and going on with what was begun."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.delivery.keeping import CONFIRMED
from fhir_alliance.delivery.receipts import Kind, Receipt, State
from fhir_alliance.errors import InvalidDefinition, NotReady
from fhir_alliance.instruments.words import Rater
from fhir_alliance.visits.standing import Standing
from smart_app.web.asked import form_named
from smart_app.web.drafts import own_drafts
from smart_app.web.due import waiting
from smart_app.web.forms import language_of
from smart_app.web.frames import today
from smart_app.web.launches import Launch, Role, choose_visit
from smart_app.web.pages.home import SentForm, Waiting
from smart_app.web.pages.words import local_day, moment_words, relative_day
from smart_app.web.reading import ChartData, read_own_visits
from smart_app.web.receipts import shown_as
from smart_app.web.sent import newest_sent, sent_in
from smart_app.web.services import services

# Who signs in again so soon after an answer was cut off, by a session that ended or on another device.
_A_MOMENT: Final = timedelta(hours=1)


def waiting_forms(launch: Launch, data: ChartData) -> list[Waiting]:
    """Return what waits for the patient, each in the version in which it was assigned, or begun before.

    A form that may not be used any more waits for nobody.
    """
    drafts = own_drafts(launch)
    by_encounter = {each.encounter: each for each in data.visits}
    found: list[Waiting] = []
    for each in waiting(launch, data):
        try:
            instrument, form = form_named(each.form)
        except (NotReady, InvalidDefinition):
            continue
        same = (each.encounter, form.url)
        begun = (len(one.answers.given) for one in drafts if (one.encounter, one.form.partition("|")[0]) == same)
        twice = any(one.visit.encounter == each.encounter for one in found)
        found.append(
            Waiting(
                choice=f"{each.encounter}#{each.id}" if twice else each.encounter,
                instrument=instrument,
                form=form,
                language=language_of(launch, instrument),
                visit=by_encounter[each.encounter],
                until=each.closes,
                begun=next(begun, 0),
                declined=each.standing is Standing.DECLINED,
            )
        )
    return found


def open_waiting(launch: Launch, chosen: Waiting | None) -> ResponseReturnValue:
    """Go to the form that was chosen; None is about no visit in particular."""
    choose_visit(launch, chosen.visit if chosen else None, form=chosen.form.canonical if chosen else "")
    return redirect(url_for("filling.form", handle=launch.handle), 303)


def go_on(launch: Launch) -> ResponseReturnValue | None:
    """Go on with the form that this patient was busy with a moment ago, if it still waits; None when there is none."""
    if launch.context.visit or launch.context.form or launch.context.asked:
        return None
    forms = (each for each in own_drafts(launch) if "|" in each.form)  # not a change of what was sent
    busy = next((each for each in forms if not each.answers.empty), None)
    if busy is None or services().clock() - busy.updated_at > _A_MOMENT:
        return None
    if not busy.encounter:
        return open_waiting(launch, None)
    last = (busy.encounter, busy.form.partition("|")[0])
    found = waiting_forms(launch, read_own_visits(launch))
    again = next((each for each in found if (each.visit.encounter, each.form.url) == last), None)
    return open_waiting(launch, again) if again and not again.declined else None


def sent_rows(launch: Launch) -> Iterator[SentForm]:
    """Yield what the patient sent, each form's newest version, newest first; nothing on a device in other hands."""
    zone = services().settings.site.time_zone
    for each in sent_lately(launch) if launch.role is Role.PATIENT else ():
        sent = sent_in(launch, each.key)
        instrument, _ = services().catalogue.of_form(each.form)
        language = language_of(launch, instrument)
        yield SentForm(
            key=each.key,
            title=instrument.wordings[language].title,
            language=language,
            day=relative_day(local_day(sent.first.accepted_at, zone), today=today()),
            state=shown_as(each),
            declined=each.declined and each.kind is not Kind.WITHDRAWAL,
            until=moment_words(sent.until, zone, today=today()) if sent.until and sent.open else "",
        )


def sent_lately(launch: Launch) -> list[Receipt]:
    """Return what was sent as a patient's form while its answers are kept here, the newest versions, newest first."""
    sent = newest_sent(launch, since=services().clock() - CONFIRMED)
    return [each for each in sent if each.rater == Rater.PATIENT]


def is_taken_back(found: Receipt) -> bool:
    """Whether the chart says that it no longer counts."""
    return found.kind is Kind.WITHDRAWAL and found.state is State.DELIVERED
