"""Where an EHR shows the app: in a frame of its own pages, in a window beside them, or in either."""

from enum import StrEnum


class Embedding(StrEnum):
    """In the EHR's frame, always in a new window, or as the EHR opens it."""

    FRAME = "frame"
    NEW_WINDOW = "new-window"
    EITHER = "either"
