"""What somebody found who lets a form go on: a closed list, so that no name of a patient gets into the audit trail."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from fhir_alliance.errors import AllianceError

_TICKET: Final = re.compile("[0-9]{1,10}", re.ASCII)


class Found(StrEnum):
    """What was found, as the audit trail has it."""

    SAME_PERSON = "same-person"
    NOT_IN_CHART = "not-in-chart"
    CHART_CORRECTED = "chart-corrected"
    SAME_RECORD = "same-record"
    OWN_CLIENT = "own-client"
    MENDED = "mended"
    OTHER = "other"


WORDS: Final[Mapping[Found, str]] = {
    Found.SAME_PERSON: "It is the same person",
    Found.NOT_IN_CHART: "I looked in the chart, and it is not there",
    Found.CHART_CORRECTED: "The chart was corrected by hand",
    Found.SAME_RECORD: "It is the same health record at a new address",
    Found.OWN_CLIENT: "The client in the settings is our own",
    Found.MENDED: "The cause is mended",
    Found.OTHER: "Something else, described in a ticket",
}


class UnclearFinding(AllianceError):
    """What was found is none of the list, or "other" came without a ticket; the message repeats nothing of it."""

    code = "outbox.unclear-finding"
    http_status = 400
    title = "Nothing was changed"
    sentence = (
        "Please choose one of the reasons. For anything else choose “other”, and give the number of a ticket that "
        "says more: up to 10 digits, nothing else."
    )


def finding(said: str, ticket: str = "") -> str:
    """Return a finding as it is written down; a ticket may come with each, and has to with "other".

    Raises UnclearFinding.
    """
    if said not in set(Found) or (said == Found.OTHER and not ticket):
        raise UnclearFinding(f"the reasons are {', '.join(Found)}; other needs a ticket")
    if ticket and not _TICKET.fullmatch(ticket):
        raise UnclearFinding("a ticket is up to 10 digits")
    return f"{said}, ticket {ticket}" if ticket else said
