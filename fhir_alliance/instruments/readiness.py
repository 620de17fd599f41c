"""Whether an instrument may be published, shown and assigned here, and if not, why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from fhir_alliance.errors import NotReady
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Wording


class State(StrEnum):
    """What stands between an instrument and its first patient."""

    READY = "ready"
    DRAFT = "draft"
    RETIRED = "retired"
    NEEDS_ALERT_WORKFLOW = "needs alert workflow"
    NEEDS_WORDING = "needs wording"
    LICENCE_EXPIRED = "licence expired"
    NOT_FOR_SCREENS = "licence for paper only"


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The state, and the reason in a sentence; empty when it is ready."""

    state: State
    reason: str = ""


_READY: Final = Readiness(state=State.READY)


def readiness(instrument: Instrument, *, today: date, alerts: bool = False) -> Readiness:
    """Return whether an instrument can be used as it is installed; a licence is good until the end of its last day.

    `alerts` says whether the site has configured who is told of an answer that may reveal danger (security.md, S4).
    """
    if instrument.alert_items and not alerts:
        items = ", ".join(instrument.alert_items)
        reason = (
            f"Item {items} may reveal danger: nobody may be asked it unless an answer reaches somebody who acts. "
            "Add [alerts] to alliance.toml: recipients, escalation, acknowledge_within and the mail server."
        )
        return Readiness(state=State.NEEDS_ALERT_WORKFLOW, reason=reason)
    if instrument.status == State.DRAFT and instrument.own:
        return Readiness(state=State.DRAFT, reason="Its file says that it is a draft: make its status active.")
    if instrument.status == State.DRAFT:
        remembered = [fact for fact, known in instrument.evidence.items() if known.tag == "M"]
        reason = f"Not verified: {', '.join(remembered)}." if remembered else instrument.licence.terms
        return Readiness(state=State.DRAFT, reason=reason)
    if instrument.status == State.RETIRED:
        return Readiness(state=State.RETIRED, reason="A newer version takes its place.")
    if not instrument.wordings:
        return Readiness(state=State.NEEDS_WORDING, reason=instrument.licence.terms)
    return _licensed(instrument.wordings.values(), today)


def _licensed(wordings: Iterable[Wording], today: date) -> Readiness:
    """Return the best of what the wordings allow: one usable language is enough."""
    found = [_usable(wording, today) for wording in wordings]
    return next((each for each in found if each.state is State.READY), found[0])


def _usable(wording: Wording, today: date) -> Readiness:
    record = wording.record
    if record and record.expires and record.expires < today:
        reason = f"The licence {record.reference} of {record.holder} ended on {record.expires.isoformat()}."
        return Readiness(state=State.LICENCE_EXPIRED, reason=reason)
    if record and "screen" not in record.modes:
        reason = f"The licence {record.reference} of {record.holder} does not allow screens."
        return Readiness(state=State.NOT_FOR_SCREENS, reason=reason)
    return _READY


def may_be_asked_in(instrument: Instrument, language: str, *, today: date) -> bool:
    """Whether there are usable words in a language: the original ones, a site's own, or a reviewed translation."""
    words = instrument.wordings.get(language)
    if words is None or _usable(words, today).state is not State.READY:
        return False
    return words.method != "translation" or bool(words.record or words.reviewed_by)


def words_for(instrument: Instrument, language: str, *, today: date) -> Wording:
    """Return the words that may be shown in a language, the English ones where there are none. KeyError without any."""
    return instrument.wordings[language if may_be_asked_in(instrument, language, today=today) else "en"]


def require_ready(instrument: Instrument, *, today: date, alerts: bool = False) -> Instrument:
    """Return the instrument; NotReady, with the reason, when it may not be used."""
    found = readiness(instrument, today=today, alerts=alerts)
    if found.state is not State.READY:
        raise NotReady(f"{instrument.name} {instrument.version} cannot be used ({found.state}): {found.reason}")
    return instrument
