"""Where a patient starts who comes by themselves: which of the registered portals is theirs (spec row S55)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.ehr.brand import Brand
from fhir_alliance.ehr.brands import Brands
from fhir_alliance.errors import EhrError
from fhir_alliance.settings import EhrSettings
from smart_app.web.frames import plain_frame
from smart_app.web.pages.portals import Portal, PortalsPage
from smart_app.web.services import services

bp = Blueprint("choosing", __name__)

_AT_ONCE: Final = 8
_log = structlog.get_logger(__name__)


@bp.get("/start")
def portals() -> ResponseReturnValue:
    """Show the portals with a patient client; with one there is nothing to choose."""
    offered = [ehr for ehr in services().settings.ehrs.values() if ehr.patient]
    if len(offered) == 1:
        return redirect(url_for("signin.start", name=offered[0].name), 303)
    brands = _brands(services().brands, offered)
    shown = [_portal(ehr, brand) for ehr, brand in zip(offered, brands, strict=True)]
    shown.sort(key=lambda each: (each.name.casefold(), each.details))
    page = PortalsPage(frame=plain_frame(), portals=shown, code_url=url_for("handed.enter"))
    return render_template("portals.html", page=page)


def _brands(known: Brands, offered: Sequence[EhrSettings]) -> list[Brand | None]:
    """Return what each EHR is called; all are asked at once, so that a slow one costs its own time only."""

    def read(ehr: EhrSettings) -> Brand | None:
        try:
            return known.read(ehr)
        except EhrError as error:
            _log.warning("brand.ignored", ehr=ehr.name, code=error.code, detail=error.detail)
            return None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(read, offered))


def _portal(ehr: EhrSettings, brand: Brand | None) -> Portal:
    """Return one choice; what the site calls the EHR is always there, so that none can pass for another."""
    name = brand.name if brand else ehr.title
    more = [ehr.title, *((brand.portal, brand.place) if brand else ())]
    details = dict.fromkeys(each for each in more if each and each != name)
    return Portal(url=url_for("signin.start", name=ehr.name), name=name, details=tuple(details))
