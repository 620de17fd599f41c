"""A site's own words: which version each pack is for, and what keeps a pack from being used."""

from collections import Counter
from collections.abc import Collection, Sequence
from importlib.resources.abc import Traversable

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.consistency import wording_faults
from fhir_alliance.instruments.loading import Loaded, load
from fhir_alliance.instruments.source import entries
from fhir_alliance.instruments.wording_schema import PackSchema


def read_packs(folder: Traversable) -> tuple[list[Loaded], list[str]]:
    """Return the packs of a site's folder, and the faults of those that cannot be read."""
    packs: list[Loaded] = []
    faults: list[str] = []
    for name, file in entries(folder.name, folder, faults).items():
        if not name.endswith(".yaml"):
            continue
        try:
            pack = load(PackSchema(), f"{folder.name}/{name}", file)
        except InvalidDefinition as error:
            faults += error.faults
        else:
            packs.append(pack)
    return packs, faults


def usable_packs(packs: Sequence[Loaded], definitions: Sequence[Loaded]) -> tuple[list[Loaded], list[str]]:
    """Return the packs that fit the version they name, and the faults of the others.

    Two packs in one language for one version are both left out: nobody could tell which of them a patient was shown.
    """
    installed = {each.key: each for each in definitions}
    times = Counter(_place(pack) for pack in packs)
    used: list[Loaded] = []
    faults: list[str] = []
    for pack in packs:
        found = _name_faults(pack) or _version_faults(pack, installed)
        if not found and times[_place(pack)] > 1:
            found = [pack.fault(("language",), "another pack has the words of this version in this language")]
        if not found:
            found = pack.faults(wording_faults(installed[pack.key].values, pack.values))
        faults += found
        used += [] if found else [pack]
    return used, faults


def _place(pack: Loaded) -> tuple[str, str, str]:
    return *pack.key, pack.values["language"]


def _name_faults(pack: Loaded) -> list[str]:
    instrument, version, language = _place(pack)
    names = f"{instrument}.{language}.yaml", f"{instrument}.{version}.{language}.yaml"
    if pack.source.name.rpartition("/")[2] in names:
        return []
    return [pack.fault((), f"from what it says, its name has to be {' or '.join(names)}")]


def _version_faults(pack: Loaded, installed: Collection[tuple[str, str]]) -> list[str]:
    name, version = pack.key
    versions = sorted(known for instrument, known in installed if instrument == name)
    if not versions:
        return [pack.fault(("instrument",), f"{name} is not installed")]
    if version not in versions:
        return [pack.fault(("version",), f"{version} is not installed; installed are: {', '.join(versions)}")]
    return []
