"""The site's settings: one frozen object from `alliance.toml`, read once, every fault reported together."""

from fhir_alliance.settings.ages import FREE, OLDEST, USUAL, AgeRule, Answering, Where
from fhir_alliance.settings.cds import CdsSettings
from fhir_alliance.settings.embedding import Embedding
from fhir_alliance.settings.links import LinkSettings, TabletSettings
from fhir_alliance.settings.readers import ChartReaders, Readers, Shown
from fhir_alliance.settings.reading import read_settings
from fhir_alliance.settings.schedules import SITE, AskSettings, ScheduleSettings
from fhir_alliance.settings.secrets import client_secret, metrics_token
from fhir_alliance.settings.values import (
    ANSWER,
    LANGUAGE,
    TRANSLATED,
    AlertSettings,
    ClientSettings,
    EhrSettings,
    EhrTokens,
    FreeTextSettings,
    HarvestSettings,
    InstrumentSettings,
    LanguageSettings,
    OperationsSettings,
    ReaderSettings,
    Settings,
    SiteSettings,
    VisitSettings,
)
from fhir_alliance.settings.writing import FlowsheetRow, NoteType, Rung, WriteSettings, mapping_gaps

__all__ = [
    "ANSWER",
    "FREE",
    "LANGUAGE",
    "OLDEST",
    "SITE",
    "TRANSLATED",
    "USUAL",
    "AgeRule",
    "AlertSettings",
    "Answering",
    "AskSettings",
    "CdsSettings",
    "ChartReaders",
    "ClientSettings",
    "EhrSettings",
    "EhrTokens",
    "Embedding",
    "FlowsheetRow",
    "FreeTextSettings",
    "HarvestSettings",
    "InstrumentSettings",
    "LanguageSettings",
    "LinkSettings",
    "NoteType",
    "OperationsSettings",
    "ReaderSettings",
    "Readers",
    "Rung",
    "ScheduleSettings",
    "Settings",
    "Shown",
    "SiteSettings",
    "TabletSettings",
    "VisitSettings",
    "Where",
    "WriteSettings",
    "client_secret",
    "mapping_gaps",
    "metrics_token",
    "read_settings",
]
