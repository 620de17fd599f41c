"""Who answers in the room only, asked of the EHR for what reaches patients without anybody's launch (P8)."""

from collections.abc import Sequence
from datetime import date

from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.settings import AgeRule, EhrSettings, Where
from fhir_alliance.visits.young import answering_by_record


class Rooms:
    """Tells it of patients by their ids; where no rule is for the room only, the EHR is not asked."""

    def __init__(self, rules: Sequence[AgeRule], tokens: BackendTokens) -> None:
        self._rules = rules
        self._tokens = tokens
        self._any = any(each.answering.where is Where.ROOM_ONLY for each in rules)

    def only(self, ehr: EhrSettings, patient: str, today: date) -> bool:
        """Whether a patient answers in the room only; raises EhrError while the record does not tell it."""
        if not self._any:
            return False
        record = self._tokens.read(ehr, lambda client: client.read("Patient", patient))
        return answering_by_record(self._rules, record, today).where is Where.ROOM_ONLY
