"""Which responses an EHR has no more: two looks in different ways have to agree before that is believed."""

from collections.abc import Iterator, Sequence
from typing import Final

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError

_AT_A_TIME: Final = 50
_GONE: Final = frozenset({404, 410})


def deleted(client: FhirClient, names: Sequence[str]) -> Iterator[str]:
    """Yield which of some responses are neither found by a search nor read; raises what the EHR's refusal is.

    A read alone proves nothing: an address that has moved answers 404 to everything.
    """
    for start in range(0, len(names), _AT_A_TIME):
        asked = names[start : start + _AT_A_TIME]
        params = [("_id", ",".join(asked)), ("_count", str(_AT_A_TIME))]
        there = {each["id"] for each in client.search("QuestionnaireResponse", params).resources}
        yield from (name for name in asked if name not in there and _is_gone(client, name))


def _is_gone(client: FhirClient, name: str) -> bool:
    try:
        client.read("QuestionnaireResponse", name)
    except FhirError as error:
        if error.status not in _GONE:
            raise
        return True
    return False
