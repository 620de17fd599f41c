"""From an assignment to a form that is asked, as Tasks tell of it: the same at our endpoint and in the EHR."""

from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from fhir_alliance.records.task import Asked, AskedForm
from fhir_alliance.settings import EhrSettings
from fhir_alliance.visits.standing import Assignment, Standing

_STATES: Final = {
    Standing.COMPLETED: Asked.COMPLETED,
    Standing.DECLINED: Asked.DECLINED,
    Standing.OVERDUE: Asked.OVERDUE,
    Standing.CANCELLED: Asked.CANCELLED,
}


def asked_form(each: Assignment, ehr: EhrSettings, *, site: str, now: datetime) -> AskedForm:
    """Return an assignment of an EHR as it is now; `site` is our public address.

    Its key comes from what it is about, so that it is the same again should our store ever be lost.
    """
    about = (site, ehr.name, each.patient, each.encounter, each.form.partition("|")[0])
    return AskedForm(
        id=str(each.id),
        key=str(uuid5(NAMESPACE_URL, "\n".join(about))),
        patient=each.patient,
        encounter=each.encounter,
        form=each.form,
        rater=each.rater,
        owner=None,
        asked=each.assigned,
        opens=each.opens,
        closes=each.closes,
        state=_STATES.get(each.standing) or _open_state(each, now),
        response=each.submission,
        fhir_base=ehr.fhir_base,
    )


def _open_state(each: Assignment, now: datetime) -> Asked:
    if each.begun:
        return Asked.BEGUN
    return Asked.PLANNED if now < each.opens else Asked.DUE
