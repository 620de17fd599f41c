"""What stands above everything else in a chart: an answer that somebody has to act on, and who has taken it on."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from fhir_alliance.alerts.book import Alert
from smart_app.web.pages.words import When, day, local_day, relative_day


@dataclass(frozen=True, kw_only=True)
class AlertBox:
    """One alert; `before_day` is the sentence up to the day, `acknowledged` is empty while it waits for somebody."""

    id: int
    before_day: str
    day: When
    acknowledged: str


def alert_box(alert: Alert, *, user: str, zone: ZoneInfo, today: date) -> AlertBox:
    """Return an alert in words; `user` is who looks, as a relative reference. Nothing in it interprets the answer."""
    answers = " and ".join(f"item {each.item} of the {alert.instrument} “{each.answer}”" for each in alert.answers)
    sentence = answers.replace(" “", " was answered “")
    return AlertBox(
        id=alert.id,
        before_day=f"{sentence[0].upper()}{sentence[1:]} on",
        day=day(local_day(alert.answered_at, zone), today=today),
        acknowledged=_acknowledged(alert, user, zone, today),
    )


def _acknowledged(alert: Alert, user: str, zone: ZoneInfo, today: date) -> str:
    if alert.acknowledged_at is None:
        return ""
    who = "you" if alert.acknowledged_by == user else "a colleague"
    on = relative_day(local_day(alert.acknowledged_at, zone), today=today).text
    return (
        f"Acknowledged by {who} {'' if on == 'today' else f'{on} '}at {alert.acknowledged_at.astimezone(zone):%H:%M}."
    )
