"""What people were told is safe: one form with its versions, against what the store and the chart say of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from fhir_alliance.records.submission import Submission
from tests.machine.clinic import bundle_of
from tests.machine.history import RESPONSE, answers_in

STRUCK = "entered-in-error"
Resources = Iterable[Mapping[str, Any]]


@dataclass(kw_only=True)
class Form:
    """One form of a patient: `versions` by the key of each receipt, oldest first; None is that it was taken back."""

    first: Submission
    versions: dict[str, Submission | None] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key that all versions share in the chart."""
        return self.first.key

    @property
    def patient(self) -> str:
        """The patient's id."""
        return self.first.patient.id

    @property
    def newest(self) -> str:
        """The key of the newest receipt."""
        return list(self.versions)[-1]

    @property
    def taken_back(self) -> bool:
        """Whether the newest version says that it is no more."""
        return self.versions[self.newest] is None

    @property
    def size(self) -> int:
        """How many resources it has in a chart."""
        return len(_resources(self.first))

    def check(self, resources: list[dict[str, Any]]) -> None:
        """Assert that each resource is there once, of the patient shown, and as some version says (I2, I3, I4)."""
        given = [each for each in self.versions.values() if each]
        assert max(Counter(str(each["identifier"]) for each in resources).values()) == 1
        assert {each["subject"]["reference"] for each in resources} == {self.first.patient.reference}
        told = {(_name(each), _value(each)) for version in given for each in _resources(version)}
        assert {(_name(each), _value(each)) for each in resources} <= told
        assert all(self._may_be(each["status"]) for each in resources)
        answers = [version.answers.given for version in given]
        assert all(answers_in(each) in answers for each in resources if each["resourceType"] == RESPONSE)

    def check_newest(self, resources: list[dict[str, Any]]) -> None:
        """Assert that the chart says what the newest version says (F33, F34)."""
        newest = self.versions[self.newest]
        if newest is None:
            assert {each["status"] for each in resources} <= {STRUCK}
            return
        assert len(resources) == self.size
        assert STRUCK not in {each["status"] for each in resources}
        assert {(_name(each), _value(each)) for each in resources} == {
            (_name(each), _value(each)) for each in _resources(newest)
        }
        (response,) = (each for each in resources if each["resourceType"] == RESPONSE)
        assert answers_in(response) == newest.answers.given

    def _may_be(self, status: str) -> bool:
        corrected = len(self.versions) > 1
        return status in ("completed", "final") or (corrected and status == "amended") or self._may_be_struck(status)

    def _may_be_struck(self, status: str) -> bool:
        return status == STRUCK and self.taken_back


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["identifier"])


def _value(resource: Mapping[str, Any]) -> str:
    return str(resource.get("valueQuantity"))


def _resources(submission: Submission) -> list[dict[str, Any]]:
    entries = orjson.loads(bundle_of(submission))["entry"]
    return [each["resource"] for each in entries if each["resource"]["resourceType"] in (RESPONSE, "Observation")]
