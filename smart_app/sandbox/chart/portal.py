"""The patient portal: today's visit, the question the care team asks, and the patient's own results."""

from flask import render_template
from flask.typing import ResponseReturnValue

from smart_app.sandbox.chart.record import Record
from smart_app.sandbox.chart.results import result_days
from smart_app.sandbox.chart.session import current_user
from smart_app.sandbox.config import SandboxConfig


class PortalPages:
    """Pages for patients."""

    def __init__(self, record: Record, config: SandboxConfig) -> None:
        self._record = record
        self._config = config

    def portal(self) -> ResponseReturnValue:
        """Show the signed-in patient's page, or the choice of who to be."""
        user = current_user() or ""
        if not user.startswith("Patient/"):
            return render_template("sandbox/portal_sign_in.html", patients=self._record.patients())
        return self._page(user.removeprefix("Patient/"))

    def _page(self, patient_id: str) -> ResponseReturnValue:
        """Show one patient's page; results are those of the forms the patient answered."""
        patient = self._record.patient(patient_id)
        days = result_days(
            self._record.answered_by_patient(patient_id),
            name_of=self._record.name_of,
            visit=patient.today.id if patient.today else None,
        )
        apps = [client for client in self._config.clients if client.start_url]
        return render_template("sandbox/portal.html", patient=patient, apps=apps, days=days)
