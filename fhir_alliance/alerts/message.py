"""What an alert's mail says: that a form waits, until when, and nothing about anybody."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from fhir_alliance.settings import AlertSettings, SiteSettings

_WITHDRAWN = """\
Alert {alert} was withdrawn. The form was entered in error, or was about somebody else.
Please do not act on it in that chart. If you know whom it was about, please look after that person.

Site: {site}
Form answered on: {answered} ({zone})

For the patient's sake this message says nothing about whom or what it concerns.
"""
_NOTICE = """\
A form answered on {answered} needs your attention.
Open the app from the patient's chart.

Alert: {alert}
Site: {site}
Please acknowledge by: {until} ({zone})

For the patient's sake this message says nothing about whom or what it concerns. If you do not know whose chart to
open, your administrator can look the alert up by its number.
"""
_ESCALATION = "Nobody has acknowledged alert {alert} in time. You are told because the first recipients did not.\n\n"


class Kind(StrEnum):
    """What a mail tells, as the audit event calls it."""

    NOTIFIED = "notified"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"


_SUBJECTS: Final = {
    Kind.NOTIFIED: "Alert {}: a form needs your attention",
    Kind.ESCALATED: "Alert {} is not acknowledged",
    Kind.WITHDRAWN: "Alert {} was withdrawn",
}
_TEXTS: Final = {Kind.NOTIFIED: _NOTICE, Kind.ESCALATED: _ESCALATION + _NOTICE, Kind.WITHDRAWN: _WITHDRAWN}


def alert_mail(
    alert: int,
    opened_at: datetime,
    *,
    now: datetime,
    settings: AlertSettings,
    site: SiteSettings,
    kind: Kind,
    escalated: bool,
) -> EmailMessage:
    """Return the mail for one alert, to the recipients or, escalated, to those behind them.

    That it is withdrawn is told to the recipients and, where `escalated` says that they were told, those behind them.
    A mail sent twice has one Message-ID, so that most mail programs show it once.
    """
    mail = EmailMessage()
    mail["Subject"] = _SUBJECTS[kind].format(alert)
    mail["From"] = settings.sender
    told = {
        Kind.NOTIFIED: settings.recipients,
        Kind.ESCALATED: settings.escalation,
        Kind.WITHDRAWN: (*settings.recipients, *(settings.escalation if escalated else ())),
    }
    mail["To"] = ", ".join(told[kind])
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<alert-{alert}.{kind}.{opened_at:%Y%m%dT%H%M%S}@{settings.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    zone = site.time_zone
    mail.set_content(
        _TEXTS[kind].format(
            answered=_moment(opened_at.astimezone(zone)),
            alert=alert,
            site=site.name,
            until=_moment((opened_at + settings.acknowledge_within).astimezone(zone)),
            zone=zone.key,
        )
    )
    return mail


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b} at {at:%H:%M}"
