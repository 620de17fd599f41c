"""The sandbox EHR's own pages as a Flask blueprint."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.chart.apps import AppPages
from smart_app.sandbox.chart.cards import CardService
from smart_app.sandbox.chart.patients import PatientPages
from smart_app.sandbox.chart.policy import content_security_policy, guard
from smart_app.sandbox.chart.portal import PortalPages
from smart_app.sandbox.chart.record import Record
from smart_app.sandbox.chart.session import current_user, form_token
from smart_app.sandbox.chart.signin import SignInPages
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.outcomes import NotFound
from smart_app.sandbox.fhir.store import ResourceStore


def blueprint(config: SandboxConfig, store: ResourceStore, grants: Grants, cards: CardService) -> Blueprint:
    """Return the blueprint with every page for people, absolute: register it without a prefix."""
    record = Record(store, config)
    chart = Blueprint("chart", __name__)
    _add_pages(chart, record, config, grants, cards)
    policy = content_security_policy(config)
    chart.after_request(lambda response: guard(response, policy))
    chart.register_error_handler(HTTPException, _refused)
    chart.register_error_handler(NotFound, _not_found)
    chart.context_processor(lambda: _about_user(record))
    return chart


def _add_pages(chart: Blueprint, record: Record, config: SandboxConfig, grants: Grants, cards: CardService) -> None:
    """Add the routes."""
    sign_in, patients = SignInPages(record), PatientPages(record, cards)
    apps, portal = AppPages(record, config, grants), PortalPages(record, config)
    for method, rule, view in (
        ("GET", "/", sign_in.home),
        ("POST", "/sign-in", sign_in.sign_in),
        ("POST", "/sign-out", sign_in.sign_out),
        ("GET", "/patients", patients.patients),
        ("GET", "/patients/<patient_id>", patients.summary),
        ("GET", "/patients/<patient_id>/visits", patients.visits),
        ("GET", "/patients/<patient_id>/results", patients.results),
        ("GET", "/patients/<patient_id>/forms/<response_id>", patients.form),
        ("GET", "/patients/<patient_id>/notes", patients.notes),
        ("GET", "/patients/<patient_id>/notes/<note_id>/<int:number>", patients.note_attachment),
        ("GET", "/patients/<patient_id>/apps", apps.apps),
        ("POST", "/patients/<patient_id>/apps/<client_id>", apps.open_in_chart),
        ("POST", "/patients/<patient_id>/apps/<client_id>/window", apps.open_in_window),
        ("GET", "/portal", portal.portal),
    ):
        chart.add_url_rule(rule, view.__name__, view, methods=[method])


def _about_user(record: Record) -> dict[str, object]:
    """Return what every template knows: who is signed in, and the token for its forms."""
    user = current_user()
    return {"user": user, "user_name": record.name_of({"reference": user}) if user else "", "form_token": form_token}


def _refused(error: HTTPException) -> ResponseReturnValue:
    """Show why a page cannot be shown, and the way on."""
    return render_template("sandbox/refused.html", message=error.description), error.code or 500


def _not_found(_error: NotFound) -> ResponseReturnValue:
    """Show that something is not in the record."""
    return render_template("sandbox/refused.html", message="That is not in this record."), 404
