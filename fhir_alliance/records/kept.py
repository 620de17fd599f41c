"""What was accepted but cannot be read from the chart, as resources that stand for themselves."""

from collections.abc import Mapping
from typing import Any

from fhir_alliance.records.codes import JsonObject


def kept_resources(bundle: Mapping[str, Any], *, key: str) -> tuple[JsonObject, ...]:
    """Return the response and Observations of a write-back bundle.

    The response has the submission's key as its id, and what refers to it refers to `QuestionnaireResponse/<key>`: as
    it would be in a chart.
    """
    own = {f"urn:uuid:{key}": f"QuestionnaireResponse/{key}"}
    resources = [entry["resource"] for entry in bundle["entry"]]
    return (
        *({**each, "id": key} for each in resources if each["resourceType"] == "QuestionnaireResponse"),
        *(
            {**each, "derivedFrom": [{"reference": own[source["reference"]]} for source in each["derivedFrom"]]}
            for each in resources
            if each["resourceType"] == "Observation"
        ),
    )
