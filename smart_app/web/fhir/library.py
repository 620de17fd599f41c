"""The definitions a site serves, made once a day: the day decides which licences are still good."""

from datetime import date

from fhir_alliance.conformance.site import Served, served
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.settings import Settings


class Library:
    """What the site serves of its catalogue; safe to share between threads."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._asked = {settings.instruments.each_visit, *settings.instruments.on_request}
        self._alerts = settings.alerts is not None
        self._catalogue = catalogue
        self._made: tuple[date, Served] | None = None

    def on(self, day: date) -> Served:
        """Return what is served on that day."""
        made = self._made
        if made is None or made[0] != day:
            made = day, served(self._catalogue, self._asked, today=day, alerts=self._alerts)
            self._made = made
        return made[1]
