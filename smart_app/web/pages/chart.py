"""What the clinician's view shows: the first line answers the question, the rest is evidence."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.readiness import words_for
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater, Wording
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.sentences import marked
from fhir_alliance.trajectory.alike import says_little
from fhir_alliance.trajectory.companions import Companion
from fhir_alliance.trajectory.seen import exact
from fhir_alliance.trajectory.series import Series, UsualRange, Visit
from fhir_alliance.visits.due import Due
from fhir_alliance.visits.reminders import Reminded
from fhir_alliance.visits.wishes import NO_WISH, Wish
from smart_app.web.pages.alerts import AlertBox
from smart_app.web.pages.companions import CompanionTable, companion_table
from smart_app.web.pages.due import due_sentence, is_due, reminded_sentence, wish_sentence
from smart_app.web.pages.facts import Facts, facts_of
from smart_app.web.pages.for_note import text_for_note
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.notes import held_note, notes_of
from smart_app.web.pages.reasons import NO_TALK, Talk
from smart_app.web.pages.review import ReceiptState
from smart_app.web.pages.signs import how_signs_are_found, with_signs
from smart_app.web.pages.strips import Strip, companion_strips, domain_strips
from smart_app.web.pages.tables import ItemTable, ScoreTable, item_table, score_table
from smart_app.web.pages.trend import Trend, trend_of
from smart_app.web.pages.visit_rows import VisitRow, join_visits
from smart_app.web.pages.window import Window, window_of
from smart_app.web.pages.words import When, ago_words, between, capital, day, kept_together
from smart_app.web.saying import say

_METHODS: Final[Mapping[str, str]] = {
    "mean": marked("mean of items %(items)s"),
    "sum": marked("sum of items %(items)s"),
}
RECENT = 6  # scored visits whose scores are shown at once


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One form that can be handed over."""

    form: str
    label: str


@dataclass(frozen=True, kw_only=True)
class SentHere:
    """One form that was sent through this app; it can be withdrawn by its `key` unless it is already."""

    key: str
    form: str
    on: When
    state: ReceiptState


@dataclass(frozen=True, kw_only=True)
class Status:
    """How many visits have the patient's answer, how long ago the last one was, and whether it is kept here."""

    answered: int
    visits: int
    last: When | None
    kept: bool
    ago: str = ""


@dataclass(frozen=True, kw_only=True)
class ChartPage:
    """The clinician's view of one patient with one therapist."""

    frame: Frame
    instrument: str
    standing: str
    caveat: str
    anchors: tuple[str, str]
    first_line: str
    notes: tuple[str, ...]
    facts: Facts | None
    talk: Talk
    window: Window
    trend: Trend | None
    beside: tuple[Strip, ...]
    domains: tuple[Strip, ...]
    scores: tuple[ScoreTable, ...]
    items: ItemTable
    companions: CompanionTable
    method: tuple[str, ...]
    status: Status
    offers: tuple[Offer, ...]
    others: tuple[Offer, ...]
    can_rate: bool
    due: str = ""
    rating_due: bool = False
    alerts: tuple[AlertBox, ...] = ()
    sent: tuple[SentHere, ...] = ()
    held: str = ""
    can_link: bool = False
    has_overview: bool = False
    for_note: str = ""
    elsewhere: bool = False
    can_file: bool = False
    at_age: str = ""


