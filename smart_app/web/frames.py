"""What stands around the pages of a launch, and which day it is at the site."""

from datetime import date

from smart_app.web.launches import Launch, Role
from smart_app.web.pages.form import Ends
from smart_app.web.pages.frame import Frame, clinician_frame, patient_frame
from smart_app.web.pages.words import local_day, moment_words
from smart_app.web.services import services


def frame_of(launch: Launch) -> Frame:
    """Return the banner for a clinician, short where the EHR has its own; the person's first name for a patient."""
    site = services().settings.site
    if launch.role is Role.CLINICIAN:
        context = launch.context
        return clinician_frame(site, launch.patient, visit=context.visit, today=today(), full=context.full_banner)
    return patient_frame(site, launch.patient)


def ends_of(launch: Launch) -> Ends:
    """Return when a page of a launch closes if it is left alone from now on."""
    site, now = services().settings.site, services().clock()
    at = moment_words(launch.ends, site.time_zone, today=today()).removeprefix("today, ")
    return Ends(at=at, seconds=max(int((launch.ends - now).total_seconds()), 0))


def today() -> date:
    """Return the day at the site."""
    return local_day(services().clock(), services().settings.site.time_zone)
