"""The part of doctor's table on cards in the chart: who may ask for them, and what to register at the EHR (C01-C09)."""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_alliance.cards.asking import Hook
from fhir_alliance.errors import EhrError, InvalidSettings
from fhir_alliance.readers.keys import ReaderKeys
from fhir_alliance.settings import CdsSettings, EhrSettings
from smart_app.doctor.lines import wrapped


@dataclass(frozen=True, kw_only=True)
class CardKeys:
    """Whether the keys that an EHR signs its calls with can be read now, and why not or how many."""

    readable: bool
    words: str


def read_card_keys(ehr: EhrSettings) -> CardKeys | None:
    """Read the keys from their file or their address, through the door; None where no cards are asked for."""
    if ehr.cds is None:
        return None
    try:
        count = len(ReaderKeys({ehr.name: ehr.cds}).of(ehr.cds, "").keys)
    except (EhrError, InvalidSettings) as error:
        return CardKeys(readable=False, words=f"every call is refused: {error.detail}")
    return CardKeys(readable=True, words=f"{count} public keys")


def card_table(ehr: EhrSettings, public_url: str, keys: CardKeys | None) -> Iterator[str]:
    """Yield the lines, at most 100 columns wide; `keys` is None when they were not asked for."""
    yield f"{'CARDS IN THE CHART, CDS Hooks':<35}SET  WHAT FOLLOWS"
    if ehr.cds is None:
        no = f"nobody there gets cards; [ehr.{ehr.name}.cds] in alliance.toml switches them on (C07)"
        yield from _row("who asks", "no", no)
        return
    yield from _row("who asks", "yes", f"calls signed by {ehr.cds.issuer} are answered, each once (C07)")
    source = ehr.cds.jwks_uri or f"the file {ehr.cds.jwks_file.name if ehr.cds.jwks_file else ''}"
    mark = "?" if keys is None else "yes" if keys.readable else "no"
    yield from _row("its keys", mark, f"{'not asked now' if keys is None else keys.words}, from {source} (C07)")
    yield from _row("audience", *_audience(ehr.cds))
    for hook in Hook:
        yield from _row(hook, "yes", f"register {public_url}/cds-services/{hook} at the EHR (C01, C02)")
    yield from _row("link of a card", *_link(ehr, public_url))
    yield from _row("visits are looked for", *_visits(ehr))


def _audience(cds: CdsSettings) -> tuple[str, str]:
    if cds.audience is None:
        return "no", "aud of each call has to be the exact address that it is sent to (C07)"
    return "yes", f"aud of each call has to be {cds.audience} (C07)"


def _link(ehr: EhrSettings, public_url: str) -> tuple[str, str]:
    if ehr.clinician is None:
        return "no", f"no clinician can open what a card is about: [ehr.{ehr.name}.clinician] is missing (C04)"
    return "yes", f"{public_url}/launch has to be the launch address at the EHR; it opens the form that is due (C04)"


def _visits(ehr: EhrSettings) -> tuple[str, str]:
    if ehr.visits is None:
        return "no", f"what is due is known from launches only; [ehr.{ehr.name}.visits] looks for visits (C09)"
    return "yes", "a card says what is due before anybody has opened the app (C09)"


def _row(what: str, mark: str, follows: str) -> list[str]:
    head = f"{what:<35}{mark:<5}"
    return wrapped(follows, first=head, indent=" " * len(head))
