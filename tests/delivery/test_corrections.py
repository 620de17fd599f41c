"""A form that is changed or taken back, at every point of its way into the chart."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from fhir_alliance.audit import verify
from fhir_alliance.delivery.correcting import Cause, Correction
from fhir_alliance.delivery.receipts import State, UnknownReceipt
from fhir_alliance.errors import CorrectionRefused, SubmissionConflict
from fhir_alliance.tables import audit
from tests.delivery.corrected import (
    FORM,
    MARIA,
    ONE_SET,
    ONE_STORE,
    SECOND,
    SEVENS,
    THIRD,
    Change,
    answered,
    core_score,
)

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site


def test_f33_other_answers_are_a_new_version(site: "Site", ehr: "FakeEhr", send: Any, amend: Change) -> None:
    """In the chart the same resources are amended: new answers and scores, each at the time of the first (F33, O20)."""
    send()
    site.deliver()
    before = core_score(ehr)

    amend()
    site.deliver()

    after, response = core_score(ehr), ehr.only("QuestionnaireResponse")
    assert site.standing(SECOND) == ("delivered", None)
    assert ehr.statuses() == ["amended"]
    assert (ehr.count(), len(ehr.posts)) == ({**ONE_SET, "Provenance": 2}, 1)
    assert (before["valueQuantity"]["value"], after["valueQuantity"]["value"]) == (7, 9)
    assert after["effectiveDateTime"] == before["effectiveDateTime"] < response["authored"]
    assert (after["id"], after["meta"]["versionId"]) == (before["id"], "2")
    assert {each["answer"][0]["valueCoding"]["code"] for each in answered(response)} == {"9"}


def test_f34_taken_back_is_entered_in_error(site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change) -> None:
    """Response, scores and panel are marked and nothing is deleted; the trail and the chart say who and why (F34)."""
    send()
    site.deliver()

    withdraw()
    site.deliver()

    with site.engine.connect() as connection:
        rows = connection.execute(select(audit.c.event, audit.c.actor, audit.c.outcome)).all()
        assert verify(connection) == []
    provenance = ehr.resources["Provenance"]["provenance-2"]
    assert site.standing(SECOND) == ("delivered", None)
    assert (ehr.statuses(), ehr.count()) == (["entered-in-error"], {**ONE_SET, "Provenance": 2})
    assert ("submission.withdrawn", "Practitioner/ada-okafor", "wrong-person") in rows
    assert provenance["agent"][0]["who"]["reference"] == "Practitioner/ada-okafor"
    assert len(provenance["target"]) == 8


@pytest.mark.parametrize("refused", [False, True], ids=["waiting", "refused"])
def test_what_was_never_sent_is_never_sent(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change, refused: bool
) -> None:
    """Taken back before anything left us, or after the EHR had plainly refused it: at once, and nothing is sent."""
    send()
    ehr.refuses = lambda bundle: 422
    if refused:
        site.deliver()

    receipt = withdraw()
    site.deliver(days=1)

    with site.engine.connect() as connection:
        events = connection.execute(select(audit.c.event).where(audit.c.request_id == FORM)).scalars().all()
    assert (receipt.state, receipt.reason) == (State.DELIVERED, "never-sent")
    assert events[-1] == "submission.replaced"
    assert site.standing(FORM) == ("replaced", None)
    assert (len(ehr.posts) > 0, ehr.puts) == (refused, [])


@ONE_STORE
@pytest.mark.parametrize("status", [409, 412])
def test_conflict_is_no_proof_that_nothing_is_there(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change, status: int
) -> None:
    """What the EHR says it has already, or has twice, may be ours: it is not given up as never sent (F09)."""
    send()
    ehr.refuses = lambda bundle: status
    site.deliver()

    receipt = withdraw()

    assert (receipt.state, site.standing(FORM)) == (State.ACCEPTED, ("held", "conflict"))


def test_f33_changed_before_it_was_sent(site: "Site", ehr: "FakeEhr", send: Any, amend: Change) -> None:
    """Only the other answers are ever written, as a form of their own, and nothing in the chart says amended."""
    send()

    amend()
    site.deliver()

    assert [site.standing(key) for key in (FORM, SECOND)] == [("replaced", None), ("delivered", None)]
    assert (ehr.statuses(), ehr.count()) == (["completed", "final"], ONE_SET)
    assert core_score(ehr)["valueQuantity"]["value"] == 9


@pytest.mark.parametrize("point", ["patient-read", "after-the-send"])
def test_changed_while_a_worker_has_it_in_hand(
    site: "Site", ehr: "FakeEhr", send: Any, amend: Change, point: str
) -> None:
    """Before the send the worker stops, after it the chart is corrected; in both only the newest answers stand."""
    send()
    if point == "patient-read":
        ehr.on_patient_read = amend
    else:
        ehr.refuses = lambda bundle: None if ehr.puts else amend() and None

    site.deliver()
    ehr.refuses = lambda bundle: None
    site.deliver(minutes=10)

    sent_first = point != "patient-read"
    assert site.standing(FORM)[0] == ("delivered" if sent_first else "replaced")
    assert site.standing(SECOND) == ("delivered", None)
    assert len(ehr.posts) == 1
    assert (core_score(ehr)["valueQuantity"]["value"], len(ehr.puts)) == (9, 8 if sent_first else 0)


def test_several_corrections_follow_each_other(
    site: "Site", ehr: "FakeEhr", send: Any, amend: Change, withdraw: Change
) -> None:
    """Changed, delivered, changed again, then taken back: each comes after the one before it."""
    send()
    site.deliver()
    amend()
    site.deliver()
    eights = {str(item): "8" for item in range(1, 12)}

    amend(eights, key=THIRD, seen=2)
    withdraw(key=str(UUID(int=4)), seen=3)
    site.deliver()

    assert [site.standing(key)[0] for key in (SECOND, THIRD, str(UUID(int=4)))] == [
        "delivered",
        "replaced",
        "delivered",
    ]
    assert (ehr.statuses(), core_score(ehr)["valueQuantity"]["value"]) == (["entered-in-error"], 9)


@ONE_STORE
def test_score_that_is_none_any_more_says_why(site: "Site", ehr: "FakeEhr", send: Any, amend: Change) -> None:
    """Too few answers are left: the score's number goes and its reason for absence comes, on the same resource."""
    send()
    site.deliver()
    before = core_score(ehr)

    amend({"1": "7"}, skipped=frozenset(SEVENS) - {"1"})
    site.deliver()

    after = ehr.resources["Observation"][before["id"]]
    assert site.standing(SECOND) == ("delivered", None)
    assert (after["status"], after["dataAbsentReason"]["coding"][0]["code"]) == ("amended", "asked-declined")
    assert "valueQuantity" not in after


