"""What stands around the pages of a launch, and which day it is at the site."""

from datetime import date
from typing import Final

from flask import request

from smart_app.web.coming_back import way_back
from smart_app.web.languages import language
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.form import Ends
from smart_app.web.pages.frame import Frame, clinician_frame, patient_frame
from smart_app.web.pages.words import clock_words, local_day
from smart_app.web.services import services

_FRAMES: Final = ("iframe", "frame")


def is_framed() -> bool:
    """Whether the browser says that this page goes into a frame of another."""
    return request.headers.get("Sec-Fetch-Dest") in _FRAMES


def plain_frame() -> Frame:
    """Return what stands around a page that shows nothing of anybody."""
    return Frame(site=services().settings.site.said_in(language()), language=language())


def frame_of(launch: Launch) -> Frame:
    """Return the banner for a clinician, the person's first name for a patient.

    The banner is short only while the EHR shows its own around us: in a window of its own nothing of that is left (S7).
    """
    site = services().settings.site
    if launch.role is Role.CLINICIAN:
        context = launch.context
        full = context.full_banner or not is_framed()
        said = site.said_in(language())
        return clinician_frame(said, launch.patient, visit=context.visit, today=today(), full=full, language=language())
    return patient_frame(site.said_in(language()), launch.patient, language=language())


def ends_of(launch: Launch) -> Ends:
    """Return when a page of a launch closes if it is left alone from now on."""
    site, now = services().settings.site, services().clock()
    at = clock_words(launch.ends, site.time_zone, today=today())
    return Ends(at=at, seconds=max(int((launch.ends - now).total_seconds()), 0), back=way_back(launch))


def today() -> date:
    """Return the day at the site."""
    return local_day(services().clock(), services().settings.site.time_zone)
