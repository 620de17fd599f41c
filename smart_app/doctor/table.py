"""The table of doctor, at most 100 columns wide: what an EHR states and grants, and what follows for the site."""

from collections.abc import Iterator
from typing import Final

from fhir_alliance.ehr.capabilities import CLOCK, S256, TREND, conditional
from fhir_alliance.ehr.outlook import CLIENTS, Granted, Outlook, outlooks
from fhir_alliance.ehr.rungs import highest_rung, lacking
from fhir_alliance.settings import EhrSettings, Rung
from smart_app.doctor.filing import filing
from smart_app.doctor.job_table import job_table
from smart_app.doctor.lines import wrapped
from smart_app.doctor.place import place

CAVEAT: Final = (
    "This is what the EHR says of itself. It may allow more or less: only a real write confirms it (E01), which is "
    "what --write-probe is for."
)
_SIGN_IN: Final = (
    (
        "launch-ehr",
        "launch from the chart",
        "people can open the app so",
        "people may not be able to open it so",
        "S08",
    ),
    ("launch-standalone", "launch from outside", "people can open the app so", "nor from the portal, maybe", "S08"),
    (S256, "PKCE with S256", "launches are protected", "launches are refused by this app", "S05"),
    (CLOCK, "clock as ours", "signed proofs are in time", "signed proofs are refused; set the clock right", "S44"),
    ("client-confidential-asymmetric", "client with a key", "can be registered so", "register another kind", "S03"),
    ("client-confidential-symmetric", "client with a secret", "can be registered so", "register another kind", "S03"),
    ("client-public", "public client", "can be registered so", "needs a key or secret", "S03"),
    ("permission-v1", "scopes v1", "can be asked for", "may not be understood", "S08"),
    ("permission-v2", "scopes v2", "can be asked for", "may not be understood", "S08"),
    ("QuestionnaireResponse read", "answers by id", "can be read back", "cannot be read back", "E03"),
    ("QuestionnaireResponse search-type", "answers by search", "can be found again", "cannot be found again", "E03"),
    (TREND, "results by patient and category", "the trend is read from the chart", "the trend may have gaps", "E01"),
    (
        conditional("Observation"),
        "conditional create",
        "the EHR knows a repeat",
        "the app looks before a repeat",
        "E01",
    ),
)
_LET_THROUGH: Final = "let through by without_s256; S256 is still sent"
_RUNGS: Final = {
    Rung.OBSERVATIONS: "It says that it takes forms with their answers, and every score as a result.",
    Rung.FLOWSHEET: "It says that it takes single results, but not forms with their answers as a whole.",
    Rung.NOTE: "It says that it takes notes, but no results. Scores go into one note for each visit, in words.",
    Rung.HOLD: "It does not say that it takes results. Answers and scores are kept by this app, and shown by it.",
}

_TO_ATTEST: Final = (
    "    [ehr.{name}.readers]",
    '    patient_portal = "shown"     # or "hidden": does the portal show survey results to patients?',
    '    proxies = "shown"            # or "hidden": and to parents and others who use it for them?',
    '    chart_readers = "everyone"   # or "care-team": who in the house can read them in a chart?',
    '    attested_by = "..."          # who has looked',
    "    attested_on = 2026-01-31     # and when",
)


def table(ehr: EhrSettings, facts: frozenset[str], granted: Granted) -> Iterator[str]:
    """Yield the lines of the table, then which rung fits, and who else reads it, in words for an administrator."""
    yield f"{'SIGNING IN AND READING':<35}EHR  WHAT FOLLOWS"
    for fact, what, able, unable, spec in _SIGN_IN:
        follows = able if fact in facts else _LET_THROUGH if fact == S256 and ehr.without_s256 else unable
        yield f"{what:<35}{_yes(fact in facts):<5}{follows} ({spec})"
    for line in place(ehr):
        yield from wrapped(line)
    yield ""
    heads = "".join(f"{client.upper():<11}" for client in CLIENTS)
    yield f"{'WRITING, rung ' + ehr.write.rung:<35}EHR  {heads}WHAT THE APP DOES"
    for outlook in outlooks(ehr.write, facts, granted):
        yield from _outlook(outlook)
    yield ""
    yield from wrapped("BACKEND, CLINICIAN and PATIENT: may that client create it, by the scopes it was granted?")
    yield "?: not known until somebody signs in, or the client was refused.   -: no such client is registered."
    yield ""
    yield from filing(ehr, facts, granted.get("clinician"))
    yield from job_table(ehr, granted.get("backend"))
    yield from suggestion(ehr, facts)
    yield from wrapped(CAVEAT)
    yield ""
    yield from attestation(ehr)


def suggestion(ehr: EhrSettings, facts: frozenset[str]) -> Iterator[str]:
    """Yield the rung that fits an EHR, and what is wrong with the one that the site has chosen."""
    best, chosen = highest_rung(facts), ehr.write.rung
    yield f'For this EHR: rung = "{best}".'
    yield from wrapped(_RUNGS[best])
    if missing := lacking(chosen, facts):
        yield from wrapped(
            f'alliance.toml says rung = "{chosen}", which needs {", ".join(missing)}. Forms are still accepted; each '
            "is tried, and when the EHR refuses it, held here with the reason. Nothing is lost."
        )
    elif chosen is not best:
        yield from wrapped(f'alliance.toml says rung = "{chosen}", which writes less than this EHR says it takes.')


def attestation(ehr: EhrSettings) -> Iterator[str]:
    """Yield what the site attests of other readers, or ask for it: patients are told what it says (P1)."""
    if readers := ehr.readers:
        yield from wrapped(
            f"Attested by {readers.attested_by} on {readers.attested_on}: survey results are {readers.patient_portal} "
            f"in the portal, {readers.proxies} to proxies, and in the chart for {readers.chart_readers}."
        )
        return
    yield from wrapped(
        "Nobody has attested who else sees survey results at this EHR. Until somebody does, patients are told that "
        "everyone who can open their chart, and family members with their portal, may see them (P1). Please ask the "
        "EHR's administrator, and write into alliance.toml:"
    )
    yield from (line.format(name=ehr.name) for line in _TO_ATTEST)


def _outlook(outlook: Outlook) -> Iterator[str]:
    answers = "".join(f"{answer:<11}" for answer in outlook.granted.values())
    yield f"{outlook.what:<35}{_yes(outlook.stated):<5}{answers}{outlook.way}"
    yield from wrapped(f"Clinicians see {outlook.seen}. Why: {outlook.why} ({outlook.spec}).", indent="    ")


def _yes(stated: bool) -> str:
    return "yes" if stated else "no"
