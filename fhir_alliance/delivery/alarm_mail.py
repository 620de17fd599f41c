"""What the mail of an alarm says: how many forms wait where and why, what to do, and nothing about anybody."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from fhir_alliance.delivery.backlog import Backlog
from fhir_alliance.settings import SiteSettings

_TEXT: Final = """\
{forms} not in the chart of {title} after more than {level}; the oldest was sent on {oldest} ({zone}).
Nothing is lost: what was sent is kept here.

{reasons}

See them:     fhir-alliance outbox list --ehr {ehr}
About one:    fhir-alliance outbox explain KEY
On a page:    fhir-alliance outbox page --by WHO

Site: {site}
This message says nothing about whom the forms concern. There is one for each EHR and each of 15 minutes, 4 hours and
24 hours; the next comes when more time has passed, or when this has been over and begins again.
"""


def alarm_mail(
    found: Backlog,
    *,
    title: str,
    opened_at: datetime,
    now: datetime,
    sender: str,
    recipients: tuple[str, ...],
    site: SiteSettings,
) -> EmailMessage:
    """Return the mail for one alarm; sent twice it has one Message-ID, so that most mail programs show it once."""
    mail = EmailMessage()
    forms = "1 form is" if found.count == 1 else f"{found.count} forms are"
    mail["Subject"] = f"{forms} not in the chart of {title} after {found.level}"
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(now)
    name = f"backlog-{found.ehr}.{found.level.replace(' ', '')}.{opened_at:%Y%m%dT%H%M%S}"
    mail["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    oldest = found.oldest.astimezone(site.time_zone)
    mail.set_content(
        _TEXT.format(
            forms=forms,
            title=title,
            ehr=found.ehr,
            level=found.level,
            oldest=f"{oldest:%a} {oldest.day} {oldest:%b} at {oldest:%H:%M}",
            zone=site.time_zone.key,
            reasons="\n".join(f"- {count}: {reason.words}. {reason.todo}" for reason, count in found.reasons),
            site=site.name,
        )
    )
    return mail
