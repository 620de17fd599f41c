"""What a clinician is told of the site's rules about ages, where they say more than that everything is free."""

from collections.abc import Mapping
from typing import Final

from fhir_alliance.sentences import marked
from fhir_alliance.settings import Where
from smart_app.web.saying import say

_WORDS: Final[Mapping[Where, str]] = {
    Where.ROOM_FIRST: marked(
        "By the clinic's rules about age, a tablet or code here comes first; a link or the portal is the second choice."
    ),
    Where.ROOM_ONLY: marked(
        "By the clinic's rules about age, forms are filled in here only: hand them over. There are no links and no "
        "reminders, and the portal does not open them."
    ),
}


def age_words(where: Where) -> str:
    """Return the sentence; empty where patients answer anywhere."""
    return say(_WORDS[where]) if where in _WORDS else ""
