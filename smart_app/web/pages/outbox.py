"""What an administrator sees of delivery: counts, reasons, forms and filed pages of every EHR; no answers, no names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fhir_alliance.delivery.backlog import LEVELS
from fhir_alliance.delivery.entries import Attempt, Decision, Entry
from fhir_alliance.delivery.figures import Figures
from fhir_alliance.delivery.findings import WORDS
from fhir_alliance.delivery.reason_table import EHR_CHANGED, Again
from fhir_alliance.delivery.reasons import reason_of
from fhir_alliance.delivery.receipts import STAYS_HERE, State
from fhir_alliance.harvest.book import Refused
from fhir_alliance.settings import Rung
from smart_app.web.pages.delivery import STATES, Moment, moment, says_more
from smart_app.web.pages.frame import Frame


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One way to narrow the list; without a `url` it is the one chosen."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class EhrCounts:
    """How many forms and filed pages of one EHR are where, and how long those not in the chart have been waiting."""

    title: str
    waiting: int
    ages: tuple[int, ...]
    oldest: Moment | None
    delivered: int


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """How many wait for one reason at one EHR; `code` is set where all of them may be tried again."""

    ehr: str
    title: str
    count: int
    words: str
    todo: str
    code: str


@dataclass(frozen=True, kw_only=True)
class OutboxRow:
    """One form or filed page in the list; `what` is which of them, `words` are empty where the state says it all."""

    key: str
    what: str
    ehr: str
    state: str
    words: str
    sent: Moment
    tries: int


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A response that another program wrote, by the EHR's own id, and why it is not scored."""

    ehr: str
    response: str
    words: str
    todo: str
    found: Moment


@dataclass(frozen=True, kw_only=True)
class OutboxPage:
    """All that is not in the chart and should be; `filters` by what they narrow, `more` whether the list was cut.

    `refused` are responses of others that are not scored, the newest of `refused_in_all`.
    """

    frame: Frame
    admin: str
    levels: tuple[str, ...]
    counts: tuple[EhrCounts, ...]
    reasons: tuple[ReasonRow, ...]
    filters: tuple[tuple[str, tuple[Choice, ...]], ...]
    rows: tuple[OutboxRow, ...]
    more: bool
    refused: tuple[RefusedRow, ...]
    refused_in_all: int


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """One send."""

    at: Moment
    step: str
    outcome: str
    status: str


@dataclass(frozen=True, kw_only=True)
class DecisionRow:
    """Somebody let it go on."""

    at: Moment
    by: str
    said: str


@dataclass(frozen=True, kw_only=True)
class ItemPage:
    """One form; `act` is retry, release or "", `moved` the address it was accepted for and the present one."""

    frame: Frame
    admin: str
    row: OutboxRow
    form: str
    patient: str
    rung: str
    since: Moment
    next_at: Moment | None
    todo: str
    act: str
    moved: tuple[str, str] | None
    findings: tuple[tuple[str, str], ...]
    attempts: tuple[AttemptRow, ...]
    decisions: tuple[DecisionRow, ...]


def outbox_page(
    frame: Frame,
    figures: Figures,
    entries: Sequence[Entry],
    *,
    admin: str,
    titles: Mapping[str, str],
    filters: Sequence[tuple[str, tuple[Choice, ...]]],
    more: bool,
    refused: Sequence[Refused],
    refused_in_all: int,
    today: date,
) -> OutboxPage:
    """Return the page; `titles` are the EHRs of the settings by name, `entries` the forms to list, oldest first."""
    named = dict.fromkeys(sorted({*titles, *(ehr for ehr, _ in figures.states)}))
    return OutboxPage(
        frame=frame,
        admin=admin,
        levels=tuple(LEVELS),
        counts=tuple(_counts(ehr, titles.get(ehr, ehr), figures, frame, today) for ehr in named),
        reasons=tuple(_reasons(figures, titles)),
        filters=tuple(filters),
        rows=tuple(_row(each, titles, frame, today) for each in entries),
        more=more,
        refused=tuple(_refused(each, titles, frame, today) for each in refused),
        refused_in_all=refused_in_all,
    )


def item_page(
    frame: Frame,
    entry: Entry,
    *,
    admin: str,
    titles: Mapping[str, str],
    form: str,
    present_base: str,
    attempts: Sequence[Attempt],
    decisions: Sequence[Decision],
    today: date,
) -> ItemPage:
    """Return the page of one form; `present_base` is its EHR's address in the settings, "" when it is not there."""
    reason, at = entry.reason, _at(frame, today)
    acts = {Again.ITSELF: "retry", Again.RETRY: "retry", Again.RELEASE: "release"}
    moved = (entry.fhir_base or "", present_base) if entry.code == EHR_CHANGED else None
    return ItemPage(
        frame=frame,
        admin=admin,
        row=_row(entry, titles, frame, today),
        form=form,
        patient=entry.patient,
        rung=entry.rung.value,
        since=at(entry.since),
        next_at=at(entry.next_at) if entry.next_at else None,
        todo=reason.todo,
        act="" if moved and not present_base else acts.get(reason.again, ""),
        moved=moved,
        findings=tuple(WORDS.items()),
        attempts=tuple(
            AttemptRow(at=at(each.at), step=each.step, outcome=each.outcome, status=str(each.status or "–"))
            for each in attempts
        ),
        decisions=tuple(DecisionRow(at=at(each.at), by=each.by, said=each.said) for each in decisions),
    )


def _counts(ehr: str, title: str, figures: Figures, frame: Frame, today: date) -> EhrCounts:
    oldest = figures.oldest.get(ehr)
    return EhrCounts(
        title=title,
        waiting=sum(count for (name, _), count in figures.reasons.items() if name == ehr),
        ages=tuple(figures.ages.get((ehr, level), 0) for level in LEVELS),
        oldest=moment(oldest, frame, today) if oldest else None,
        delivered=figures.states.get((ehr, State.DELIVERED), 0),
    )


def _reasons(figures: Figures, titles: Mapping[str, str]) -> list[ReasonRow]:
    rows = []
    for (ehr, code), count in sorted(figures.reasons.items(), key=lambda each: (-each[1], each[0])):
        reason = reason_of(State.HELD if code else State.ACCEPTED, code)
        retried = code if reason.again is Again.RETRY else ""
        title = titles.get(ehr, ehr)
        rows.append(ReasonRow(ehr=ehr, title=title, count=count, words=reason.words, todo=reason.todo, code=retried))
    return rows


def _row(entry: Entry, titles: Mapping[str, str], frame: Frame, today: date) -> OutboxRow:
    return OutboxRow(
        key=entry.key,
        what="filed page" if entry.rung is Rung.DOCUMENT else "form",
        ehr=titles.get(entry.ehr, entry.ehr),
        state="kept here" if entry.code in STAYS_HERE else STATES[entry.state],
        words=entry.reason.words if says_more(entry) else "",
        sent=moment(entry.accepted_at, frame, today),
        tries=entry.tries,
    )


def _refused(refused: Refused, titles: Mapping[str, str], frame: Frame, today: date) -> RefusedRow:
    return RefusedRow(
        ehr=titles.get(refused.ehr, refused.ehr),
        response=refused.response,
        words=refused.reason.words,
        todo=refused.reason.todo,
        found=moment(refused.found_at, frame, today),
    )


def _at(frame: Frame, today: date) -> Callable[[datetime], Moment]:
    return lambda at: moment(at, frame, today)
