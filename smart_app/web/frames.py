"""What stands around the pages of a launch, and which day it is at the site."""

from datetime import date

from smart_app.web.languages import language
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.form import Ends
from smart_app.web.pages.frame import Frame, clinician_frame, patient_frame
from smart_app.web.pages.words import clock_words, local_day
from smart_app.web.services import services


def plain_frame() -> Frame:
    """Return what stands around a page that shows nothing of anybody."""
    return Frame(site=services().settings.site.said_in(language()), language=language())


def frame_of(launch: Launch) -> Frame:
    """Return the banner for a clinician, short where the EHR has its own; the person's first name for a patient."""
    site = services().settings.site
    if launch.role is Role.CLINICIAN:
        context = launch.context
        return clinician_frame(site, launch.patient, visit=context.visit, today=today(), full=context.full_banner)
    return patient_frame(site.said_in(language()), launch.patient, language=language())


def ends_of(launch: Launch) -> Ends:
    """Return when a page of a launch closes if it is left alone from now on."""
    site, now = services().settings.site, services().clock()
    at = clock_words(launch.ends, site.time_zone, today=today())
    return Ends(at=at, seconds=max(int((launch.ends - now).total_seconds()), 0))


def today() -> date:
    """Return the day at the site."""
    return local_day(services().clock(), services().settings.site.time_zone)
