"""The sandbox EHR as one Flask application."""

from datetime import datetime

from flask import Flask, jsonify

from smart_app.sandbox.auth import server
from smart_app.sandbox.auth.cds_key import CdsKey
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.bulk.server import add_bulk
from smart_app.sandbox.chart import pages
from smart_app.sandbox.chart.cards import CardService
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir import rest
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.topics import Topics
from smart_app.sandbox.people.population import population
from smart_app.sandbox.people.visits import CLINIC_TIME
from smart_app.sandbox.traffic import log_traffic


def create_sandbox(config: SandboxConfig) -> Flask:
    """Return the application: FHIR server, authorization server and chart over one store.

    An empty store is filled with the synthetic patients when the settings say so. The store is
    `app.extensions["sandbox_store"]`, what was granted `app.extensions["sandbox_grants"]`, the log of calls
    `app.extensions["sandbox_log"]`.
    """
    store = ResourceStore(config.database, fhir_base=config.fhir_base)
    if config.populate and store.empty:
        now = datetime.now(CLINIC_TIME)
        record = population(config.today or now.date(), now=None if config.today else now)
        store.load(filter(config.allowed.holds, record))
    grants, cds_key = Grants(config), CdsKey(config)
    app = Flask(__name__)
    app.extensions["sandbox_store"] = store
    app.extensions["sandbox_grants"] = grants
    topics = app.extensions["sandbox_topics"] = Topics(store, config.fhir_base)
    log_traffic(app)
    fhir = rest.blueprint(store, config, grants.access, topics=topics)
    add_bulk(fhir, store, config)
    app.register_blueprint(fhir, url_prefix="/fhir")
    app.register_blueprint(server.blueprint(config, store, grants))
    app.register_blueprint(pages.blueprint(config, store, grants, CardService(config, cds_key)))
    app.add_url_rule("/auth/cds-jwks", "cds_jwks", lambda: jsonify(cds_key.jwks()))
    return app
