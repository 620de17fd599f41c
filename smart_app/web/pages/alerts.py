"""What stands above everything else in a chart: an answer that somebody has to act on, and who has taken it on."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_alliance.alerts.book import Alert
from fhir_alliance.alerts.opening import Change
from smart_app.web.pages.words import When, day, local_day, relative_day

_WITHDRAWN: Final = "It was withdrawn: the form was entered in error, or was about somebody else. It was answered on"
_SINCE: Final = {
    Change.LOWERED: "The answer was changed since; what was said first stands here.",
    Change.TAKEN_BACK: "The form was taken back since; what was said first stands here.",
}


@dataclass(frozen=True, kw_only=True)
class AlertBox:
    """One alert; `before_day` is the sentence up to the day, `acknowledged` is empty while it waits for somebody.

    `since` says what became of the answers, `withdrawn` that they were another person's and are not shown.
    """

    id: int
    before_day: str
    day: When
    acknowledged: str
    since: str = ""
    withdrawn: bool = False


def alert_box(alert: Alert, *, user: str, zone: ZoneInfo, today: date) -> AlertBox:
    """Return an alert in words; `user` is who looks, as a relative reference. Nothing in it interprets the answer."""
    on = day(local_day(alert.answered_at, zone), today=today)
    if alert.change is Change.WITHDRAWN:
        return AlertBox(id=alert.id, before_day=_WITHDRAWN, day=on, acknowledged="", withdrawn=True)
    answers = " and ".join(f"item {each.item} of the {alert.instrument} “{each.answer}”" for each in alert.answers)
    sentence = answers.replace(" “", " was answered “")
    return AlertBox(
        id=alert.id,
        before_day=f"{sentence[0].upper()}{sentence[1:]} on",
        day=on,
        acknowledged=_acknowledged(alert, user, zone, today),
        since=_SINCE[alert.change] if alert.change else "",
    )


def _acknowledged(alert: Alert, user: str, zone: ZoneInfo, today: date) -> str:
    if alert.acknowledged_at is None:
        return ""
    who = "you" if alert.acknowledged_by == user else "a colleague"
    on = relative_day(local_day(alert.acknowledged_at, zone), today=today).text
    return (
        f"Acknowledged by {who} {'' if on == 'today' else f'{on} '}at {alert.acknowledged_at.astimezone(zone):%H:%M}."
    )
