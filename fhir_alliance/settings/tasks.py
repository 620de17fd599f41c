"""Which Tasks an EHR gets of what is asked."""

from enum import StrEnum


class TaskShape(StrEnum):
    """One shape of a Task: FORM says what is to be answered, a launch opens the app at exactly that form (S56)."""

    FORM = "form"
    EHR_LAUNCH = "ehr-launch"
    STANDALONE_LAUNCH = "standalone-launch"
