"""Which form a response of others answers, and whether it does so as the form's definition has it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fhir_alliance.errors import AllianceError, InvalidResponse
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.records.foreign import check_response, check_response_shape
from fhir_alliance.records.harvested import rater_fault
from fhir_alliance.trajectory.series import read_time

RawResource = Mapping[str, Any]


class Refusal(AllianceError):
    """A response is not scored, for this reason (a plain code); `faults` say why, and hold no answers."""

    code = "harvest.refused"

    def __init__(self, reason: str, faults: Collection[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.faults = tuple(faults)


class Forms:
    """The forms of a site by their canonical URLs, in every version that was ever published."""

    def __init__(self, instruments: Collection[Instrument]) -> None:
        self._by_url: dict[str, dict[str, tuple[Instrument, Form]]] = {}
        for instrument in instruments:
            for form in instrument.forms:
                self._by_url.setdefault(form.url, {})[form.version] = (instrument, form)

    @property
    def canonicals(self) -> Iterator[str]:
        """What a response may name: servers differ in whether a URL alone finds what is pinned to a version."""
        for url, versions in self._by_url.items():
            yield url
            yield from (f"{url}|{version}" for version in versions)

    def __contains__(self, response: RawResource) -> bool:
        """Whether a response is to one of these forms, whatever its version."""
        return _named(response)[0] in self._by_url

    def read(self, response: RawResource) -> tuple[Instrument, Form]:
        """Return the form that a response answers rightly, with its instrument.

        Without a version it is only known while there is no other. Raises Refusal: "which-version", "unknown-version",
        "invalid" or "another-rater".
        """
        url, version = _named(response)
        versions = self._by_url[url]
        if not version and len(versions) > 1:
            raise Refusal("which-version", ["questionnaire: names no version, and there are several"])
        found = versions.get(version) if version else next(iter(versions.values()))
        if found is None:
            raise Refusal("unknown-version", ["questionnaire: no such version is installed"])
        try:
            check_response_shape(response)
            check_response(response, *found)
        except InvalidResponse as error:
            raise Refusal("invalid", error.faults) from None
        if read_time(response["authored"]) is None:
            raise Refusal("invalid", ["authored: says no time of day"])
        if fault := rater_fault(response, found[1]):
            raise Refusal("another-rater", [fault])
        return found


def _named(response: RawResource) -> tuple[str, str]:
    url, _, version = str(response.get("questionnaire")).partition("|")
    return url, version
