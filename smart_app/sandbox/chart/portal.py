"""The patient portal: today's visit, the question the care team asks, and the patient's own results."""

from flask import render_template
from flask.typing import ResponseReturnValue

from smart_app.sandbox.chart.record import Record
from smart_app.sandbox.chart.results import result_days
from smart_app.sandbox.chart.session import current_user
from smart_app.sandbox.config import SandboxClient, SandboxConfig


class PortalPages:
    """Pages for patients."""

    def __init__(self, record: Record, config: SandboxConfig) -> None:
        self._record = record
        self._config = config

    def portal(self) -> ResponseReturnValue:
        """Show the signed-in patient's page, or a relative's, or the choice of who to be."""
        user = current_user() or ""
        patient_id = self._record.patient_of(user)
        if patient_id is None:
            return render_template(
                "sandbox/portal_sign_in.html", patients=self._record.patients(), relatives=self._record.relatives()
            )
        return self._page(patient_id) if user.startswith("Patient/") else self._page_for_relative(patient_id)

    def _page_for_relative(self, patient_id: str) -> ResponseReturnValue:
        """Show what a relative may do for a patient; the patient's results are not theirs to see."""
        patient = self._record.patient(patient_id)
        return render_template("sandbox/portal.html", patient=patient, apps=self._apps(), days=[], relative=True)

    def _apps(self) -> list[SandboxClient]:
        return [client for client in self._config.clients if client.start_url]

    def _page(self, patient_id: str) -> ResponseReturnValue:
        """Show one patient's page; results are those of the forms the patient answered."""
        patient = self._record.patient(patient_id)
        days = result_days(
            self._record.answered_by_patient(patient_id),
            name_of=self._record.name_of,
            visit=patient.today.id if patient.today else None,
        )
        return render_template("sandbox/portal.html", patient=patient, apps=self._apps(), days=days, relative=False)
