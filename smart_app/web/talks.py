"""What a therapist says to a reason to look, and what the two agree to try: kept for this therapist alone."""

from typing import Final

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.talks.agreed import Outcome
from fhir_alliance.talks.kept import KEEP, Act, Pair
from fhir_alliance.talks.reasons import Answer, Shown
from fhir_alliance.talks.words import AS_GIVEN
from fhir_alliance.trajectory.rules import RULES
from smart_app.web.failures import BadRequest, request_id
from smart_app.web.frames import today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.agreed import NOTHING_AGREED, Agreed, Before, agreed_before, agreed_part
from smart_app.web.pages.reasons import ReasonRow, Talk, reason_row
from smart_app.web.pages.words import capital
from smart_app.web.saying import say
from smart_app.web.seen import Raised
from smart_app.web.services import services

bp = Blueprint("talks", __name__, url_prefix="/l/<handle>")

_SHOWN: Final = 2


@bp.post("/reasons/<key>")
@launched(Role.CLINICIAN)
def answer(launch: Launch, key: str) -> ResponseReturnValue:
    """Keep what was answered to a reason, and go back to the view."""
    given = request.form.get("answer", "")
    if given not in tuple(Answer):
        raise BadRequest("no such answer")
    services().reasons.answer(pair_of(launch), key, Answer(given), act_of(launch))
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


@bp.post("/reasons/<key>/again")
@launched(Role.CLINICIAN)
def open_again(launch: Launch, key: str) -> ResponseReturnValue:
    """Take back what was answered to a reason, and go back to the view, where it waits for an answer."""
    services().reasons.reopen(pair_of(launch), key, act_of(launch))
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


@bp.post("/agreed")
@launched(Role.CLINICIAN)
def agree(launch: Launch) -> ResponseReturnValue:
    """Keep what the two agree to try, or that they agree on nothing, and go back to the view."""
    choice = request.form.get("choice", "nothing")
    choices = services().talk_words.agreements
    if choice and choice not in choices:
        raise BadRequest("no such thing to try")
    if not launch.context.practitioner:
        raise BadRequest("nobody to agree with")
    services().agreements.agree(pair_of(launch), visit_of(launch), choice, choices.get(choice, ""), act_of(launch))
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


@bp.post("/agreed/<key>")
@launched(Role.CLINICIAN)
def look_again(launch: Launch, key: str) -> ResponseReturnValue:
    """Keep how it went, and go back to the view."""
    given = request.form.get("outcome", "")
    if given not in tuple(Outcome):
        raise BadRequest("no such outcome")
    services().agreements.look(pair_of(launch), key, Outcome(given), act_of(launch))
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


def agreed_with(launch: Launch) -> Agreed:
    """Return what the two of a launch agreed last, as both may read it."""
    pair = pair_of(launch)
    if not pair.therapist:
        return NOTHING_AGREED
    return agreed_part(
        services().agreements.of(pair, most=_SHOWN),
        visit=visit_of(launch),
        choices={choice: say(text) for choice, text in services().talk_words.agreements.items()},
        zone=services().settings.site.time_zone,
        today=today(),
    )


def agreements_with(launch: Launch) -> tuple[Before, ...]:
    """Return what the two of a launch agreed at the last two visits, newest first."""
    pair = pair_of(launch)
    found = services().agreements.of(pair, most=_SHOWN) if pair.therapist else ()
    return agreed_before(found, zone=services().settings.site.time_zone, today=today())


def visit_of(launch: Launch) -> str:
    """Return the visit of a launch, or the day at the site where the EHR named none."""
    return launch.context.visit.encounter if launch.context.visit else today().isoformat()


def talk_of(launch: Launch, instrument: Instrument, found: tuple[Raised, ...]) -> Talk:
    """Return what there may be to talk about, and note which reasons are shown and wait for an answer."""
    pair, act, zone = pair_of(launch), act_of(launch), services().settings.site.time_zone
    words = services().talk_words
    code = instrument.code(Rater.PATIENT, instrument.scales[0].name)
    shown = [
        Shown(
            name=each.reason.name,
            look=each.reason.look,
            code=code,
            rater=Rater.PATIENT,
            rules=RULES.version,
            rests_on=each.rests_on,
            facts=" ".join(f"{fact:.6f}" for fact in each.reason.facts),
        )
        for each in found
    ]
    answers = services().reasons.show(pair, shown, at=act.at, kept_until=act.kept_until) if pair.therapist else {}
    rows: list[ReasonRow] = []
    for each, known in zip(found, shown, strict=True):
        key = known.key(pair)
        rows.append(
            reason_row(
                each.reason,
                key=key,
                questions=words.questions,
                answered=answers.get(key),
                user=launch.user,
                zone=zone,
                today=today(),
            )
        )
    return Talk(
        reasons=tuple(row for row in rows if not row.answered),
        quiet=tuple(row for row in rows if row.answered),
        answers=tuple((each.value, capital(say(each))) for each in Answer),
        as_given=tuple(map(say, words.questions.get(AS_GIVEN, ()))),
        agreed=agreed_with(launch),
    )


def pair_of(launch: Launch) -> Pair:
    """Return the patient and the therapist of a launch."""
    return Pair(ehr=launch.ehr.name, patient=launch.patient.id, therapist=launch.context.practitioner)


def act_of(launch: Launch) -> Act:
    """Return who does something now in a launch, and until when it is kept."""
    now = services().clock()
    kept_until = now + (launch.ehr.write.keep or KEEP)
    return Act(by=launch.user, launch=launch.handle, at=now, kept_until=kept_until, request_id=request_id())
