"""Wording packs as sites have them, with words of our own in place of licensed ones: only their shape matters."""

_WAI_SR = """\
instrument: wai-sr
version: 1.0.0
language: en
provenance: {author: A licensed site, method: original}
copyright: "© the holder, used with permission"
anchors: {minimum: seldom, maximum: always}
sections: {all: Our work}
forms: {all: whole form}
raters: {patient: patient}
instructions: {patient: Choose one.}
options: {"1": seldom, "2": sometimes, "3": fairly often, "4": very often, "5": always}
licence:
  holder: The holder
  reference: Letter 17
  expires: EXPIRES
  modes: [screen]
  item_text_in_ehr: IN_EHR
items:
""" + "".join(f'  "{number}": {{patient: Placeholder {number}}}\n' for number in range(1, 13))

_WAI_B3_IN_GERMAN = """\
instrument: wai-b3
version: 1.0.0
language: de
provenance: {author: A licensed site, method: original}
copyright: "© die Inhaber"
anchors: {minimum: selten, maximum: immer}
sections: {all: Heute}
forms: {all: ganz}
raters: {patient: Patient, therapist: Therapeutin}
instructions: {patient: Bitte wählen., therapist: Bitte wählen.}
items:
  "9": {patient: Eins, therapist: Eins}
  "10": {patient: Zwei, therapist: Zwei}
  "11": {patient: Drei, therapist: Drei}
licence: {holder: die Inhaber, reference: Brief 3, modes: [screen], item_text_in_ehr: true}
"""


def wai_sr(*, expires: str = "2099-12-31", in_ehr: bool = False) -> str:
    """Return a pack for the WAI-SR with a licence to its last day, whose words may go into the EHR or not."""
    return _WAI_SR.replace("EXPIRES", expires).replace("IN_EHR", str(in_ehr).lower())


def wai_b3_in_german() -> str:
    """Return a pack for an instrument that a site has in German only."""
    return _WAI_B3_IN_GERMAN
