"""How often one address may ask: a clinic behind it is not slowed down, who guesses is (T71)."""

from .house import House, Person


def test_a_waiting_room_may_type_its_codes(own: House) -> None:
    """Twelve right codes from one address within a minute each lead to the form."""
    enter = Person().open(own.url("/handover/"))
    seen = [Person().submit(enter, enter.forms[0], code=own.code(*own.clinician())[1]).status for _ in range(12)]

    assert seen == [200] * 12


def test_two_hundred_clinicians_behind_one_address_launch(house: House) -> None:
    """Two hundred launches of one address within a minute are all sent on to the EHR."""
    start = house.url(f"/launch?iss={house.site.fhir_base}&launch=x")

    assert {Person().send("GET", start).status_code for _ in range(200)} == {303}


def test_who_is_refused_is_told_when_to_come_back(own: House) -> None:
    """The eleventh wrong code gets 429 with the seconds to wait."""
    person = Person()
    enter = person.open(own.url("/handover/"))

    answers = [person.post(enter, enter.forms[0], code="AAA-AAA") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [*[404] * 10, 429]
    assert answers[-1].headers["Retry-After"] == "60"
