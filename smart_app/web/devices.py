"""By which way a form came to the person who answers, and on what kind of device: counted, and never who."""

from flask import request

from smart_app.web.launches import Launch, Role
from smart_app.web.on_tablet import tablet_here

_MODES = {
    Role.CLINICIAN: "clinician",
    Role.PATIENT: "portal",
    Role.LINK: "link",
    Role.HANDOVER: "hand-over",
    Role.BESIDE: "hand-over",
}


def mode_of(launch: Launch) -> str:
    """Return the way: clinician, portal, link, hand-over by a code, or tablet for one of the clinic's."""
    return "tablet" if launch.role is Role.HANDOVER and tablet_here() else _MODES.get(launch.role, "")


def device_here() -> str:
    """Return phone, tablet or computer by what the browser calls itself, "" when it says nothing."""
    name = request.headers.get("User-Agent", "")
    if tablet_here() or "iPad" in name or ("Android" in name and "Mobile" not in name):
        return "tablet"
    if "Mobi" in name:
        return "phone"
    return "computer" if name else ""
