"""What a card says: that something is due or worth a look, never a score, an answer or a name (spec row C03, P7)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.seen import Look

LONGEST_SUMMARY: Final = 139
"""Characters that a summary may have: fewer than 140 (CDS Hooks 2.0, card attributes)."""

_LABEL: Final = 80
# What Markdown or HTML could understand: titles of forms are a site's own words (T81).
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!<>|&~:@])")
_BLANKS: Final = re.compile(r"\s+")
_SUMMARY: Final = {
    Rater.PATIENT: ("A form for the patient is due.", "{} forms for the patient are due."),
    Rater.THERAPIST: ("The therapist's form is due.", "{} forms for the therapist are due."),
}
_OPEN: Final = {Rater.PATIENT: "Hand over: {}", Rater.THERAPIST: "Answer: {}"}

Card = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class OpenReason:
    """That there is an open reason of a level since a day; what it is, only the app shows."""

    level: Look
    day: date


@dataclass(frozen=True, kw_only=True)
class DueForm:
    """A form that is due: `title` of its instrument, who answers it, and between which local times.

    `app_context` opens exactly this form for this patient, and holds nothing that can be read.
    """

    title: str
    rater: Rater
    opens: datetime
    closes: datetime
    app_context: str


@dataclass(frozen=True, kw_only=True)
class CardFrame:
    """What all cards of a site have in common: who speaks, and the registered address at which the app is launched."""

    label: str
    launch_url: str
    make_uuid: Callable[[], str]


def build_cards(due: Sequence[DueForm], frame: CardFrame, *, reasons: Sequence[OpenReason] = ()) -> list[Card]:
    """Return a card for the patient's forms, one for the therapist's and one for open reasons; none for nothing."""
    by_rater = [[form for form in due if form.rater is rater] for rater in Rater]
    cards = [_due_card(forms, frame) for forms in by_rater if forms]
    return [*cards, _reason_card(reasons, frame)] if reasons else cards


def _due_card(forms: Sequence[DueForm], frame: CardFrame) -> Card:
    one, many = _SUMMARY[forms[0].rater]
    summary = one if len(forms) == 1 else many.format(len(forms))
    lines = [f"{_inert(each.title)}: from {_moment(each.opens)} until {_moment(each.closes)}\\." for each in forms]
    links = [_link(_OPEN[each.rater].format(_plain(each.title)), frame, each.app_context) for each in forms]
    return _card(summary, "\n\n".join(lines), links, frame)


def _reason_card(reasons: Sequence[OpenReason], frame: CardFrame) -> Card:
    """Say how many open reasons there are, at the highest level, and since when the newest."""
    level = max((each.level for each in reasons), key=list(Look).index)
    newest = max(each.day for each in reasons)
    summary = f"Ratings of the visits: {level}. Open: {len(reasons)}, the newest of {newest.day} {newest:%b %Y}."
    return _card(summary, "", [_link("Look at the ratings", frame)], frame)


def _card(summary: str, detail: str, links: list[dict[str, str]], frame: CardFrame) -> Card:
    return {
        "uuid": frame.make_uuid(),
        "summary": summary[:LONGEST_SUMMARY],
        "indicator": "info",
        **({"detail": detail} if detail else {}),
        "source": {"label": _plain(frame.label)},
        "links": links,
    }


def _link(label: str, frame: CardFrame, app_context: str = "") -> dict[str, str]:
    link = {"label": label, "url": frame.launch_url, "type": "smart"}
    return link | ({"appContext": app_context} if app_context else {})


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M}"


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()[:_LABEL]


def _inert(text: str) -> str:
    """Return a text as Markdown that shows it and does nothing."""
    return _MARKUP.sub(r"\\\1", _plain(text)).replace("&", "&amp;").replace("<", "&lt;")
