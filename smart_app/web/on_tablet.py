"""Whether a page is shown on one of the clinic's tablets, and when it goes back to its start then."""

from dataclasses import dataclass

from flask import g

from fhir_alliance.visits.tablets import Tablets
from smart_app.web.cookies import TABLET, fingerprint, read_secret
from smart_app.web.services import services


@dataclass(frozen=True, kw_only=True)
class TabletHere:
    """The tablet of this request; `idle` is after how many seconds without a touch it goes back to its start."""

    id: str
    idle: int

    @property
    def minutes(self) -> int:
        """The same in minutes."""
        return self.idle // 60


def tablet_here() -> TabletHere | None:
    """Return the tablet that this request comes from; None where there are none, or it is something else."""
    if "tablet" not in g:
        g.tablet = _find()
    found: TabletHere | None = g.tablet
    return found


def tablets() -> Tablets:
    """Return where tablets are kept."""
    return Tablets(services().engine, services().clock)


def _find() -> TabletHere | None:
    settings, secret = services().settings.tablets, read_secret(TABLET)
    if settings is None or secret is None:
        return None
    known = tablets().known(fingerprint(secret))
    return TabletHere(id=known, idle=int(settings.idle.total_seconds())) if known else None
