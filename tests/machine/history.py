"""What must be true at the end: receipts == chart + held, nothing else, and each as it was accepted."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from fhir_alliance.audit import verify
from fhir_alliance.tables import attempts, submissions
from tests.prepared import Reviewed

RESPONSE, OBSERVATION = "QuestionnaireResponse", "Observation"


@dataclass(kw_only=True)
class History:
    """What a run came to; `faults` are sentences, empty when everything is as it must be."""

    accepted: int = 0
    delivered: int = 0
    held: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicated: int = 0
    wrong_patient: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, duplicated, misfiled or changed."""
        return not (self.lost or self.duplicated or self.wrong_patient or self.faults)

    def lines(self) -> Iterable[str]:
        """Yield the figures, one a line."""
        yield f"accepted {self.accepted:,}, delivered {self.delivered:,}, held {self.held.total():,}"
        if self.held:
            yield "held: " + ", ".join(f"{count} {reason}" for reason, count in self.held.most_common())
        yield f"lost {self.lost}, duplicated {self.duplicated}, wrong patient {self.wrong_patient}"
        yield from self.faults[:20]


def chart_of(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every response and Observation that the EHR holds, by the submission that its identifier names."""
    found = defaultdict(list)
    query = "SELECT content FROM resource WHERE type IN (?, ?)"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for (content,) in connection.execute(query, (RESPONSE, OBSERVATION)):
            resource = json.loads(content)
            found[submission_of(resource)].append(resource)
    return found


def submission_of(resource: Mapping[str, Any]) -> str:
    """Return the key of the submission that a resource came from."""
    if resource["resourceType"] == RESPONSE:
        return str(resource["identifier"]["value"]).removeprefix("urn:uuid:")
    return str(resource["identifier"][0]["value"]).partition(".")[0]


def check(receipts: Mapping[str, Reviewed], engine: Engine, database: Path, posts: Mapping[str, int]) -> History:
    """Compare the receipts that people have seen with the store and with the chart (I1-I6)."""
    chart, history = chart_of(database), History(accepted=len(receipts))
    with engine.connect() as connection:
        rows = {row.key: row for row in connection.execute(select(submissions))}
        sent = dict(
            connection.execute(select(attempts.c.submission, func.count()).group_by(attempts.c.submission)).all()
        )
        history.faults += verify(connection)
    for key, form in receipts.items():
        row, resources = rows.get(key), chart.pop(key, [])
        if row is None or row.state not in ("delivered", "held", "rejected"):
            history.lost += 1
            continue
        if row.state == "delivered":
            history.delivered += 1
            history.lost += not any(each["resourceType"] == RESPONSE for each in resources)
        else:
            history.held[row.reason] += 1
        _check_written(history, form, resources)
    history.faults += [f"{key}: in the chart without a receipt" for key in chart if key not in receipts]
    history.faults += [f"{key}: sent without being written down" for key in posts if posts[key] > sent.get(key, 0)]
    return history


def _check_written(history: History, form: Reviewed, resources: list[dict[str, Any]]) -> None:
    """Compare what one submission has left in the chart with what was accepted (I2, I3, I4)."""
    each = Counter(json.dumps(resource["identifier"], sort_keys=True) for resource in resources)
    history.duplicated += any(count > 1 for count in each.values())
    subject = {"reference": f"Patient/{form.patient}"}
    history.wrong_patient += any(resource["subject"] != subject for resource in resources)
    responses = [resource for resource in resources if resource["resourceType"] == RESPONSE]
    if any(answers_in(response) != form.answers for response in responses):
        history.faults.append(f"{form.key}: other answers than were accepted")
    if responses and len(resources) - len(responses) != 2 * len(responses):
        history.faults.append(f"{form.key}: {len(resources) - len(responses)} Observations instead of 2")


def answers_in(response: Mapping[str, Any]) -> dict[str, str]:
    """Return the chosen options of a response by question; hidden scores have none."""
    found: dict[str, str] = {}
    items = list(response.get("item", []))
    while items:
        item = items.pop()
        items += item.get("item", [])
        for answer in item.get("answer", ()):
            items += answer.get("item", [])
            if "valueCoding" in answer:
                found[item["linkId"]] = answer["valueCoding"]["code"]
    return found
