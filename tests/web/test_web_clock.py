"""A clock that is wrong: the EHR refuses our proofs, which is told apart from a refusal, and no form is given up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .house import THOMAS, House, code_of
from .test_web_backend import WRITES, granting, leave, sent, state

OFF = timedelta(minutes=10)


def test_a_launch_with_a_wrong_clock(own: House, quiet_log: list[dict[str, str]]) -> None:
    """The page names the clock and whom to tell; the log says by how much, and in which direction."""
    clinician = own.clinician()[0]
    own.ahead = OFF

    page = clinician.open(own.launch_url(clinician))

    (detail,) = {entry["detail"] for entry in quiet_log if entry.get("code") == "ehr.clock"}
    assert (page.status, code_of(page)) == (503, "ehr.clock")
    assert "The clock of this application differs" in page.text
    assert detail in (f"the EHR's clock is {seconds} s behind ours" for seconds in (600, 601))


def test_forms_wait_until_the_clock_is_right(make_house: Callable[..., House]) -> None:
    """They are tried again, with one request for a token for all, and delivered then; none is held as refused."""
    house = make_house(change=granting(WRITES))
    receipts = [sent(house)[1], sent(house, THOMAS)[1]]
    leave(house)
    house.ahead = OFF
    before = len(house.traffic)

    house.deliver()
    waiting, asked = [state(house, receipt) for receipt in receipts], [call[1:3] for call in house.traffic][before:]
    house.ahead = timedelta()
    later = datetime.now(UTC) + 2 * OFF
    for _ in range(2):
        house.services.courier.deliver_due(later)

    assert waiting == [("accepted", "ehr.clock")] * 2
    assert asked == [("/auth/token", 401)]
    assert [state(house, receipt) for receipt in receipts] == [("delivered", None)] * 2
