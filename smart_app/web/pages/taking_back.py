"""What is asked before something is taken back: which form it is, and what happens to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fhir_alliance.delivery.correcting import Cause
from fhir_alliance.sentences import marked
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.review import ReceiptState
from smart_app.web.pages.words import When
from smart_app.web.saying import say

BY_PATIENT: Final = {
    Cause.CHANGED_MIND: marked("I changed my mind"),
    Cause.MISTAKE: marked("I made a mistake"),
    Cause.WRONG_PERSON: marked("These answers are not about me"),
}
BY_FILER: Final = {
    Cause.WRONG_PERSON: marked("It is about the wrong person"),
    Cause.CHANGED_MIND: marked("The patient asked for it"),
    Cause.MISTAKE: marked("It was filed by mistake"),
}
BY_CLINICIAN: Final = {
    Cause.WRONG_PERSON: marked("It was filled in for, or by, the wrong person"),
    Cause.CHANGED_MIND: marked("The patient asked for it"),
    Cause.MISTAKE: marked("It was sent by mistake"),
}
_MARKED: Final = marked(
    "In the chart the answers and their scores are marked as entered in error. They no longer count, and this app no "
    "longer shows them. Nothing in a chart is deleted, so staff can still find them there."
)
_NOTED: Final = marked(
    "The note in the chart is marked as entered in error, or replaced by one without these scores. The answers are no "
    "longer shown in this app."
)
_ONLY_HERE: Final = marked("The answers are kept in this app only. From now on nobody sees them here any more.")
_ON_THE_WAY: Final = marked(
    "The answers may be on their way into the chart. What has not been sent never will be; what is there already is "
    "marked as entered in error, so that it no longer counts."
)
_FILED: Final = marked(
    "In the chart the page is marked as entered in error, so that it no longer counts. If it is still on its way, it "
    "is stopped. The answers and scores that it was made of stay as they are."
)
# What happens, by where the answers are.
_CONSEQUENCES: Final[Mapping[ReceiptState, str]] = {
    ReceiptState.IN_CHART: _MARKED,
    ReceiptState.NOTED: _NOTED,
    ReceiptState.KEPT: _ONLY_HERE,
    ReceiptState.OWN: _ONLY_HERE,
    ReceiptState.CHANGE_HELD: _MARKED,
}


@dataclass(frozen=True, kw_only=True)
class TakeBackPage:
    """One question before it is done; `causes` are (value, words), and only a clinician has to choose one.

    `seen` says to a clinician what the patient will see of it, empty where that is nothing.
    """

    frame: Frame
    path: str
    back: str
    form_title: str
    on: When
    consequence: str
    causes: tuple[tuple[str, str], ...]
    problem: str = ""
    filed: bool = False
    seen: str = ""


def take_back_page(
    frame: Frame,
    *,
    path: str,
    form_title: str,
    on: When,
    state: ReceiptState,
    causes: Mapping[Cause, str],
    problem: str = "",
    filed: bool = False,
    by_patient: bool = True,
) -> TakeBackPage:
    """Return the page; it posts to `path` below the launch, and `state` is where the answers are now.

    `filed` says that it is about a page that was filed in the chart, and not about a form; `by_patient` that the
    answers are the patient's, who has a receipt for them.
    """
    return TakeBackPage(
        frame=frame,
        path=path,
        back="/chart" if frame.banner else path.removesuffix("/take-back"),
        form_title=form_title,
        on=on,
        consequence=say(_FILED if filed else _CONSEQUENCES.get(state, _ON_THE_WAY)),
        causes=tuple((cause.value, say(words)) for cause, words in causes.items()),
        problem=problem,
        filed=filed,
        seen=_seen(frame.banner.first_name) if frame.banner and by_patient and not filed else "",
    )


def _seen(name: str) -> str:
    """Return what a clinician has to know the patient will read, by name where there is one."""
    if not name:
        return say("On the receipt the patient can see that the clinic took these answers back.")
    return say("On the receipt %(name)s can see that the clinic took these answers back.", name=name)
