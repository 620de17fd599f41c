"""By what a client is known again later: its id, and the keys it signs with (F44)."""

import json
from typing import Final

from fhir_alliance.ehr.client_keys import thumbprints
from fhir_alliance.settings import ClientSettings

_UNSIGNED: Final = frozenset({""})


def client_mark(client: ClientSettings) -> str:
    """Return the mark of a client as text; it holds no secret. Raises InvalidSettings when its keys cannot be read."""
    keys = thumbprints(client.key_file) if client.key_file else ()
    return json.dumps([client.client_id, *keys])


def same_client(mark: str, client: ClientSettings) -> bool:
    """Whether a client is still the one that was marked: the same id, and where it signs one of the same keys.

    One is enough, because keys are rotated by adding a new one before the old one goes (spec row S41). Raises
    InvalidSettings when its keys cannot be read.
    """
    (marked, *old), (client_id, *new) = json.loads(mark), json.loads(client_mark(client))
    return bool(marked == client_id and set(old or _UNSIGNED) & set(new or _UNSIGNED))
