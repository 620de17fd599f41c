"""The site's settings: one frozen object from `alliance.toml`, read once, every fault reported together."""

from fhir_alliance.settings.reading import read_settings
from fhir_alliance.settings.secrets import client_secret
from fhir_alliance.settings.values import (
    AlertSettings,
    ClientSettings,
    EhrSettings,
    FreeTextSettings,
    InstrumentSettings,
    Settings,
    SiteSettings,
)

__all__ = [
    "AlertSettings",
    "ClientSettings",
    "EhrSettings",
    "FreeTextSettings",
    "InstrumentSettings",
    "Settings",
    "SiteSettings",
    "client_secret",
    "read_settings",
]