EDITS: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda one: {**one, "note": [{"text": "Discussed with the patient."}]},
    lambda one: {**one, "status": "corrected"},
    lambda one: {**one, "valueQuantity": {**one["valueQuantity"], "value": 3}},
]


@ONE_STORE
@pytest.mark.parametrize("edit", EDITS, ids=["comment", "status", "value"])
def test_f17_foreign_edit_is_never_overwritten(
    site: "Site", ehr: "FakeEhr", send: Any, amend: Change, edit: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Somebody has changed a score in the chart: nothing of the correction is written, and a person looks (F17)."""
    send()
    site.deliver()
    theirs = edit(core_score(ehr))
    ehr.edit(theirs)

    amend()
    site.deliver()

    kept = ehr.resources["Observation"][theirs["id"]]
    assert {**kept, "meta": 0} == {**theirs, "meta": 0}
    assert (site.standing(SECOND), ehr.puts) == (("held", "changed-in-chart"), [])


@ONE_STORE
def test_foreign_edit_between_the_look_and_the_update(site: "Site", ehr: "FakeEhr", send: Any, amend: Change) -> None:
    """The version is the condition of every update: a change that slips in is seen, and their text stands (F17)."""
    send()
    site.deliver()
    panel = next(each for each in ehr.resources["Observation"].values() if "hasMember" in each)

    def slip_in(resource: dict[str, Any]) -> None:
        if resource["id"] == panel["id"]:
            ehr.edit({**panel, "note": [{"text": "Theirs."}]})

    ehr.before_put = slip_in
    amend()
    site.deliver()

    assert site.standing(SECOND) == ("held", "changed-in-chart")
    assert ehr.resources["Observation"][panel["id"]]["note"] == [{"text": "Theirs."}]


@ONE_STORE
def test_version_that_moved_without_a_change_is_tried_again(
    site: "Site", ehr: "FakeEhr", send: Any, amend: Change
) -> None:
    """A server that counted a version of its own: the refused update is made later, with the version of then."""
    send()
    site.deliver()
    response = ehr.only("QuestionnaireResponse")
    moves = iter([response])
    ehr.before_put = lambda resource: [ehr.edit(each) for each in moves]
    amend()

    site.deliver()
    first = site.standing(SECOND)
    site.deliver(minutes=15)

    assert first == ("unknown", "conflict")
    assert (site.standing(SECOND), ehr.statuses()) == (("delivered", None), ["amended"])


@ONE_STORE
@pytest.mark.parametrize("status", [None, 500, 200])
@pytest.mark.parametrize("commit", [True, False])
def test_lost_answer_in_the_middle_is_made_good(
    site: "Site",
    ehr: "FakeEhr",
    send: Any,
    amend: Change,
    make_fault: Callable[..., Any],
    status: int | None,
    commit: bool,
) -> None:
    """Half of it is corrected and one answer is lost: the next try makes what is left, and nothing twice (F10)."""
    send()
    site.deliver()
    ehr.put_faults.extend([None, None, make_fault(status=status, commit=commit)])
    amend()

    site.deliver()
    site.deliver(minutes=15)

    versions = {each["meta"]["versionId"] for each in ehr.resources["Observation"].values()}
    assert (site.standing(SECOND), ehr.statuses(), versions) == (("delivered", None), ["amended"], {"2"})


@ONE_STORE
@pytest.mark.parametrize(
    ("status", "standing"),
    [
        (403, ("held", "no-updates")),
        (405, ("held", "no-updates")),
        (501, ("held", "no-updates")),
        (404, ("held", "gone-from-chart")),
        (410, ("held", "gone-from-chart")),
        (412, ("held", "conflict")),
        (422, ("rejected", "invalid")),
        (503, ("unknown", "ehr.refused")),
    ],
)
def test_refused_update(
    site: "Site",
    ehr: "FakeEhr",
    send: Any,
    withdraw: Change,
    make_fault: Callable[..., Any],
    status: int,
    standing: tuple[str, str],
) -> None:
    """An EHR that does not take the change: a person is told what to do there, or it is tried again."""
    send()
    site.deliver()
    ehr.put_faults.append(make_fault(status=status))
    withdraw()

    site.deliver()

    assert site.standing(SECOND) == standing


@ONE_STORE
@pytest.mark.parametrize(
    ("kind", "status"), [("QuestionnaireResponse", 410), ("QuestionnaireResponse", None), ("Observation", None)]
)
def test_what_is_gone_is_not_made_again(
    site: "Site", ehr: "FakeEhr", send: Any, amend: Change, make_fault: Callable[..., Any], kind: str, status: Any
) -> None:
    """What the chart no longer has is not written a second time: a person looks."""
    send()
    site.deliver()
    gone = next(iter(ehr.resources[kind]))
    if status:
        ehr.read_faults[f"{kind}/{gone}"] = make_fault(status=status)
    else:
        del ehr.resources[kind][gone]

    amend()
    site.deliver()

    assert (site.standing(SECOND), ehr.puts, len(ehr.posts)) == (("held", "gone-from-chart"), [], 1)


@ONE_STORE
def test_resource_without_a_version_is_left_alone(site: "Site", ehr: "FakeEhr", send: Any, amend: Change) -> None:
    """Where the EHR does not count versions nobody could tell whose change would be lost."""
    send()
    site.deliver()
    for each in ehr.resources["Observation"].values():
        del each["meta"]["versionId"]

    amend()
    site.deliver()

    assert (site.standing(SECOND), ehr.puts) == (("held", "no-updates"), ["QuestionnaireResponse"])


@ONE_STORE
def test_answer_that_does_not_hold_is_not_called_corrected(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change, make_fault: Callable[..., Any]
) -> None:
    """A yes without a change is unknown until it reads back (I5)."""
    send()
    site.deliver()
    ehr.put_faults.append(make_fault(status=200))
    withdraw()

    site.deliver()

    assert site.standing(SECOND) == ("unknown", "not-read-back")


@ONE_STORE
@pytest.mark.parametrize(
    ("change", "standing"),
    [
        ({"status": "cancelled"}, ("held", "changed-by-ehr")),
        ({"meta": {"versionId": "7"}}, ("delivered", "label-dropped")),
    ],
)
def test_ehr_that_keeps_something_else(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change, change: dict[str, Any], standing: tuple[str, str]
) -> None:
    """What the EHR made of a correction is compared too."""
    send()
    site.deliver()
    ehr.before_put = lambda resource: None
    replace_it = ehr.replace
    ehr.replace = lambda resource, if_match: replace_it({**resource, **change}, if_match)  # type: ignore[method-assign]
    if "meta" in change:
        ehr.edit = ehr.put  # type: ignore[method-assign]

    withdraw()
    site.deliver()

    assert site.standing(SECOND) == standing


def test_same_key_twice_is_one_correction(site: "Site", send: Any, amend: Change, withdraw: Change) -> None:
    """A double click gets the first receipt; the same key with other answers is refused (F31)."""
    send()
    first = amend()

    again = amend()

    assert again == first
    with pytest.raises(SubmissionConflict):
        amend(SEVENS)
    with pytest.raises(SubmissionConflict):
        withdraw(key=SECOND)
    taken = withdraw(key=THIRD, seen=2)
    assert withdraw(key=THIRD, seen=2) == taken


def test_second_tab_does_not_overwrite_the_first(site: "Site", send: Any, amend: Change, withdraw: Change) -> None:
    """Whoever corrects a version that somebody has corrected since is told; what is taken back stays so (F30)."""
    send()
    amend()

    with pytest.raises(CorrectionRefused):
        amend(SEVENS, key=THIRD)
    withdraw(key=THIRD, seen=2)
    with pytest.raises(CorrectionRefused):
        amend(SEVENS, key=str(UUID(int=4)), seen=3)


def test_nobody_corrects_another_patients_form(site: "Site", send: Any, withdraw: Change) -> None:
    """For another patient, or at another EHR, the form does not exist (T45, T47)."""
    send()

    with pytest.raises(UnknownReceipt):
        withdraw(patient="thomas-reyes")
    with pytest.raises(UnknownReceipt):
        withdraw(ehr="bay")
    with pytest.raises(UnknownReceipt):
        site.corrections.newest(FORM, ehr="harbor", patient="thomas-reyes")
    assert site.corrections.newest(FORM, **MARIA).key == FORM


@ONE_STORE
def test_server_that_forgets_is_no_foreign_edit(site: "Site", ehr: "FakeEhr", send: Any, amend: Change) -> None:
    """Elements that an EHR drops without a word are not there for anybody to have changed (F20)."""
    dropped = ("method", "note", "component", "language", "issued")
    ehr.change = lambda resource: [resource.pop(name, None) for name in dropped]
    send()
    site.deliver()

    amend()
    site.deliver()

    assert (site.standing(SECOND), ehr.statuses()) == (("delivered", None), ["amended"])


@ONE_STORE
def test_patient_who_changed_is_held(site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change) -> None:
    """Also a correction is written only for the patient as shown (F35)."""
    send()
    site.deliver()
    ehr.put({**ehr.resources["Patient"]["maria-lopez"], "birthDate": "1999-01-01"})

    withdraw()
    site.deliver()

    assert (site.standing(SECOND), ehr.puts) == (("held", "patient-changed"), [])


@ONE_STORE
def test_provenance_that_is_refused_changes_nothing(site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change) -> None:
    """Without the permission nothing is said, and the correction is delivered all the same."""
    send()
    site.deliver()
    grant = site.grant(scopes="patient/Observation.crus")
    asked = Correction(form_key=FORM, seen=1, cause=Cause.CHANGED_MIND, asked_by="Patient/maria-lopez")

    site.corrections.withdraw(SECOND, asked, **MARIA, launch="launch-9", grant=grant)
    site.deliver()

    assert (site.standing(SECOND), ehr.count()["Provenance"]) == (("delivered", None), 1)
