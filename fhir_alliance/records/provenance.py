"""Who made a record: the person who answered, and our software that scored and sent it."""

from importlib.metadata import version

from fhir_alliance.records.codes import JsonObject, concept, reference
from fhir_alliance.records.submission import Submission
from fhir_alliance.terms import PARTICIPANT_TYPE, SOFTWARE_IDENTIFIER

_VERSION = version("fhir-alliance")


def build_provenance(submission: Submission, *, response: str, targets: list[str]) -> JsonObject:
    """Return the Provenance of everything one submission writes; the scores were assembled from the response."""
    return {
        "resourceType": "Provenance",
        "target": [reference(target) for target in targets],
        "recorded": submission.scored_text,
        "agent": [
            {"type": concept(PARTICIPANT_TYPE, "author", "Author"), "who": reference(submission.source)},
            {
                "type": concept(PARTICIPANT_TYPE, "assembler", "Assembler"),
                "who": software(),
                "onBehalfOf": reference(submission.author),
            },
        ],
        "entity": [{"role": "source", "what": reference(response)}],
    }


def software() -> JsonObject:
    """Return the reference to this program as the one who acted."""
    return {
        "identifier": {"system": SOFTWARE_IDENTIFIER, "value": f"fhir-alliance-{_VERSION}"},
        "display": f"FHIR Alliance {_VERSION}",
    }