def chart_page(
    instrument: Instrument,
    *,
    frame: Frame,
    visits: Sequence[Visit],
    series: Sequence[Series],
    answers: Mapping[str, Answers],
    usual: UsualRange | None,
    first_line: str,
    today: date,
    complete: bool = True,
    whole: bool = True,
    withheld: Sequence[str] = (),
    of_others: bool = False,
    elsewhere: bool = False,
    held: Sequence[str] = (),
    on_request: Sequence[Instrument] = (),
    can_hand_over: bool = True,
    can_rate: bool = True,
    alerts: Sequence[AlertBox] = (),
    companions: Sequence[Companion] = (),
    kept: Collection[str] = (),
    lapsed: bool = False,
    sent: Sequence[SentHere] = (),
    due: Sequence[Due] | None = None,
    wish: Wish = NO_WISH,
    declined: Collection[str] = (),
    reminded: Sequence[Reminded] = (),
    blind: bool = False,
    can_link: bool = False,
    has_overview: bool = False,
    can_file: bool = False,
    told: Sequence[str] = (),
    at_age: str = "",
    last: str = "",
    talk: Talk = NO_TALK,
) -> ChartPage:
    """Return the page; `answers` by response reference, `held` why each form is not in the chart yet.

    `of_others` says that visits with others stay hidden, `elsewhere` that they are on a page of their own.

    Not `whole` is a record without the beginning of the course: nothing is drawn that rests on it.

    `kept` are the references of the responses that are kept here, because no chart gives them back; `lapsed` says that
    the EHR has stopped to state what is written there; `due` is what is due at this visit, None without such a visit,
    `wish` what is agreed with the patient about that, `declined` what they would not answer, `reminded` when they were
    reminded; `blind` says that the patient's rating of a visit waits for the therapist's, `told` is what else has to be
    known, `at_age` where a patient of this age answers, `last` how many visits are wanted, `talk` what there may be to
    talk about.
    """
    wording = words_for(instrument, frame.language, today=today)
    names = rater_names(frame, wording)
    rows = join_visits(visits, series, answers, kept=kept, zone=frame.site.time_zone, today=today)
    rows = with_signs(instrument, rows) if whole else rows
    window = window_of(last, len(rows))
    shown = rows[len(rows) - window.visits :]
    return ChartPage(
        frame=frame,
        instrument=wording.title,
        standing=_standing(instrument),
        caveat=_caveat(instrument, wording),
        anchors=wording.anchors,
        first_line=kept_together(first_line),
        notes=(
            *told,
            *notes_of(
                complete,
                withheld,
                of_others,
                any_kept=any(row.kept for row in rows),
                lapsed=lapsed,
                blind=blind,
                alike=_alike(instrument, rows),
            ),
        ),
        facts=facts_of(instrument, wording, rows, today),
        window=window,
        beside=tuple(companion_strips(companions, shown, language=frame.language, today=today)),
        domains=tuple(domain_strips(instrument, wording, shown)),
        talk=talk,
        trend=trend_of(
            instrument, wording.scores[instrument.scales[0].name], shown, names=names, usual=usual, today=today
        ),
        scores=tuple(
            score_table(instrument, wording, part, names=names, today=today) for part in _recent_and_earlier(shown)
        ),
        items=item_table(instrument, wording, shown, today=today, columns=window.columns),
        companions=companion_table(companions, language=frame.language, today=today, columns=window.columns),
        method=_method(instrument, wording, whole),
        status=_status(rows, today),
        offers=_offers(instrument, wording, frame, due or ()) if can_hand_over else (),
        others=tuple(_others(on_request, frame.language, today)) if can_hand_over else (),
        can_rate=can_rate,
        due=""
        if due is None
        else " ".join(
            (
                wish_sentence(wish, today=today)
                or due_sentence(
                    [(each, _title(each, (instrument, *on_request), frame, today)) for each in due], declined
                ),
                reminded_sentence(reminded, frame.site.time_zone, today=today),
            )
        ).strip(),
        rating_due=any(each.form.rater is Rater.THERAPIST for each in due or ()),
        alerts=tuple(alerts),
        sent=tuple(sent),
        held=held_note(held),
        at_age=at_age,
        can_link=can_link and can_hand_over,
        has_overview=has_overview,
        for_note=text_for_note(
            wording.title,
            wording.scores[instrument.scales[0].name],
            instrument.scales[0],
            rows,
            standing=_standing(instrument),
            usual=usual,
            agreed=talk.agreed.text,
            today=today,
        ),
        elsewhere=elsewhere,
        can_file=can_file,
    )


def _alike(instrument: Instrument, rows: Sequence[VisitRow]) -> bool:
    """Whether the patient has answered everything alike for so long that it says little."""
    scored = {name for name, item in instrument.items.items() if item.scored}
    given = [row.answers.get(Rater.PATIENT) for row in rows if row.rated_by(Rater.PATIENT)]
    counted = [
        None if each is None else {name: said for name, said in each.given.items() if name in scored} for each in given
    ]
    return says_little(counted, instrument.scales[0].items)


