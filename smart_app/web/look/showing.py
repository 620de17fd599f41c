"""The look of a launch: read once, when it opens, and put into every page of it."""

import structlog
from flask import g
from markupsafe import Markup

from fhir_alliance.ehr.styles import Styles
from fhir_alliance.errors import EhrError
from fhir_alliance.settings import EhrSettings
from smart_app.web.look.style import Look, read_look
from smart_app.web.look.stylesheet import stylesheet

_log = structlog.get_logger(__name__)


def fetch_look(styles: Styles, ehr: EhrSettings, url: str | None) -> Look:
    """Return how the EHR wants us to look; our own look when it says nothing, or nothing that can be read."""
    if url is None:
        return Look()
    try:
        return read_look(styles.read(ehr, url))
    except EhrError as error:
        _log.warning("style.ignored", ehr=ehr.name, code=error.code, detail=error.detail)
        return Look()


def show_look(look: Look) -> None:
    """Let this response look so; without this call it has our own look."""
    g.look = look


def shown_look() -> Markup:
    """Return the rules of this response's look."""
    return stylesheet(g.get("look", Look()))
