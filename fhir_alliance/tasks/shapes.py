"""The Task of a form that is asked, in each of the shapes that an EHR may get."""

from typing import Final

from fhir_alliance.ehr.app_context import make_app_context
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.launch_task import LaunchKind, LaunchOrder, launch_task
from fhir_alliance.records.task import AskedForm, build_task
from fhir_alliance.settings import EhrSettings
from fhir_alliance.settings.tasks import TaskShape
from fhir_alliance.vault import Vault

_KINDS: Final = {TaskShape.EHR_LAUNCH: LaunchKind.EHR, TaskShape.STANDALONE_LAUNCH: LaunchKind.STANDALONE}


class Shapes:
    """Makes Tasks; `site` is our public address, at which launches begin."""

    def __init__(self, catalogue: Catalogue, vault: Vault, site: str) -> None:
        self._catalogue = catalogue
        self._vault = vault
        self.site = site

    def task(self, asked: AskedForm, ehr: EhrSettings, shape: TaskShape) -> JsonObject | None:
        """Return the Task to create; None where this form has none: only patients start by themselves."""
        if shape is TaskShape.FORM:
            return {name: value for name, value in build_task(asked).items() if name != "id"}
        if shape is TaskShape.STANDALONE_LAUNCH and asked.rater is not Rater.PATIENT:
            return None
        try:
            instrument, _ = self._catalogue.of_form(asked.form)
        except InvalidDefinition:  # a version that this site has no more, so no launch could open it
            return None
        patient = f"Patient/{asked.patient}"
        order = LaunchOrder(
            key=f"{asked.key}.{shape.value}",
            patient=patient,
            encounter=asked.encounter,
            owner=patient if asked.rater is Rater.PATIENT else None,
            application=self._address(ehr, shape),
            app_context=make_app_context(
                self._vault, ehr=ehr.name, patient=asked.patient, form=asked.form, expires_at=asked.closes
            ),
            title=instrument.title,
            authored=asked.asked,
            until=asked.closes,
            state=asked.state,
        )
        return launch_task(order, _KINDS[shape])

    def _address(self, ehr: EhrSettings, shape: TaskShape) -> str:
        return f"{self.site}/launch" if shape is TaskShape.EHR_LAUNCH else f"{self.site}/start/{ehr.name}"