def rater_names(frame: Frame, wording: Wording) -> Mapping[Rater, str]:
    """Return who rated, as a line or a row is named."""
    patient = frame.banner.first_name if frame.banner else ""
    return {**wording.raters, Rater.PATIENT: patient or wording.raters[Rater.PATIENT]}


def _method(instrument: Instrument, wording: Wording, whole: bool) -> tuple[str, ...]:
    """Say how each score is made, so that it can be checked by hand."""
    scores = (f"{capital(wording.scores[scale.name])}: {_made(scale)}." for scale in instrument.scales)
    version = say("Instrument and version: %(code)s.", code=instrument.method_code)
    return (
        *scores,
        *(how_signs_are_found(instrument.scales[0]) if whole else ()),
        f"{version} {wording.copyright}",
    )


def _made(scale: Scale) -> str:
    """Return the parts of how one score is made, with semicolons between."""
    if scale.calculation:
        text = scale.calculation.expression.text
        parts = [say("computed by the form's own expression, %(expression)s", expression=text)]
    else:
        items = ", ".join(scale.items)
        parts = [say(_METHODS[scale.method], items=items)]
        parts += [say("counting %(weighing)s", weighing=say(scale.weighing))] if scale.weighing else []
        parts.append(say("at least %(number)s answered", number=scale.min_answered))
    parts += [between(scale.minimum, scale.maximum)] if scale.has_range else []
    return "; ".join(parts)


def _standing(instrument: Instrument) -> str:
    """Return what has to be said beside the instrument's name, empty for a validated one."""
    if instrument.own:
        return say("supplied by the clinic")
    return "" if instrument.validated else say("unvalidated")


def _caveat(instrument: Instrument, wording: Wording) -> str:
    """Return what limits the scores; what the questionnaire says of itself as it was published has limits, too."""
    here = instrument.measured_here
    if here is None or not wording.caveat:
        return wording.caveat
    return say(
        "As published: “%(caveat)s” Here a change of more than %(least)s is reliable: this clinic's own figures, from "
        "%(people)s people.",
        caveat=wording.caveat,
        least=say(exact(here.reliable_difference)),
        people=here.people,
    )


def _offers(instrument: Instrument, wording: Wording, frame: Frame, due: Sequence[Due]) -> tuple[Offer, ...]:
    """Return the forms that can be handed over, what is due first, then the one advised at this visit."""
    advised = instrument.advised_form(frame.banner.visit_number if frame.banner else None)
    forms = sorted(instrument.forms_of(Rater.PATIENT), key=lambda form: (not is_due(due, form), form.form != advised))
    return tuple(Offer(form=form.form, label=wording.forms[form.form]) for form in forms)


def _title(each: Due, instruments: Sequence[Instrument], frame: Frame, today: date) -> str:
    """Return the name of a form that is due; of another instrument than the usual one with the instrument's."""
    for instrument in instruments:
        words = words_for(instrument, frame.language, today=today)
        for form in instrument.forms:
            if form.url == each.form.url:
                name = words.forms[form.form]
                return name if instrument is instruments[0] else f"{words.title}, {name}"
    return each.form.instrument


def _others(instruments: Sequence[Instrument], language: str, today: date) -> Iterator[Offer]:
    """Yield the forms of other instruments; one that has several says which."""
    for instrument in instruments:
        words, forms = words_for(instrument, language, today=today), instrument.forms_of(Rater.PATIENT)
        for form in forms:
            label = f"{words.title}, {words.forms[form.form]}" if len(forms) > 1 else words.title
            yield Offer(form=f"{instrument.name}/{form.form}", label=label)


def _recent_and_earlier(rows: Sequence[VisitRow]) -> Iterator[Sequence[VisitRow]]:
    """Yield the scored visits shown at once, then those shown on request, if there are any."""
    scored = [row for row in rows if row.points]
    yield from filter(None, (scored[-RECENT:], scored[:-RECENT]))


def _status(rows: Sequence[VisitRow], today: date) -> Status:
    answered = [row for row in rows if row.rated_by(Rater.PATIENT)]
    return Status(
        answered=len(answered),
        visits=len(rows),
        last=day(answered[-1].on, today=today) if answered else None,
        kept=bool(answered) and answered[-1].kept,
        ago=ago_words(answered[-1].on, today=today) if answered else "",
    )
