"""Figures for a monitoring system, as Prometheus reads them: counts, no patients, behind the site's token."""

import hmac
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final, get_args

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from fhir_alliance.delivery.backlog import LEVELS
from fhir_alliance.delivery.figures import Counts, Figures, read_figures
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.breaker import Availability
from fhir_alliance.ehr.breaker import State as BreakerState
from fhir_alliance.settings import metrics_token
from smart_app.web.failures import NotFound
from smart_app.web.services import services

bp = Blueprint("metrics", __name__)

_PREFIX: Final = "fhir_alliance_"
_SCHEME: Final = "Bearer "


@bp.get("/metrics")
def figures() -> ResponseReturnValue:
    """Return the figures; to anybody without the token the page does not exist."""
    token = metrics_token(services().settings.operations)
    shown = request.headers.get("Authorization", "")
    if token is None or not hmac.compare_digest(shown.encode(), f"{_SCHEME}{token}".encode()):
        raise NotFound("no token")
    registry = CollectorRegistry()
    now = services().clock()
    found = read_figures(services().engine, now)
    breakers = services().registry.availability()
    registry.register(_Families(found, ehrs=services().settings.ehrs, breakers=breakers, now=now))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Families(Collector):
    """The figures as metric families; an EHR for which nothing has happened yet has zeros."""

    def __init__(
        self, found: Figures, *, ehrs: Collection[str], breakers: Mapping[str, Availability], now: datetime
    ) -> None:
        self._found = found
        self._ehrs = sorted({*ehrs, *(ehr for ehr, _ in found.states)})
        self._breakers = breakers
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield each family."""
        found = self._found
        yield self._by("submissions", "Accepted forms by where they are now.", "state", found.states, [*State])
        yield self._by("waiting", "Forms not in the chart that should be, by reason.", "reason", found.reasons)
        yield self._by("backlog_alarms", "Whether forms wait for longer than this.", "level", found.alarms, LEVELS)
        oldest = GaugeMetricFamily(f"{_PREFIX}oldest_waiting_seconds", "Age of what waits longest.", labels=["ehr"])
        for ehr in self._ehrs:
            oldest.add_metric([ehr], (self._now - found.oldest.get(ehr, self._now)).total_seconds())
        yield oldest
        states = {
            (ehr, state): int(each.state == state)
            for ehr, each in self._breakers.items()
            for state in get_args(BreakerState)
        }
        yield self._by("breaker", "Whether this process leaves an EHR alone: open, trying or closed.", "state", states)
        yield self._by("harvest_refused", "Versions of others' responses not scored.", "reason", found.refused)
        yield self._by("tasks", "Tasks in the EHR of what is asked, by where they stand.", "state", found.tasks)
        yield self._by("topics", "Subscriptions to visits by state.", "state", found.topics)
        accepted = {ehr: sum(count for (name, _), count in found.states.items() if name == ehr) for ehr in self._ehrs}
        delivered = {ehr: found.states.get((ehr, State.DELIVERED), 0) for ehr in self._ehrs}
        yield self._total("accepted", "Forms accepted.", accepted)
        yield self._total("delivered", "Forms read back from the chart.", delivered)
        sends = CounterMetricFamily(f"{_PREFIX}sends", "Writes to an EHR by outcome.", labels=["ehr", "outcome"])
        for ehr in self._ehrs:
            for outcome in Outcome:
                sends.add_metric([ehr, outcome], found.outcomes.get((ehr, outcome), 0))
        yield sends

    def _by(self, name: str, words: str, label: str, counts: Counts, known: Collection[str] = ()) -> Metric:
        family = GaugeMetricFamily(f"{_PREFIX}{name}", words, labels=["ehr", label])
        zeros = dict.fromkeys(((ehr, each) for ehr in self._ehrs for each in known), 0)
        for labels, count in sorted({**zeros, **counts}.items()):
            family.add_metric(labels, count)
        return family

    def _total(self, name: str, words: str, counts: dict[str, int]) -> Metric:
        family = CounterMetricFamily(f"{_PREFIX}{name}", words, labels=["ehr"])
        for ehr, count in counts.items():
            family.add_metric([ehr], count)
        return family
