"""A site's schedule as rules: what its settings say, or else what the instrument of each visit advises."""

from collections.abc import Callable, Iterable, Iterator

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import AskSettings, ScheduleSettings
from fhir_alliance.visits.schedule import AskedForm, Asking, Rule, Schedule, VisitFilter

_EACH_VISIT = Advice(visits=frozenset({1}), then_every=1)


def plan(settings: ScheduleSettings, usual: Instrument, instrument: Callable[[str], Instrument]) -> Schedule:
    """Return the schedule of a site or clinic; `usual` is the instrument of each visit, `instrument` finds one by name.

    Raises what `instrument` raises, and KeyError for a form that an instrument does not have.
    """
    rules = [_rule(ask, instrument) for ask in settings.ask] if settings.ask else list(_advised(usual))
    return Schedule(
        rules=tuple(rules),
        only=VisitFilter(
            kinds=settings.kinds, not_kinds=settings.not_kinds, roles=settings.roles, not_roles=settings.not_roles
        ),
        asking=Asking(settings.asking),
        last_minutes=settings.last_minutes,
        window=settings.window,
    )


def asked_form(form: Form) -> AskedForm:
    """Return a form as a schedule knows it."""
    return AskedForm(url=form.url, instrument=form.instrument_name, rater=form.rater, items=frozenset(form.by_link_id))


def newest_forms(instruments: Iterable[Instrument]) -> dict[str, Form]:
    """Return every form by its canonical without version; of several versions the newest."""
    by_version = sorted(instruments, key=lambda each: [int(part) for part in each.version.split(".")])
    return {form.url: form for each in by_version for form in each.forms}


def covering(forms: Iterable[Form]) -> dict[str, frozenset[str]]:
    """Return, by the canonical of each form, those of the forms that answer it: itself and longer ones."""
    asked = [asked_form(form) for form in forms]
    return {one.url: frozenset(other.url for other in asked if other.covers(one)) for one in asked}


def _rule(ask: AskSettings, instrument: Callable[[str], Instrument]) -> Rule:
    visits = frozenset(ask.visits) or (frozenset({ask.every}) if ask.every else frozenset())
    when = Advice(visits=visits, then_every=ask.every, months=ask.months, after_flag=ask.after_flag)
    return Rule(form=asked_form(instrument(ask.instrument).form(Rater(ask.rater), ask.form)), when=when)


def _advised(usual: Instrument) -> Iterator[Rule]:
    """Yield a rule for each form that is advised; without any advice the patient's first form is for each visit."""
    for (rater, name), when in usual.advice.items():
        yield Rule(form=asked_form(usual.form(rater, name)), when=when)
    if not usual.advice:
        yield Rule(form=asked_form(usual.forms_of(Rater.PATIENT)[0]), when=_EACH_VISIT)
