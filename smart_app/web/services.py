"""What every view works with, made once when the application starts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from fhir_alliance.alerts.book import AlertBook
from fhir_alliance.alerts.notifier import Notifier
from fhir_alliance.cards.budget import Budget
from fhir_alliance.cards.desk import Desk
from fhir_alliance.delivery.alarms import Alarms
from fhir_alliance.delivery.caseload import Caseload
from fhir_alliance.delivery.correcting import Corrections
from fhir_alliance.delivery.courier import Courier
from fhir_alliance.delivery.entries import Entries
from fhir_alliance.delivery.filing import Filings
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.releasing import Releasing
from fhir_alliance.delivery.shelf import Shelf
from fhir_alliance.ehr.brands import Brands
from fhir_alliance.ehr.introspection import Introspections
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.styles import Styles
from fhir_alliance.ehr.watch import Watch
from fhir_alliance.harvest.harvester import Harvester
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.readers.keys import ReaderKeys
from fhir_alliance.readers.tokens import ReaderTokens
from fhir_alliance.settings import Settings
from fhir_alliance.talks.agreed import Agreements
from fhir_alliance.talks.reasons import ReasonBook
from fhir_alliance.talks.words import TalkWords
from fhir_alliance.tasks.mirror import TaskMirror
from fhir_alliance.topics.subscriber import TopicSubscriber
from fhir_alliance.trajectory.figures import OwnFigures
from fhir_alliance.vault import Vault
from fhir_alliance.visits.assignments import Assignments
from fhir_alliance.visits.chaser import Chaser
from fhir_alliance.visits.finder import DueFinder
from fhir_alliance.visits.messenger import Messenger
from fhir_alliance.visits.reminders import Reminders
from fhir_alliance.visits.watcher import VisitWatcher
from fhir_alliance.visits.wishes import Wishes
from smart_app.web.fhir.library import Library


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts of one running application; `clock` returns the present with an offset.

    There is a `notifier` only where the site has configured alerts.
    """

    settings: Settings
    engine: Engine
    vault: Vault
    registry: Registry
    styles: Styles
    brands: Brands
    introspections: Introspections
    catalogue: Catalogue
    library: Library
    grants: Grants
    outbox: Outbox
    corrections: Corrections
    filings: Filings
    entries: Entries
    caseload: Caseload
    releasing: Releasing
    shelf: Shelf
    reader_keys: ReaderKeys
    reader_tokens: ReaderTokens
    keeping: Keeping
    courier: Courier
    watch: Watch
    alarms: Alarms
    harvester: Harvester
    assignments: Assignments
    finder: DueFinder
    wishes: Wishes
    visits: VisitWatcher
    tasks: TaskMirror
    topics: TopicSubscriber
    messenger: Messenger
    reminders: Reminders
    chaser: Chaser
    talk_words: TalkWords
    figures: OwnFigures
    reasons: ReasonBook
    agreements: Agreements
    desk: Desk
    card_budget: Budget
    alerts: AlertBook
    notifier: Notifier | None
    clock: Callable[[], datetime]


def services() -> Services:
    """Return the services of the application that handles this request."""
    return cast("Services", current_app.extensions["alliance"])


def utc_now() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)
