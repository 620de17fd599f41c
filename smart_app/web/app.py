"""The application: settings in, a Flask app with its services, pages, headers and limits out."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import structlog
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from flask_compress import Compress
from werkzeug.middleware.proxy_fix import ProxyFix

from fhir_alliance.alerts.book import AlertBook
from fhir_alliance.alerts.notifier import Notifier
from fhir_alliance.cards.budget import Budget
from fhir_alliance.cards.desk import Desk
from fhir_alliance.conformance.contents import publishable
from fhir_alliance.delivery.alarms import Alarms
from fhir_alliance.delivery.caseload import Caseload
from fhir_alliance.delivery.correcting import Corrections
from fhir_alliance.delivery.courier import Courier
from fhir_alliance.delivery.entries import Entries
from fhir_alliance.delivery.filing import Filings
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.harvested import HarvestedResponses
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.releasing import Releasing
from fhir_alliance.delivery.shelf import Shelf
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.brands import Brands
from fhir_alliance.ehr.client_keys import published_keys
from fhir_alliance.ehr.introspection import Introspections
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.styles import Styles
from fhir_alliance.ehr.watch import Watch
from fhir_alliance.harvest.book import Book
from fhir_alliance.harvest.harvester import Harvester
from fhir_alliance.harvest.round import Parts
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.readers.keys import ReaderKeys
from fhir_alliance.readers.tokens import ReaderTokens
from fhir_alliance.settings import EhrSettings, Rung, Settings, mapping_gaps
from fhir_alliance.store import START_SECONDS, open_store, unsure
from fhir_alliance.talks.agreed import Agreements
from fhir_alliance.talks.reasons import ReasonBook
from fhir_alliance.talks.words import talk_words
from fhir_alliance.tasks.book import TaskBook
from fhir_alliance.tasks.mirror import TaskMirror
from fhir_alliance.tasks.shapes import Shapes
from fhir_alliance.topics.book import TopicBook
from fhir_alliance.topics.subscriber import TopicSubscriber
from fhir_alliance.trajectory.figures import own_figures
from fhir_alliance.vault import Vault
from fhir_alliance.visits.assignments import Assignments
from fhir_alliance.visits.chaser import Chaser, Keepers
from fhir_alliance.visits.finder import DueFinder
from fhir_alliance.visits.links import Links
from fhir_alliance.visits.looks import Looks
from fhir_alliance.visits.messenger import Messenger
from fhir_alliance.visits.planning import covering, newest_forms
from fhir_alliance.visits.reminders import Reminders
from fhir_alliance.visits.rooms import Rooms
from fhir_alliance.visits.watcher import VisitWatcher
from fhir_alliance.visits.wishes import Wishes
from smart_app.web import (
    admin,
    alerts,
    changing,
    choosing,
    clinician,
    delivery,
    filing,
    filling,
    handed,
    home,
    hooks,
    keys,
    kiosk,
    linked,
    links,
    metrics,
    mine,
    notified,
    others,
    patient,
    proxy,
    receipts,
    signin,
    taking_back,
    talks,
    together,
    wishes,
)
from smart_app.web.asked import check_instruments, score_codes, site_catalogue
from smart_app.web.csrf import csrf_token, protect
from smart_app.web.escaping import PageTemplate
from smart_app.web.failures import register_failures
from smart_app.web.fhir import definitions, records, tasks, tokens
from smart_app.web.fhir.library import Library
from smart_app.web.headers import add_headers, style_nonce
from smart_app.web.languages import FIELD, choices, kept_in_links, speak_languages
from smart_app.web.limits import limit_requests
from smart_app.web.linking import Addresses
from smart_app.web.look.showing import shown_look
from smart_app.web.on_tablet import tablet_here
from smart_app.web.preferences import keep_print, print_here
from smart_app.web.services import Services, services, utc_now
from smart_app.web.sessions import NoFlaskSession

_log = structlog.get_logger(__name__)
MAX_BODY: Final = 64 * 1024


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Flask:
    """Return the application of one site; its workers are there but not started.

    Raises InvalidSettings, StoreError or VaultError when it could not work.
    """
    app = Flask(__name__)
    vault = Vault.from_file(settings.vault_key_file)
    app.config.update(
        TRUSTED_HOSTS=[settings.host.rpartition(":")[0] or settings.host],
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_PARTS=200,
        COMPRESS_ALGORITHM=["gzip"],
        COMPRESS_LEVEL=6,  # nine takes twice the time for a fiftieth
        COMPRESS_STREAMS=False,
        COMPRESS_MIMETYPES=["text/html", "text/css", "text/javascript"],
    )
    app.session_interface = NoFlaskSession()
    app.extensions["alliance"] = _services(settings, vault, clock)
    # As many as the site has, and for nothing but who asks: what a browser makes up stands before their words (T72).
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0)  # type: ignore[method-assign]  # Flask's way
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.template_class = PageTemplate
    for part in (
        signin,
        choosing,
        keys,
        metrics,
        admin,
        home,
        clinician,
        alerts,
        delivery,
        mine,
        patient,
        proxy,
        filing,
        filling,
        receipts,
        changing,
        taking_back,
        wishes,
        talks,
        others,
        together,
        handed,
        links,
        linked,
        kiosk,
        definitions,
        tokens,
        hooks,
        notified,
        records,
        tasks,
    ):
        app.register_blueprint(part.bp)
    app.add_url_rule("/health", "health", _health)
    app.before_request(protect)
    app.after_request(add_headers)
    speak_languages(app)
    keep_print(app)
    app.context_processor(_page_parts)
    register_failures(app)
    Compress(app)
    limit_requests(app)
    return app


def _services(settings: Settings, vault: Vault, clock: Callable[[], datetime]) -> Services:
    installed = site_catalogue(settings)
    figures = own_figures(settings.figures_file, installed)
    catalogue = figures.in_place(installed)
    check_instruments(settings, catalogue, today=clock().date())
    published_keys(settings.ehrs)  # raises for keys that could not be published
    reader_keys = ReaderKeys(settings.readers)
    engine = open_store(settings.database, patience=START_SECONDS)
    for ehr in settings.ehrs.values():
        _tell_gaps(settings, ehr, catalogue)
    registry = Registry(settings)
    grants = Grants(engine, vault, registry, clock)
    queue = Queue(engine, vault, answer=max(ehr.answer for ehr in settings.ehrs.values()))
    outbox, keeping = Outbox(engine, vault, clock), Keeping(engine, vault, clock)
    assignments = Assignments(engine, covering(newest_forms(catalogue.instruments).values()), clock)
    kept_wishes, unanswered = Wishes(engine), Book(engine).unanswered
    finder = DueFinder(settings, catalogue, assignments, kept_wishes, unanswered=unanswered, clock=clock)
    own_tokens = BackendTokens(registry, clock)
    visits = VisitWatcher(Looks(engine), assignments, finder, own_tokens, settings.ehrs, clock=clock)
    reasons = ReasonBook(engine, vault)
    messenger, reminders = Messenger(settings.links, own_tokens), Reminders(engine)
    rooms = Rooms(settings.age_rules, own_tokens)
    keepers = Keepers(assignments, reminders, kept_wishes, Links(engine, clock), rooms)
    return Services(
        settings=settings,
        engine=engine,
        vault=vault,
        registry=registry,
        styles=Styles(),
        brands=Brands(),
        introspections=Introspections(clock),
        catalogue=catalogue,
        library=Library(settings, catalogue),
        grants=grants,
        outbox=outbox,
        corrections=Corrections(outbox, engine, vault, clock),
        filings=Filings(outbox, engine, vault, clock),
        entries=Entries(engine),
        caseload=Caseload(engine, vault),
        releasing=Releasing(engine, settings.ehrs, clock),
        shelf=Shelf(engine, vault, clock),
        reader_keys=reader_keys,
        reader_tokens=ReaderTokens(engine, clock),
        keeping=keeping,
        courier=Courier(outbox, queue, keeping, grants, registry, clock=clock),
        watch=Watch(engine, registry, settings.ehrs, clock=clock),
        alarms=Alarms(engine, settings, clock=clock),
        harvester=Harvester(
            Parts(
                book=Book(engine),
                harvested=HarvestedResponses(engine, vault),
                outbox=outbox,
                grants=grants,
                registry=registry,
                tokens=own_tokens,
            ),
            settings.ehrs,
            lambda: _published(settings, catalogue, clock().date()),
            clock=clock,
        ),
        assignments=assignments,
        finder=finder,
        wishes=kept_wishes,
        visits=visits,
        topics=TopicSubscriber(
            TopicBook(engine), visits, own_tokens, settings.ehrs, site=settings.public_url, clock=clock
        ),
        tasks=TaskMirror(
            TaskBook(engine),
            assignments,
            Shapes(catalogue, vault, settings.public_url),
            own_tokens,
            rooms,
            settings.ehrs,
            zone=settings.site.time_zone,
            clock=clock,
        ),
        messenger=messenger,
        reminders=reminders,
        chaser=Chaser(settings, keepers, messenger, Addresses(public_url=settings.public_url), clock=clock),
        talk_words=talk_words(settings.talks_file),
        figures=figures,
        reasons=reasons,
        agreements=Agreements(engine, vault),
        desk=Desk(settings, catalogue, vault, assignments, Looks(engine), reasons, clock),
        card_budget=Budget(),
        alerts=AlertBook(engine, vault, clock),
        notifier=Notifier(engine, settings.alerts, settings.site, clock=clock) if settings.alerts else None,
        clock=clock,
    )


def _published(settings: Settings, catalogue: Catalogue, day: date) -> list[Instrument]:
    """Return what the site may publish, with the versions of it that it may have published before."""
    ready = publishable(catalogue, today=day, alerts=settings.alerts is not None)
    names = {each.name for each in ready}
    return [each for each in catalogue.instruments if each.name in names]


def _tell_gaps(settings: Settings, ehr: EhrSettings, catalogue: Catalogue) -> None:
    """Warn of every score without a flowsheet row, and of every row without a score."""
    if ehr.write.rung is Rung.FLOWSHEET:
        for gap in mapping_gaps(ehr.write.rows, score_codes(settings, catalogue)):
            _log.warning("flowsheet.unmatched", ehr=ehr.name, detail=gap)


def _health() -> ResponseReturnValue:
    if unsure(services().engine).is_set():
        return jsonify(status="the database is not to be trusted"), 503
    return jsonify(status="ok")


def _page_parts() -> dict[str, Any]:
    handle = (request.view_args or {}).get("handle")
    return {
        "nonce": style_nonce(),
        "csrf_token": csrf_token(),
        "asset": _asset,
        "look": shown_look(),
        "tablet": tablet_here(),
        "languages": choices(),
        "kept_in_links": kept_in_links(),
        "language_field": FIELD,
        "print": print_here(),
        "base": f"/l/{handle}" if handle else "",
    }


def _asset(name: str) -> str:
    # Not url_for: an error page must also be made for a Host that is not ours, where no address can be built.
    return f"/static/{name}?v={_fingerprint(name)}"


@cache
def _fingerprint(name: str) -> str:
    """Return a part of the file's digest: a changed file has another address, so browsers may keep it for ever."""
    return hashlib.sha256((files("smart_app.web") / "static" / name).read_bytes()).hexdigest()[:12]
