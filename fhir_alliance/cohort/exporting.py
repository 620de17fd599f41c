"""A bulk export from its kick-off to the last file in its folder (spec rows B01-B05)."""

from collections.abc import Iterable
from contextlib import suppress

from fhir_alliance.cohort.asking import BulkServer
from fhir_alliance.cohort.folder import Folder, Wanted
from fhir_alliance.cohort.taking import TYPES, Exported, Taking
from fhir_alliance.errors import EhrError
from fhir_alliance.settings import WriteSettings
from fhir_alliance.terms import OBSERVATION_CATEGORY


def export(server: BulkServer, folder: Folder, wanted: Wanted, write: WriteSettings) -> Exported:
    """Export what is wanted into a folder; go on with the same export when one was cut off there.

    The EHR is told that it is not needed any more when it has ended, or failed; when this program is stopped, it may be
    gone on with. Raises ExportRefused when the folder cannot be used, EhrError when the export came to no end: then no
    file of it is left, and OSError when the folder cannot be written.
    """
    categories = {"survey", write.category} - {""}
    status = folder.open(wanted) or server.kick_off(wanted.group, _parameters(wanted, categories))
    try:
        folder.begun(wanted, status)
        found = Taking(server, folder, categories).take(server.wait(status), wanted)
    except (EhrError, OSError):
        with suppress(EhrError):
            server.end(status)
        folder.ended()
        raise
    with suppress(EhrError):  # everything is here: that it lies there as well until it expires is the EHR's affair
        server.end(status)
    folder.ended()
    return found


def _parameters(wanted: Wanted, categories: Iterable[str]) -> list[tuple[str, str]]:
    """Return the query of the kick-off; types with commas, as one EHR wants them that does not take repeats (B02)."""
    filters = [f"Observation?category={OBSERVATION_CATEGORY}|{each}" for each in sorted(categories)]
    since = [("_since", wanted.since)] if wanted.since else []
    return [("_type", ",".join(TYPES)), *(("_typeFilter", each) for each in filters), *since]
