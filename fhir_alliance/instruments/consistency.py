"""Whether the parts of a definition fit each other, and its words fit it; every fault by its path."""

from collections.abc import Iterable, Mapping
from typing import Any

Faults = dict[Any, Any]

# The one form, and its one section, of an instrument that has no parts.
ALL = "all"

# What a definition states as fact about an instrument of somebody else; each needs its evidence.
_FACTS = ("items", "answers", "reversed", "scores", "codes", "precision")

# What a code of others can stand for beside the scores: the instrument as a whole.
PANEL = "panel"


def item_ids(definition: Mapping[str, Any]) -> list[str]:
    """Return the linkIds of the scored items in their order; numbered items are 1, 2, 3 and so on."""
    if "numbered" in definition:
        return [str(number) for number in range(1, definition["numbered"] + 1)]
    return _ids(definition["items"])


def definition_faults(data: Mapping[str, Any]) -> Faults:
    """Return what does not fit within one definition."""
    items, questions = item_ids(data), _ids(data["questions"])
    known = {*items, *questions}
    faults: Faults = {}
    _note(faults, _repeated("items", items + questions), _repeated("forms", _ids(data["forms"])))
    _note(faults, _repeated("scores", _ids(data["scores"])), _reversed(data, set(items)))
    _note(faults, _unknown("forms", data["forms"], known), _unknown("scores", data["scores"], set(items)))
    _note(faults, _weights(data["scores"]), _advice(data))
    _note(faults, _thresholds(data["scores"]), _conditions(data["questions"]), _facts(data["raw_facts"], known))
    _note(
        faults,
        _evidence(data),
        _codes(data),
        _precision(data),
        {"alert_items": [f"{name} is not an item" for name in data["alert_items"] if name not in known]},
    )
    return faults


def wording_faults(definition: Mapping[str, Any], words: Mapping[str, Any]) -> Faults:
    """Return what the definition asks for and the words do not say, and what they say too much."""
    questions = definition["questions"]
    asked = [*definition.get("items", ()), *questions]
    answers = definition["answers"]
    named = {option["code"] for option in answers.get("options", ())}
    if answers["kind"] == "numbers":
        # Numbers are their own words; a form that prints words beside them prints one for each.
        numbers = {str(number) for number in range(answers["minimum"], answers["maximum"] + 1)}
        named = numbers if numbers & words["options"].keys() else set()
    expected = {
        "sections": {item["section"] for item in asked} or {ALL},
        "forms": set(_ids(definition["forms"])) or {ALL},
        "raters": set(definition["raters"]),
        "instructions": set(definition["raters"]),
        "items": {*item_ids(definition), *_ids(questions)},
        "options": named | {code for question in questions for code in question["options"]},
    }
    if "scores" in words:
        expected["scores"] = set(_ids(definition["scores"]))
    faults: Faults = {}
    for part, names in expected.items():
        _note(faults, _difference((part,), names, words[part]))
    for part, names in (("headings", expected["raters"]), ("item_anchors", set(item_ids(definition)))):
        # These may be left out, one by one.
        _note(faults, _difference((part,), names & words[part].keys(), words[part]))
    order = [*item_ids(definition), *_ids(questions)]
    if not faults and list(words["items"]) != order:
        _note(faults, {"items": {"_schema": ["stand in another order than the definition asks them"]}})
    for name, texts in words["items"].items():
        _note(faults, _difference(("items", name), set(definition["raters"]), texts))
    return faults


def _difference(path: tuple[str, ...], names: set[str], given: Mapping[str, Any]) -> Faults:
    lacking, extra = sorted(names - given.keys()), sorted(given.keys() - names)
    faults: Any = [f"has no words for {name}" for name in lacking]
    faults += [f"{name} is not in the definition" for name in extra]
    for part in reversed(path if faults else ()):
        faults = {part: faults}
    return faults or {}


