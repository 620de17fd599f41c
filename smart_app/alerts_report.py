"""The alerts of a site as text: numbers and times, no names and no answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fhir_alliance.alerts.book import AlertBook, Entry
from fhir_alliance.alerts.mailer import Mailer
from fhir_alliance.errors import MailError
from fhir_alliance.settings import Settings
from fhir_alliance.store import open_store
from fhir_alliance.vault import Vault
from smart_app.catalogue_report import aligned

_HEADINGS = (
    "alert",
    "state",
    "ehr",
    "patient",
    "opened",
    "notified",
    "escalated",
    "acknowledged",
    "mails",
    "last mail",
)


def alerts_table(settings: Settings) -> Iterator[str]:
    """Yield the lines of a table of all alerts, times in the site's zone; StoreError when they cannot be read."""
    vault = Vault.from_file(settings.vault_key_file)
    engine = open_store(settings.database)
    try:
        entries = AlertBook(engine, vault, lambda: datetime.now(UTC)).entries()
    finally:
        engine.dispose()
    yield from aligned([_HEADINGS, *(_row(each, settings.site.time_zone) for each in entries)])


def mail_fault(settings: Settings) -> str:
    """Return what keeps alerts from being mailed; empty when the mail server answers."""
    if settings.alerts is None:
        return "alerts: nobody is told by mail: alliance.toml has no [alerts]"
    try:
        Mailer(settings.alerts).check()
    except MailError as error:
        server = f"{settings.alerts.smtp_host}:{settings.alerts.smtp_port}"
        return f"alerts: the mail server {server} does not take mail ({error.detail}); alerts are kept and tried again"
    return ""


def _row(entry: Entry, zone: ZoneInfo) -> tuple[str, ...]:
    times = (entry.opened_at, entry.notified_at, entry.escalated_at, entry.acknowledged_at)
    shown = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else "–" for at in times)
    return str(entry.id), entry.state.value, entry.ehr, entry.patient, *shown, str(entry.tries), entry.last or "–"
