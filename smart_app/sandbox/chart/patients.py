"""The patient list and the Summary, Visits, Results and Notes tabs of a chart."""

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from smart_app.sandbox.chart.access import clinicians_only
from smart_app.sandbox.chart.cards import CardService
from smart_app.sandbox.chart.labels import Resource, value_words
from smart_app.sandbox.chart.moments import read_moment
from smart_app.sandbox.chart.notes import note_file, note_lines
from smart_app.sandbox.chart.record import PatientCard, Record, form_title
from smart_app.sandbox.chart.results import Row, result_days, result_groups
from smart_app.sandbox.chart.session import current_user


class PatientPages:
    """Pages that read one chart, or list all of them."""

    def __init__(self, record: Record, cards: CardService) -> None:
        self._record = record
        self._cards = cards

    @clinicians_only
    def patients(self) -> ResponseReturnValue:
        """List the patients whose name, MRN or therapist holds the words of the filter `q`."""
        wanted = request.args.get("q", "").strip()
        everybody = self._record.patients()
        shown = [card for card in everybody if _matches(card, wanted.casefold().split())]
        return render_template("sandbox/patients.html", patients=shown, wanted=wanted, total=len(everybody))

    @clinicians_only
    def summary(self, patient_id: str) -> ResponseReturnValue:
        """Show who the patient is, who cares for them, the latest value of each result, and the cards of services."""
        patient = self._record.patient(patient_id)
        return render_template(
            "sandbox/summary.html",
            patient=patient,
            cards=self._cards.on_chart_opened(
                user=current_user() or "",
                patient=patient_id,
                encounter=patient.today.id if patient.today else None,
            ),
            care_team=_care_team(self._record, patient_id),
            latest=_latest(self._record, patient_id),
        )

    @clinicians_only
    def visits(self, patient_id: str) -> ResponseReturnValue:
        """Show the patient's visits, newest first."""
        patient = self._record.patient(patient_id)
        return render_template("sandbox/visits.html", patient=patient, visits=self._record.visits(patient_id))

    @clinicians_only
    def results(self, patient_id: str) -> ResponseReturnValue:
        """Show the patient's results by day, newest first."""
        patient = self._record.patient(patient_id)
        days = result_days(
            self._record.observations(patient_id),
            name_of=self._record.name_of,
            visit=patient.today.id if patient.today else None,
        )
        return render_template("sandbox/results.html", patient=patient, days=days)

    @clinicians_only
    def form(self, patient_id: str, response_id: str) -> ResponseReturnValue:
        """Show the answers that results were derived from."""
        patient = self._record.patient(patient_id)
        response = self._record.response(patient_id, response_id)
        if response is None:
            abort(404, "These answers are not in this patient's chart. Go back to the results.")
        return render_template(
            "sandbox/form.html",
            patient=patient,
            title=form_title(response),
            authored=read_moment(response.get("authored")),
            source=self._record.name_of(response["source"]) if "source" in response else "",
            status=response.get("status", ""),
            items=_answered(response.get("item", ()), depth=0),
        )

    @clinicians_only
    def notes(self, patient_id: str) -> ResponseReturnValue:
        """Show the patient's notes, newest first."""
        patient = self._record.patient(patient_id)
        notes = note_lines(self._record.documents(patient_id), name_of=self._record.name_of)
        return render_template("sandbox/notes.html", patient=patient, notes=notes)

    @clinicians_only
    def note_attachment(self, patient_id: str, note_id: str, number: int) -> ResponseReturnValue:
        """Give an attachment of one of the patient's notes to the browser."""
        found = [note_file(each, number) for each in self._record.documents(patient_id) if each["id"] == note_id]
        if not found or found[0] is None:
            abort(404, "This attachment is not in this patient's chart. Go back to the notes.")
        return Response(found[0].content, mimetype=found[0].media_type)


def _matches(card: PatientCard, words: list[str]) -> bool:
    """Return whether every word occurs in what the list shows about the patient."""
    shown = f"{card.name} {card.record_number} {card.therapist}".casefold()
    return all(word in shown for word in words)


def _care_team(record: Record, patient_id: str) -> list[tuple[str, str]]:
    """Return (name, day of the latest visit) of everybody who saw the patient, newest first."""
    latest: dict[str, str] = {}
    for visit in record.visits(patient_id):
        latest.setdefault(visit.therapist, visit.start.day)
    return list(latest.items())


def _latest(record: Record, patient_id: str) -> list[Row]:
    """Return the newest result with a value for each name, by name."""
    groups = result_groups(record.observations(patient_id), name_of=record.name_of)
    rows = [row for group in groups for row in group if row.value and not row.struck]
    return [newest for _, newest in sorted({row.name: row for row in sorted(rows, key=_order)}.items())]


def _order(row: Row) -> float:
    """Return what results are sorted by."""
    return row.moment.order


def _answered(items: list[Resource], *, depth: int) -> list[tuple[int, str, str]]:
    """Return (depth, text, answer in words) of every item of a form, in its order; a group has no answer."""
    lines: list[tuple[int, str, str]] = []
    for item in items:
        inside = item.get("item", [])
        words = ", ".join(value_words(answer) for answer in item.get("answer", ()))
        lines.append((depth, item.get("text") or item.get("linkId", ""), words or ("" if inside else "not answered")))
        lines += _answered(inside, depth=depth + 1)
    return lines
