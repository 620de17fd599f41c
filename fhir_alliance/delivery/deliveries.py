"""Which way a leased submission takes into the chart: by its rung, and by whether it corrects what is there."""

from collections.abc import Sequence

import orjson

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.corrections import CorrectionDelivery
from fhir_alliance.delivery.filed import FiledDelivery, FiledWithdrawal, page_of
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.note_corrections import NoteCorrection
from fhir_alliance.delivery.notes import NoteDelivery
from fhir_alliance.delivery.pieces import PieceDelivery
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.delivery.scores import ScoreDelivery
from fhir_alliance.delivery.steps import Delivery
from fhir_alliance.delivery.striking import StrikingDelivery
from fhir_alliance.delivery.versions import Version
from fhir_alliance.settings import Rung

AnyDelivery = (
    Delivery | PieceDelivery | NoteDelivery | FiledDelivery | CorrectionDelivery | StrikingDelivery | ScoreDelivery
)
"""The steps for one leased submission: `run` makes them."""


def delivery_of(
    queue: Queue,
    keeping: Keeping,
    item: Item,
    written: Sequence[Version],
    chart: ChartAccess,
    *,
    unsettled: Sequence[Version] = (),
) -> AnyDelivery:
    """Return the steps for an item; `written` are the versions of its form that the chart has taken before it.

    `unsettled` are those that a withdrawal takes back although nobody knows what of them is in the chart.
    """
    client, base, sender = chart.client, chart.fhir_base, chart.sender
    if item.harvested_version is not None:
        return ScoreDelivery(queue, client, item, sender, fhir_base=base, may_tell_provenance=chart.tells)
    sent = [*written, *unsettled]
    if item.rung is Rung.DOCUMENT:
        return _filed(queue, item, sent, chart, unsettled=bool(unsettled))
    if item.rung is Rung.NOTE and sent:
        bundle = orjson.dumps(sent[-1].bundle)
        return NoteCorrection(queue, keeping, item, bundle, chart, unsettled=unsettled)
    if item.rung is Rung.NOTE:
        return NoteDelivery(queue, keeping, client, item, queue.bundle(item), sender, fhir_base=base)
    if unsettled:
        return StrikingDelivery(queue, item, sent, chart)
    if written:
        return CorrectionDelivery(queue, item, written, chart)
    if item.rung is not Rung.OBSERVATIONS:
        return PieceDelivery(queue, client, item, sender, fhir_base=base)
    return Delivery(queue, client, item, sender, fhir_base=base, may_tell_provenance=chart.tells)


def _filed(queue: Queue, item: Item, sent: Sequence[Version], chart: ChartAccess, *, unsettled: bool) -> FiledDelivery:
    if sent:
        return FiledWithdrawal(queue, item, sent[-1], chart, unsettled=unsettled)
    ours = page_of(queue, item)
    return FiledDelivery(queue, chart.client, item, chart.sender, fhir_base=chart.fhir_base, ours=ours)


def unsettled_by(queue: Queue, item: Item) -> Sequence[Version]:
    """Return what an item takes back without waiting for a person to settle it."""
    if item.kind is not Kind.WITHDRAWAL:
        return ()
    return queue.versions.unsettled_before(item.form_key, item.version)
