"""Observations as the Results tab orders them."""

from typing import Any

from smart_app.sandbox.chart.results import Day, result_days, result_groups


def _observation(observation_id: str, at: str = "2026-11-12T09:00:00Z", **more: Any) -> dict[str, Any]:
    base = {"resourceType": "Observation", "id": observation_id, "status": "final", "code": {"text": observation_id}}
    return base | {"effectiveDateTime": at} | more


def _members(*ids: str) -> list[dict[str, str]]:
    return [{"reference": f"Observation/{member}"} for member in ids]


def _name_of(reference: dict[str, Any]) -> str:
    return f"name of {reference.get('reference')}"


def _days(observations: list[dict[str, Any]], visit: str | None = None) -> list[Day]:
    return result_days(observations, name_of=_name_of, visit=visit)


def test_members_stand_under_their_panel_in_its_order() -> None:
    """A panel is followed by its members, one step in, in the order the panel names them."""
    panel = _observation("panel", hasMember=_members("b", "a"))

    [group] = result_groups([_observation("a"), _observation("b"), panel], name_of=_name_of)

    assert [(row.id, row.depth, row.panel) for row in group] == [("panel", 0, True), ("b", 1, False), ("a", 1, False)]


def test_panels_inside_panels_and_circles_end() -> None:
    """Panels may hold panels; a member that is missing, or the panel itself, is not followed."""
    outer = _observation("outer", hasMember=_members("inner", "gone"))
    inner = _observation("inner", hasMember=[*_members("leaf", "inner"), {"reference": "DocumentReference/x"}])

    [group] = result_groups([outer, inner, _observation("leaf")], name_of=_name_of)

    assert [(row.id, row.depth) for row in group] == [("outer", 0), ("inner", 1), ("leaf", 2)]


def test_days_and_results_are_newest_first() -> None:
    """Results are grouped by day, the newest day first, and within a day the newest result first."""
    observations = [
        _observation("early", "2026-11-12T08:00:00Z"),
        _observation("newest", "2026-11-13T08:00:00Z"),
        _observation("late", "2026-11-12T10:00:00Z"),
    ]

    days = _days(observations)

    assert [(day.label, [group[0].id for group in day.groups]) for day in days] == [
        ("Fri 13 Nov 2026", ["newest"]),
        ("Thu 12 Nov 2026", ["late", "early"]),
    ]


def test_day_of_the_visit_is_marked() -> None:
    """Only a day with a result of the visit is marked, and none when there is no visit."""
    observations = [
        _observation("now", "2026-11-13T08:00:00Z", encounter={"reference": "Encounter/v2"}),
        _observation("before", "2026-11-12T08:00:00Z", encounter={"reference": "Encounter/v1"}),
    ]

    assert [day.of_visit for day in _days(observations, "v2")] == [True, False]
    assert [day.of_visit for day in _days(observations)] == [False, False]


def test_row_says_what_the_observation_says() -> None:
    """Value, status, performer, source, components and notes are all there in words."""
    observation = _observation(
        "x",
        status="entered-in-error",
        valueQuantity={"value": 7, "unit": "score"},
        performer=[{"reference": "Patient/p"}],
        derivedFrom=[{"reference": "QuestionnaireResponse/r"}, {"reference": "Observation/o"}],
        component=[
            {"code": {"text": "Items"}, "valueInteger": 6},
            {"code": {"text": "Mood"}, "dataAbsentReason": {"coding": [{"code": "not-asked"}]}},
        ],
        note=[{"text": "As told."}],
    )

    [[row]] = result_groups([observation], name_of=_name_of)

    assert (row.value, row.status, row.struck) == ("7 score", "Entered in error", True)
    assert row.performers == "name of Patient/p"
    assert row.sources == (("name of QuestionnaireResponse/r", "r"), ("name of Observation/o", ""))
    assert row.details == ("Items: 6", "Mood: not asked", "As told.")


def test_note_of_the_panel_is_said_once() -> None:
    """A note that the panel carries already is not repeated on its members."""
    panel = _observation("panel", hasMember=_members("a"), note=[{"text": "Same."}])
    member = _observation("a", note=[{"text": "Same."}, {"text": "Own."}])

    [group] = result_groups([panel, member], name_of=_name_of)

    assert [row.details for row in group] == [("Same.",), ("Own.",)]


def test_result_with_next_to_nothing_is_still_shown() -> None:
    """An Observation with only an id still gets a row, under "no date"."""
    [day] = _days([{"resourceType": "Observation", "id": "bare"}])

    assert day.label == "no date"
    assert (day.groups[0][0].name, day.groups[0][0].status) == ("Unnamed result", "Unknown")


def test_period_counts_from_its_start() -> None:
    """A result over a period stands on the day the period began."""
    observation = _observation("x", effectivePeriod={"start": "2026-10-01", "end": "2026-10-09"})
    del observation["effectiveDateTime"]

    assert [day.label for day in _days([observation])] == ["Thu 1 Oct 2026"]
