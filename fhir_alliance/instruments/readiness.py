"""Whether an instrument may be published, shown and assigned here, and if not, why."""

from dataclasses import dataclass
from enum import StrEnum

from fhir_alliance.errors import NotReady
from fhir_alliance.instruments.definition import Instrument


class State(StrEnum):
    """What stands between an instrument and its first patient."""

    READY = "ready"
    DRAFT = "draft"
    RETIRED = "retired"
    NEEDS_ALERT_WORKFLOW = "needs alert workflow"
    NEEDS_WORDING = "needs wording"


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The state, and the reason in a sentence; empty when it is ready."""

    state: State
    reason: str = ""


def readiness(instrument: Instrument) -> Readiness:
    """Return whether an instrument can be used as it is installed."""
    if instrument.alert_items:
        items = ", ".join(instrument.alert_items)
        reason = f"Item {items} may reveal danger: nobody may be asked it unless answers reach somebody who acts."
        return Readiness(state=State.NEEDS_ALERT_WORKFLOW, reason=reason)
    if instrument.status == State.DRAFT:
        remembered = [fact for fact, known in instrument.evidence.items() if known.tag == "M"]
        reason = f"Not verified: {', '.join(remembered)}." if remembered else instrument.licence.terms
        return Readiness(state=State.DRAFT, reason=reason)
    if instrument.status == State.RETIRED:
        return Readiness(state=State.RETIRED, reason="A newer version takes its place.")
    if not instrument.wordings:
        return Readiness(state=State.NEEDS_WORDING, reason=instrument.licence.terms)
    return Readiness(state=State.READY)


def require_ready(instrument: Instrument) -> Instrument:
    """Return the instrument; NotReady, with the reason, when it may not be used."""
    found = readiness(instrument)
    if found.state is not State.READY:
        raise NotReady(f"{instrument.name} {instrument.version} is {found.state}: {found.reason}")
    return instrument
