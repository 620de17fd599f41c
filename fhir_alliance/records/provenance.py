"""Who made a record: the person who answered, and our software that scored and sent it."""

from importlib.metadata import version

from fhir_alliance.records.codes import JsonObject, concept, reference
from fhir_alliance.records.submission import Submission
from fhir_alliance.terms import DATA_OPERATION, PARTICIPANT_TYPE, SOFTWARE_IDENTIFIER

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


def score_provenance(
    response: str, *, answered_by: str | None, targets: list[str], recorded: str, activity: tuple[str, str]
) -> JsonObject:
    """Return the Provenance of scores of a response that another program wrote, which is their source.

    `answered_by` is its author as far as it names one, `activity` a code and its display of v3-DataOperation.
    """
    author = {"type": concept(PARTICIPANT_TYPE, "author", "Author"), "who": reference(answered_by or "")}
    assembler = {
        "type": {**concept(PARTICIPANT_TYPE, "assembler", "Assembler"), "text": "Scores computed by"},
        "who": software(),
    }
    return {
        "resourceType": "Provenance",
        "target": [reference(target) for target in targets],
        "recorded": recorded,
        "activity": concept(DATA_OPERATION, *activity),
        "agent": [*([author] if answered_by else []), assembler],
        "entity": [{"role": "source", "what": reference(response)}],
    }


def software() -> JsonObject:
    """Return the reference to this program as the one who acted."""
    return {
        "identifier": {"system": SOFTWARE_IDENTIFIER, "value": f"fhir-alliance-{_VERSION}"},
        "display": f"FHIR Alliance {_VERSION}",
    }