def _ids(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [entry["id"] for entry in entries]


def _note(faults: Faults, *found: Mapping[Any, Any]) -> None:
    """Merge nested fault mappings, so that no fault hides another."""
    for more in found:
        for key, value in more.items():
            if isinstance(value, Mapping):
                merged = faults.get(key, {})
                _note(merged, value)
                if merged:
                    faults[key] = merged
            elif value:
                faults.setdefault(key, []).extend(value)


def _repeated(part: str, names: list[str]) -> Faults:
    twice = sorted({name for name in names if names.count(name) > 1})
    return {part: {"_schema": [f"{name} occurs more than once" for name in twice]}}


def _reversed(data: Mapping[str, Any], items: set[str]) -> Faults:
    faults = [f"{name} is not an item" for name in data["reversed"] if name not in items]
    if data["reversed"] and data["answers"]["kind"] == "visual-analogue":
        faults.append("a visual analogue line is not reversed: give its ends the other way round")
    return {"reversed": faults}


def _advice(data: Mapping[str, Any]) -> Faults:
    return {
        "forms": {
            index: {"advised": [f"{rater} is not asked" for rater in form["advised"] if rater not in data["raters"]]}
            for index, form in enumerate(data["forms"])
        }
    }


def _unknown(part: str, entries: list[Mapping[str, Any]], known: set[str]) -> Faults:
    return {
        part: {
            index: {
                "items": [f"{name} is not an item" for name in entry["items"] if name not in known]
                + [f"{name} occurs more than once" for name in set(entry["items"]) if entry["items"].count(name) > 1]
            }
            for index, entry in enumerate(entries)
        }
    }


def _weights(scores: list[Mapping[str, Any]]) -> Faults:
    """Let every weight be for an item of its own scale, and no item have two."""
    return {"scores": {index: {"weights": _weights_of(score)} for index, score in enumerate(scores)}}


def _weights_of(score: Mapping[str, Any]) -> Faults:
    weighed: set[str] = set()
    faults: Faults = {}
    for index, entry in enumerate(score["weights"]):
        found = [f"{name} is not in the scale" for name in entry["items"] if name not in score["items"]]
        for name in entry["items"]:
            if name in weighed:
                found.append(f"{name} has a weight already: weights may not overlap")
            weighed.add(name)
        faults[index] = {"items": found}
    return faults


def _thresholds(scores: list[Mapping[str, Any]]) -> Faults:
    return {
        "scores": {
            index: {"min_answered": [f"is more than the {len(score['items'])} items of the scale"]}
            for index, score in enumerate(scores)
            if score["min_answered"] > len(score["items"])
        }
    }


def _conditions(questions: list[Mapping[str, Any]]) -> Faults:
    """Let a question depend only on one asked before it, so that no cycle can arise."""
    options: dict[str, set[str]] = {}
    faults: dict[int, Any] = {}
    for index, question in enumerate(questions):
        condition = question.get("enabled_by")
        if condition and not set(condition["any_of"]) <= options.get(condition["question"], set()):
            faults[index] = {"enabled_by": ["names no option of a question asked before it"]}
        options[question["id"]] = set(question["options"])
    return {"questions": faults}


def _facts(facts: list[Mapping[str, Any]], known: set[str]) -> Faults:
    return {
        "raw_facts": {
            index: ["needs a known item and exactly one of at_most and any_of"]
            for index, fact in enumerate(facts)
            if fact["item"] not in known or ("at_most" in fact) == ("any_of" in fact)
        }
    }


def _codes(data: Mapping[str, Any]) -> Faults:
    known = {PANEL, *_ids(data["scores"])}
    return {
        "codes": {
            index: {"for": ["is neither panel nor a score"]}
            for index, code in enumerate(data["codes"])
            if code["of"] not in known
        }
    }


def _precision(data: Mapping[str, Any]) -> Faults:
    """Let figures be of a score that there is, by a rater who is asked, and of one only once."""
    faults: dict[int, Any] = {}
    known: set[tuple[str, str]] = set()
    for index, each in enumerate(data["precision"]):
        whose = (each["rater"], each["score"])
        if each["score"] not in _ids(data["scores"]) or each["rater"] not in data["raters"]:
            faults[index] = {"score": [f"is no score by a {each['rater']}"]}
        elif whose in known:
            faults[index] = {"score": ["has its figures already"]}
        known.add(whose)
    return {"precision": faults}


def _evidence(data: Mapping[str, Any]) -> Faults:
    """Let nothing that is only remembered be published: such a definition stays a draft."""
    stated = [fact for fact in _FACTS if data.get(fact) or (fact == "items" and "numbered" in data)]
    faults: Faults = {fact: ["has no evidence"] for fact in stated if fact not in data["evidence"]}
    if data["status"] != "draft":
        faults |= {
            fact: {"tag": ["is only remembered (M), so the definition must be a draft"]}
            for fact, known in data["evidence"].items()
            if known["tag"] == "M"
        }
    return {"evidence": faults}
