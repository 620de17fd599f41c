"""What a clinic's tablet shows between two patients."""

from dataclasses import dataclass

from smart_app.web.pages.frame import Frame


@dataclass(frozen=True, kw_only=True)
class KioskPage:
    """The start of a tablet: it waits for a patient's code, or, before it is `registered`, for an administrator's.

    With what somebody has `chosen` to read it does not wait for ever: the next patient may read otherwise.
    """

    frame: Frame
    registered: bool
    problem: str = ""
    chosen: bool = False
