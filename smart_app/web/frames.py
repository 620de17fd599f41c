"""What stands around the pages of a launch, and which day it is at the site."""

from datetime import date

from smart_app.web.launches import Launch, Role
from smart_app.web.pages.frame import Frame, clinician_frame, patient_frame
from smart_app.web.pages.words import local_day
from smart_app.web.services import services


def frame_of(launch: Launch) -> Frame:
    """Return the banner for a clinician, short where the EHR has its own; the person's first name for a patient."""
    site = services().settings.site
    if launch.role is Role.CLINICIAN:
        context = launch.context
        return clinician_frame(site, launch.patient, visit=context.visit, today=today(), full=context.full_banner)
    return patient_frame(site, launch.patient)


def today() -> date:
    """Return the day at the site."""
    return local_day(services().clock(), services().settings.site.time_zone)
