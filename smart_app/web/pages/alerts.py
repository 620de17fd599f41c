"""What stands above everything else in a chart: an answer that somebody has to act on, and who has taken it on."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_alliance.alerts.book import Alert
from fhir_alliance.alerts.opening import Change
from fhir_alliance.sentences import marked
from smart_app.web.pages.words import When, capital, day, hour_words, local_day, relative_day
from smart_app.web.saying import all_of, say

_SINCE: Final = {
    Change.LOWERED: marked("The answer was changed since; what was said first stands here."),
    Change.TAKEN_BACK: marked("The form was taken back since; what was said first stands here."),
}
# By whether it was who looks, and whether it was today.
_ACKNOWLEDGED: Final = {
    (True, True): marked("Acknowledged by you at %(clock)s."),
    (True, False): marked("Acknowledged by you %(day)s at %(clock)s."),
    (False, True): marked("Acknowledged by a colleague at %(clock)s."),
    (False, False): marked("Acknowledged by a colleague %(day)s at %(clock)s."),
}


@dataclass(frozen=True, kw_only=True)
class AlertBox:
    """One alert; `answers` says what was answered to what, `acknowledged` is empty while it waits for somebody.

    `since` says what became of the answers, `withdrawn` that they were another person's and are not shown.
    """

    id: int
    answers: str
    day: When
    acknowledged: str
    since: str = ""
    withdrawn: bool = False


def alert_box(alert: Alert, *, user: str, zone: ZoneInfo, today: date) -> AlertBox:
    """Return an alert in words; `user` is who looks, as a relative reference. Nothing in it interprets the answer."""
    form = alert.instrument
    on = day(local_day(alert.answered_at, zone), today=today)
    if alert.change is Change.WITHDRAWN:
        return AlertBox(id=alert.id, answers="", day=on, acknowledged="", withdrawn=True)
    answers = [
        say("item %(item)s of the %(form)s was answered “%(answer)s”", item=each.item, form=form, answer=each.answer)
        for each in alert.answers
    ]
    return AlertBox(
        id=alert.id,
        answers=capital(all_of(answers)),
        day=on,
        acknowledged=_acknowledged(alert, user, zone, today),
        since=say(_SINCE[alert.change]) if alert.change else "",
    )


def _acknowledged(alert: Alert, user: str, zone: ZoneInfo, today: date) -> str:
    if alert.acknowledged_at is None:
        return ""
    on = local_day(alert.acknowledged_at, zone)
    pattern = _ACKNOWLEDGED[alert.acknowledged_by == user, on == today]
    return say(pattern, day=relative_day(on, today=today).text, clock=hour_words(alert.acknowledged_at, zone))
