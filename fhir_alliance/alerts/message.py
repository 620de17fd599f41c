"""What an alert's mail says: that a form waits, until when, and nothing about anybody."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from fhir_alliance.settings import AlertSettings, SiteSettings

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


def alert_mail(
    alert: int, opened_at: datetime, *, now: datetime, settings: AlertSettings, site: SiteSettings, escalated: bool
) -> EmailMessage:
    """Return the mail for one alert, to the recipients or, escalated, to those behind them.

    A mail sent twice has one Message-ID, so that most mail programs show it once.
    """
    mail = EmailMessage()
    subject = "Alert {} is not acknowledged" if escalated else "Alert {}: a form needs your attention"
    mail["Subject"] = subject.format(alert)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.escalation if escalated else settings.recipients)
    mail["Date"] = format_datetime(now)
    kind = "escalated" if escalated else "notified"
    mail["Message-ID"] = f"<alert-{alert}.{kind}.{opened_at:%Y%m%dT%H%M%S}@{settings.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    zone = site.time_zone
    mail.set_content(
        (_ESCALATION if escalated else "").format(alert=alert)
        + _NOTICE.format(
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
